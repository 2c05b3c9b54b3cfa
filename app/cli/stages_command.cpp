// quibble-cli stages: how one token of a stored run was chosen, stage by stage.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "app/database_log.h"
#include "data/export/stage_export.h"
#include "data/store/store.h"
#include "engine/cache/prefix_cache.h"
#include "engine/run/token_stages.h"

namespace quibble::cli {

namespace {

struct StagesArguments {
    std::string database, model, format = "text", out = "-";
    std::int64_t run = 0;
    Position at = 0;
    int rows = 12, threads = 0;
    bool all = false;
};

// The run that chose the token: a branch holds tokens of the run that it left.
Result<RunTrace> chooserOf(const StagesArguments& arguments) {
    auto store = Store::open(arguments.database, OpenMode::ReadOnly);
    if (!store) return tl::unexpected(store.error());
    logOpened(**store);
    auto run = (*store)->loadRun(RunId{arguments.run});
    while (run && chosenByParent(*run, arguments.at)) run = (*store)->loadRun(run->request().branch.parent);
    return run;
}

Result<void> execute(const StagesArguments& arguments) {
    if (arguments.out != "-") {
        if (auto writable = requireWritable(arguments.out); !writable) return writable;
    }
    auto run = chooserOf(arguments);
    if (!run) return tl::unexpected(run.error());
    auto question = askForStages(*run, arguments.at, arguments.all ? run->provenance().vocab_size : arguments.rows);
    if (!question) return tl::unexpected(question.error());
    if (!arguments.model.empty()) question->request.model_path = arguments.model;
    ModelCache models;
    CpuDevice device(arguments.threads);
    PrefixCache prefixes;
    const Interrupt interrupt;
    auto found = findStages(*question, models, device, prefixes, interrupt.token());
    if (!found) return tl::unexpected(found.error());
    auto output = Output::open(arguments.out);
    if (!output) return tl::unexpected(output.error());
    if (arguments.format == "json")
        (*output)->stream() << stageTableJson(found->table) << '\n';
    else if (arguments.format == "csv")
        exportStagesCsv((*output)->stream(), found->table);
    else
        exportStagesText((*output)->stream(), found->table);
    return (*output)->close();
}

}  // namespace

void addStagesCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<StagesArguments>();
    CLI::App* command =
        app.add_subcommand("stages", "How one token of a stored run was chosen: rules, sampler and noise");
    command->add_option("database", arguments->database, "Session database or exported session")->required();
    addNumber(*command, "--run", arguments->run, "Run of the token (export --list shows them)", 1)->required();
    addNumber(*command, "--at", arguments->at, "Position of the token (pos in the export)", 0)->required();
    addNumber(*command, "--rows", arguments->rows, "Candidates, the likeliest of the raw logits", 1);
    command->add_flag("--all", arguments->all, "All tokens of the vocabulary");
    command->add_option("--model", arguments->model, "Where the model file lies now");
    command->add_option("--format", arguments->format, "text, json or csv")
        ->check(CLI::IsMember({"text", "json", "csv"}))
        ->capture_default_str();
    command->add_option("--out", arguments->out, "File, or - for standard output")->capture_default_str();
    addNumber(*command, "--threads", arguments->threads, "0: all cores", 0, 256);
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
