// The tree that was drafted in one round: that of the selected token, or the latest when nothing is selected. Moves
// with the cursor keys, zooms with Ctrl+wheel, + and -; a node of the accepted path is a token of the text and selects
// it.
#pragma once

#include "engine/values/draft_round.h"
#include "views/plots/painted_view.h"
#include "views/speculation/draft_tree_layout.h"

class QLabel;

namespace quibble {

class DraftTreeCanvas;
class RunDocument;

class DraftTreeView : public PaintedView {
    Q_OBJECT
public:
    explicit DraftTreeView(RunDocument* document, QWidget* parent = nullptr);

    /// Index of the round that is shown in RunTrace::draftRounds(); -1: none.
    [[nodiscard]] int roundIndex() const { return round_index_; }
    [[nodiscard]] const DraftRound& round() const { return round_; }
    [[nodiscard]] const DraftTreeLayout& layoutOfTree() const { return layout_; }
    [[nodiscard]] DraftTreeCanvas* canvas() const { return canvas_; }
    [[nodiscard]] RunDocument* document() const { return document_; }
    /// Selects the first token of a drafted round nearby, so that everything follows; by: 1 or -1.
    void stepRound(int by);
    /// The sentence about the node under the cursor.
    [[nodiscard]] QString explanation() const;
    [[nodiscard]] QString sentenceOf(int place) const;
    [[nodiscard]] int tokenOf(int place) const;  // index in the document of a place on the path; -1: not in the text

signals:
    void roundChanged();

protected:
    void drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void follow();
    void showRound(int index);
    [[nodiscard]] int drafted(int index, int by) const;
    void updateTable();
    void updateCaption();

    RunDocument* document_;
    DraftRound round_;
    DraftTreeLayout layout_;
    DraftTreeCanvas* canvas_;
    QLabel* caption_;
    int round_index_ = -1;
};

}  // namespace quibble
