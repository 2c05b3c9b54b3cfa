// quibble-cli eval: a problem set under one setting, many problems at a time: accuracy with its interval, length,
// markers, KL, error labels. A problem that cannot be run is counted and named with its reason, and the others go on;
// an interrupt ends the evaluation with a report of what is done, which --resume continues from the database.
#include <iostream>
#include <map>
#include <ostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "app/cli/run_options.h"
#include "app/cli/run_store.h"
#include "app/cli/terminal_line.h"
#include "engine/experiment/evaluation.h"
#include "engine/experiment/problem_runs.h"
#include "engine/values/run_settings.h"

namespace quibble::cli {

namespace {

struct EvalArguments {
    RunOptions options;
    std::string problems, json, database, session;
    int limit = 0, parallel = 0;
    bool resume = false;

    /// Of the database.
    [[nodiscard]] std::string sessionName(const std::string& set) const {
        return session.empty() ? "Evaluation of " + set : session;
    }
};

struct ProblemsOfSet {
    std::string name;
    std::vector<Problem> problems;
};

Result<ProblemsOfSet> problemsOf(const EvalArguments& arguments) {
    auto set =
        arguments.problems == "-" ? ProblemSet::read(std::cin, "standard input") : ProblemSet::load(arguments.problems);
    if (!set) return tl::unexpected(set.error());
    ProblemsOfSet chosen{set->name(), set->problems()};
    if (chosen.problems.empty()) return fail(ErrorCode::InvalidArgument, arguments.problems + " holds no problem");
    if (arguments.limit > 0 && std::ssize(chosen.problems) > arguments.limit)
        chosen.problems.resize(static_cast<std::size_t>(arguments.limit));
    return chosen;
}

std::string progressText(const SetProgress& progress) {
    std::string line = std::to_string(progress.done) + " of " + std::to_string(progress.wanted) + " problems, " +
                       std::to_string(progress.running) + " at once, " +
                       std::to_string(static_cast<std::int64_t>(progress.tokensPerSecond())) + " tokens/s";
    if (progress.seconds_left) line += ", " + timeLeftText(*progress.seconds_left);
    return line;
}

// Keeps the runs, gathers the results and says how far they are.
class Gatherer final : public ProblemListener {
public:
    Gatherer(const std::vector<Problem>& problems, RunStore& store, Evaluation& evaluation)
        : problems_(problems), store_(store), evaluation_(evaluation) {}

