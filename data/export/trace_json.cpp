#include "data/export/trace_export.h"

#include <ostream>

#include <nlohmann/json.hpp>

#include "data/export/json_text.h"
#include "data/export/speculation_json.h"
#include "engine/grading/run_grade.h"
#include "engine/metrics/divergence.h"
#include "engine/metrics/summary.h"
#include "engine/values/reference_text.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

// [[id, text, logprob], ...]
std::string listJson(const std::vector<Alternative>& alternatives, const RunTrace& trace) {
    std::string out = "[";
    for (const Alternative& alternative : alternatives) {
        if (out.size() > 1) out += ',';
        const std::string logprob = numberText(alternative.logprob);
        out += "[" + std::to_string(alternative.id) + "," + jsonString(trace.text(alternative.id)) + "," +
               (logprob.empty() ? "null" : logprob) + "]";
    }
    return out + "]";
}

// The rules in their order with what each did: {"logits": ["cyclic:amplitude=3"], "control": [...], "acts": [...]}.
std::string rulesJson(const RunTrace& trace) {
    const auto list = [](const std::vector<MethodChoice>& methods) {
        std::string out = "[";
        for (const MethodChoice& method : methods) out += (out.size() > 1 ? "," : "") + jsonString(method.text());
        return out + "]";
    };
    std::string acts = "[";
    for (const RuleAct& act : trace.ruleActs()) {
        JsonObject one;
        one.integer("pos", act.pos).string("rule", trace.provenance().rules[static_cast<std::size_t>(act.rule)]);
        one.string("kind", ruleActText(act.kind));
        if (act.tokens > 0) one.integer("tokens", act.tokens);
        if (!act.why.empty()) one.string("why", act.why);
        acts += (acts.size() > 1 ? "," : "") + one.text();
    }
    return JsonObject()
        .raw("logits", list(trace.request().logits))
        .raw("control", list(trace.request().control))
        .raw("acts", acts + "]")
        .text();
}

void addEnd(JsonObject& object, const RunTrace& trace) {
    const auto& end = trace.finished();
    if (end)
        object.string("finish_reason", finishReasonText(end->reason));
    else
        object.raw("finish_reason", "null");
    if (end && !end->message.empty()) object.string("message", end->message);
    const RunFinished times = end.value_or(RunFinished{});
    object.integer("prefill_ns", times.prefill_ns)
        .integer("decode_ns", times.decode_ns)
        .integer("reference_ns", times.reference_ns)
        .integer("wall_ns", times.wall_ns)
        .integer("peak_memory_bytes", times.peak_memory_bytes);
}

void addAnswer(JsonObject& object, const RunTrace& trace) {
    const std::string& known = trace.request().known_answer;
    const auto answer = shownAnswer(trace);
    if (answer)
        object.string("answer", *answer);
    else
        object.raw("answer", "null");
    if (known.empty()) {
        object.raw("known_answer", "null").raw("correct", "null");
        return;
    }
    object.string("known_answer", known);
    const auto grade = gradeOf(trace);
    if (grade && grade->verdict != Verdict::NotGradable)
        object.boolean("correct", grade->isRight());
    else
        object.raw("correct", "null");
    if (grade) object.string("grade", verdictText(grade->verdict)).string("grade_reason", grade->reason);
    object.boolean("overthinking", isOverthinking(trace));
    const auto reached = answerReachedAt(trace, known);
    if (reached)
        object.integer("answer_reached_at", trace.points()[*reached].token.pos);
    else
        object.raw("answer_reached_at", "null");
}

}  // namespace

namespace {

// [{"name": "raw", "candidates": [{"id": 3, "logprob": -0.1}, ...], "dropped": 0}, ...]
std::string stagesJson(const TokenStages& all) {
    std::string stages = "[";
    for (const TokenStage& stage : all.stages) {
        std::string candidates = "[";
        for (const Alternative& candidate : stage.candidates) {
            candidates += (candidates.size() > 1 ? "," : "") +
                          JsonObject().integer("id", candidate.id).number("logprob", candidate.logprob).text();
        }
        stages += (stages.size() > 1 ? "," : "") + JsonObject()
                                                       .string("name", stage.name)
                                                       .raw("candidates", candidates + "]")
                                                       .integer("dropped", stage.dropped)
                                                       .text();
    }
    return stages + "]";
}

}  // namespace

std::string takenBackJson(const TakenBack& taken) {
    return JsonObject().raw("taken_back", JsonObject().integer("to", taken.size).text()).text();
}

