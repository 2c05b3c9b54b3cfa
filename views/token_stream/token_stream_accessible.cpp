#include "views/token_stream/token_stream_accessible.h"

#include <QAccessible>
#include <QAccessibleWidget>

#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

namespace {

int toInt(qsizetype value) { return static_cast<int>(std::min<qsizetype>(value, std::numeric_limits<int>::max())); }

class TokenStreamAccessible : public QAccessibleWidget, public QAccessibleTextInterface {
public:
    explicit TokenStreamAccessible(QWidget* widget) : QAccessibleWidget(widget, QAccessible::EditableText) {}

    void* interface_cast(QAccessible::InterfaceType type) override {
        if (type == QAccessible::TextInterface) return static_cast<QAccessibleTextInterface*>(this);
        return QAccessibleWidget::interface_cast(type);
    }
    [[nodiscard]] QAccessible::State state() const override {
        QAccessible::State state = QAccessibleWidget::state();
        state.readOnly = true;
        state.multiLine = true;
        state.selectableText = true;
        return state;
    }
    [[nodiscard]] QString text(QAccessible::Text which) const override {
        if (which == QAccessible::Value) return pieces().text();
        return QAccessibleWidget::text(which);
    }

    void selection(int index, int* start, int* end) const override {
        const TokenRange range = view()->document()->selection();
        const bool exists = index == 0 && !range.empty();
        *start = exists ? toInt(pieces().begin(range.begin)) : 0;
        *end = exists ? toInt(pieces().begin(range.end)) : 0;
    }
    [[nodiscard]] int selectionCount() const override { return view()->document()->selection().empty() ? 0 : 1; }
    void addSelection(int start, int end) override { select(start, end); }
    void removeSelection(int) override { view()->document()->clearSelection(); }
    void setSelection(int, int start, int end) override { select(start, end); }

    [[nodiscard]] int cursorPosition() const override {
        const int current = view()->document()->current();
        return current < 0 ? 0 : toInt(pieces().begin(current));
    }
    void setCursorPosition(int position) override {
        if (const int token = pieces().tokenOfChar(position); token >= 0) view()->document()->selectToken(token);
    }
    [[nodiscard]] QString text(int start, int end) const override {
        return pieces().text().mid(start, std::max(0, end - start));
    }
    [[nodiscard]] int characterCount() const override { return toInt(pieces().text().size()); }
    [[nodiscard]] QRect characterRect(int offset) const override {
        const QRect rect = view()->tokenRect(pieces().tokenOfChar(offset));
        return rect.translated(view()->viewport()->mapToGlobal(QPoint(0, 0)));
    }
    [[nodiscard]] int offsetAtPoint(const QPoint& point) const override {
        const int token = view()->tokenAt(view()->viewport()->mapFromGlobal(point));
        return token < 0 ? -1 : toInt(pieces().begin(token));
    }
    void scrollToSubstring(int start, int) override { view()->scrollToToken(pieces().tokenOfChar(start)); }
    [[nodiscard]] QString attributes(int offset, int* start, int* end) const override {
        const int token = pieces().tokenOfChar(offset);
        *start = token < 0 ? offset : toInt(pieces().begin(token));
        *end = token < 0 ? offset : toInt(pieces().begin(token + 1));
        if (token < 0) return {};
        const TokenRecord& record = view()->document()->trace().points()[static_cast<std::size_t>(token)].token;
        return record.sampledMarker() ? QStringLiteral("text-underline-type:single;") : QString();
    }

private:
    [[nodiscard]] TokenStreamView* view() const { return static_cast<TokenStreamView*>(widget()); }
    [[nodiscard]] const TokenPieces& pieces() const { return view()->pieces(); }
    void select(int start, int end) {
        const int first = pieces().tokenOfChar(start), last = pieces().tokenOfChar(std::max(start, end - 1));
        if (first >= 0 && last >= first) view()->document()->setSelection({first, last + 1}, first);
    }
};

QAccessibleInterface* makeInterface(const QString&, QObject* object) {
    auto* view = qobject_cast<TokenStreamView*>(object);
    return view == nullptr ? nullptr : new TokenStreamAccessible(view);
}

}  // namespace

void installTokenStreamAccessibility() {
    static const bool kInstalled = [] {
        QAccessible::installFactory(makeInterface);
        return true;
    }();
    Q_UNUSED(kInstalled);
}

void announceTokens(TokenStreamView* view, qsizetype old_length) {
    if (!QAccessible::isActive()) return;
    QAccessibleTextInsertEvent event(view, toInt(old_length), view->pieces().text().mid(old_length));
    QAccessible::updateAccessibility(&event);
}

}  // namespace quibble
