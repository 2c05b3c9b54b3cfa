// quibble-cli bench
#include "app/cli/bench.h"
#include "app/cli/cli.h"

namespace quibble::cli {

namespace {

Result<void> execute(const BenchRequest& request, const std::string& json) {
    auto result = runBench(request);
    if (!result) return tl::unexpected(result.error());
    auto output = Output::open(json.empty() ? "-" : json);
    if (!output) return tl::unexpected(output.error());
    if (json.empty()) printBench(*result, (*output)->stream());
    else (*output)->stream() << result->dump() << '\n';
    return (*output)->close();
}

}  // namespace

void addBenchCommand(CLI::App& app, Action& chosen) {
    auto request = std::make_shared<BenchRequest>();
    auto json = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("bench", "Speed of a model, beside the limits of this machine");
    command->add_option("model", request->model, kModelHelp)->required();
    command->add_option("--quant", request->quant, "Quantize in place, as in run")->capture_default_str();
    command->add_option("--reference", request->reference, "As in run; also times runs with the reference scored live");
    command->add_option("--arithmetic", request->arithmetic, "native or f32")->check(CLI::IsMember({"native", "f32"}))->capture_default_str();
    command->add_option("--prefill", request->prefill, "Prompt tokens; 0: skip")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--decode", request->decode, "Decoded tokens; 0: skip, and whole runs too")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--depth", request->depth, "Positions in the cache before decode and blocks")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--blocks", request->blocks, "Rows of one pass, several")->delimiter(',')->check(CLI::Range(1, 64))->capture_default_str();
    command->add_flag("--busy", request->busy, "Prefill once more with another job on one of the cores");
    command->add_option("--threads", request->threads, "0: all cores")->check(CLI::Range(0, 256))->capture_default_str();
    command->add_option("--repeats", request->repeats, "Repetitions; the median counts")->check(CLI::Range(1, 100))->capture_default_str();
    command->add_option("--json", *json, "Write one line of JSON to this file or - instead of the table");
    command->callback([&chosen, request, json] { chosen = [request, json] { return execute(*request, *json); }; });
}

}  // namespace quibble::cli
