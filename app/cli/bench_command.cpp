// quibble-cli bench
#include "app/cli/bench.h"
#include "app/cli/bench_experts.h"
#include "app/cli/bench_log.h"
#include "app/cli/bench_speculation.h"
#include "app/cli/bench_stop.h"
#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "engine/base/clock.h"

namespace quibble::cli {

namespace {

struct BenchArguments {
    BenchRequest speed;
    SpeculationBenchRequest drafting;
    bool speculation = false, forced = false, experts = false;
    std::string json;
};

using Measure = std::function<Result<nlohmann::ordered_json>(const std::stop_token&)>;

Result<void> report(const std::string& json, const std::string& words, const Measure& measure,
                    void (*print)(const nlohmann::ordered_json&, std::ostream&)) {
    const std::string path = json.empty() ? "-" : json;
    if (auto writable = requireWritable(path); !writable) return writable;
    const Interrupt interrupt;
    logBenchBegins(words);
    const std::int64_t began = nowNs();
    auto result = measure(interrupt.token());
    if (!result) return tl::unexpected(result.error());
    logBenchEnds(*result, static_cast<double>(nowNs() - began) * 1e-9);
    auto output = Output::open(path);
    if (!output) return tl::unexpected(output.error());
    if (json.empty())
        print(*result, (*output)->stream());
    else
        (*output)->stream() << result->dump() << '\n';
    if (auto closed = (*output)->close(); !closed) return closed;
    if (!result->contains(kIncomplete)) return {};
    return fail(interrupt.asked() ? ErrorCode::Cancelled : ErrorCode::InvalidArgument,
                "the measurement is not complete: " + (*result)[kIncomplete].get<std::string>());
}

Result<void> execute(const BenchArguments& arguments) {
    if (arguments.experts) {
        ExpertsBenchRequest experts;
        experts.model = arguments.speed.model;
        if (!arguments.drafting.drafts.empty()) experts.draft = arguments.drafting.drafts.back();
        if (!arguments.drafting.methods.empty()) experts.method = arguments.drafting.methods.front();
        experts.problems = arguments.drafting.problems;
        experts.threads = arguments.speed.threads;
        experts.repeats = arguments.speed.repeats;
        return report(
            arguments.json, inWords(experts),
            [&](const std::stop_token& stop) { return runExpertsBench(experts, stop); }, &printExpertsBench);
    }
    if (!arguments.speculation && !arguments.forced) {
        return report(
            arguments.json, inWords(arguments.speed),
            [&](const std::stop_token& stop) { return runBench(arguments.speed, stop); }, &printBench);
    }
    SpeculationBenchRequest drafting = arguments.drafting;
    drafting.model = arguments.speed.model;
    drafting.quant = arguments.speed.quant;
    drafting.arithmetic = arguments.speed.arithmetic;
    drafting.threads = arguments.speed.threads;
    drafting.repeats = arguments.speed.repeats;
    drafting.depth = arguments.speed.depth;
    if (arguments.forced) {
        return report(
            arguments.json, inWords(drafting, "forced rounds"),
            [&](const std::stop_token& stop) { return runForcedBench(drafting, stop); }, &printForcedBench);
    }
    return report(
        arguments.json, inWords(drafting, "drafting"),
        [&](const std::stop_token& stop) { return runSpeculationBench(drafting, stop); }, &printSpeculationBench);
}

}  // namespace

void addBenchCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<BenchArguments>();
    BenchRequest* request = &arguments->speed;
    CLI::App* command = app.add_subcommand("bench", "Speed of a model, beside the limits of this machine");
    command->add_option("model", request->model, kModelHelp)->required();
    command->add_option("--quant", request->quant, "Quantize in place, as in run")->capture_default_str();
    command->add_option("--reference", request->reference, "As in run; also times runs with the reference scored live");
    command->add_option("--arithmetic", request->arithmetic, "native or f32")
        ->check(CLI::IsMember({"native", "f32"}))
        ->capture_default_str();
    command->add_option("--kv", request->kv_type, "Type of the KV cache")
        ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))
        ->capture_default_str();
    addNumber(*command, "--prefill", request->prefill, "Prompt tokens; 0: skip", 0, 1 << 20);
    addNumber(*command, "--decode", request->decode, "Decoded tokens; 0: skip, and whole runs too", 0, 1 << 20);
    addNumber(
        *command, "--depth", request->depth,
        "Positions in the cache before decode and blocks; speed can be measured beyond what the model was made for", 0,
        1 << 20);
    addNumber(*command, "--blocks", request->blocks, "Rows of one pass, several", 1, 64)->delimiter(',');
    command->add_flag("--parallel", request->parallel,
                      "Also the tokens of 1, 2, 4 ... 64 runs at once, with the limit of the machine beside them");
    command->add_flag("--busy", request->busy, "Prefill once more with another job on one of the cores");
    addNumber(*command, "--threads", request->threads, "0: all cores", 0, 256);
    addNumber(*command, "--repeats", request->repeats, "Repetitions; the median counts", 1, 100);
    command->add_option("--json", arguments->json, "Write one line of JSON to this file or - instead of the table");
    command->add_flag("--speculation", arguments->speculation,
                      "Instead: whole runs with each draft method against plain decoding");
    command->add_flag("--forced", arguments->forced,
                      "Instead: passes of 1 to 16 rows, and rounds of a chain whose tokens are all accepted, whatever "
                      "the models say");
    command->add_flag("--experts", arguments->experts,
                      "Instead: unions, coverage and errors of expert budgets on real text; with --draft-model drafted "
                      "runs under each budget");
    command->add_option("--draft-model", arguments->drafting.drafts, "For these: model files that draft, largest first")
        ->expected(1, 2);
    command->add_option("--methods", arguments->drafting.methods,
                        "For --speculation: method:key=value/rule, several; default: one of each kind");
    addNumber(*command, "--temperatures", arguments->drafting.temperatures, "For --speculation", 0, 100)
        ->delimiter(',');
    addNumber(*command, "--problems", arguments->drafting.problems,
              "For --speculation and --experts: how many held-out problems", 1, 500);
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
