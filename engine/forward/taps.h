// Named points of the forward pass where somebody may look at the numbers: calibration of quantizers, sparsity, the
// logit lens. A tap belongs to one sequence and sees its rows alone, whatever other rows share the pass. A point that
// nobody taps costs nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "engine/values/ids.h"

namespace quibble {

enum class TapPoint : std::uint8_t {
    LayerInput,        // the residual stream before a layer, width d_model
    AttentionInput,    // behind the norm: what the q, k and v projections multiply, width d_model
    Queries,           // behind norm and rotation, width n_heads * head_dim
    Keys,              // behind norm and rotation, before they are stored, width n_kv_heads * head_dim
    AttentionOutput,   // what the output projection multiplies, width n_heads * head_dim
    FeedForwardInput,  // behind the norm: what gate, up and router multiply, width d_model
    FeedForwardInner,  // what the down projection of a dense layer multiplies, width d_ff
    FinalHidden,       // behind the last layer, before the output norm, width d_model; its layer is n_layers
};
inline constexpr std::size_t kTapPoints = 8;

/// The rows of one sequence at one point.
struct TappedRows {
    TapPoint point = TapPoint::LayerInput;
    int layer = 0;
    std::span<const Position> positions;  // [n_rows]; rows of a token tree have the position of their depth
    std::span<const float> values;        // [n_rows, width]; valid during the call
    std::int64_t width = 0;
};

class Taps {
public:
    /// Called on the thread of the pass, layer after layer. A pass that is cancelled may have told some of its layers.
    using Tap = std::function<void(const TappedRows&)>;

    /// An empty tap takes the one that is there away.
    void set(TapPoint point, Tap tap) { taps_[static_cast<std::size_t>(point)] = std::move(tap); }
    [[nodiscard]] bool any() const {
        for (const Tap& tap : taps_) {
            if (tap) return true;
        }
        return false;
    }
    [[nodiscard]] const Tap& at(TapPoint point) const { return taps_[static_cast<std::size_t>(point)]; }

private:
    std::array<Tap, kTapPoints> taps_;
};

}  // namespace quibble
