#include "views/eliding_button.h"

#include <algorithm>

#include <QStyleOptionToolButton>
#include <QStylePainter>

#include "views/theme.h"

namespace quibble {

namespace {

constexpr double kLeastWidth = 5;  // em

}  // namespace

ElidingButton::ElidingButton(QWidget* parent) : QToolButton(parent) {}

void ElidingButton::setFullText(const QString& text) {
    if (text == this->text()) return;
    setText(text);
    updateToolTip();
}

void ElidingButton::setHelp(const QString& help) {
    help_ = help;
    updateToolTip();
}

void ElidingButton::setWarning(const QString& warning) {
    warning_ = warning;
    updateToolTip();
}

QString ElidingButton::shownText() const {
    const QFontMetrics metrics = fontMetrics();
    const int wanted = sizeHint().width();
    if (width() >= wanted)
        return text();  // widths of texts are rounded: there is room although a pixel seems to be missing
    const int around = wanted - metrics.horizontalAdvance(text());
    return metrics.elidedText(text(), Qt::ElideMiddle, std::max(0, width() - around));
}

QSize ElidingButton::minimumSizeHint() const {
    const QSize whole = sizeHint();
    return {std::min(whole.width(), Theme::instance().em(kLeastWidth)), whole.height()};
}

void ElidingButton::paintEvent(QPaintEvent*) {
    QStylePainter painter(this);
    QStyleOptionToolButton option;
    initStyleOption(&option);
    option.text = shownText();
    painter.drawComplexControl(QStyle::CC_ToolButton, option);
}

void ElidingButton::resizeEvent(QResizeEvent* event) {
    QToolButton::resizeEvent(event);
    updateToolTip();
}

void ElidingButton::updateToolTip() {
    if (!warning_.isEmpty()) return setToolTip(warning_);
    const bool whole = shownText() == text();
    setToolTip(whole ? help_ : help_.isEmpty() ? text() : text() + QLatin1Char('\n') + help_);
}

}  // namespace quibble
