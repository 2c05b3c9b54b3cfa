#include "views/widgets.h"

#include <algorithm>

#include <QEvent>
#include <QPainter>
#include <QScreen>
#include <QScrollArea>
#include <QStyle>

#include "views/text_shaping.h"
#include "views/theme.h"

namespace quibble {

QFont themeFont(FontRole role) {
    const Theme& theme = Theme::instance();
    switch (role) {
        case FontRole::Ui: return theme.uiFont();
        case FontRole::Small: return theme.smallFont();
        case FontRole::Title: return theme.titleFont();
        case FontRole::Mono: return theme.monoFont();
        case FontRole::MonoSmall: return theme.monoSmallFont();
    }
    return theme.uiFont();
}

void useFont(QWidget* widget, FontRole role) {
    widget->setFont(themeFont(role));
    QObject::connect(&Theme::instance(), &Theme::changed, widget, [widget, role] { widget->setFont(themeFont(role)); });
}

void useTextColour(QWidget* widget, TextRole role) {
    const auto apply = [widget, role] {
        const ThemeColors& colors = Theme::instance().colors();
        const QColor colour = role == TextRole::Muted    ? colors.muted
                              : role == TextRole::Marker ? colors.marker
                              : role == TextRole::Good   ? colors.good
                              : role == TextRole::Bad    ? colors.bad
                                                         : colors.text;
        QPalette palette = widget->palette();
        palette.setColor(QPalette::WindowText, colour);
        palette.setColor(QPalette::Text, colour);
        widget->setPalette(palette);
    };
    apply();
    QObject::connect(&Theme::instance(), &Theme::changed, widget, apply);
}

QLabel* makeCaption(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setWordWrap(true);
    useFont(label, FontRole::Small);
    useTextColour(label, TextRole::Muted);
    return label;
}

void wheelOnlyWithFocus(QWidget* field) {
    class Filter : public QObject {
    public:
        using QObject::QObject;
        bool eventFilter(QObject* watched, QEvent* event) override {
            if (event->type() != QEvent::Wheel || static_cast<QWidget*>(watched)->hasFocus()) return false;
            event->ignore();  // goes on to the parent
            return true;
        }
    };
    field->setFocusPolicy(Qt::StrongFocus);  // without: the wheel would give it the focus
    field->installEventFilter(new Filter(field));
}

QVBoxLayout* makeScrolledColumn(QWidget* panel, double top_margin, double gap) {
    const Theme& theme = Theme::instance();
    auto* outer = new QVBoxLayout(panel);
    outer->setContentsMargins(0, 0, 0, 0);
    auto* scroll = new QScrollArea(panel);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    outer->addWidget(scroll);
    auto* body = new QWidget(scroll);
    body->setObjectName(QStringLiteral("cardBody"));
    scroll->setWidget(body);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(theme.em(0.6), theme.em(top_margin), theme.em(0.6), theme.em(0.6));
    column->setSpacing(theme.em(gap));
    return column;
}

QToolButton* makeFlatButton(const QString& icon, const QString& name, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setProperty("flat", true);
    button->setToolTip(name);
    button->setAccessibleName(name);
    button->setFocusPolicy(Qt::StrongFocus);
    const auto apply = [button, icon] {
        const Theme& theme = Theme::instance();
        button->setIcon(theme.icon(icon, theme.colors().muted));
        button->setIconSize(QSize(theme.em(0.95), theme.em(0.95)));
    };
    apply();
    QObject::connect(&Theme::instance(), &Theme::changed, button, apply);
    return button;
}

QRect movedInto(QRect rect, const QRect& room) {
    rect.setSize(rect.size().boundedTo(room.size()));
    const auto inside = [](int at, int low, int high) { return std::max(low, std::min(at, high)); };
    rect.moveTo(inside(rect.left(), room.left(), room.right() - rect.width() + 1),
                inside(rect.top(), room.top(), room.bottom() - rect.height() + 1));
    return rect;
}

void fitContent(QWidget* popup) {
    QLayout* layout = popup->layout();
    if (layout == nullptr) return popup->adjustSize();
    popup->ensurePolished();
    layout->activate();
    QSize size = layout->totalSizeHint();
    if (layout->hasHeightForWidth()) size.setHeight(layout->totalHeightForWidth(size.width()));
    popup->resize(size);
}

void popUpAt(QWidget* popup, const QWidget* anchor) {
    constexpr int kGap = 3;
    const QWidget* window = anchor->window();
    const QRect room = window->screen()->availableGeometry();
    QRect place(QPoint(), popup->size());
    if (anchor->isVisible() && !anchor->visibleRegion().isEmpty()) {
        const QRect at(anchor->mapToGlobal(QPoint()), anchor->size());
        const int below = room.bottom() - at.bottom() - kGap, above = at.top() - room.top() - kGap;
        const bool fits = place.height() <= below || below >= above;
        place.moveTo(at.left(), fits ? at.bottom() + 1 + kGap : at.top() - kGap - place.height());
    } else {
        place.moveTo(window->mapToGlobal(QPoint((window->width() - place.width()) / 2, Theme::instance().em(3))));
    }
    popup->setGeometry(movedInto(place, room));
    popup->show();
}

void setLeastLines(QWidget* widget, double lines) {
    const auto apply = [widget, lines] { widget->setMinimumHeight(Theme::instance().em(lines)); };
    apply();
    QObject::connect(&Theme::instance(), &Theme::changed, widget, apply);
}

void makePrimary(QAbstractButton* button) {
    button->setProperty("primary", true);
    button->style()->unpolish(button);  // a dialog may have styled it already
    button->style()->polish(button);
}

ElidingLabel::ElidingLabel(QWidget* parent, Qt::TextElideMode mode) : QLabel(parent), mode_(mode) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Preferred);
    setTextFormat(Qt::PlainText);
}