std::string tokenJson(const TracePoint& point, const RunTrace& trace) {
    const TokenRecord& t = point.token;
    const ReferenceRecord& r = point.reference;
    const std::string_view bytes = trace.text(t.id);
    JsonObject object;
    object.integer("pos", t.pos)
        .integer("id", t.id)
        .string("text", bytes)
        .number("logprob", t.logprob)
        .integer("rank", t.rank)
        .number("entropy", t.entropy)
        .number("kl", r.kl)
        .number("ref_entropy", r.entropy)
        .number("marker_mass", t.marker_mass)
        .boolean("penalized", t.penalized)
        .integer("without_penalty_id", t.without_penalty_id);
    if (!isUtf8(bytes)) object.string("bytes", hexOf(bytes));
    object.number("varentropy", t.varentropy).number("ref_varentropy", r.varentropy).number("ref_logprob", r.logprob);
    if (point.hasReference())
        object.integer("ref_rank", r.rank);
    else
        object.raw("ref_rank", "null");
    object.number("marker_mass_after", t.marker_mass_after)
        .number("penalty", t.penalty)
        .boolean("thinking", t.thinking)
        .boolean("marker", t.marker)
        .boolean("injected", t.injected)
        .boolean("intervened", t.intervened())
        .integer("time_ns", t.time_ns)
        .raw("top", listJson(t.top, trace))
        .raw("top_after", listJson(t.top_after, trace))
        .raw("ref_top", listJson(r.top, trace))
        .string("origin", tokenOriginText(trace.originAt(t.pos)));
    const DraftRound* round = trace.roundAt(t.pos);
    if (round != nullptr)
        object.integer("round", round - trace.draftRounds().data());
    else
        object.raw("round", "null");
    if (const TokenExperts* experts = trace.expertsAt(t.pos)) object.raw("experts", expertsJson(*experts));
    if (const TokenStages* stages = trace.stagesAt(t.pos)) object.raw("stages", stagesJson(*stages));
    return object.text();
}

bool tokenComplete(const TracePoint& point, const RunTrace& trace) {
    if (trace.finished()) return true;
    const bool scored = point.hasReference() || trace.request().reference.kind == ReferenceKind::None;
    return scored && (trace.provenance().expert_layers == 0 || trace.expertsAt(point.token.pos) != nullptr);
}

std::string summaryJson(const RunTrace& trace) {
    const RunSummaryNumbers n = summarize(trace);
    JsonObject s;
    s.integer("tokens", n.tokens)
        .integer("inherited", n.inherited)
        .integer("thinking_tokens", n.thinking_tokens)
        .integer("markers", n.markers)
        .integer("interventions", n.interventions)
        .integer("penalized", n.penalized)
        .integer("injected", n.injected)
        .integer("prompt_tokens", n.prompt_tokens)
        .integer("referenced", n.referenced)
        .number("mean_entropy", n.mean_entropy)
        .number("mean_varentropy", n.mean_varentropy)
        .number("mean_logprob", n.mean_logprob)
        .number("mean_marker_mass", n.mean_marker_mass)
        .number("mean_kl", n.mean_kl)
        .number("mean_ref_entropy", n.mean_ref_entropy)
        .number("max_kl", n.max_kl);
    if (n.max_kl) s.integer("max_kl_pos", n.max_kl_pos);
    s.number("kl_entropy_spearman", klEntropyCorrelation(trace)).number("tokens_per_second", n.tokens_per_second);
    const RunProvenance& p = trace.provenance();
    s.string("model", p.model_name).string("weight_format", p.weight_format).string("reference", referenceText(p));
    s.integer("throughput_positions", p.throughput_positions);
    s.string("kv_cache", p.kv_cache)
        .integer("kv_bytes", p.kv_bytes)
        .integer("reused_positions", p.reused_positions)
        .integer("reused_bytes", p.reused_bytes);
    addEnd(s, trace);
    addAnswer(s, trace);
    if (const auto& rules = trace.provenance().rules; !rules.empty()) s.raw("rules", rulesJson(trace));
    if (const std::string speculation = speculationSummaryJson(trace); !speculation.empty())
        s.raw("speculation", speculation);
    if (const std::string experts = expertsSummaryJson(trace); !experts.empty()) s.raw("experts", experts);
    return JsonObject().raw("summary", s.text()).text();
}

std::string provenanceJson(const RunTrace& trace) {
    const auto text = [](const nlohmann::json& json) {
        return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    std::string controls = "[";
    for (const ControlChange& change : trace.controls()) {
        if (controls.size() > 1) controls += ',';
        JsonObject one;
        one.integer("pos", change.pos).string("key", change.key);
        if (const auto* words = std::get_if<std::string>(&change.value))
            one.string("value", *words);
        else
            one.number("value", change.number());
        if (change.rewrites > 0) one.integer("rewrites", change.rewrites);
        controls += one.text();
    }
    return JsonObject()
        .raw("provenance", text(toJson(trace.provenance())))
        .raw("request", text(toJson(trace.request())))
        .raw("controls", controls + "]")
        .text();
}

void exportJsonLines(std::ostream& out, const RunTrace& trace, ExportRange range, const std::stop_token& stop) {
    out << provenanceJson(trace) << '\n';
    for (const TracePoint& point : trace.points()) {
        if (stop.stop_requested()) return;
        if (point.token.pos >= range.from && point.token.pos < range.to) out << tokenJson(point, trace) << '\n';
    }
    const auto& rounds = trace.draftRounds();
    for (std::size_t i = 0; i < rounds.size() && !stop.stop_requested(); ++i) {
        if (rounds[i].pos >= range.from && rounds[i].pos < range.to) out << roundJson(trace, i) << '\n';
    }
    const auto& passes = trace.expertPasses();
    for (std::size_t i = 0; i < passes.size() && !stop.stop_requested(); ++i) {
        if (passes[i].pos >= range.from && passes[i].pos < range.to) out << passJson(passes[i], i) << '\n';
    }
    out << summaryJson(trace) << '\n';
}

}  // namespace quibble
