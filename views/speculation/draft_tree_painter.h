// How a drafted tree looks: boxes with token, probabilities and verdict, the accepted path lit, what was never tested
// faded. The same on screen and in an export.
#pragma once

#include <QRectF>
#include <QSizeF>

#include "engine/values/draft_round.h"
#include "views/speculation/draft_tree_layout.h"

class QPainter;

namespace quibble {

struct ThemeColors;
class RunDocument;

/// Boxes in pixels. A tree with more rows than fit is drawn compactly (one line a box); a chain that is longer than the
/// width continues on the next band.
class DraftTreeGeometry {
public:
    DraftTreeGeometry() = default;
    DraftTreeGeometry(const DraftTreeLayout& layout, const QSizeF& room, double zoom);

    [[nodiscard]] QRectF box(const DraftTreeLayout::Place& place) const;
    [[nodiscard]] const QSizeF& size() const { return size_; }
    [[nodiscard]] bool compact() const { return compact_; }
    [[nodiscard]] double zoom() const { return zoom_; }
    [[nodiscard]] double gap() const { return gap_x_; }
    [[nodiscard]] bool sameBand(const DraftTreeLayout::Place& a, const DraftTreeLayout::Place& b) const {
        return a.column / band_ == b.column / band_;
    }

private:
    double box_width_ = 0, box_height_ = 0, gap_x_ = 0, gap_y_ = 0, margin_ = 0, zoom_ = 1;
    int band_ = 1;  // columns of a band
    int rows_ = 1;
    bool compact_ = false;
    QSizeF size_;
};

struct DraftTreeScene {
    const RunDocument& document;
    const DraftRound& round;
    const DraftTreeLayout& layout;
    const DraftTreeGeometry& geometry;
    const ThemeColors& colors;
    int cursor = -1, hovered = -1;  // places
    bool focused = false;
};

/// Draws what meets `visible`, in the coordinates of the geometry.
void drawDraftTree(QPainter& painter, const DraftTreeScene& scene, const QRectF& visible);

}  // namespace quibble
