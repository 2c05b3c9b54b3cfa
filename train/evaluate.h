#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/corpus.h"
#include "train/model.h"

namespace quibble::train {

struct EvalOptions {
    int count = 500;           ///< held-out problems
    double temperature = 0.6;  ///< 0 = greedy
    double top_p = 0.95;
    double penalty = 0.0;  ///< subtracted from the logits of the published markers
    int max_tokens = 700;
    uint64_t seed = 1;
};

/// What a model made of a prompt.
struct SampledChain {
    std::vector<int> ids;    ///< prompt, then sampled tokens
    std::size_t prompt = 0;  ///< tokens of the prompt
    std::string text;        ///< of the sampled tokens
};

struct EvalResult {
    double right = 0.0;  ///< share of problems
    int right_count = 0;
    double mean_tokens = 0.0;
    double mean_markers = 0.0;  ///< tokens of the published set a chain
    int unfinished = 0;
    std::vector<SampledChain> chains;
};

/// Generates for the first `count` held-out problems side by side and grades the committed answers.
EvalResult evaluate(Transformer& model, const ToyTokenizer& tokenizer, const EvalOptions& options);

/// Rounds every matrix except the embedding to `bits` bits per `group` weights of a row (symmetric, scale =
/// max/(2^(bits-1)-1)).
void quantizeRtn(Transformer& model, int bits, int64_t group);

}  // namespace quibble::train
