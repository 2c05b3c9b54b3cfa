// The target chooses with its own noise, as it would without a draft, and a drafted token is accepted exactly when it
// is that choice. So the text equals the text of plain decoding token for token, at every temperature; at temperature 0
// this is greedy matching. A draft that picks with the same noise agrees with probability of at least (1 - TV) / (1 +
// TV), TV the total variation distance of the two distributions.
#include "engine/verify/verify_method.h"

namespace quibble::verify {

namespace {

VerifyOutcome decide(const VerifyTask& task) {
    VerifyOutcome outcome;
    outcome.own = task.sampler->choose(task.logits, task.settings, task.seed, task.pos);
    const TokenDistribution p = task.sampler->distribution(task.logits, task.settings);
    for (std::size_t i = 0; i < task.children.size() && outcome.accepted < 0; ++i) {
        const TokenId id = task.tree->tokens[static_cast<std::size_t>(task.children[i])];
        outcome.tests.push_back({static_cast<float>(probabilityOf(p, id)), kNotMeasured});
        if (id == outcome.own) outcome.accepted = static_cast<int>(i);
    }
    return outcome;
}

}  // namespace

const VerifyMethod kMatch{
    {"match",
     "Match (same text as plain decoding)",
     "greedy match at temperature 0; common random numbers above it",
     "Accepts a drafted token when the target's own choice, with the run's noise, is the same token.",
     {},
     true},
    DraftPick::SharedNoise,
    &decide};

}  // namespace quibble::verify
