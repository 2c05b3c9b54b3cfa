#include "app/set_summary_dialog.h"

#include <algorithm>

#include <QClipboard>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QGuiApplication>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr double kWidth = 38, kMostHeight = 40;                // em
constexpr double kMostFailureLines = 9, kLinesOfReason = 2.4;  // a reason is wrapped once

QLabel* selectable(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    return label;
}

}  // namespace

SetSummaryDialog::SetSummaryDialog(const SetSummary& summary, QWidget* parent) : QDialog(parent), summary_(summary) {
    setObjectName(QStringLiteral("setSummaryDialog"));
    setWindowTitle(tr("Problem set"));
    auto* column = new QVBoxLayout(this);
    column->addWidget(makeCaption(summary_.name, this));
    auto* headline = selectable(summary_.headline, this);
    useFont(headline, FontRole::Title);
    column->addWidget(headline);
    if (!summary_.state.isEmpty()) column->addWidget(makeCaption(summary_.state, this));
    QScrollArea* figures = makeFigures();
    column->addWidget(figures, 1);
    if (!summary_.failed.empty()) column->addWidget(makeFailures());
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    copy_ = buttons->addButton(tr("&Copy"), QDialogButtonBox::ActionRole);
    copy_->setToolTip(tr("The report as quibble-cli eval writes it"));
    column->addWidget(buttons);
    connect(copy_, &QPushButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(text()); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    buttons->button(QDialogButtonBox::Close)->setFocus();
    const int width = Theme::instance().em(kWidth);
    const QMargins around = column->contentsMargins();
    const int rows = figures->widget()->layout()->totalHeightForWidth(width - around.left() - around.right());
    const int wanted = column->totalHeightForWidth(width) - figures->sizeHint().height() + rows;
    resize(width, std::min({Theme::instance().em(kMostHeight), parent->height(), wanted}));
}

QString SetSummaryDialog::text() const { return summary_.name + QLatin1Char('\n') + summary_.report; }

// Scrolls, so that the buttons stay in reach where the screen is small or the text large.
QScrollArea* SetSummaryDialog::makeFigures() {
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* sheet = new QWidget(scroll);
    auto* form = new QFormLayout(sheet);
    form->setContentsMargins(0, Theme::instance().em(0.4), 0, 0);
    for (const auto& [name, value] : summary_.facts) {
        auto* caption = new QLabel(name, sheet);
        useTextColour(caption, TextRole::Muted);
        form->addRow(caption, selectable(value, sheet));
    }
    scroll->setWidget(sheet);
    return scroll;
}

QWidget* SetSummaryDialog::makeFailures() {
    QString reasons;
    for (const auto& [problem, reason] : summary_.failed)
        reasons += problem + QStringLiteral(": ") + reason + QLatin1Char('\n');
    auto* list = new QPlainTextEdit(reasons.trimmed(), this);
    list->setReadOnly(true);
    list->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    list->setTabChangesFocus(true);
    list->setAccessibleName(tr("Problems that could not be run"));
    const double lines = std::min(kMostFailureLines, kLinesOfReason * static_cast<double>(summary_.failed.size()) + 1);
    const auto fit = [list, lines] { list->setFixedHeight(Theme::instance().em(lines)); };
    fit();
    connect(&Theme::instance(), &Theme::changed, list, fit);
    return list;
}

}  // namespace quibble
