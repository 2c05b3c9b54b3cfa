// Which experts a mixture-of-experts model used, and what an expert budget (MoE-Spec, arXiv 2602.16052) left out.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/values/ids.h"

namespace quibble {

inline constexpr std::int16_t kNoExpert = -1;

/// The experts of one token, the row that stands at `pos`. Layers that have no experts are not counted.
struct TokenExperts {
    Position pos = 0;
    std::int32_t layers = 0;
    std::int32_t per_token = 0;       // k
    std::vector<std::int16_t> ids;    // [layers, k] in the order of the selection; kNoExpert: truncated away
    std::vector<float> weights;       // [layers, k] as used in the sum; 0 for kNoExpert
    std::vector<float> dropped_mass;  // [layers] router probability of natural choices that the budget did not allow
    bool operator==(const TokenExperts&) const = default;
};

/// One layer of one pass.
struct ExpertLayerUse {
    std::int32_t natural = 0;   // distinct experts that the rows would choose without a budget: the union U
    std::int32_t executed = 0;  // distinct experts whose weights were read
    float coverage = 1;         // sum over rows of the router probability of the allowed experts, divided by the rows
    bool operator==(const ExpertLayerUse&) const = default;
};

/// One pass of one or more rows through a model with experts.
struct ExpertPass {
    Position pos = 0;  // of its first row
    std::int32_t rows = 0;
    bool verify = false;      // of a draft tree
    std::int32_t budget = 0;  // experts a layer that were allowed; 0: all
    std::vector<ExpertLayerUse> layers;
    std::vector<float> coverage_by_budget;  // [experts]: share of router probability that the b + 1 experts with the
                                            // largest score sums hold, mean over layers
    std::int64_t expert_bytes = 0;          // weights of experts that were read
    std::int64_t total_bytes = 0;           // all weights that were read
    std::int64_t pass_ns = 0;
    bool operator==(const ExpertPass&) const = default;
};

}  // namespace quibble
