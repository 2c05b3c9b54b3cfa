#include "engine/metrics/speculation.h"

#include <span>

#include "engine/metrics/statistics.h"

namespace quibble {

namespace {

void countNodes(const DraftRound& round, SpeculationNumbers& numbers, std::vector<std::size_t>& depths) {
    depths.assign(round.nodes.size(), 0);
    for (std::size_t i = 0; i < round.nodes.size(); ++i) {
        const DraftNode& node = round.nodes[i];
        const bool has_parent = node.parent >= 0 && static_cast<std::size_t>(node.parent) < i;
        depths[i] = has_parent ? depths[static_cast<std::size_t>(node.parent)] + 1 : 0;
        if (numbers.by_position.size() <= depths[i]) numbers.by_position.resize(depths[i] + 1);
        for (PositionAcceptance* counts : {&numbers.all, &numbers.by_position[depths[i]]}) {
            ++counts->drafted;
            counts->tested += node.fate == DraftFate::Ignored ? 0 : 1;
            counts->accepted += node.fate == DraftFate::Accepted ? 1 : 0;
        }
    }
}

template <typename Count>
std::optional<double> ratio(double a, Count b) {
    if (b <= 0) return {};
    return a / static_cast<double>(b);
}

void measurePlainSteps(std::span<const DraftRound> rounds, SpeculationNumbers& numbers) {
    std::vector<double> passes, steps;
    for (const DraftRound& round : rounds) {
        if (!round.nodes.empty() || round.rows != 1) continue;
        passes.push_back(static_cast<double>(round.verify_ns));
        steps.push_back(static_cast<double>(round.verify_ns + round.other_ns));
    }
    numbers.plain_pass_ns = quantile(passes, 0.5);
    numbers.plain_step_ns = quantile(steps, 0.5);
}

void count(const DraftRound& round, SpeculationNumbers& numbers, std::vector<std::size_t>& depths) {
    if (round.nodes.empty()) {
        ++numbers.plain_steps;
        numbers.plain_ns += round.draft_ns + round.verify_ns + round.other_ns;
        return;
    }
    ++numbers.rounds;
    numbers.tokens += round.tokens();
    numbers.draft_ns += round.draft_ns;
    numbers.verify_ns += round.verify_ns;
    numbers.other_ns += round.other_ns;
    const auto accepted = static_cast<std::size_t>(round.accepted());
    if (numbers.accepted_lengths.size() <= accepted) numbers.accepted_lengths.resize(accepted + 1);
    ++numbers.accepted_lengths[accepted];
    countNodes(round, numbers, depths);
}

}  // namespace

SpeculationNumbers speculationNumbers(const RunTrace& trace) {
    SpeculationNumbers numbers;
    std::vector<std::size_t> depths;
    for (const DraftRound& round : trace.ownRounds()) count(round, numbers, depths);
    measurePlainSteps(trace.ownRounds(), numbers);
    return numbers;
}

SpeculationNumbers speculationNumbers(const RunTrace& trace, Position begin, Position end) {
    SpeculationNumbers numbers;
    std::vector<std::size_t> depths;
    for (const DraftRound& round : trace.draftRounds()) {
        if (round.pos >= begin && round.pos < end) count(round, numbers, depths);
    }
    measurePlainSteps(trace.draftRounds(), numbers);
    return numbers;
}

std::optional<double> SpeculationNumbers::rate(std::size_t position) const {
    return ratio(position < by_position.size() ? static_cast<double>(by_position[position].accepted) : 0.0, rounds);
}

std::optional<double> SpeculationNumbers::meanAccepted() const {
    double sum = 0;
    for (std::size_t length = 0; length < accepted_lengths.size(); ++length)
        sum += static_cast<double>(length) * static_cast<double>(accepted_lengths[length]);
    return ratio(sum, rounds);
}

std::optional<double> SpeculationNumbers::tokensPerVerify() const { return ratio(static_cast<double>(tokens), rounds); }

std::optional<double> SpeculationNumbers::tokensPerStep() const {
    return ratio(static_cast<double>(allTokens()), steps());
}

std::optional<double> SpeculationNumbers::nsPerVerify() const {
    return ratio(static_cast<double>(draft_ns + verify_ns + other_ns), rounds);
}

std::optional<double> SpeculationNumbers::nsPerToken() const {
    return ratio(static_cast<double>(draft_ns + verify_ns + other_ns + plain_ns), allTokens());
}

std::optional<double> SpeculationNumbers::speedUp() const {
    if (!plain_step_ns || rounds == 0 || nsPerToken().value_or(0) <= 0) return {};
    return *plain_step_ns / *nsPerToken();
}

std::optional<double> SpeculationNumbers::predictedSpeedUp() const {
    if (!plain_pass_ns || nsPerVerify().value_or(0) <= 0) return {};
    return *tokensPerVerify() * *plain_pass_ns / *nsPerVerify();
}

std::optional<double> SpeculationNumbers::targetEfficiency() const {
    if (!plain_pass_ns || rounds == 0 || verify_ns <= 0) return {};
    return *plain_pass_ns / (static_cast<double>(verify_ns) / static_cast<double>(rounds));
}

}  // namespace quibble
