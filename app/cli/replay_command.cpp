// quibble-cli replay: repeats a stored run and reports the first bit that differs.
#include <cstdio>

#include "app/cli/cli.h"
#include "app/cli/numbers.h"
#include "app/database_log.h"
#include "data/store/store.h"
#include "engine/run/replay.h"

namespace quibble::cli {

namespace {

struct ReplayArguments {
    std::string database, model, reference;
    std::int64_t run = 0;
    int threads = 0;
};

Result<void> execute(const ReplayArguments& arguments) {
    auto store = Store::open(arguments.database, OpenMode::ReadOnly);
    if (!store) return tl::unexpected(store.error());
    logOpened(**store);
    auto trace = (*store)->loadRun(RunId{arguments.run});
    if (!trace) return tl::unexpected(trace.error());
    RunRequest request = trace->request();
    if (!arguments.model.empty()) request.model_path = arguments.model;
    if (!arguments.reference.empty()) request.reference.path = arguments.reference;
    ModelCache models;
    CpuDevice device(arguments.threads);
    auto report = replayRun(*trace, request, models, device);
    if (!report) return tl::unexpected(report.error());
    if (!report->note.empty()) std::printf("note: %s\n", report->note.c_str());
    if (const auto& difference = report->difference) {
        return fail(ErrorCode::InvalidArgument, "the replay differs at position " + std::to_string(difference->pos) +
                                                    ": " + difference->field + " was " + difference->stored + ", is " +
                                                    difference->repeated);
    }
    logInfo("replay of run " + std::to_string(arguments.run) + ": identical, " + std::to_string(report->tokens) +
            " tokens");
    std::printf("identical: %lld tokens, %lld reference records\n", static_cast<long long>(report->tokens),
                static_cast<long long>(report->references));
    return {};
}

}  // namespace

void addReplayCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<ReplayArguments>();
    CLI::App* command = app.add_subcommand("replay", "Repeat a stored run and compare every bit");
    command->add_option("database", arguments->database, "Session database or exported session")->required();
    addNumber(*command, "--run", arguments->run, "Run to repeat (export --list shows them)", 1)->required();
    command->add_option("--model", arguments->model, "Where the model file lies now");
    command->add_option("--reference", arguments->reference, "Where the reference file lies now");
    addNumber(*command, "--threads", arguments->threads, "0: all cores", 0, 256);
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
