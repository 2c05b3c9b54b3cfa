#include "views/inspector/more_rows.h"

#include <algorithm>

#include "views/measure.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

MoreRows::MoreRows(QWidget* parent)
    : QWidget(parent),
      counts_(new QLabel(this)),
      more_(new QPushButton(this)),
      all_(new QPushButton(this)),
      note_(new QLabel(this)) {
    auto* row = new FlowLayout(this, Theme::instance().em(0.4));
    for (QLabel* label : {counts_, note_}) {
        useFont(label, FontRole::Small);
        useTextColour(label, TextRole::Muted);
    }
    for (QPushButton* button : {more_, all_}) useFont(button, FontRole::Small);
    const auto align = [this] {  // with the words of the buttons
        for (QLabel* label : {counts_, note_}) label->setMinimumHeight(more_->sizeHint().height());
    };
    align();
    connect(&Theme::instance(), &Theme::changed, this, align);
    row->addWidget(counts_);
    row->addWidget(more_);
    row->addWidget(all_);
    row->addWidget(note_);
    connect(more_, &QPushButton::clicked, this, [this] { emit wanted(std::min(of_, shown_ + kStep)); });
    connect(all_, &QPushButton::clicked, this, [this] { emit wanted(of_); });
}

void MoreRows::setCounts(int shown, int all) {
    shown_ = shown;
    of_ = all;
    const bool some = shown < all;
    counts_->setText(some ? tr("%L1 of %L2").arg(shown).arg(all) : tr("all %L1").arg(all));
    counts_->setVisible(all > 0);
    more_->setText(tr("Show %L1 more").arg(std::min(kStep, all - shown)));
    all_->setText(tr("All %L1").arg(all));
    more_->setVisible(some);
    all_->setVisible(some && all - shown > kStep);
    updateGeometry();
}

void MoreRows::setNote(const QString& note) {
    note_->setText(note);
    note_->setVisible(!note.isEmpty());
    updateGeometry();
}

QString MoreRows::note() const { return note_->text(); }

}  // namespace quibble
