#include "tests/support/lens_events.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quibble::testing {

namespace {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    double uniform() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<double>(state_ >> 11) * 0x1.0p-53;
    }

private:
    std::uint64_t state_;
};

// Grows the tree breadth first; each node's token is the one the text has there (first child) or another one.
DraftRound makeRound(const RunTrace& trace, const DraftShape& shape, int index, Random& random) {
    const auto& points = trace.points();
    DraftRound round;
    round.pos = points[static_cast<std::size_t>(index)].token.pos;
    const auto tokenAt = [&](int depth) {
        return points[static_cast<std::size_t>(std::min(index + depth, static_cast<int>(points.size()) - 1))].token.id;
    };
    std::vector<std::int32_t> level{-1};
    std::vector<std::int32_t> spine;  // the nodes that hold the tokens of the text
    for (int depth = 0; depth < static_cast<int>(shape.widths.size()); ++depth) {
        std::vector<std::int32_t> next;
        for (const std::int32_t parent : level) {
            for (int child = 0; child < shape.widths[static_cast<std::size_t>(depth)] &&
                                static_cast<int>(round.nodes.size()) < shape.most_nodes;
                 ++child) {
                DraftNode node;
                node.parent = parent;
                const bool on_spine = child == 0 && (depth == 0 || (!spine.empty() && parent == spine.back() &&
                                                                    static_cast<int>(spine.size()) == depth));
                node.id = on_spine ? tokenAt(depth) : 100 + static_cast<TokenId>(random.uniform() * 30);
                if (!on_spine && node.id == tokenAt(depth)) ++node.id;
                if (shape.probabilities)
                    node.draft_prob = static_cast<float>(
                        (child == 0 ? 0.35 + 0.6 * random.uniform() : 0.3 * random.uniform()) * std::pow(0.97, depth));
                next.push_back(static_cast<std::int32_t>(round.nodes.size()));
                round.nodes.push_back(node);
                if (on_spine) spine.push_back(next.back());
            }
        }
        level = std::move(next);
    }
    const int left = static_cast<int>(points.size()) - index;
    int accepted = 0;
    while (accepted < static_cast<int>(spine.size()) && accepted + 1 < left && random.uniform() < 0.78) ++accepted;
    for (int i = 0; i < accepted; ++i) round.path.push_back(spine[static_cast<std::size_t>(i)]);
    const std::int32_t end = accepted == 0 ? -1 : round.path.back();
    round.added = tokenAt(accepted);
    for (std::size_t i = 0; i < round.nodes.size(); ++i) {
        DraftNode& node = round.nodes[i];
        const bool taken =
            std::find(round.path.begin(), round.path.end(), static_cast<std::int32_t>(i)) != round.path.end();
        const bool before_taken = !taken && std::any_of(round.path.begin(), round.path.end(), [&](std::int32_t other) {
            return round.nodes[static_cast<std::size_t>(other)].parent == node.parent &&
                   static_cast<std::int32_t>(i) < other;
        });
        const bool tested = taken || before_taken || node.parent == end;
        if (!tested) continue;
        node.fate = taken ? DraftFate::Accepted : DraftFate::Rejected;
        if (!taken) round.corrected = round.corrected || node.parent == end;
        node.target_prob = static_cast<float>(taken ? 0.5 + 0.5 * random.uniform() : 0.25 * random.uniform());
        if (shape.greedy) {
            node.accept_prob = taken ? 1.0F : 0.0F;
        } else {
            node.accept_prob = static_cast<float>(taken ? 0.6 + 0.4 * random.uniform() : 0.5 * random.uniform());
            node.draw = static_cast<float>(taken ? static_cast<double>(node.accept_prob) * random.uniform()
                                                 : static_cast<double>(node.accept_prob) +
                                                       (1 - static_cast<double>(node.accept_prob)) * random.uniform());
        }
    }
    round.rows = static_cast<std::int32_t>(round.nodes.size()) + 1;
    round.draft_ns = 90'000 * static_cast<std::int64_t>(shape.widths.size());
    round.verify_ns = 700'000 + 25'000 * round.rows;
    round.other_ns = 60'000;
    return round;
}

}  // namespace

std::vector<DraftRound> makeDraftRounds(const RunTrace& trace, const DraftShape& shape, int first) {
    Random random(shape.seed);
    std::vector<DraftRound> rounds;
    for (int index = first; index < static_cast<int>(trace.points().size());) {
        rounds.push_back(makeRound(trace, shape, index, random));
        index += rounds.back().tokens();
    }
    return rounds;
}

