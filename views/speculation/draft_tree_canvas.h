// The scrolling part of DraftTreeView.
#pragma once

#include <QAbstractScrollArea>

#include "views/speculation/draft_tree_painter.h"

namespace quibble {

class DraftTreeView;

class DraftTreeCanvas : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit DraftTreeCanvas(DraftTreeView* view);

    /// Another tree: lays it out and puts the cursor on a place (-1: none).
    void reload(int cursor);
    [[nodiscard]] int cursor() const { return cursor_; }
    [[nodiscard]] int hovered() const { return hovered_; }
    void setCursorPlace(int place);
    [[nodiscard]] QRect placeRect(int place) const;                 // in the viewport
    [[nodiscard]] int placeAt(const QPoint& viewport_point) const;  // -1: none
    [[nodiscard]] double zoom() const { return zoom_; }
    void setZoom(double zoom);

signals:
    void cursorMoved(int place);  // by the user
    void hoverChanged(int place);
    void menuRequested(const QPoint& global);

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void relayout();
    void moveCursor(int place);
    void ensureVisible(int place);
    [[nodiscard]] int neighbour(int key) const;

    DraftTreeView* view_;
    DraftTreeGeometry geometry_;
    int cursor_ = -1, hovered_ = -1;
    double zoom_ = 1;
};

}  // namespace quibble
