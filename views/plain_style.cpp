#include "views/plain_style.h"

#include <QPainter>
#include <QStyleOptionViewItem>

#include "views/text_shaping.h"

namespace quibble {

static constexpr double kKerning =
    1.04;  // how much wider a text may be without kerning, which the layout did not reckon with

void PlainStyle::drawItemText(QPainter* painter, const QRect& rect, int flags, const QPalette& palette, bool enabled,
                              const QString& text, QPalette::ColorRole role) const {
    const QFont before = painter->font();
    painter->setFont(asItIs(before, text));
    QString shown = text;
    const bool one_line = (flags & Qt::TextWordWrap) == 0 && !text.contains(QLatin1Char('\n'));
    // Lines were counted with kerning. Where its loss would make one more, which nobody has room for, the text keeps
    // it.
    if (!one_line && painter->fontMetrics().boundingRect(rect, flags, text).height() > rect.height())
        painter->setFont(before);
    const QFontMetrics metrics = painter->fontMetrics();
    const int mnemonics = flags & (Qt::TextShowMnemonic | Qt::TextHideMnemonic);
    const int needed = one_line && rect.width() > 0 ? metrics.size(Qt::TextSingleLine | mnemonics, text).width() : 0;
    const double room = rect.width() * (painter->font() == before ? 1.0 : kKerning) + 1;
    if (needed > room)
        shown = metrics.elidedText(text, Qt::ElideRight, rect.width(), mnemonics);
    else if (needed > rect.width())
        flags |= Qt::TextDontClip;
    QProxyStyle::drawItemText(painter, rect, flags, palette, enabled, shown, role);
    painter->setFont(before);
}

void PlainStyle::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                             const QWidget* widget) const {
    const auto* item = element == CE_ItemViewItem ? qstyleoption_cast<const QStyleOptionViewItem*>(option) : nullptr;
    if (item == nullptr) return QProxyStyle::drawControl(element, option, painter, widget);
    QStyleOptionViewItem plain(*item);
    plain.font = asItIs(item->font, item->text);
    QProxyStyle::drawControl(element, &plain, painter, widget);
}

}  // namespace quibble
