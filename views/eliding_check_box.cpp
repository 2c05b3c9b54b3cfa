#include "views/eliding_check_box.h"

#include <algorithm>

#include <QStyleOptionButton>
#include <QStylePainter>

#include "views/theme.h"

namespace quibble {

namespace {

constexpr double kLeastBoxWidth = 5;  // em

}  // namespace

ElidingCheckBox::ElidingCheckBox(const QString& text, QWidget* parent) : QCheckBox(text, parent) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);  // by itself a check box does not shrink
}

QSize ElidingCheckBox::minimumSizeHint() const {
    const QSize whole = sizeHint();
    return {std::min(whole.width(), Theme::instance().em(kLeastBoxWidth)), whole.height()};
}

void ElidingCheckBox::paintEvent(QPaintEvent* /*event*/) {
    QStylePainter painter(this);
    QStyleOptionButton option;
    initStyleOption(&option);
    const int room = style()->subElementRect(QStyle::SE_CheckBoxContents, &option, this).width();
    if (width() < sizeHint().width()) option.text = fontMetrics().elidedText(text(), Qt::ElideRight, room);
    painter.drawControl(QStyle::CE_CheckBox, option);
}

}  // namespace quibble
