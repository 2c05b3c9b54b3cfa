#include "views/sessions/session_delegate.h"

#include <QPainter>
#include <QTreeView>

#include "views/sessions/session_model.h"
#include "views/theme.h"

namespace quibble {

namespace {

int dotSpace() { return Theme::instance().em(0.85); }
int padding() { return Theme::instance().em(0.3); }

}  // namespace

QSize SessionDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const {
    const Theme& theme = Theme::instance();
    const bool subtitle = !index.data(SessionModel::SubtitleRole).toString().isEmpty();
    const int height = QFontMetrics(theme.uiFont()).height() + (subtitle ? QFontMetrics(theme.smallFont()).height() : 0) + 2 * padding();
    return {theme.em(6), height};
}

void SessionDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = theme.colors();
    const bool session = index.data(SessionModel::IsSessionRole).toBool(), current = index.data(SessionModel::CurrentRole).toBool();
    const bool running = index.data(SessionModel::RunningRole).toBool();
    const bool selected = option.state & QStyle::State_Selected;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    const QRect area = option.rect.adjusted(0, 0, -theme.em(0.3), 0);
    if (selected || current || option.state & QStyle::State_MouseOver) {
        QColor back = colors.accent_soft;
        if (!selected && !current) back.setAlphaF(0.45F);
        painter->setPen(Qt::NoPen);
        painter->setBrush(back);
        painter->drawRoundedRect(area.adjusted(0, 1, 0, -1), 4, 4);
    }
    if (selected && option.state & QStyle::State_HasFocus) {
        painter->setPen(QPen(colors.accent, 1));
        painter->setBrush(Qt::NoBrush);
        painter->drawRoundedRect(QRectF(area).adjusted(0.5, 1.5, -0.5, -1.5), 4, 4);
    }
    QFont title = theme.uiFont();
    if (session || current) title.setWeight(QFont::DemiBold);
    const QFontMetrics title_metrics(title), small_metrics(theme.smallFont());
    int left = area.left() + padding();
    const int top = area.top() + padding();
    const QRectF mark(left, top + title_metrics.height() / 2.0 - theme.em(0.21), theme.em(0.42), theme.em(0.42));
    if (session) {
        // An arrow, since the tree itself draws none.
        const auto* tree = qobject_cast<const QTreeView*>(option.widget);
        const bool open = tree != nullptr && tree->isExpanded(index);
        if (index.model()->hasChildren(index)) {
            theme.icon(open ? QStringLiteral("down") : QStringLiteral("right"), colors.muted)
                .paint(painter, QRectF(left - theme.em(0.1), mark.top() - theme.em(0.1), theme.em(0.62), theme.em(0.62)).toAlignedRect());
        }
    } else {
        painter->setPen(QPen(running ? colors.good : colors.muted, 1.4));
        painter->setBrush(running ? QBrush(colors.good) : current ? QBrush(colors.text) : QBrush(Qt::NoBrush));
        painter->drawEllipse(mark);
    }
    left += dotSpace();
    const int width = area.right() - left - padding();
    painter->setFont(title);
    painter->setPen(colors.text);
    painter->drawText(QRect(left, top, width, title_metrics.height()), Qt::AlignVCenter | Qt::AlignLeft,
                      title_metrics.elidedText(index.data().toString(), Qt::ElideRight, width));
    painter->setFont(theme.smallFont());
    painter->setPen(colors.muted);
    painter->drawText(QRect(left, top + title_metrics.height(), width, small_metrics.height()), Qt::AlignVCenter | Qt::AlignLeft,
                      small_metrics.elidedText(index.data(SessionModel::SubtitleRole).toString(), Qt::ElideRight, width));
    painter->restore();
}

void SessionDelegate::updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option, const QModelIndex&) const {
    const int left = option.rect.left() + dotSpace();
    editor->setGeometry(left, option.rect.top(), option.rect.right() - left, std::max(editor->sizeHint().height(), option.rect.height() / 2));
}

}  // namespace quibble
