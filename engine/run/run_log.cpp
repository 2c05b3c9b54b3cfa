#include "engine/run/run_log.h"

#include <cstdio>

#include "engine/base/log.h"
#include "engine/base/memory_use.h"

namespace quibble {

namespace {

constexpr std::string_view kTemplateError = "chat template, ";
constexpr std::size_t kHashDigits = 12;

std::string digits(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string modelText(const std::string& name, const std::string& format, const std::string& hash) {
    return name + " (" + format + ", " + hash.substr(0, kHashDigits) + ")";
}

std::string seconds(std::int64_t ns) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f s", static_cast<double>(ns) * 1e-9);
    return text;
}

std::string runText(RunId run) { return run == kNoRun ? "run" : "run " + std::to_string(raw(run)); }

}  // namespace

void logProblem(std::string_view line) {
    const std::size_t begin = line.find(kTemplateError);
    if (begin == std::string_view::npos || logsTexts()) return logError(line);
    const std::size_t end = line.find(": ", begin);
    logError(std::string(line.substr(0, end)) + (end == std::string_view::npos ? "" : ": […]"));
}

std::string settingsInShort(const RunRequest& r) {
    std::string text = r.sampler.temperature == 0 ? "greedy" : "temperature " + digits(r.sampler.temperature);
    const auto add = [&](const std::string& part) { text += ", " + part; };
    if (r.sampler.top_k > 0) add("top-k " + std::to_string(r.sampler.top_k));
    if (r.sampler.top_p < 1) add("top-p " + digits(r.sampler.top_p));
    if (r.sampler.min_p > 0) add("min-p " + digits(r.sampler.min_p));
    add("seed " + std::to_string(r.seed));
    add("at most " + std::to_string(r.max_tokens) + " tokens");
    if (r.penalty.strength != 0) add("penalty " + digits(r.penalty.strength));
    if (r.draft.method.id != MethodChoice{}.id)
        add("draft " + r.draft.method.text() + " verified by " + r.draft.verify.text());
    if (r.raw) add("raw");
    if (!r.branch.prefix.empty())
        add("branch at " + std::to_string(r.branch.pos) + " of run " + std::to_string(raw(r.branch.parent)));
    return text;
}

void RunLog::begin(RunId run, const RunRequest& request) {
    run_ = run;
    request_ = request;
    texts_ = logsTexts();
    started_ = false;
    tokens_ = 0;
    pieces_.clear();
    text_.clear();
    hideInLog(request.prompt);
}

void RunLog::apply(std::span<const RunEvent> events) {
    for (const RunEvent& event : events) {
        if (const auto* provenance = std::get_if<RunProvenance>(&event)) {
            started_ = true;
            sayStart(*provenance);
        } else if (const auto* token = std::get_if<TokenRecord>(&event)) {
            ++tokens_;
            if (texts_) text_ += pieces_[token->id];
        } else if (const auto* piece = std::get_if<TokenText>(&event)) {
            if (texts_) pieces_[piece->id] = piece->bytes;
        } else if (const auto* change = std::get_if<ControlChange>(&event)) {
            logDebug(runText(run_) + " at position " + std::to_string(change->pos) + ": " + change->key + " becomes " +
                     paramText(change->value));
        } else if (const auto* end = std::get_if<RunFinished>(&event)) {
            sayEnd(*end);
        }
    }
}

void RunLog::sayStart(const RunProvenance& p) const {
    std::string line = runText(run_) + " begins: " + modelText(p.model_name, p.weight_format, p.model_hash);
    if (!p.reference_name.empty())
        line += ", reference " + modelText(p.reference_name, p.reference_format, p.reference_hash);
    if (!p.draft_name.empty()) line += ", draft model " + modelText(p.draft_name, p.draft_format, p.draft_hash);
    line += ", " + settingsInShort(request_) + ", prompt of " + std::to_string(p.prompt_tokens.size()) + " tokens, " +
            p.arithmetic;
    if (p.throughput_positions > 0) line += ", throughput prefill";
    if (p.experts > 0) line += ", experts " + request_.experts.text();
    line += ", KV cache " + p.kv_cache + " of " + bytesText(p.kv_bytes) + ", " + p.isa + ", threads " +
            std::to_string(p.threads);
    logInfo(line);
    if (texts_) logInfo(runText(run_) + " prompt: " + request_.prompt);
}

void RunLog::sayEnd(const RunFinished& end) {
    if (texts_ && !text_.empty()) logInfo(runText(run_) + " text: " + text_);
    std::string line = runText(run_) + (started_ ? " ends: " : " did not begin: ") + finishReasonText(end.reason) +
                       ", " + std::to_string(tokens_) + " tokens";
    if (tokens_ > 0 && end.decode_ns > 0)
        line +=
            ", text at " + digits(static_cast<double>(tokens_) * 1e9 / static_cast<double>(end.decode_ns)) + " tok/s";
    if (end.prefill_ns > 0) line += ", prompt in " + seconds(end.prefill_ns);
    if (end.reference_ns > 0) line += ", reference in " + seconds(end.reference_ns);
    if (end.wall_ns > 0) line += ", " + seconds(end.wall_ns) + " in all";
    if (end.peak_memory_bytes > 0) line += ", most memory " + bytesText(end.peak_memory_bytes);
    if (end.reason == FinishReason::Failed) return logProblem(line + ": " + end.message);
    logInfo(line);
}

}  // namespace quibble
