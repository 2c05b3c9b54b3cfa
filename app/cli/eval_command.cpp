// quibble-cli eval: a problem set under one setting: accuracy with its interval, length, markers, KL, error labels. A
// problem that cannot be run is counted and named with its reason, and the others go on; an interrupt ends the
// evaluation with a report of what is done.
#include <iostream>
#include <new>
#include <ostream>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/numbers.h"
#include "app/cli/run_options.h"
#include "engine/base/clock.h"
#include "engine/grading/run_grade.h"
#include "engine/metrics/statistics.h"
#include "engine/metrics/summary.h"
#include "engine/model/model_cache.h"
#include "engine/run/run_log.h"
#include "engine/run/run_loop.h"
#include "engine/values/reference_text.h"

namespace quibble::cli {

namespace {

struct EvalArguments {
    RunOptions options;
    std::string problems, json;
    int limit = 0;
};

struct Failure {
    std::string problem;  // id
    Error error;
};

struct Totals {
    std::int64_t wanted = 0;  // problems that were asked for
    std::int64_t run = 0;     // problems that were run, whatever came of it
    std::int64_t correct = 0, not_gradable = 0, overthinking = 0, unfinished = 0, reused = 0;
    std::string reference;  // in words
    std::vector<double> tokens, markers, kl;
    std::vector<Failure> failures;  // problems that could not be run
    bool interrupted = false;

    [[nodiscard]] std::int64_t problems() const { return run + static_cast<std::int64_t>(failures.size()); }
    /// Right or wrong.
    [[nodiscard]] std::int64_t graded() const { return run - not_gradable; }
};

Result<RunTrace> runOne(const RunRequest& request, const RunModels& models, CpuDevice& device, PrefixCache& prefixes,
                        const std::stop_token& stop) try {
    RunTrace trace(request);
    auto loop = RunLoop::create(request, models, device, {}, &prefixes);
    if (!loop) return tl::unexpected(loop.error());
    RunLog log;
    log.begin(kNoRun, request);
    const RunEvent start((*loop)->provenance());
    log.apply({&start, 1});
    trace.apply(start);
    std::vector<RunEvent> events;
    if (auto done = (*loop)->runToEnd(events, std::numeric_limits<std::int64_t>::max(), stop); !done)
        return tl::unexpected(done.error());
    events.emplace_back((*loop)->closing());
    log.apply(events);
    for (const RunEvent& event : events) trace.apply(event);
    return trace;
} catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "out of memory", "Choose a smaller context");
}

void add(Totals& totals, const RunTrace& trace) {
    const RunSummaryNumbers numbers = summarize(trace);
    ++totals.run;
    totals.reference = referenceText(trace.provenance());
    totals.reused += trace.provenance().reused_positions;
    const auto grade = gradeOf(trace);
    if (grade && grade->isRight())
        ++totals.correct;
    else if (grade && grade->verdict == Verdict::NotGradable)
        ++totals.not_gradable;
    else if (isOverthinking(trace))
        ++totals.overthinking;
    if (trace.finished()->reason != FinishReason::EndOfText) ++totals.unfinished;
    totals.tokens.push_back(static_cast<double>(numbers.tokens));
    totals.markers.push_back(static_cast<double>(numbers.markers));
    if (numbers.mean_kl) totals.kl.push_back(*numbers.mean_kl);
}

nlohmann::ordered_json report(const Totals& totals, const RunModels& models, const EvalArguments& arguments) {
    nlohmann::ordered_json out;
    out["model"] = models.quantized->config().name;
    out["weight_format"] = models.quantized->weightFormat();
    out["bits_per_weight"] = models.quantized->bitsPerWeight();
    out["reference"] = totals.reference;
    out["penalty"] = arguments.options.penalty;
    out["temperature"] = arguments.options.temperature;
    out["top_p"] = arguments.options.top_p;
    out["problems"] = totals.problems();
    out["problems_wanted"] = totals.wanted;
    out["interrupted"] = totals.interrupted;
    out["failed"] = totals.failures.size();
    out["failures"] = nlohmann::ordered_json::array();
    for (const Failure& failure : totals.failures)
        out["failures"].push_back({{"id", failure.problem}, {"reason", failure.error.line()}});
    out["graded"] = totals.graded();
    out["not_gradable"] = totals.not_gradable;
    out["reused_positions"] = totals.reused;
    out["correct"] = totals.correct;
    if (totals.run == 0) return out;
    // Of the problems that were run: what could not be run says nothing about the model's answers.
    const Interval interval = wilsonInterval(totals.correct, totals.run);
    out["accuracy"] = static_cast<double>(totals.correct) / static_cast<double>(totals.run);
    out["accuracy_95"] = {interval.low, interval.high};
    out["overthinking_errors"] = totals.overthinking;
    out["cut_off"] = totals.unfinished;
    out["mean_tokens"] = mean(totals.tokens).value_or(0);
    if (const auto spread = bootstrapMeanInterval(totals.tokens, 1))
        out["mean_tokens_95"] = {spread->low, spread->high};
    out["mean_markers"] = mean(totals.markers).value_or(0);
    out["mean_kl_nats"] =
        totals.kl.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(*mean(totals.kl));
    return out;
}

