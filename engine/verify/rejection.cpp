// Exact rejection sampling (Leviathan et al., arXiv 2211.17192, Algorithm 1; several candidates: SpecInfer, arXiv
// 2305.09781, Theorem 4.2). The children are tested in order: x is accepted with probability min(1, p(x) / q(x)); after
// a refusal p becomes norm(max(0, p - q)). A child that was chosen rather than drawn counts as a certain proposal (q(x)
// = 1), so it is accepted with p(x) and then excluded. When all are refused the token is drawn from what is left of p.
// The text is distributed exactly as the target's own.
#include "engine/verify/verify_method.h"

#include <algorithm>

namespace quibble::verify {

namespace {

// norm(max(0, p - q)); p itself when rounding leaves nothing, which can only follow a test that accepts with certainty.
TokenDistribution residual(const TokenDistribution& p, const TokenDistribution& q) {
    TokenDistribution left;
    double total = 0;
    for (const TokenProbability& token : p) {
        const double mass = token.p - probabilityOf(q, token.id);
        if (mass <= 0) continue;
        left.push_back({token.id, mass});
        total += mass;
    }
    if (left.empty()) return p;
    for (TokenProbability& token : left) token.p /= total;
    return left;
}

VerifyOutcome decide(const VerifyTask& task) {
    VerifyOutcome outcome;
    TokenDistribution p = task.sampler->distribution(task.logits, task.settings);
    for (std::size_t i = 0; i < task.children.size(); ++i) {
        const auto node = static_cast<std::size_t>(task.children[i]);
        const TokenId id = task.tree->tokens[node];
        const TokenDistribution certain{{id, 1.0}};
        const TokenDistribution& q = task.tree->drawn_from[node].empty() ? certain : task.tree->drawn_from[node];
        const double accept = std::min(1.0, probabilityOf(p, id) / probabilityOf(q, id));
        const double draw = uniformNoise(task.seed, task.pos, id, NoiseStream::Accept);
        outcome.tests.push_back({static_cast<float>(accept), static_cast<float>(draw)});
        if (draw < accept) {
            outcome.accepted = static_cast<int>(i);
            return outcome;
        }
        p = residual(p, q);
    }
    outcome.own = drawToken(p, task.seed, task.pos, NoiseStream::Sample);
    return outcome;
}

}  // namespace

const VerifyMethod kRejection{
    {"rejection",
     "Rejection sampling (same distribution)",
     "arXiv 2211.17192; trees: arXiv 2305.09781",
     "Accepts a drafted token with probability min(1, p/q) and draws from the rest of p when it is refused.",
     {},
     true},
    DraftPick::Drawn,
    &decide};

}  // namespace quibble::verify