    Result<RunId> begins(std::size_t /*index*/, const RunRequest& request) override {
        if (store_.writer == nullptr) return kNoRun;
        return store_.writer->beginRun(store_.session, request);
    }
    void happens(const EventBatchPtr& batch) override {
        for (const RunEvent& event : batch->events) {
            const auto* provenance = std::get_if<RunProvenance>(&event);
            if (provenance == nullptr || std::exchange(noted_, true)) continue;
            line_.clear();
            printNotes(*provenance);
        }
        if (store_.writer != nullptr) store_.writer->push(batch);
    }
    void ends(std::size_t index, const RunTrace& trace) override { evaluation_.add(index, resultOf(trace)); }
    void fails(std::size_t index, const Error& why) override {
        evaluation_.addFailure(index, problems_[index].id, why);
    }
    void progresses(const SetProgress& progress) override {
        progress_ = progress;
        if (line_.due()) line_.show(progressText(progress));
    }
    [[nodiscard]] const SetProgress& progress() const { return progress_; }

private:
    const std::vector<Problem>& problems_;
    RunStore& store_;
    Evaluation& evaluation_;
    TerminalLine line_;
    SetProgress progress_;
    bool noted_ = false;
};

bool cameToItsEnd(const RunTrace& trace) {
    return trace.finished() && trace.finished()->reason != FinishReason::Stopped &&
           trace.finished()->reason != FinishReason::Failed;
}

// Says why runs of the session do not count, by the first of them.
void sayOthers(int others, RunId first, const std::vector<FieldDifference>& differ) {
    if (others == 0) return;
    std::cerr << others << (others == 1 ? " run" : " runs") << " of the session with other settings "
              << (others == 1 ? "does" : "do") << " not count; run " << raw(first) << ": ";
    for (const FieldDifference& difference : differ)
        std::cerr << (&difference == differ.data() ? "" : "; ") << difference.text();
    std::cerr << '\n';
}

// Takes the results of an earlier call from the session: of runs that came to their end, of this setting and these
// weights. The time that its prompts were given becomes that of the setting, so that the rest is asked on the same day.
Result<void> takeFinished(const RunStore& store, const std::vector<Problem>& problems, RunRequest& setting,
                          const RunModels& models, Evaluation& evaluation) {
    std::map<std::string_view, std::size_t> indices;
    for (std::size_t i = 0; i < problems.size(); ++i) indices.emplace(problems[i].id, i);
    auto runs = store.store->listRuns(store.session);
    if (!runs) return tl::unexpected(runs.error());
    int others = 0;
    RunId first_other = kNoRun;
    std::vector<FieldDifference> first_differs;
    for (const RunSummary& summary : *runs) {
        if (summary.status != RunStatus::Finished) continue;
        auto stored = store.store->loadRequest(summary.id);
        if (!stored) return tl::unexpected(stored.error());
        const auto found = indices.find(stored->problem_id);
        if (found == indices.end() || evaluation.has(found->second)) continue;
        RunRequest wanted = problemRequest(setting, problems[found->second], found->second);
        // The clock is taken over, and no number depends on the threads.
        wanted.clock = setting.clock ? setting.clock : stored->clock;
        wanted.threads = stored->threads;
        if (auto differ = differences(*stored, wanted); !differ.empty()) {
            if (others++ > 0) continue;
            first_other = summary.id;
            first_differs = std::move(differ);
            continue;
        }
        auto trace = store.store->loadRun(summary.id);
        if (!trace) return tl::unexpected(trace.error());
        if (!cameToItsEnd(*trace) || trace->provenance().model_hash != models.quantized->hash()) continue;
        evaluation.add(found->second, resultOf(*trace));
        setting.clock = stored->clock;
    }
    sayOthers(others, first_other, first_differs);
    return {};
}

nlohmann::ordered_json report(const Evaluation& evaluation, const Gatherer& gatherer, const RunModels& models,
                              const EvalArguments& arguments, int parallel, bool interrupted) {
    nlohmann::ordered_json out;
    out["model"] = models.quantized->config().name;
    out["weight_format"] = models.quantized->weightFormat();
    out["bits_per_weight"] = models.quantized->bitsPerWeight();
    out["penalty"] = arguments.options.penalty;
    out["rules"] = {{"logits", arguments.options.logits}, {"control", arguments.options.control}};
    out["temperature"] = arguments.options.temperature;
    out["top_p"] = arguments.options.top_p;
    evaluation.addTo(out, interrupted);
    out["failures"] = out["failed"];  // what the list was called before
    out["parallel"] = parallel;
    out["tokens_per_second"] = gatherer.progress().tokensPerSecond();
    return out;
}

void print(const nlohmann::ordered_json& result, std::ostream& out) {
    for (const auto& [key, value] : result.items()) {
        if (key != "failures" && key != "failed") out << key << ": " << value.dump() << '\n';
    }
    out << "failed: " << result["failed"].size() << '\n';
    for (const auto& failure : result["failed"])
        out << "not run, " << failure["id"].get<std::string>() << ": " << failure["reason"].get<std::string>() << '\n';
}

// What the report cannot say by itself: that it is not the whole evaluation.
Result<void> completeness(const Evaluation& evaluation, bool interrupted, bool kept) {
    const std::string wanted = std::to_string(evaluation.wanted());
    if (interrupted && evaluation.done() < evaluation.wanted()) {
        return fail(
            ErrorCode::Cancelled,
            "interrupted: the report is of " + std::to_string(evaluation.done()) + " of " + wanted + " problems",
            kept ? "Go on with the same command and --resume" : "");
    }
    if (evaluation.ran() > 0) return {};
    const auto [problem, why] = evaluation.firstFailure();
    return fail(why.code, "none of the " + wanted + " problems could be run; " + problem + ": " + why.what, why.hint);
}

Result<void> execute(const EvalArguments& arguments) {
    if (arguments.resume && arguments.database.empty()) {
        return fail(ErrorCode::InvalidArgument, "--resume goes on with the runs of a database, and there is none",
                    "Name it with --db");
    }
    auto setting = arguments.options.request();
    if (!setting) return tl::unexpected(setting.error());
    auto set = problemsOf(arguments);
    if (!set) return tl::unexpected(set.error());
    const std::string path = arguments.json.empty() ? "-" : arguments.json;
    if (auto writable = requireWritable(path); !writable) return writable;
    ModelCache cache;
    auto models = openRunModels(cache, *setting, {});
    if (!models) return tl::unexpected(models.error());
    auto store = openRunStore(arguments.database, arguments.sessionName(set->name));
    if (!store) return tl::unexpected(store.error());

    Evaluation evaluation(set->problems.size());
    if (arguments.resume) {
        if (auto taken = takeFinished(*store, set->problems, *setting, *models, evaluation); !taken) return taken;
        std::cerr << evaluation.done() << " of " << evaluation.wanted() << " problems are done already\n";
    }
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < set->problems.size(); ++i) {
        if (!evaluation.has(i)) todo.push_back(i);
    }
    const Interrupt interrupt;
    CpuDevice device(setting->threads);
    ProblemRuns runs(*setting, *models, device);
    const Parallel parallel = runs.parallelFor(set->problems, arguments.parallel);
    std::cerr << "At once: " << parallel.why << '\n';
    Gatherer gatherer(set->problems, *store, evaluation);
    auto ran = runs.run(set->problems, todo, parallel, gatherer, interrupt.token());
    if (!ran && ran.error().code != ErrorCode::Cancelled) return ran;
    if (store->writer != nullptr) {
        if (auto closed = store->writer->close(); !closed) return closed;
    }

    const nlohmann::ordered_json result =
        report(evaluation, gatherer, *models, arguments, parallel.runs, interrupt.asked());
    auto output = Output::open(path);
    if (!output) return tl::unexpected(output.error());
    if (arguments.json.empty())
        print(result, (*output)->stream());
    else
        (*output)->stream() << result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    if (auto closed = (*output)->close(); !closed) return closed;
    return completeness(evaluation, interrupt.asked(), !arguments.database.empty());
}

}  // namespace

void addEvalCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<EvalArguments>();
    CLI::App* command = app.add_subcommand("eval", "Grade a problem set under one setting");
    arguments->options.addTo(*command);
    command->add_option("--problems", arguments->problems, "Problem set, one JSON object a line; - for standard input")
        ->required();
    addNumber(*command, "--limit", arguments->limit, "Only the first N problems; 0: all", 0);
    addNumber(*command, "--parallel", arguments->parallel,
              "Problems that share each pass through the model; 0: 16, or as many as the free memory holds. No text "
              "depends on it",
              0);
    command->add_option("--db", arguments->database, "Keep the runs in this session database");
    command->add_option("--session", arguments->session,
                        "Name of the session in the database. Default: \"Evaluation of\" and the name of the set");
    command->add_flag("--resume", arguments->resume,
                      "Take the results of problems that the session holds already, and run the others");
    command->add_option("--json", arguments->json, "Write the result as JSON to this file or -");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
