// quibble-cli bench
#include "app/cli/bench.h"
#include "app/cli/bench_experts.h"
#include "app/cli/bench_speculation.h"
#include "app/cli/cli.h"

namespace quibble::cli {

namespace {

struct BenchArguments {
    BenchRequest speed;
    SpeculationBenchRequest drafting;
    bool speculation = false, forced = false, experts = false;
    std::string json;
};

Result<void> write(const std::string& json, Result<nlohmann::ordered_json> result, void (*print)(const nlohmann::ordered_json&, std::ostream&)) {
    if (!result) return tl::unexpected(result.error());
    auto output = Output::open(json.empty() ? "-" : json);
    if (!output) return tl::unexpected(output.error());
    if (json.empty()) print(*result, (*output)->stream());
    else (*output)->stream() << result->dump() << '\n';
    return (*output)->close();
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
        return write(arguments.json, runExpertsBench(experts), &printExpertsBench);
    }
    if (!arguments.speculation && !arguments.forced) return write(arguments.json, runBench(arguments.speed), &printBench);
    SpeculationBenchRequest drafting = arguments.drafting;
    drafting.model = arguments.speed.model;
    drafting.quant = arguments.speed.quant;
    drafting.arithmetic = arguments.speed.arithmetic;
    drafting.threads = arguments.speed.threads;
    drafting.repeats = arguments.speed.repeats;
    drafting.depth = arguments.speed.depth;
    if (arguments.forced) return write(arguments.json, runForcedBench(drafting), &printForcedBench);
    return write(arguments.json, runSpeculationBench(drafting), &printSpeculationBench);
}

}  // namespace

void addBenchCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<BenchArguments>();
    BenchRequest* request = &arguments->speed;
    CLI::App* command = app.add_subcommand("bench", "Speed of a model, beside the limits of this machine");
    command->add_option("model", request->model, kModelHelp)->required();
    command->add_option("--quant", request->quant, "Quantize in place, as in run")->capture_default_str();
    command->add_option("--reference", request->reference, "As in run; also times runs with the reference scored live");
    command->add_option("--arithmetic", request->arithmetic, "native or f32")->check(CLI::IsMember({"native", "f32"}))->capture_default_str();
    command->add_option("--kv", request->kv_type, "Type of the KV cache")->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))->capture_default_str();
    command->add_option("--prefill", request->prefill, "Prompt tokens; 0: skip")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--decode", request->decode, "Decoded tokens; 0: skip, and whole runs too")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--depth", request->depth, "Positions in the cache before decode and blocks; speed can be measured beyond what the model was made for")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--blocks", request->blocks, "Rows of one pass, several")->delimiter(',')->check(CLI::Range(1, 64))->capture_default_str();
    command->add_flag("--busy", request->busy, "Prefill once more with another job on one of the cores");
    command->add_option("--threads", request->threads, "0: all cores")->check(CLI::Range(0, 256))->capture_default_str();
    command->add_option("--repeats", request->repeats, "Repetitions; the median counts")->check(CLI::Range(1, 100))->capture_default_str();
    command->add_option("--json", arguments->json, "Write one line of JSON to this file or - instead of the table");
    command->add_flag("--speculation", arguments->speculation, "Instead: whole runs with each draft method against plain decoding");
    command->add_flag("--forced", arguments->forced, "Instead: passes of 1 to 16 rows, and rounds of a chain whose tokens are all accepted, whatever the models say");
    command->add_flag("--experts", arguments->experts, "Instead: unions, coverage and errors of expert budgets on real text; with --draft-model drafted runs under each budget");
    command->add_option("--draft-model", arguments->drafting.drafts, "For these: model files that draft, largest first")->expected(1, 2);
    command->add_option("--methods", arguments->drafting.methods, "For --speculation: method:key=value/rule, several; default: one of each kind");
    command->add_option("--temperatures", arguments->drafting.temperatures, "For --speculation")->delimiter(',')->check(CLI::Range(0.0, 100.0))->capture_default_str();
    command->add_option("--problems", arguments->drafting.problems, "For --speculation and --experts: how many held-out problems")->check(CLI::Range(1, 500))->capture_default_str();
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
