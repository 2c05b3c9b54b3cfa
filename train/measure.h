#pragma once

#include <vector>

#include "train/evaluate.h"
#include "train/model.h"

namespace quibble::train {

/// How well one model guesses the next token of another, at the positions of sampled chains.
struct Agreement {
    int64_t tokens = 0;
    double top1 = 0.0;  ///< share of tokens at which both find the same token most likely
    double acceptance =
        0.0;  ///< mean of sum_i min(p_i, q_i): the chance that exact rejection sampling takes a draft token
};

/// Both distributions at the temperature and top-p the chains were sampled with. One forward pass of each model.
Agreement measureAgreement(const Transformer& target, const Transformer& draft, const std::vector<SampledChain>& chains,
                           const EvalOptions& options);

/// For each layer the share of assignments that each expert gets over all tokens of the chains. Empty without experts.
std::vector<std::vector<double>> expertShares(const Transformer& model, const std::vector<SampledChain>& chains);

}  // namespace quibble::train
