#include "app/marker_list_dialog.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr qsizetype kDroppedShown = 8;

QString wordsAsText(const MarkerSet& set) {
    // The file form without its head: comments are for files.
    const QStringList lines = QString::fromStdString(formatMarkerSet(set)).split(QLatin1Char('\n'));
    QStringList words;
    for (const QString& line : lines) {
        if (!line.isEmpty() && !line.startsWith(QLatin1Char('#'))) words.append(line);
    }
    return words.join(QLatin1Char('\n'));
}

}  // namespace

MarkerListDialog::MarkerListDialog(const MarkerSet& set, Hooks hooks, QWidget* parent)
    : QDialog(parent),
      hooks_(std::move(hooks)),
      note_(QString::fromStdString(set.note)),
      name_(new QLineEdit(QString::fromStdString(set.name), this)),
      words_(new QPlainTextEdit(wordsAsText(set), this)),
      verdict_(new QLabel(this)),
      buttons_(new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this)) {
    setWindowTitle(tr("Marker list"));
    setObjectName(QStringLiteral("markerListDialog"));
    auto* column = new QVBoxLayout(this);
    auto* form = new QFormLayout;
    form->addRow(tr("&Name"), name_);
    column->addLayout(form);
    column->addWidget(makeCaption(tr("One entry a line, upper and lower case as written. _ in front stands for a "
                                     "leading space: “_wait” is the word "
                                     "inside a sentence, “Wait” the word at its start. # begins a comment."),
                                  this));
    words_->setAccessibleName(tr("Entries of the list"));
    useFont(words_, FontRole::Mono);
    column->addWidget(words_, 1);
    verdict_->setWordWrap(true);
    verdict_->setAccessibleName(tr("Which entries are single tokens"));
    useFont(verdict_, FontRole::Small);
    column->addWidget(verdict_);
    column->addWidget(buttons_);
    connect(words_, &QPlainTextEdit::textChanged, this, &MarkerListDialog::review);
    connect(name_, &QLineEdit::textChanged, this, &MarkerListDialog::review);
    connect(buttons_, &QDialogButtonBox::accepted, this, &MarkerListDialog::accept);
    connect(buttons_, &QDialogButtonBox::rejected, this, &QDialog::reject);
    resize(Theme::instance().em(26), Theme::instance().em(30));
    review();
}

Result<MarkerSet> MarkerListDialog::read() const {
    auto set = parseMarkerSet(words_->toPlainText().toStdString(), {});
    if (!set) return set;
    set->name = name_->text().trimmed().toStdString();
    set->note = note_.toStdString();
    return set;
}

void MarkerListDialog::review() {
    const auto set = read();
    buttons_->button(QDialogButtonBox::Save)->setEnabled(set.has_value() && !set->words.empty() && !set->name.empty());
    if (!set) {
        verdict_->setText(QString::fromStdString(set.error().line()));
        return;
    }
    QString text = set->words.size() == 1 ? tr("1 entry") : tr("%L1 entries").arg(set->words.size());
    if (hooks_.resolve) {
        const ResolvedMarkers resolved = hooks_.resolve(*set);
        text += tr(", of which single tokens of the open model: %L1").arg(resolved.entries.size());
        if (!resolved.dropped.empty()) {
            QStringList dropped;
            for (const std::string& reason : resolved.dropped) {
                if (dropped.size() == kDroppedShown) break;
                dropped.append(QString::fromStdString(reason).trimmed());
            }
            const auto more = static_cast<qsizetype>(resolved.dropped.size()) - dropped.size();
            text += tr(". Dropped: %1").arg(dropped.join(QStringLiteral("; ")));
            if (more > 0) text += tr(" and %L1 more").arg(more);
        }
    }
    verdict_->setText(text);
}

void MarkerListDialog::accept() {
    const auto set = read();
    const Result<void> done = set ? hooks_.save(*set) : Result<void>(tl::unexpected(set.error()));
    if (!done) {
        verdict_->setText(QString::fromStdString(done.error().line()));
        return;
    }
    emit saved(QString::fromStdString(set->name));
    QDialog::accept();
}

}  // namespace quibble