void print(const nlohmann::ordered_json& result, std::ostream& out) {
    for (const auto& [key, value] : result.items()) {
        if (key != "failures") out << key << ": " << value.dump() << '\n';
    }
    for (const auto& failure : result["failures"])
        out << "not run, " << failure["id"].get<std::string>() << ": " << failure["reason"].get<std::string>() << '\n';
}

Totals evaluate(RunRequest request, const std::vector<Problem>& problems, const RunModels& models) {
    const Interrupt interrupt;
    CpuDevice device(request.threads);
    PrefixCache prefixes;
    Totals totals;
    totals.wanted = std::ssize(problems);
    const std::uint64_t first_seed = request.seed;
    // One time for all prompts, so that an evaluation over midnight asks all its problems on one day.
    if (!request.clock) request.clock = localPromptClock();
    for (const Problem& problem : problems) {
        request.prompt = problem.text;
        request.problem_id = problem.id;
        request.known_answer = problem.answer;
        request.seed = first_seed + static_cast<std::uint64_t>(totals.problems());
        auto trace = runOne(request, models, device, prefixes, interrupt.token());
        totals.interrupted = interrupt.asked();
        if (trace && totals.problems() == 0) printNotes(trace->provenance());
        if (trace)
            add(totals, *trace);
        else if (!totals.interrupted)
            totals.failures.push_back({problem.id, trace.error()});
        if (totals.interrupted) break;
    }
    return totals;
}

// What the report cannot say by itself: that it is not the whole evaluation.
Result<void> completeness(const Totals& totals) {
    const std::string wanted = std::to_string(totals.wanted);
    if (totals.interrupted && totals.problems() < totals.wanted) {
        return fail(ErrorCode::Cancelled, "interrupted: the report is of the first " +
                                              std::to_string(totals.problems()) + " of " + wanted + " problems");
    }
    if (totals.run > 0) return {};
    const Failure& first = totals.failures.front();
    return fail(first.error.code,
                "none of the " + wanted + " problems could be run; " + first.problem + ": " + first.error.what,
                first.error.hint);
}

Result<std::vector<Problem>> problemsOf(const EvalArguments& arguments) {
    auto set =
        arguments.problems == "-" ? ProblemSet::read(std::cin, "standard input") : ProblemSet::load(arguments.problems);
    if (!set) return tl::unexpected(set.error());
    std::vector<Problem> problems = set->problems();
    if (problems.empty()) return fail(ErrorCode::InvalidArgument, arguments.problems + " holds no problem");
    if (arguments.limit > 0 && std::ssize(problems) > arguments.limit)
        problems.resize(static_cast<std::size_t>(arguments.limit));
    return problems;
}

Result<void> execute(const EvalArguments& arguments) {
    auto request = arguments.options.request();
    if (!request) return tl::unexpected(request.error());
    auto problems = problemsOf(arguments);
    if (!problems) return tl::unexpected(problems.error());
    const std::string path = arguments.json.empty() ? "-" : arguments.json;
    if (auto writable = requireWritable(path); !writable) return writable;
    ModelCache cache;
    auto models = openRunModels(cache, *request, {});
    if (!models) return tl::unexpected(models.error());
    const Totals totals = evaluate(*request, *problems, *models);
    const nlohmann::ordered_json result = report(totals, *models, arguments);
    auto output = Output::open(path);
    if (!output) return tl::unexpected(output.error());
    if (arguments.json.empty())
        print(result, (*output)->stream());
    else
        (*output)->stream() << result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    if (auto closed = (*output)->close(); !closed) return closed;
    return completeness(totals);
}

}  // namespace

void addEvalCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<EvalArguments>();
    CLI::App* command = app.add_subcommand("eval", "Grade a problem set under one setting");
    arguments->options.addTo(*command);
    command->add_option("--problems", arguments->problems, "Problem set, one JSON object a line; - for standard input")
        ->required();
    addNumber(*command, "--limit", arguments->limit, "Only the first N problems; 0: all", 0);
    command->add_option("--json", arguments->json, "Write the result as JSON to this file or -");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
