#include "views/inspector/stages_page.h"

#include <QLabel>
#include <QVBoxLayout>

#include "views/inspector/more_rows.h"
#include "views/inspector/stages_model.h"
#include "views/inspector/stages_table.h"
#include "views/inspector/stages_text.h"
#include "views/measure.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

QString recomputedNote(const StageTable& table) {
    return StagesPage::tr("exact, recomputed: %1 ms")
        .arg(formatSignificant(static_cast<double>(table.spent_ns) * 1e-6, 2));
}

StagesPage::StagesPage(RunDocument* document, QWidget* parent)
    : QWidget(parent),
      table_(new StagesTable(document, this)),
      more_(new MoreRows(this)),
      sentence_(new QLabel(this)),
      folded_(makeCaption({}, this)),
      refusal_(makeCaption({}, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(Theme::instance().em(0.45));
    sentence_->setWordWrap(true);
    for (QLabel* label : {sentence_, folded_, refusal_}) label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(refusal_);
    column->addWidget(table_, 100);
    column->addWidget(more_);
    column->addWidget(sentence_);
    column->addWidget(folded_);
    column->addStretch(1);
    setFocusProxy(table_);
    setTable(nullptr);
}

void StagesPage::setTable(const std::shared_ptr<const StageTable>& table) {
    const bool there = table != nullptr;
    refusal_->hide();
    table_->setEnabled(true);
    table_->stages()->setTable(table);
    table_->setVisible(there);
    more_->setVisible(there);
    more_->setEnabled(true);
    if (there) {
        more_->setCounts(table->rows(), static_cast<int>(table->vocabulary));
        more_->setNote(recomputedNote(*table));
    }
    const QString folded = there ? foldedSentence(*table) : QString();
    sentence_->setText(there ? stagesSentence(*table) : QString());
    sentence_->setVisible(there);
    sentence_->setEnabled(true);
    folded_->setText(folded);
    folded_->setVisible(!folded.isEmpty());
    folded_->setEnabled(true);
}

void StagesPage::setRefusal(const QString& why) {
    setTable(nullptr);
    refusal_->setText(why);
    refusal_->show();
}

void StagesPage::setComputing() {
    if (table_->stages()->table() == nullptr) return setRefusal(tr("Computing the position…"));
    more_->setNote(tr("computing…"));
    for (QWidget* part : {static_cast<QWidget*>(table_), static_cast<QWidget*>(more_), static_cast<QWidget*>(sentence_),
                          static_cast<QWidget*>(folded_)})
        part->setEnabled(false);
}

QString StagesPage::sentence() const { return sentence_->text(); }
QString StagesPage::folded() const { return folded_->text(); }
QString StagesPage::refusal() const { return refusal_->isHidden() ? QString() : refusal_->text(); }

}  // namespace quibble