std::vector<RunEvent> makeExpertEvents(const RunTrace& trace, const ExpertShape& shape) {
    Random random(shape.seed);
    std::vector<RunEvent> events;
    const auto layers = static_cast<std::size_t>(shape.layers), k = static_cast<std::size_t>(shape.per_token);
    for (const TracePoint& point : trace.points()) {
        TokenExperts record;
        record.pos = point.token.pos;
        record.layers = shape.layers;
        record.per_token = shape.per_token;
        record.ids.resize(layers * k);
        record.weights.resize(layers * k);
        record.dropped_mass.resize(layers);
        for (std::size_t layer = 0; layer < layers; ++layer) {
            double left = 1;
            for (std::size_t slot = 0; slot < k; ++slot) {
                // Early experts are popular, each layer's in another place; the token decides the rest.
                int expert = static_cast<int>(std::pow(random.uniform(), 2.2) * shape.experts);
                expert = (expert * 7 + static_cast<int>(layer) * 5 + static_cast<int>(slot) + point.token.id % 3) %
                         shape.experts;
                const auto begin = record.ids.begin() + static_cast<std::ptrdiff_t>(layer * k);
                while (std::find(begin, begin + static_cast<std::ptrdiff_t>(slot), expert) !=
                       begin + static_cast<std::ptrdiff_t>(slot))
                    expert = (expert + 1) % shape.experts;
                record.ids[layer * k + slot] = static_cast<std::int16_t>(expert);
                const double weight = slot + 1 == k ? left : left * (0.5 + 0.3 * random.uniform());
                record.weights[layer * k + slot] = static_cast<float>(weight);
                left -= weight;
            }
            if (shape.budget > 0)
                record.dropped_mass[layer] = static_cast<float>(0.2 * random.uniform() * random.uniform());
        }
        events.emplace_back(std::move(record));
    }
    const auto& rounds = trace.draftRounds();
    const std::size_t passes = rounds.empty() ? trace.points().size() : rounds.size();
    for (std::size_t i = 0; i < passes; ++i) {
        ExpertPass pass;
        pass.pos = rounds.empty() ? trace.points()[i].token.pos : rounds[i].pos - 1;
        pass.rows = rounds.empty() ? 1 : rounds[i].rows;
        pass.verify = !rounds.empty();
        pass.budget = shape.budget;
        for (int layer = 0; layer < shape.layers; ++layer) {
            const double reach = shape.experts * (1 - std::pow(1 - static_cast<double>(shape.per_token) / shape.experts,
                                                               pass.rows * 0.7));
            ExpertLayerUse use;
            use.natural =
                std::clamp(static_cast<int>(reach * (0.85 + 0.3 * random.uniform())), shape.per_token, shape.experts);
            use.executed = shape.budget > 0 ? std::min(use.natural, shape.budget) : use.natural;
            use.coverage =
                shape.budget > 0 ? static_cast<float>(1 - std::exp(-3.5 * shape.budget / shape.experts)) : 1.0F;
            pass.layers.push_back(use);
        }
        for (int b = 1; b <= shape.experts; ++b) {
            pass.coverage_by_budget.push_back(
                static_cast<float>((1 - std::exp(-3.5 * b / shape.experts)) / (1 - std::exp(-3.5))));
        }
        pass.expert_bytes =
            std::accumulate(pass.layers.begin(), pass.layers.end(), std::int64_t{0},
                            [](std::int64_t sum, const ExpertLayerUse& use) { return sum + use.executed * 24'576; });
        pass.total_bytes = pass.expert_bytes + 900'000;
        pass.pass_ns = 700'000 + 25'000 * pass.rows;
        events.emplace_back(std::move(pass));
    }
    return events;
}

RunTrace withLenses(const RunTrace& trace, const DraftShape* drafts, const ExpertShape* experts) {
    RunTrace out = trace;
    RunProvenance provenance = trace.provenance();
    if (drafts != nullptr) {
        provenance.draft_name = "quibble-nano-draft";
        provenance.draft_format = "F16";
    }
    if (experts != nullptr) {
        provenance.expert_layers = experts->layers;
        provenance.experts = experts->experts;
        provenance.experts_used = experts->per_token;
    }
    out.apply(provenance);
    if (drafts != nullptr) {
        for (const DraftRound& round : makeDraftRounds(trace, *drafts)) out.apply(round);
    }
    if (experts != nullptr) {
        for (const RunEvent& event : makeExpertEvents(out, *experts)) out.apply(event);
    }
    return out;
}

}  // namespace quibble::testing
