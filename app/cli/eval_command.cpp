// quibble-cli eval: a problem set under one setting, many problems at a time: accuracy with its interval, length,
// markers, KL, error labels. A problem that cannot be run is counted and named with its reason, and the others go on;
// an interrupt ends the evaluation with a report of what is done, which --resume continues from the database.
#include <iostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "app/cli/run_options.h"
#include "app/cli/run_store.h"
#include "app/cli/terminal_line.h"
#include "app/evaluation/set_evaluation.h"
#include "app/evaluation/set_report.h"

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

// Says on the terminal how far the runs are.
class Teller final : public SetListener {
public:
    /// resumed: whoever resumes hears how much is done already.
    Teller(bool resumed, std::size_t wanted) : resumed_(resumed), wanted_(wanted) {}
    void begins(std::size_t taken, const Parallel& parallel) override {
        if (resumed_) std::cerr << taken << " of " << wanted_ << " problems are done already\n";
        std::cerr << "At once: " << parallel.why << '\n';
    }
    void othersDiffer(int others, RunId first, const std::vector<FieldDifference>& differ) override {
        std::cerr << others << (others == 1 ? " run" : " runs") << " of the session with other settings "
                  << (others == 1 ? "does" : "do") << " not count; run " << raw(first) << ": ";
        for (const FieldDifference& difference : differ)
            std::cerr << (&difference == differ.data() ? "" : "; ") << difference.text();
        std::cerr << '\n';
    }
    void provenanceIs(const RunProvenance& provenance) override {
        line_.clear();
        printNotes(provenance);
    }
    void progresses(const SetProgress& progress) override {
        if (line_.due()) line_.show(progressText(progress));
    }

private:
    bool resumed_;
    std::size_t wanted_;
    TerminalLine line_;
};

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

    const SetOrder order{.problems = std::move(set->problems),
                         .setting = std::move(*setting),
                         .parallel = arguments.parallel,
                         .resume = arguments.resume};
    const Interrupt interrupt;
    auto outcome = [&] {
        Teller teller(arguments.resume, order.problems.size());
        return evaluateSet(order, *models, *store, teller, interrupt.token());
    }();
    if (!outcome) return tl::unexpected(outcome.error());

    const nlohmann::ordered_json result = setReport(order.setting, *models, *outcome);
    auto output = Output::open(path);
    if (!output) return tl::unexpected(output.error());
    if (arguments.json.empty())
        (*output)->stream() << reportText(result);
    else
        (*output)->stream() << result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    if (auto closed = (*output)->close(); !closed) return closed;
    return completeness(outcome->evaluation, outcome->interrupted, !arguments.database.empty());
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
