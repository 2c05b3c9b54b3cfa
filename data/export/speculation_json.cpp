#include "data/export/speculation_json.h"

#include "data/export/json_text.h"
#include "engine/metrics/experts.h"
#include "engine/metrics/speculation.h"

namespace quibble {

namespace {

std::string_view fateText(DraftFate fate) {
    switch (fate) {
        case DraftFate::Ignored: return "ignored";
        case DraftFate::Rejected: return "rejected";
        case DraftFate::Accepted: return "accepted";
    }
    return "ignored";
}

// "[1,2,3]" of what `text` makes of each value.
template <typename List, typename Text>
std::string array(const List& list, const Text& text) {
    std::string out = "[";
    for (const auto& value : list) {
        if (out.size() > 1) out += ',';
        out += text(value);
    }
    return out + "]";
}

template <typename Real>
std::string numberOrNull(Real value) {
    const std::string text = numberText(value);
    return text.empty() ? "null" : text;
}

std::string nodeJson(const DraftNode& node, const RunTrace& trace) {
    return JsonObject()
        .integer("parent", node.parent)
        .integer("id", node.id)
        .string("text", trace.text(node.id))
        .number("draft_prob", node.draft_prob)
        .number("target_prob", node.target_prob)
        .number("accept_prob", node.accept_prob)
        .number("draw", node.draw)
        .string("fate", fateText(node.fate))
        .text();
}

}  // namespace

std::string roundJson(const RunTrace& trace, std::size_t number) {
    const DraftRound& round = trace.draftRounds()[number];
    JsonObject object;
    object.integer("round", static_cast<std::int64_t>(number))
        .integer("pos", round.pos)
        .integer("accepted", round.accepted());
    if (round.added == kNoToken)
        object.raw("added", "null");
    else
        object.integer("added", round.added);
    object.boolean("corrected", round.corrected)
        .integer("rows", round.rows)
        .integer("draft_ns", round.draft_ns)
        .integer("verify_ns", round.verify_ns)
        .integer("other_ns", round.other_ns)
        .raw("path", array(round.path, [](std::int32_t node) { return std::to_string(node); }))
        .raw("nodes", array(round.nodes, [&](const DraftNode& node) { return nodeJson(node, trace); }));
    return JsonObject().raw("draft_round", object.text()).text();
}

std::string passJson(const ExpertPass& pass, std::size_t number) {
    const auto layer = [](const ExpertLayerUse& use) {
        return JsonObject()
            .integer("natural", use.natural)
            .integer("executed", use.executed)
            .number("coverage", use.coverage)
            .text();
    };
    JsonObject object;
    object.integer("pass", static_cast<std::int64_t>(number))
        .integer("pos", pass.pos)
        .integer("rows", pass.rows)
        .boolean("verify", pass.verify)
        .integer("budget", pass.budget)
        .integer("expert_bytes", pass.expert_bytes)
        .integer("total_bytes", pass.total_bytes)
        .integer("pass_ns", pass.pass_ns)
        .raw("layers", array(pass.layers, layer))
        .raw("coverage_by_budget", array(pass.coverage_by_budget, [](float value) { return numberOrNull(value); }));
    return JsonObject().raw("expert_pass", object.text()).text();
}

std::string expertsJson(const TokenExperts& experts) {
    std::string out = "[";
    for (std::size_t layer = 0; layer < static_cast<std::size_t>(experts.layers); ++layer) {
        const auto k = static_cast<std::ptrdiff_t>(experts.per_token);
        const auto first = experts.ids.begin() + static_cast<std::ptrdiff_t>(layer) * k;
        if (layer > 0) out += ',';
        out += array(std::vector<std::int16_t>(first, first + k), [](std::int16_t id) { return std::to_string(id); });
    }
    return out + "]";
}

std::string speculationSummaryJson(const RunTrace& trace) {
    if (trace.ownRounds().empty()) return {};
    const SpeculationNumbers n = speculationNumbers(trace);
    const auto integers = [](std::int64_t value) { return std::to_string(value); };
    std::vector<double> rates;
    for (std::size_t i = 0; i < n.by_position.size(); ++i) rates.push_back(n.rate(i).value_or(0));
    return JsonObject()
        .integer("steps", n.steps())
        .integer("rounds", n.rounds)
        .integer("plain_steps", n.plain_steps)
        .integer("tokens", n.allTokens())
        .integer("drafted", n.all.drafted)
        .integer("tested", n.all.tested)
        .integer("accepted", n.all.accepted)
        .integer("ignored", n.all.ignored())
        .number("mean_accepted_length", n.tokensPerVerify())
        .number("tokens_per_verify", n.tokensPerVerify())
        .number("tokens_per_step", n.tokensPerStep())
        .raw("acceptance_by_position", array(rates, [](double value) { return numberOrNull(value); }))
        .raw("accepted_lengths", array(n.accepted_lengths, integers))
        .integer("draft_ns", n.draft_ns)
        .integer("verify_ns", n.verify_ns)
        .integer("other_ns", n.other_ns)
        .integer("plain_ns", n.plain_ns)
        .number("plain_pass_ns", n.plain_pass_ns)
        .number("plain_step_ns", n.plain_step_ns)
        .number("speed_up", n.speedUp())
        .number("predicted_speed_up", n.predictedSpeedUp())
        .number("target_efficiency", n.targetEfficiency())
        .text();
}

std::string expertsSummaryJson(const RunTrace& trace) {
    if (trace.ownPasses().empty()) return {};
    std::int64_t expert_bytes = 0, total_bytes = 0, pass_ns = 0, rows = 0;
    for (const ExpertPass& pass : trace.ownPasses()) {
        expert_bytes += pass.expert_bytes;
        total_bytes += pass.total_bytes;
        pass_ns += pass.pass_ns;
        rows += pass.rows;
    }
    return JsonObject()
        .integer("passes", static_cast<std::int64_t>(trace.ownPasses().size()))
        .integer("rows", rows)
        .integer("expert_bytes", expert_bytes)
        .integer("total_bytes", total_bytes)
        .integer("pass_ns", pass_ns)
        .text();
}

}  // namespace quibble
