// The results of bench as a table for people.
#include <iomanip>
#include <sstream>

#include "app/cli/bench.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

// "28.2", "8,109": four digits are enough for a speed.
std::string shortNumber(double value) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(value < 10 ? 2 : value < 1000 ? 1 : 0) << value;
    std::string digits = text.str();
    if (value >= 1000) {
        for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
            digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
}

void printRow(std::ostream& out, const std::string& what, const std::string& speed, const std::string& rest) {
    out << std::left << std::setw(18) << what << std::right << std::setw(16) << speed << "   " << rest << '\n';
}

std::string percent(const Json& fraction) { return shortNumber(100 * fraction.get<double>()) + " %"; }
std::string number(const Json& value) { return shortNumber(value.get<double>()); }

void printThroughput(const Json& p, std::ostream& out) {
    if (p.contains("why_not")) return printRow(out, "  throughput", "none", p["why_not"].get<std::string>());
    if (!p.contains("gflop_s")) return;  // the measurement was stopped before
    std::string rest = shortNumber(p["gflop_s"].get<double>() / 1e3) + " Tflop/s";
    if (p.contains("of_bf16_limit")) rest += ": " + percent(p["of_bf16_limit"]) + " of the BF16 limit";
    printRow(out, "  throughput", number(p["tok_s"]) + " tok/s", rest);
}

}  // namespace

void printBench(const Json& r, std::ostream& out) {
    out << r["model"].get<std::string>() << ": " << r["weight_format"].get<std::string>() << ", "
        << number(r["bits_per_weight"]) << " bits a weight, " << shortNumber(r["parameters"].get<double>() / 1e6)
        << " M parameters; " << r["isa"].get<std::string>() << ", " << r["threads"] << " threads, "
        << r["arithmetic"].get<std::string>() << " arithmetic\n\n";
    printRow(out, "load", number(r["load"]["seconds"]) + " s", number(r["load"]["seconds_per_gb"]) + " s a GB of file");
    if (r.contains("prefill")) {
        const Json& p = r["prefill"];
        printRow(out, "prefill of " + p["tokens"].dump(), number(p["tok_s"]) + " tok/s",
                 shortNumber(p["gflop_s"].get<double>() / 1e3) + " Tflop/s: " + percent(p["of_int8_limit"]) +
                     " of the 8-bit limit, " + percent(p["of_fma_limit"]) + " of the f32 limit");
        printThroughput(p["throughput"], out);
        if (p.contains("busy_tok_s"))
            printRow(out, "  a core busy", number(p["busy_tok_s"]) + " tok/s",
                     percent(p["busy_ratio"]) + " of the quiet speed");
    }
    if (r.contains("decode")) {
        const Json& d = r["decode"];
        printRow(out, "decode of " + d["tokens"].dump(), number(d["tok_s"]) + " tok/s",
                 number(d["gb_s"]) + " GB/s, " + number(d["mb_a_pass"]) + " MB a pass: " + percent(d["of_read_limit"]) +
                     " of the read limit");
    }
    for (const Json& b : r.value("blocks", Json::array())) {
        printRow(out, "block of " + b["rows"].dump(), number(b["ms"]) + " ms",
                 number(b["cost_in_decode_steps"]) + " decode steps, " + number(b["gb_s"]) +
                     " GB/s: " + percent(b["of_read_limit"]) + " of the read limit");
    }
    if (r.contains("run")) {
        const Json& run = r["run"];
        printRow(out, "whole run", number(run["tok_s"]) + " tok/s", "with sampling and all measurements");
        if (run.contains("ratio"))
            printRow(out, "  with live KL", number(run["tok_s_with_reference"]) + " tok/s",
                     percent(run["ratio"]) + "; reference " + run["reference"].get<std::string>() + " in blocks of " +
                         run["block"].dump());
    }
    for (const Json& step : r.value("parallel", Json::array())) {
        std::string rest = number(step["of_one"]) + " times one; the limit is " + number(step["limit_tok_s"]) +
                           " tok/s: " + percent(step["of_limit"]);
        if (step.contains("of_one_with_reference")) {
            rest += "; with live KL " + number(step["tok_s_with_reference"]) + " tok/s, " +
                    number(step["of_one_with_reference"]) + " times one";
        }
        printRow(out, step["runs"].dump() + (step["runs"] == 1 ? " run" : " runs at once"),
                 number(step["tok_s"]) + " tok/s", rest);
    }
    const Json& m = r["memory"];
    printRow(out, "peak memory", number(m["peak_mb"]) + " MB",
             "weights " + number(m["weights_mb"]) + " MB, cache " + number(m["cache_mb"]) + " MB of " +
                 r["kv_cache"].get<std::string>() + "; at most " + number(m["allowed_mb"]) + " MB are allowed");
    const Json& tuning = r["tuning"];
    printRow(out, "tuning", "", tuning["source"].get<std::string>());
    for (const Json& choice : tuning["measured"])
        printRow(out, "  " + choice["what"].get<std::string>(), "", choice["text"].get<std::string>());
    const Json& l = r["limits"];
    printRow(out, "limits", number(l["memory_read_gb_s"]) + " GB/s",
             shortNumber(l["f32_fma_gflop_s"].get<double>() / 1e3) + " Tflop/s f32, " +
                 shortNumber(l["int8_dot_gop_s"].get<double>() / 1e3) + " Top/s 8-bit" +
                 (l["bf16_dot_gflop_s"].get<double>() > 0
                      ? ", " + shortNumber(l["bf16_dot_gflop_s"].get<double>() / 1e3) + " Tflop/s BF16"
                      : "") +
                 ", measured now");
}

}  // namespace quibble::cli
