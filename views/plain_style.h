// The style of the window: Fusion, but that labels, buttons and lists draw text as it is (see text_shaping.h), and that
// what does not fit ends in an ellipsis instead of inside a letter.
#pragma once

#include <QProxyStyle>

namespace quibble {

class PlainStyle : public QProxyStyle {
    Q_OBJECT
public:
    PlainStyle() : QProxyStyle(QStringLiteral("Fusion")) {}

    void drawItemText(QPainter* painter, const QRect& rect, int flags, const QPalette& palette, bool enabled,
                      const QString& text, QPalette::ColorRole role) const override;
    void drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override;
};

}  // namespace quibble
