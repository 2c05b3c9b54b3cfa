// Small widgets that several panels need.
#pragma once

#include <QLabel>
#include <QLayout>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

namespace quibble {

enum class FontRole { Ui, Small, Title, Mono, MonoSmall };
enum class TextRole { Normal, Muted, Marker, Good, Bad };

/// Gives a widget a font of the theme and keeps it so when the font size changes.
void useFont(QWidget* widget, FontRole role);
/// Gives a widget a text colour of the theme and keeps it so in light and dark.
void useTextColour(QWidget* widget, TextRole role);
[[nodiscard]] QFont themeFont(FontRole role);

/// A muted caption that wraps.
[[nodiscard]] QLabel* makeCaption(const QString& text, QWidget* parent);
/// The column of a panel that scrolls up and down: its parent widget is what stands in it. Margins and gap in widths of
/// an em.
[[nodiscard]] QVBoxLayout* makeScrolledColumn(QWidget* panel, double top_margin, double gap);
/// A borderless button with an icon of the theme; `name` is spoken and shown as tool tip.
[[nodiscard]] QToolButton* makeFlatButton(const QString& icon, const QString& name, QWidget* parent);

/// The wheel changes this field only while it has the focus; else it scrolls what the field stands in.
void wheelOnlyWithFocus(QWidget* field);

/// `rect` cut to the size of `room` and moved into it.
[[nodiscard]] QRect movedInto(QRect rect, const QRect& room);
/// Makes a window as large as its content wants; adjustSize() would stop at two thirds of the screen and cut the rest
/// off.
void fitContent(QWidget* popup);
/// Opens a pop-up of the size it has below `anchor`, or above it where there is more room, inside the screen. Where the
/// anchor is not shown, it opens below the upper edge of the anchor's window.
void popUpAt(QWidget* popup, const QWidget* anchor);

/// A least height in heights of a line, which follows the size of the text.
void setLeastLines(QWidget* widget, double lines);

/// Marks the one button that goes on.
void makePrimary(QAbstractButton* button);

/// One line that shortens itself in the middle of nowhere: the end goes, the whole stands in the tool tip.
class ElidingLabel : public QLabel {
    Q_OBJECT
public:
    explicit ElidingLabel(QWidget* parent = nullptr, Qt::TextElideMode mode = Qt::ElideRight);
    void setFullText(const QString& text);
    [[nodiscard]] QString fullText() const { return full_; }
    void setElideMode(Qt::TextElideMode mode);
    /// More about it, for the tool tip; a shortened text stands above it.
    void setTip(const QString& tip);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString full_, tip_;
    Qt::TextElideMode mode_;
};

/// Left to right, then the next row.
class FlowLayout : public QLayout {
    Q_OBJECT
public:
    explicit FlowLayout(QWidget* parent = nullptr, int gap = 5);
    ~FlowLayout() override;
    void addItem(QLayoutItem* item) override;
    [[nodiscard]] int count() const override { return static_cast<int>(items_.size()); }
    [[nodiscard]] QLayoutItem* itemAt(int index) const override;
    QLayoutItem* takeAt(int index) override;
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;
    [[nodiscard]] QSize sizeHint() const override { return minimumSize(); }
    [[nodiscard]] QSize minimumSize() const override;
    void setGeometry(const QRect& rect) override;

private:
    int arrange(const QRect& rect, bool apply) const;

    QList<QLayoutItem*> items_;
    int gap_;
};

}  // namespace quibble
