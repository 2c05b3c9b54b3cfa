// Draft trees and expert selections as bytes (layouts: data/schema/0002_speculation.sql), and what must hold for them
// before they are stored and after they were read. Internal to data/store.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/draft_round.h"
#include "engine/values/expert_record.h"
#include "engine/values/run_event.h"

namespace quibble {

inline constexpr std::size_t kMaxDraftNodes = 4096;  // in a stored round
inline constexpr int kMaxExperts = 32767;            // a layer: ids are 16 bits

/// What a run's numbers are checked against.
struct ModelShape {
    int vocab = 0;  // 0: unknown
    int expert_layers = 0;
    int experts = 0;
    bool operator==(const ModelShape&) const = default;
};
[[nodiscard]] ModelShape shapeOf(const RunProvenance& provenance);

[[nodiscard]] std::string packNodes(const std::vector<DraftNode>& nodes);
[[nodiscard]] std::string packExperts(const TokenExperts& experts);
[[nodiscard]] std::string packLayers(const std::vector<ExpertLayerUse>& layers);
[[nodiscard]] std::string packFloats(const std::vector<float>& values);

// Unpacking checks lengths and fates; an empty message: fine. What the values mean is for the functions below.
[[nodiscard]] std::string unpackNodes(std::string_view bytes, std::vector<DraftNode>& nodes);
/// `experts.layers` and `experts.per_token` say what to expect; both lie in [1, 32767].
[[nodiscard]] std::string unpackExperts(std::string_view bytes, TokenExperts& experts);
[[nodiscard]] std::string unpackLayers(std::string_view bytes, std::vector<ExpertLayerUse>& layers);
[[nodiscard]] std::string unpackFloats(std::string_view bytes, std::size_t most, std::vector<float>& values);

/// The accepted nodes, by rising index.
[[nodiscard]] std::vector<std::int32_t> acceptedNodes(const DraftRound& round);

// Why a value cannot be kept; empty: it can.
/// Parents stand before their children, ids lie in the vocabulary, the accepted nodes are one chain from the text on,
/// and the path is its beginning: all of it when a token was added behind.
[[nodiscard]] std::string faultOf(const DraftRound& round, const ModelShape& shape);
/// As many layers as the model has with experts, ids among its experts.
[[nodiscard]] std::string faultOf(const TokenExperts& experts, const ModelShape& shape);
[[nodiscard]] std::string faultOf(const ExpertPass& pass, const ModelShape& shape);

}  // namespace quibble
