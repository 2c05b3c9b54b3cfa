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
    /// Room left empty at either side, so that a dock does not touch the edge of the window.
    void setGutters(int left, int right);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void updateMargins();

    QLabel* title_;
    ElidingLabel* figures_;
    int left_ = 0, right_ = 0;
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
    void keepFromEdge(Qt::DockWidgetArea area);

    View* view_;
    CardHeader* header_;
    QWidget* frame_;  // keeps the body off the edge of the window
};

/// A view in a frame, for the centre of the window. Without header when the view draws its own.
class Card : public QFrame {
    Q_OBJECT
public:
    explicit Card(View* view, bool header = true, QWidget* parent = nullptr);
};

}  // namespace quibble
