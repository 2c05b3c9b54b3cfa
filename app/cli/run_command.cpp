// quibble-cli run: one run, its text or its measurements on standard output or in a file, kept in a session file when asked.
#include <iostream>
#include <mutex>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/run_options.h"
#include "app/database_log.h"
#include "data/export/trace_export.h"
#include "data/store/store.h"
#include "data/store/store_writer.h"
#include "engine/experts/expert_method.h"
#include "engine/base/memory_use.h"
#include "engine/run/runner.h"
#include "engine/text/detokenizer.h"

namespace quibble::cli {

namespace {

struct RunArguments {
    RunOptions options;
    std::string prompt, prompt_file, problem, jsonl, database, session = "Command line";
};

// What the run may take, before it takes it.
std::string cacheLine(const RunRequest& request, const RunProvenance& p) {
    std::string line = "KV cache " + p.kv_cache + ": at most " + bytesText(p.kv_bytes) + " for " + std::to_string(p.context) + " positions";
    if (request.context > p.context) line += " (of " + std::to_string(request.context) + " asked for: the model or its reference was made for no more)";
    if (const auto left = availableMemoryBytes()) line += ", " + bytesText(*left) + " of memory are free";
    return line;
}

// Follows the events on the engine thread and writes the line of a token once everything that belongs to it has arrived.
class TokenPrinter {
public:
    TokenPrinter(RunRequest request, std::ostream* lines, bool show_text) : trace_(std::move(request)), lines_(lines), show_text_(show_text) {}

    void apply(const EventBatch& batch) {
        const std::lock_guard lock(mutex_);
        for (const RunEvent& event : batch.events) {
            trace_.apply(event);
            if (const auto* provenance = std::get_if<RunProvenance>(&event)) {
                std::cerr << cacheLine(trace_.request(), *provenance) << '\n';
                printNotes(*provenance);
            }
        }
        if (show_text_) {
            for (; shown_ < trace_.points().size(); ++shown_) std::cout << trace_.text(trace_.points()[shown_].token.id);
            std::cout.flush();
        }
        if (lines_ == nullptr) return;
        for (; written_ < trace_.points().size() && tokenComplete(trace_.points()[written_], trace_); ++written_) {
            *lines_ << tokenJson(trace_.points()[written_], trace_) << '\n';
        }
        if (trace_.finished()) *lines_ << summaryJson(trace_) << '\n';
    }
    [[nodiscard]] const RunTrace& trace() const { return trace_; }

private:
    std::mutex mutex_;
    RunTrace trace_;
    std::ostream* lines_;
    bool show_text_;
    std::size_t shown_ = 0, written_ = 0;
};

struct OpenStore {
    std::unique_ptr<Store> store;
    std::unique_ptr<StoreWriter> writer;
    RunId run = kNoRun;
};

Result<OpenStore> openStore(const RunArguments& arguments, const RunRequest& request) {
    OpenStore open;
    if (arguments.database.empty()) return open;
    if (auto there = requireFolder(arguments.database); !there) return tl::unexpected(there.error());
    auto store = Store::open(arguments.database);
    if (!store) return tl::unexpected(store.error());
    open.store = std::move(*store);
    logOpened(*open.store);
    auto sessions = open.store->listSessions();
    if (!sessions) return tl::unexpected(sessions.error());
    SessionId session = kNoSession;
    for (const SessionSummary& candidate : *sessions) {
        if (candidate.name == arguments.session) session = candidate.id;
    }
    if (session == kNoSession) {
        auto created = open.store->createSession(arguments.session);
        if (!created) return tl::unexpected(created.error());
        session = *created;
    }
    auto writer = StoreWriter::open(*open.store);
    if (!writer) return tl::unexpected(writer.error());
    open.writer = std::move(*writer);
    auto run = open.writer->beginRun(session, request);
    if (!run) return tl::unexpected(run.error());
    open.run = *run;
    return open;
}

Result<RunRequest> requestOf(const RunArguments& arguments) {
    auto request = arguments.options.request();
    if (!request) return request;
    const int sources = (arguments.prompt.empty() ? 0 : 1) + (arguments.prompt_file.empty() ? 0 : 1) + (arguments.problem.empty() ? 0 : 1);
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
    std::unique_ptr<Output> output;
    if (!arguments.jsonl.empty()) {
        auto opened = Output::open(arguments.jsonl);
        if (!opened) return tl::unexpected(opened.error());
        output = std::move(*opened);
    }
    if (const std::string idle = whyExpertsChangeNothing(*request); !idle.empty()) std::cerr << "note: " << idle << '\n';
    auto store = openStore(arguments, *request);
    if (!store) return tl::unexpected(store.error());

    TokenPrinter printer(*request, output ? &output->stream() : nullptr, arguments.jsonl != "-");
    {
        Runner runner(std::make_shared<ModelCache>(), [&](EventBatchPtr batch) {
            printer.apply(*batch);
            if (store->writer) store->writer->push(std::move(batch));
        });
        const Interrupt interrupt;
        RunStart start;
        start.run = store->run;
        start.request = *request;
        runner.start(std::move(start));
        while (runner.state() != RunState::Finished) {
            if (interrupt.asked()) runner.stop();
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        runner.wait();
    }
    if (arguments.jsonl != "-" && !printer.trace().points().empty()) std::cout << std::endl;
    if (store->writer) {
        if (auto closed = store->writer->close(); !closed) return closed;
    }
    if (output) {
        if (auto closed = output->close(); !closed) return closed;
    }
    const RunFinished& finished = *printer.trace().finished();
    if (finished.reason == FinishReason::Failed) return fail(finished.code.value_or(ErrorCode::InvalidArgument), finished.message);
    if (arguments.jsonl.empty()) std::cerr << summaryJson(printer.trace()) << '\n';
    return {};
}

}  // namespace

void addRunCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* command = app.add_subcommand("run", "Run a model and measure every token");
    arguments->options.addTo(*command);
    command->add_option("--prompt", arguments->prompt, "The user's text");
    command->add_option("--prompt-file", arguments->prompt_file, "File with the user's text, or - for standard input; one line end at its end is left out");
    command->add_option("--problem", arguments->problem, "Id of a shipped problem");
    command->add_option("--jsonl", arguments->jsonl, "Write one object a token, then a summary, to this file or - (nats)");
    command->add_option("--db", arguments->database, "Keep the run in this session database");
    command->add_option("--session", arguments->session, "Name of the session in the database")->capture_default_str();
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
