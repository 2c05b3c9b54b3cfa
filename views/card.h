// The frame of a panel: title at the left, figures at the right, a hairline under them. As a dock (Card dock title) or free-standing.
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
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* title_;
    ElidingLabel* figures_;
};

/// A view in a dock. `name` is the objectName under which the layout is saved: unique and never translated.
class CardDock : public QDockWidget {
    Q_OBJECT
public:
    CardDock(const QString& name, View* view, QWidget* parent = nullptr);
    [[nodiscard]] View* view() const { return view_; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    View* view_;
};

/// A view in a frame, for the centre of the window. Without header when the view draws its own.
class Card : public QFrame {
    Q_OBJECT
public:
    explicit Card(View* view, bool header = true, QWidget* parent = nullptr);
};

}  // namespace quibble
