// How tokens of speculative decoding are marked in the text: a line over accepted ones, a wedge where the target
// corrected, a diamond for its bonus tokens; told apart by shape, not by colour alone. And the legend that says so.
#pragma once

#include <QWidget>

#include "engine/values/draft_round.h"

class QPainter;

namespace quibble {

struct ThemeColors;
class RunDocument;

/// Draws at the upper edge of the token's cell; nothing for decoded tokens.
void paintOriginMark(QPainter& painter, TokenOrigin origin, const QRectF& cell, const ThemeColors& colors);

/// One line with all marks; hidden while the run has no drafts.
class OriginLegend : public QWidget {
    Q_OBJECT
public:
    explicit OriginLegend(RunDocument* document, QWidget* parent);
    void setWanted(bool wanted);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void refresh();

    RunDocument* document_;
    bool wanted_ = true;
};

}  // namespace quibble
