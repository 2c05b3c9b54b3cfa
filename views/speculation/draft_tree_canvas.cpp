#include "views/speculation/draft_tree_canvas.h"

#include <algorithm>
#include <cmath>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include "views/run_document.h"
#include "views/speculation/draft_tree_view.h"
#include "views/theme.h"

namespace quibble {

namespace {

constexpr double kLeastZoom = 0.5, kMostZoom = 2.5, kZoomStep = 1.15;

}  // namespace

DraftTreeCanvas::DraftTreeCanvas(DraftTreeView* view) : QAbstractScrollArea(view), view_(view) {
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Draft tree"));
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    connect(&Theme::instance(), &Theme::changed, this, &DraftTreeCanvas::relayout);
}

void DraftTreeCanvas::reload(int cursor) {
    hovered_ = -1;
    cursor_ = cursor;
    relayout();
    if (cursor_ >= 0)
        ensureVisible(cursor_);
    else
        horizontalScrollBar()->setValue(0);
}

void DraftTreeCanvas::relayout() {
    geometry_ = DraftTreeGeometry(view_->layoutOfTree(), viewport()->size(), zoom_);
    const auto set = [](QScrollBar* bar, double content, int page) {
        bar->setPageStep(page);
        bar->setSingleStep(Theme::instance().em(1));
        bar->setRange(0, std::max(0, static_cast<int>(std::ceil(content)) - page));
    };
    set(horizontalScrollBar(), geometry_.size().width(), viewport()->width());
    set(verticalScrollBar(), geometry_.size().height(), viewport()->height());
    viewport()->update();
}

void DraftTreeCanvas::setZoom(double zoom) {
    zoom_ = std::clamp(zoom, kLeastZoom, kMostZoom);
    relayout();
    if (cursor_ >= 0) ensureVisible(cursor_);
}

QRect DraftTreeCanvas::placeRect(int place) const {
    const QRectF box = geometry_.box(view_->layoutOfTree().places[static_cast<std::size_t>(place)]);
    return box.translated(-horizontalScrollBar()->value(), -verticalScrollBar()->value()).toAlignedRect();
}

int DraftTreeCanvas::placeAt(const QPoint& point) const {
    for (int place = 0; place < static_cast<int>(view_->layoutOfTree().places.size()); ++place) {
        if (placeRect(place).contains(point)) return place;
    }
    return -1;
}

void DraftTreeCanvas::ensureVisible(int place) {
    const QRect box = placeRect(place).adjusted(-8, -8, 8, 8);
    const auto shift = [](QScrollBar* bar, int low, int high, int page) {
        if (low < 0)
            bar->setValue(bar->value() + low);
        else if (high > page)
            bar->setValue(bar->value() + high - page);
    };
    shift(horizontalScrollBar(), box.left(), box.right(), viewport()->width());
    shift(verticalScrollBar(), box.top(), box.bottom(), viewport()->height());
}

void DraftTreeCanvas::setCursorPlace(int place) {
    if (place == cursor_) return;
    cursor_ = place;
    if (place >= 0) ensureVisible(place);
    viewport()->update();
}

void DraftTreeCanvas::moveCursor(int place) {
    if (place < 0) return;
    setCursorPlace(place);
    emit cursorMoved(place);
}

void DraftTreeCanvas::paintEvent(QPaintEvent* event) {
    QPainter painter(viewport());
    const ThemeColors& colors = Theme::instance().colors();
    painter.fillRect(event->rect(), colors.card);
    if (view_->roundIndex() < 0) return;
    const QPoint offset(horizontalScrollBar()->value(), verticalScrollBar()->value());
    painter.translate(-offset);
    drawDraftTree(
        painter,
        {*view_->document(), view_->round(), view_->layoutOfTree(), geometry_, colors, cursor_, hovered_, hasFocus()},
        QRectF(event->rect()).translated(offset));
}

void DraftTreeCanvas::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    relayout();
}

bool DraftTreeCanvas::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int place = placeAt(help->pos());
        if (place >= 0)
            QToolTip::showText(help->globalPos(), view_->sentenceOf(place), this);
        else
            QToolTip::hideText();
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void DraftTreeCanvas::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) moveCursor(placeAt(event->pos()));
}

void DraftTreeCanvas::mouseMoveEvent(QMouseEvent* event) {
    const int place = placeAt(event->pos());
    if (place == hovered_) return;
    hovered_ = place;
    viewport()->update();
    view_->document()->setHovered(place < 0 ? -1 : view_->tokenOf(place));
    emit hoverChanged(place);
}

void DraftTreeCanvas::leaveEvent(QEvent* event) {
    hovered_ = -1;
    viewport()->update();
    view_->document()->setHovered(-1);
    emit hoverChanged(-1);
    QAbstractScrollArea::leaveEvent(event);
}

void DraftTreeCanvas::wheelEvent(QWheelEvent* event) {
    if (!(event->modifiers() & Qt::ControlModifier)) return QAbstractScrollArea::wheelEvent(event);
    setZoom(zoom_ * std::pow(kZoomStep, event->angleDelta().y() / 120.0));
    event->accept();
}

// Left and right along the tree, up and down between what stands above each other in a column.
int DraftTreeCanvas::neighbour(int key) const {
    const DraftTreeLayout& layout = view_->layoutOfTree();
    if (cursor_ < 0) return 0;
    const DraftTreeLayout::Place& here = layout.places[static_cast<std::size_t>(cursor_)];
    if (key == Qt::Key_Left) return here.parent;
    if (key == Qt::Key_Right) {
        const auto& children = layout.children[static_cast<std::size_t>(cursor_)];
        return children.empty() ? -1 : children.front();
    }
    int best = -1;
    for (int place = 0; place < static_cast<int>(layout.places.size()); ++place) {
        const DraftTreeLayout::Place& other = layout.places[static_cast<std::size_t>(place)];
        if (other.column != here.column || (key == Qt::Key_Up ? other.row >= here.row : other.row <= here.row))
            continue;
        const auto distance = [&](int p) {
            return std::abs(layout.places[static_cast<std::size_t>(p)].row - here.row);
        };
        if (best < 0 || distance(place) < distance(best)) best = place;
    }
    return best;
}

void DraftTreeCanvas::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_Left:
        case Qt::Key_Right:
        case Qt::Key_Up:
        case Qt::Key_Down: return moveCursor(neighbour(event->key()));
        case Qt::Key_Home: return moveCursor(0);
        case Qt::Key_PageUp: return view_->stepRound(-1);
        case Qt::Key_PageDown: return view_->stepRound(1);
        case Qt::Key_Plus:
        case Qt::Key_Equal: return setZoom(zoom_ * kZoomStep);
        case Qt::Key_Minus: return setZoom(zoom_ / kZoomStep);
        case Qt::Key_0: return setZoom(1);
        case Qt::Key_End:
        case Qt::Key_Escape: return view_->document()->clearSelection();  // back to the latest round
        default: QAbstractScrollArea::keyPressEvent(event);
    }
}

void DraftTreeCanvas::focusInEvent(QFocusEvent* event) {
    QAbstractScrollArea::focusInEvent(event);
    viewport()->update();
}

void DraftTreeCanvas::focusOutEvent(QFocusEvent* event) {
    QAbstractScrollArea::focusOutEvent(event);
    viewport()->update();
}

void DraftTreeCanvas::contextMenuEvent(QContextMenuEvent* event) { emit menuRequested(event->globalPos()); }

}  // namespace quibble
