#include "engine/run/branch.h"

#include <algorithm>

#include "engine/text/marker_set.h"

namespace quibble {

namespace {

constexpr const char* kForgivingVersion = "0.1.0";

std::vector<std::string> entriesOf(const PenaltySettings& penalty) {
    if (!penalty.words.empty()) return penalty.words;
    for (MarkerSet& set : builtinMarkerSets()) {
        if (set.name == penalty.set_name) return std::move(set.words);
    }
    return {};
}

void keepFirstOfEachParameter(MethodChoice& choice) {
    auto& params = choice.params;
    for (std::size_t i = 0; i < params.size(); ++i) {
        const std::string key = params[i].first;
        const auto again = [&key](const auto& other) { return other.first == key; };
        params.erase(std::remove_if(params.begin() + static_cast<std::ptrdiff_t>(i) + 1, params.end(), again),
                     params.end());
    }
}

bool forgave(const RunProvenance& recorded) { return recorded.engine_version == kForgivingVersion; }

double budgetWithin(double budget, const RunProvenance& recorded) {
    return recorded.experts > 0 ? std::min(budget, static_cast<double>(recorded.experts)) : budget;
}

void takeAsForgivingVersion(RunRequest& request, const RunProvenance& recorded) {
    const std::vector<std::string> entries = entriesOf(request.penalty);
    std::erase_if(request.penalty.disabled_words, [&](const std::string& word) {
        return std::find(entries.begin(), entries.end(), word) == entries.end();
    });
    for (MethodChoice* choice :
         {&request.weight_quant, &request.draft.method, &request.draft.verify, &request.experts}) {
        keepFirstOfEachParameter(*choice);
    }
    for (auto& [key, value] : request.experts.params) {
        if (auto* budget = std::get_if<double>(&value); budget != nullptr && key == "budget")
            *budget = budgetWithin(*budget, recorded);
    }
}

}  // namespace

RunRequest asRecorded(RunRequest request, const RunProvenance& recorded) {
    if (forgave(recorded)) takeAsForgivingVersion(request, recorded);
    if (!recorded.prompt_tokens.empty()) {
        request.recorded_prompt = {recorded.prompt_tokens, recorded.thinking_open, recorded.clock,
                                   recorded.second_prompt_tokens};
    }
    return request;
}

std::vector<ControlChange> controlsAsRecorded(const RunTrace& stored) {
    std::vector<ControlChange> controls = stored.controls();
    if (!forgave(stored.provenance())) return controls;
    for (ControlChange& change : controls) {
        if (change.key == "experts:budget") change.value = budgetWithin(change.number(), stored.provenance());
    }
    return controls;
}

RunRequest branchRequest(const RunTrace& parent, RunId id, Position pos, TokenId token) {
    RunRequest request = asRecorded(parent.request(), parent.provenance());
    request.branch = {id, pos, {}};
    bool stays = false;  // the branch has the token of its parent
    for (const TracePoint& point : parent.points()) {
        if (point.token.pos < pos) request.branch.prefix.push_back(point.token.id);
        stays = stays || (point.token.pos == pos && point.token.id == token);
    }
    request.branch.prefix.push_back(token);
    const auto controls = std::ssize(request.control);
    const auto first = std::ssize(parent.provenance().rules) - controls;  // those of slot control stand last
    for (const RuleAct& act : parent.ruleActs()) {
        if (act.rule < first) continue;
        const auto rule = static_cast<int>(act.rule - first);
        // A look before `pos` itself was for the token that stood there.
        if (act.kind == RuleAct::Kind::Looked && (act.pos < pos || (act.pos == pos && stays)))
            request.branch.looks.push_back(RuleLook{rule, act.pos, act.why}.text());
        if (act.kind != RuleAct::Kind::Injected || act.pos >= pos) continue;
        request.branch.acted.push_back(rule);
        request.branch.acted_at.push_back(act.pos);
        for (Position at = act.pos; at < std::min(pos, act.pos + act.tokens); ++at)
            request.branch.injected.push_back(at);
    }
    return request;
}

}  // namespace quibble
