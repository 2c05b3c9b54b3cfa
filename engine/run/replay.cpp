#include "engine/run/replay.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "engine/base/clock.h"
#include "engine/run/branch.h"
#include "engine/run/run_loop.h"
#include "engine/values/version.h"

namespace quibble {

namespace {

std::string floatText(float value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.9g (0x%08" PRIx32 ")", static_cast<double>(value),
                  std::bit_cast<std::uint32_t>(value));
    return text;
}

// The first mismatch is kept; everything after it is not compared.
class Comparison {
public:
    explicit Comparison(Position pos) : pos_(pos) {}

    void floats(const std::string& field, float stored, float repeated) {
        // All NaNs say the same thing (not measured), and a database has no negative zero.
        const bool same = stored == repeated || (std::isnan(stored) && std::isnan(repeated));
        if (!same) differ(field, floatText(stored), floatText(repeated));
    }
    void integers(const std::string& field, std::int64_t stored, std::int64_t repeated) {
        if (stored != repeated) differ(field, std::to_string(stored), std::to_string(repeated));
    }
    void alternatives(const std::string& field, const std::vector<Alternative>& stored,
                      const std::vector<Alternative>& repeated) {
        integers(field + " count", static_cast<std::int64_t>(stored.size()),
                 static_cast<std::int64_t>(repeated.size()));
        for (std::size_t i = 0; i < stored.size() && !difference_; ++i) {
            const std::string item = field + "[" + std::to_string(i) + "]";
            integers(item + ".id", stored[i].id, repeated[i].id);
            floats(item + ".logprob", stored[i].logprob, repeated[i].logprob);
        }
    }
    [[nodiscard]] const std::optional<ReplayDifference>& difference() const { return difference_; }

private:
    void differ(const std::string& field, std::string stored, std::string repeated) {
        if (!difference_) difference_ = ReplayDifference{pos_, field, std::move(stored), std::move(repeated)};
    }
    Position pos_;
    std::optional<ReplayDifference> difference_;
};

std::optional<ReplayDifference> compareTokens(const TokenRecord& stored, const TokenRecord& repeated) {
    Comparison c(stored.pos);
    c.integers("pos", stored.pos, repeated.pos);
    c.integers("id", stored.id, repeated.id);
    c.integers("without_penalty_id", stored.without_penalty_id, repeated.without_penalty_id);
    c.floats("logprob", stored.logprob, repeated.logprob);
    c.integers("rank", stored.rank, repeated.rank);
    c.floats("entropy", stored.entropy, repeated.entropy);
    c.floats("varentropy", stored.varentropy, repeated.varentropy);
    c.floats("marker_mass", stored.marker_mass, repeated.marker_mass);
    c.floats("marker_mass_after", stored.marker_mass_after, repeated.marker_mass_after);
    c.floats("penalty", stored.penalty, repeated.penalty);
    c.integers("thinking", stored.thinking, repeated.thinking);
    c.integers("marker", stored.marker, repeated.marker);
    c.integers("penalized", stored.penalized, repeated.penalized);
    c.integers("injected", stored.injected, repeated.injected);
    c.alternatives("top", stored.top, repeated.top);
    c.alternatives("top_after", stored.top_after, repeated.top_after);
    return c.difference();
}

std::optional<ReplayDifference> compareReferences(const ReferenceRecord& stored, const ReferenceRecord& repeated) {
    Comparison c(stored.pos);
    c.floats("kl", recordedDivergence(static_cast<double>(stored.kl)),
             repeated.kl);  // earlier versions stored what rounding left below zero
    c.floats("ref_entropy", stored.entropy, repeated.entropy);
    c.floats("ref_varentropy", stored.varentropy, repeated.varentropy);
    c.floats("ref_logprob", stored.logprob, repeated.logprob);
    c.integers("ref_rank", stored.rank, repeated.rank);
    c.alternatives("ref_top", stored.top, repeated.top);
    return c.difference();
}

Result<void> sameModels(const RunProvenance& then, const RunModels& here) {
    if (auto same = checkSameModel("model", then.model_hash, here.quantized->hash()); !same) return same;
    return checkSameModel("reference", then.reference_hash,
                          here.reference != nullptr ? here.reference->hash() : std::string());
}

// Says what the template would make of the prompt today, where the run was given another prompt; empty: it is the same.
std::string promptNote(const RunProvenance& then, RunRequest request, const Tokenizer& tokenizer) {
    if (then.prompt_tokens.empty()) return {};
    request.recorded_prompt = {};
    const auto now = buildPrompt(request, tokenizer, localPromptClock());
    const std::string used = "; the recorded tokens were used";
    if (!now) return "the prompt cannot be made again (" + now.error().what + ")" + used;
    const std::vector<TokenId>&made = now->ids, &stored = then.prompt_tokens;
    if (made == stored && now->thinking_open == then.thinking_open) return {};
    const auto differs = std::mismatch(made.begin(), made.end(), stored.begin(), stored.end()).first - made.begin();
    return "the chat template makes another prompt now: " + std::to_string(made.size()) + " tokens, recorded " +
           std::to_string(stored.size()) + ", different from token " + std::to_string(differs) + " on" + used;
}

}  // namespace

Result<ReplayReport> replayRun(const RunTrace& stored, const RunRequest& request, ModelCache& models,
                               CpuDevice& device) {
    const RunProvenance& then = stored.provenance();
    const RunRequest recorded = asRecorded(request, then);
    auto opened = openRunModels(models, recorded, {});
    if (!opened) return tl::unexpected(opened.error());
    if (auto same = sameModels(then, *opened); !same) return tl::unexpected(same.error());
    ReplayReport report;
    report.note = promptNote(then, request, *opened->quantized->tokenizer());
    auto loop = RunLoop::create(recorded, std::move(*opened), device, controlsAsRecorded(stored));
    if (!loop) return tl::unexpected(loop.error());
    (*loop)->passEnds();
    const RunProvenance& here = (*loop)->provenance();

    std::size_t first = 0;  // of the run's own tokens
    while (first < stored.points().size() && stored.points()[first].token.pos < (*loop)->position()) ++first;
    RunTrace repeated(request);
    std::vector<RunEvent> events;
    if (auto done = (*loop)->runToEnd(events, static_cast<std::int64_t>(stored.points().size() - first)); !done)
        return tl::unexpected(done.error());
    for (const RunEvent& event : events) repeated.apply(event);

    if (then.isa != here.isa)
        report.note += (report.note.empty() ? "" : "; ") +
                       ("stored on " + then.isa + ", repeated on " + here.isa + ": bits may differ");
    if (!then.engine_version.empty() && then.engine_version != kVersion) {
        report.note +=
            (report.note.empty() ? "" : "; ") + ("recorded by Quibble " + then.engine_version + ", repeated by " +
                                                 kVersion + ": the changelog says what a version sees differently");
    }
    for (std::size_t i = first; i < stored.points().size() && !report.difference; ++i) {
        const TracePoint& old_point = stored.points()[i];
        if (i - first >= repeated.points().size()) {
            report.difference = ReplayDifference{old_point.token.pos, "length",
                                                 std::to_string(stored.points().size() - first) + " tokens",
                                                 std::to_string(repeated.points().size()) + " tokens"};
            break;
        }
        const TracePoint& new_point = repeated.points()[i - first];
        report.difference = compareTokens(old_point.token, new_point.token);
        ++report.tokens;
        if (!report.difference && old_point.hasReference() && new_point.hasReference()) {
            report.difference = compareReferences(old_point.reference, new_point.reference);
            ++report.references;
        }
    }
    return report;
}

}  // namespace quibble
