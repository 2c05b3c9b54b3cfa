#include "views/sessions/session_delegate.h"

#include <algorithm>

#include <QPainter>
#include <QTreeView>

#include "views/sessions/session_model.h"
#include "views/text_shaping.h"
#include "views/theme.h"

namespace quibble {

namespace {

int dotSpace() { return Theme::instance().em(0.85); }
int padding() { return Theme::instance().em(0.3); }

QString shownTitle(const QModelIndex& index, const QFontMetrics& metrics, int width) {
    QString title = index.data().toString();
    if (metrics.horizontalAdvance(title) <= width) return title;
    if (const int common = index.data(SessionModel::CommonRole).toInt(); common > 0)
        title = QStringLiteral("…") + title.mid(common);
    return metrics.elidedText(title, Qt::ElideRight, width);
}

struct SecondLine {
    QString left, right;
};

// The status stands whole at the right; what is left of the width is the subtitle's.
SecondLine secondLine(const QModelIndex& index, const QFontMetrics& metrics, int width) {
    const QString status = index.data(SessionModel::StatusRole).toString(),
                  subtitle = index.data(SessionModel::SubtitleRole).toString();
    if (status.isEmpty()) return {metrics.elidedText(subtitle, Qt::ElideRight, width), {}};
    const int room = width - metrics.horizontalAdvance(status) - Theme::instance().em(0.4);
    const QString left = metrics.elidedText(subtitle, Qt::ElideRight, std::max(0, room));
    return {left == QStringLiteral("…") ? QString() : left, metrics.elidedText(status, Qt::ElideLeft, width)};
}

}  // namespace

QSize SessionDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const {
    const Theme& theme = Theme::instance();
    const bool subtitle = !index.data(SessionModel::SubtitleRole).toString().isEmpty() ||
                          !index.data(SessionModel::StatusRole).toString().isEmpty();
    const int height = QFontMetrics(theme.uiFont()).height() +
                       (subtitle ? QFontMetrics(theme.smallFont()).height() : 0) + 2 * padding();
    return {theme.em(6), height};
}

void SessionDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = theme.colors();
    const bool session = index.data(SessionModel::IsSessionRole).toBool(),
               current = index.data(SessionModel::CurrentRole).toBool();
    const bool running = index.data(SessionModel::RunningRole).toBool();
    const bool selected = option.state & QStyle::State_Selected;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    const QRect area = option.rect.adjusted(0, 0, -theme.em(0.3), 0);
    // A background is the selection alone, which a key or a menu acts on; the run that the window shows has a full dot
    // and a bold title.
    if (selected || option.state & QStyle::State_MouseOver) {
        QColor back = colors.accent_soft;
        if (!selected) back.setAlphaF(0.45F);
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
                .paint(painter, QRectF(left - theme.em(0.1), mark.top() - theme.em(0.1), theme.em(0.62), theme.em(0.62))
                                    .toAlignedRect());
        }
    } else if (index.flags() & Qt::ItemIsEditable) {  // a run
        painter->setPen(QPen(running ? colors.good : colors.muted, 1.4));
        painter->setBrush(running ? QBrush(colors.good) : current ? QBrush(colors.text) : QBrush(Qt::NoBrush));
        painter->drawEllipse(mark);
    }
    left += dotSpace();
    const int width = area.right() - left - padding();
    // What a prompt says is shown as it is: some fonts make a product sign of "36 x 5".
    const QString shown = shownTitle(index, title_metrics, width);
    painter->setFont(asItIs(title, shown));
    painter->setPen(colors.text);
    painter->drawText(QRect(left, top, width, title_metrics.height()), Qt::AlignVCenter | Qt::AlignLeft, shown);
    painter->setFont(theme.smallFont());
    painter->setPen(colors.muted);
    const QRect line(left, top + title_metrics.height(), width, small_metrics.height());
    const SecondLine second = secondLine(index, small_metrics, width);
    painter->drawText(line, Qt::AlignVCenter | Qt::AlignLeft, second.left);
    painter->drawText(line, Qt::AlignVCenter | Qt::AlignRight, second.right);
    painter->restore();
}

void SessionDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const {
    constexpr const char* kFilled = "quibble_filled";
    if (editor->property(kFilled).toBool()) return;
    editor->setProperty(kFilled, true);
    QStyledItemDelegate::setEditorData(editor, index);
}

void SessionDelegate::updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                                           const QModelIndex&) const {
    const int left = option.rect.left() + dotSpace();
    editor->setGeometry(left, option.rect.top(), option.rect.right() - left,
                        std::max(editor->sizeHint().height(), option.rect.height() / 2));
}

}  // namespace quibble