void ElidingLabel::setFullText(const QString& text) {
    if (text == full_) return;
    full_ = text;
    setText(text);
    updateGeometry();
    update();
}

void ElidingLabel::setElideMode(Qt::TextElideMode mode) {
    mode_ = mode;
    update();
}

void ElidingLabel::setTip(const QString& tip) {
    tip_ = tip;
    update();
}

QSize ElidingLabel::sizeHint() const {
    return QSize(fontMetrics().horizontalAdvance(full_) + 2, fontMetrics().height()).grownBy(contentsMargins());
}

QSize ElidingLabel::minimumSizeHint() const {
    return QSize(fontMetrics().horizontalAdvance(QStringLiteral("…")), fontMetrics().height())
        .grownBy(contentsMargins());
}

void ElidingLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setFont(asItIs(font(), full_));
    const QString shown = painter.fontMetrics().elidedText(full_, mode_, contentsRect().width());
    const QString whole = shown == full_ ? QString() : full_;
    const QString tip = whole.isEmpty() || tip_.isEmpty() ? whole + tip_ : whole + QLatin1Char('\n') + tip_;
    if (toolTip() != tip) setToolTip(tip);
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(contentsRect(), static_cast<int>(alignment() | Qt::TextSingleLine), shown);
}

FlowLayout::FlowLayout(QWidget* parent, int gap) : QLayout(parent), gap_(gap) { setContentsMargins(0, 0, 0, 0); }

FlowLayout::~FlowLayout() {
    while (QLayoutItem* item = FlowLayout::takeAt(0)) delete item;
}

void FlowLayout::addItem(QLayoutItem* item) { items_.append(item); }

QLayoutItem* FlowLayout::itemAt(int index) const {
    return index >= 0 && index < items_.size() ? items_.at(index) : nullptr;
}

QLayoutItem* FlowLayout::takeAt(int index) {
    return index >= 0 && index < items_.size() ? items_.takeAt(index) : nullptr;
}

int FlowLayout::heightForWidth(int width) const { return arrange(QRect(0, 0, width, 0), false); }

QSize FlowLayout::minimumSize() const {
    QSize size;
    for (const QLayoutItem* item : items_) size = size.expandedTo(item->minimumSize());
    return size;
}

void FlowLayout::setGeometry(const QRect& rect) {
    QLayout::setGeometry(rect);
    arrange(rect, true);
}

int FlowLayout::arrange(const QRect& rect, bool apply) const {
    int x = rect.x(), y = rect.y(), row = 0;
    for (QLayoutItem* item : items_) {
        if (item->isEmpty()) continue;
        const QSize size = item->sizeHint();
        if (x > rect.x() && x + size.width() > rect.x() + rect.width()) {
            x = rect.x();
            y += row + gap_;
            row = 0;
        }
        if (apply) item->setGeometry(QRect(QPoint(x, y), size));
        x += size.width() + gap_;
        row = std::max(row, size.height());
    }
    return y + row - rect.y();
}

}  // namespace quibble
