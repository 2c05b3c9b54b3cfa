// The rules of a run as lanes below the curves: where each turned a choice, put tokens into the text, looked at it on
// trial, or ended the run. A lane for each rule that did something; what it did is told apart by shape.
#pragma once

#include <vector>

#include "engine/values/run_event.h"
#include "views/plots/traces_layers.h"

namespace quibble {

class RuleLanes : public TraceLayer {
    Q_OBJECT
public:
    explicit RuleLanes(TracesPlot* plot) : TraceLayer(plot, QStringLiteral("marks")) {}

    /// Another run is shown: all that its rules did is read.
    void reset();
    /// Reads what the rules have done since.
    void follow();
    [[nodiscard]] int count() const { return static_cast<int>(lanes_.size()); }
    /// Of all lanes, in pixels.
    [[nodiscard]] int height() const;
    /// Below the last curve.
    [[nodiscard]] QRect area() const;
    /// "budget: 12 tokens injected", one line a lane.
    [[nodiscard]] QString description() const;

protected:
    void draw(QCPPainter* painter) override;

private:
    struct Act {
        int token = 0;  // index
        int tokens = 0;
        RuleAct::Kind kind = RuleAct::Kind::Turned;
    };
    struct Lane {
        std::int32_t rule = 0;
        QString name;
        std::vector<Act> acts;
    };
    [[nodiscard]] Lane& laneOf(std::int32_t rule);
    void drawLane(QCPPainter* painter, const Lane& lane, const QRectF& place) const;
    void drawAct(QCPPainter* painter, const Act& act, double x, const QRectF& place) const;

    std::vector<Lane> lanes_;  // in the order in which the rules act
    std::size_t read_ = 0;     // acts of the trace that are in the lanes
};

}  // namespace quibble
