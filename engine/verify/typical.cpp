// Typical acceptance (Medusa, arXiv 2401.10774, section 2.3.1): x is accepted when p(x) > min(epsilon, delta *
// exp(-H(p))), p the target's distribution at the run's temperature. Accepts more than exact rules and changes the
// distribution of the text: not lossless.
#include "engine/verify/verify_method.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace quibble::verify {

namespace {

constexpr std::array kParams{
    ParamSpec{"epsilon", "Threshold", "", 0.001, 1, 0, 0.09, "A token at least this likely is accepted"},
    ParamSpec{"delta", "Entropy factor", "", 0.001, 1, 0, 0.3,
              "Where the target is uncertain the threshold sinks to this times exp(-entropy)"},
};

VerifyOutcome decide(const VerifyTask& task) {
    VerifyOutcome outcome;
    // Filters would hide the tail that the rule looks at.
    const SamplerSettings plain{shownSettings(task.settings).temperature, 0, 1, 0};
    const TokenDistribution p = task.sampler->distribution(task.logits, plain);
    double entropy = 0;
    for (const TokenProbability& token : p) entropy -= token.p * std::log(token.p);
    const double threshold =
        std::min(task.choice->value(kParams[0]), task.choice->value(kParams[1]) * std::exp(-entropy));
    double best = 0;
    for (std::size_t i = 0; i < task.children.size(); ++i) {
        const double probability = probabilityOf(p, task.tree->tokens[static_cast<std::size_t>(task.children[i])]);
        outcome.tests.push_back({probability > threshold ? 1.0F : 0.0F, kNotMeasured});
        if (probability > threshold && probability > best) {
            best = probability;
            outcome.accepted = static_cast<int>(i);
        }
    }
    if (outcome.accepted < 0) outcome.own = task.sampler->choose(task.logits, task.settings, task.seed, task.pos);
    return outcome;
}

}  // namespace

const VerifyMethod kTypical{
    {"typical", "Typical acceptance (lossy)", "Medusa, arXiv 2401.10774",
     "Accepts any drafted token that the target finds likely enough; the text is no longer the target's own.", kParams,
     false},
    DraftPick::SharedNoise,
    &decide};

}  // namespace quibble::verify
