// quibble-cli run: one run, its text or its measurements on standard output or in a file, kept in a session file when
// asked.
#include <iostream>

#include "app/cli/cli.h"
#include "app/cli/live_run.h"
#include "app/cli/run_options.h"
#include "app/cli/run_store.h"
#include "engine/experts/expert_method.h"

namespace quibble::cli {

namespace {

struct RunArguments {
    RunOptions options;
    bool stages = false;
    std::string prompt, prompt_file, problem, jsonl, database, session = "Command line";
};

Result<RunRequest> requestOf(const RunArguments& arguments) {
    auto request = arguments.options.request();
    if (!request) return request;
    const int sources = (arguments.prompt.empty() ? 0 : 1) + (arguments.prompt_file.empty() ? 0 : 1) +
                        (arguments.problem.empty() ? 0 : 1);
    if (sources != 1) return fail(ErrorCode::InvalidArgument, "give one of --prompt, --prompt-file and --problem");
    request->prompt = arguments.prompt;
    if (!arguments.prompt_file.empty()) {
        auto read = readPrompt(arguments.prompt_file);
        if (!read) return tl::unexpected(read.error());
        request->prompt = std::move(*read);
    }
    if (!arguments.problem.empty()) {
        auto problem = findProblem(arguments.problem);
        if (!problem) return tl::unexpected(problem.error());
        request->prompt = problem->text;
        request->problem_id = problem->id;
        request->known_answer = problem->answer;
    }
    return request;
}

Result<void> execute(const RunArguments& arguments) {
    auto request = requestOf(arguments);
    if (!request) return tl::unexpected(request.error());
    if (!arguments.jsonl.empty()) {
        if (auto writable = requireWritable(arguments.jsonl); !writable) return writable;
    }
    if (const std::string idle = whyExpertsChangeNothing(*request); !idle.empty())
        std::cerr << "note: " << idle << '\n';
    auto store = openRunStore(arguments.database, arguments.session);
    if (!store) return tl::unexpected(store.error());
    RunId run = kNoRun;
    if (store->writer != nullptr) {
        auto begun = store->writer->beginRun(store->session, *request);
        if (!begun) return tl::unexpected(begun.error());
        run = *begun;
    }
    auto done = follow({.request = *request,
                        .shown = RunTrace(*request),
                        .jsonl = arguments.jsonl,
                        .writer = store->writer.get(),
                        .run = run,
                        .stages = arguments.stages});
    if (!done) return tl::unexpected(done.error());
    return {};
}

}  // namespace

void addRunCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* command = app.add_subcommand("run", "Run a model and measure every token");
    arguments->options.addTo(*command);
    command->add_option("--prompt", arguments->prompt, "The user's text");
    command->add_option("--prompt-file", arguments->prompt_file,
                        "File with the user's text, or - for standard input; one line end at its end is left out");
    command->add_option("--problem", arguments->problem, "Id of a shipped problem");
    command->add_option("--jsonl", arguments->jsonl,
                        "Write one object a token, then a summary, to this file or - (nats)");
    command->add_flag("--stages", arguments->stages,
                      "With --jsonl: the candidates of each token behind each rule and each stage of the sampler");
    command->add_option("--db", arguments->database, "Keep the run in this session database");
    command->add_option("--session", arguments->session, "Name of the session in the database")->capture_default_str();
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
