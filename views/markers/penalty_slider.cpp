#include "views/markers/penalty_slider.h"

#include <algorithm>

#include <QPainter>
#include <QStyle>
#include <QStyleOptionSlider>

#include "views/theme.h"

namespace quibble {

namespace {

// As the groove of the sheet (theme_sheet.cpp).
constexpr int kGroove = 4;
constexpr int kNotchWidth = 2, kNotchHeight = 10;

}  // namespace

PenaltySlider::PenaltySlider(int neutral, QWidget* parent) : QSlider(Qt::Horizontal, parent), neutral_(neutral) {
    setProperty("unfilled", true);  // the sheet fills from the left end
}

void PenaltySlider::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    QStyleOptionSlider option;
    initStyleOption(&option);
    const auto centre_at = [&](int value) {
        QStyleOptionSlider at = option;
        at.sliderPosition = at.sliderValue = value;
        return style()->subControlRect(QStyle::CC_Slider, &at, QStyle::SC_SliderHandle, this).center();
    };
    option.subControls = QStyle::SC_SliderGroove;
    style()->drawComplexControl(QStyle::CC_Slider, &option, &painter, this);
    const QPoint from = centre_at(neutral_), to = centre_at(sliderPosition());
    const ThemeColors& colors = Theme::instance().colors();
    const int left = std::min(from.x(), to.x()), right = std::max(from.x(), to.x());
    painter.fillRect(QRect(left, from.y() + 1 - kGroove / 2, right - left, kGroove),
                     isEnabled() ? colors.accent : colors.bar);
    painter.fillRect(QRect(from.x() - kNotchWidth / 2, from.y() + 1 - kNotchHeight / 2, kNotchWidth, kNotchHeight),
                     colors.muted);
    option.subControls = QStyle::SC_SliderHandle;
    style()->drawComplexControl(QStyle::CC_Slider, &option, &painter, this);
}

}  // namespace quibble
