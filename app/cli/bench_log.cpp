#include "app/cli/bench_log.h"

#include <cstdio>

#include "app/cli/bench_stop.h"
#include "engine/base/log.h"
#include "engine/run/run_log.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string digits(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string digits(const Json& value) { return value.is_number() ? digits(value.get<double>()) : "none"; }

std::string settings(const std::string& model, const std::string& quant, int threads, int repeats) {
    return model + (quant.empty() || quant == "none" ? "" : ", " + quant) + ", threads " +
           (threads == 0 ? "all" : std::to_string(threads)) + ", repetitions " + std::to_string(repeats);
}

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += ", " + name;
    return text;
}

// Each report has some of these, and which ones says what it is a report of.
std::string figures(const Json& report) {
    std::string text;
    const auto add = [&](const std::string& part) { text += ", " + part; };
    if (report.contains("prefill")) add("prefill at " + digits(report["prefill"]["tok_s"]) + " tok/s");
    if (report.contains("decode")) add("decode at " + digits(report["decode"]["tok_s"]) + " tok/s");
    if (report.contains("run")) add("whole runs at " + digits(report["run"]["tok_s"]) + " tok/s");
    for (const Json& block : report.value("blocks", Json::array()))
        add(block["rows"].dump() + " rows in " + digits(block["ms"]) + " ms");
    for (const Json& pass : report.value("passes", Json::array()))
        add(pass["rows"].dump() + " rows in " + digits(pass["us"].get<double>() / 1e3) + " ms");
    for (const Json& row : report.value("rows", Json::array())) {
        add(row["method"].get<std::string>() + " at temperature " + digits(row["temperature"]) + " " +
            digits(row["speed_up"]) + " times as fast");
    }
    for (const Json& row : report.value("unions", Json::array()))
        add(digits(row["union"]) + " experts in " + row["rows"].dump() + " rows");
    for (const Json& row : report.value("runs", Json::array()))
        add("budget " + row["budget"].dump() + " with " + digits(row["tokens_per_verify"]) + " tokens a verify step");
    return text;
}

}  // namespace

std::string inWords(const BenchRequest& r) {
    return "speed of " + settings(r.model, r.quant, r.threads, r.repeats) +
           (r.reference.empty() ? "" : ", reference " + r.reference) + ", arithmetic " + r.arithmetic + ", KV cache " +
           r.kv_type;
}

std::string inWords(const ExpertsBenchRequest& r) {
    return "experts of " + settings(r.model, {}, r.threads, r.repeats) +
           (r.draft.empty() ? "" : ", drafts from " + r.draft + " by " + r.method);
}

std::string inWords(const SpeculationBenchRequest& r, const char* kind) {
    return std::string(kind) + " of " + settings(r.model, r.quant, r.threads, r.repeats) + ", arithmetic " +
           r.arithmetic + listed(r.drafts) + listed(r.methods);
}

void logBenchBegins(const std::string& words) { logInfo("bench begins: " + words); }

void logBenchEnds(const Json& report, double seconds) {
    for (const Json& failure : report.value("failures", Json::array())) {
        logProblem("bench left out " + failure["method"].get<std::string>() + ": " +
                   failure["reason"].get<std::string>());
    }
    std::string line = "bench ends: " + report["model"].get<std::string>();
    if (report.contains("weight_format")) line += " (" + report["weight_format"].get<std::string>() + ")";
    char time[32];
    std::snprintf(time, sizeof time, ", %.2f s in all", seconds);
    logInfo(line + figures(report) + time + (report.contains(kIncomplete) ? ", not complete" : ""));
}

}  // namespace quibble::cli
