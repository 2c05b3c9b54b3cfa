// The frame of a panel: title at the left, figures at the right, a hairline under them. As a dock (Card dock title) or
// free-standing.
#pragma once

#include <QDockWidget>
#include <QFrame>
#include <QWidget>

class QLabel;

namespace quibble {

class ElidingLabel;
class View;

class CardHeader : public QWidget {
    Q_OBJECT
public:
    explicit CardHeader(View* view, QWidget* parent = nullptr);
    /// Room left empty around the card at its left, top and right.
    void setGutter(int gutter);
    /// A small control at the right end.
    void addControl(QWidget* control);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void updateMargins();

    QLabel* title_;
    ElidingLabel* figures_;
    int gutter_ = 0;
};

/// A view in a dock. While it floats it has a frame of its own and buttons to put it back or away, since window
/// managers give such panels none. `name` is the objectName under which the layout is saved: unique and never
/// translated.
class CardDock : public QDockWidget {
    Q_OBJECT
public:
    CardDock(const QString& name, View* view, QWidget* parent = nullptr);
    [[nodiscard]] View* view() const { return view_; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void updateGutters();
    void updateFloating(bool floating);

    View* view_;
    CardHeader* header_;
    QWidget* float_controls_;
    QWidget* frame_;  // keeps the body off its neighbours and the edge of the window
};

/// A view in a frame, for the centre of the window. Without header when the view draws its own.
class Card : public QWidget {
    Q_OBJECT
public:
    explicit Card(View* view, bool header = true, QWidget* parent = nullptr);
};

/// Empty room around every card, in pixels; with the separators of the docks it makes the gap between two cards.
[[nodiscard]] int cardGutter();

}  // namespace quibble
