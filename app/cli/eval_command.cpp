// quibble-cli eval: a problem set under one setting: accuracy with its interval, length, markers, KL, error labels.
#include <cstdio>
#include <iostream>
#include <ostream>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "app/cli/run_options.h"
#include "engine/grading/run_grade.h"
#include "engine/metrics/statistics.h"
#include "engine/metrics/summary.h"
#include "engine/model/model_cache.h"
#include "engine/run/generator.h"
#include "engine/values/reference_text.h"

namespace quibble::cli {

namespace {

struct EvalArguments {
    RunOptions options;
    std::string problems, json;
    int limit = 0;
};

struct Totals {
    std::int64_t problems = 0, correct = 0, overthinking = 0, unfinished = 0, reused = 0;
    std::string reference;  // in words
    std::vector<double> tokens, markers, kl;
};

Result<RunTrace> runOne(const RunRequest& request, const RunModels& models, CpuDevice& device, PrefixCache& prefixes) {
    RunTrace trace(request);
    auto generator = Generator::create(request, models, device, {}, &prefixes);
    if (!generator) return tl::unexpected(generator.error());
    trace.apply((*generator)->provenance());
    std::vector<RunEvent> events;
    if (auto done = (*generator)->runToEnd(events); !done) return tl::unexpected(done.error());
    events.emplace_back((*generator)->closing());
    for (const RunEvent& event : events) trace.apply(event);
    return trace;
}

void add(Totals& totals, const RunTrace& trace, const std::string& known) {
    const RunSummaryNumbers numbers = summarize(trace);
    ++totals.problems;
    totals.reference = referenceText(trace.provenance());
    totals.reused += trace.provenance().reused_positions;
    if (isCorrect(trace, known)) ++totals.correct;
    else if (isOverthinking(trace, known)) ++totals.overthinking;
    if (trace.finished()->reason != FinishReason::EndOfText) ++totals.unfinished;
    totals.tokens.push_back(static_cast<double>(numbers.tokens));
    totals.markers.push_back(static_cast<double>(numbers.markers));
    if (numbers.mean_kl) totals.kl.push_back(*numbers.mean_kl);
}

nlohmann::ordered_json report(const Totals& totals, const RunModels& models, const EvalArguments& arguments) {
    const Interval interval = wilsonInterval(totals.correct, totals.problems);
    nlohmann::ordered_json out;
    out["model"] = models.quantized->config().name;
    out["weight_format"] = models.quantized->weightFormat();
    out["bits_per_weight"] = models.quantized->bitsPerWeight();
    out["reference"] = totals.reference;
    out["penalty"] = arguments.options.penalty;
    out["temperature"] = arguments.options.temperature;
    out["top_p"] = arguments.options.top_p;
    out["problems"] = totals.problems;
    out["reused_positions"] = totals.reused;
    out["correct"] = totals.correct;
    out["accuracy"] = static_cast<double>(totals.correct) / static_cast<double>(totals.problems);
    out["accuracy_95"] = {interval.low, interval.high};
    out["overthinking_errors"] = totals.overthinking;
    out["cut_off"] = totals.unfinished;
    out["mean_tokens"] = mean(totals.tokens).value_or(0);
    if (const auto spread = bootstrapMeanInterval(totals.tokens, 1)) out["mean_tokens_95"] = {spread->low, spread->high};
    out["mean_markers"] = mean(totals.markers).value_or(0);
    out["mean_kl_nats"] = totals.kl.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(*mean(totals.kl));
    return out;
}

Result<void> execute(const EvalArguments& arguments) {
    auto request = arguments.options.request();
    if (!request) return tl::unexpected(request.error());
    auto set = ProblemSet::load(arguments.problems);
    if (!set) return tl::unexpected(set.error());
    if (set->problems().empty()) return fail(ErrorCode::InvalidArgument, arguments.problems + " holds no problem");
    ModelCache cache;
    auto opened = openRunModels(cache, *request, {});
    if (!opened) return tl::unexpected(opened.error());
    const RunModels& models = *opened;
    CpuDevice device(request->threads);
    PrefixCache prefixes;

    Totals totals;
    const std::uint64_t first_seed = request->seed;
    for (const Problem& problem : set->problems()) {
        if (arguments.limit > 0 && totals.problems >= arguments.limit) break;
        request->prompt = problem.text;
        request->problem_id = problem.id;
        request->known_answer = problem.answer;
        request->seed = first_seed + static_cast<std::uint64_t>(totals.problems);
        auto trace = runOne(*request, models, device, prefixes);
        if (!trace) return tl::unexpected(trace.error());
        add(totals, *trace, problem.answer);
    }
    const nlohmann::ordered_json result = report(totals, models, arguments);
    if (arguments.json.empty()) {
        for (const auto& [key, value] : result.items()) std::cout << key << ": " << value.dump() << '\n';
        return {};
    }
    auto output = Output::open(arguments.json);
    if (!output) return tl::unexpected(output.error());
    (*output)->stream() << result.dump() << '\n';
    return (*output)->close();
}

}  // namespace

void addEvalCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<EvalArguments>();
    CLI::App* command = app.add_subcommand("eval", "Grade a problem set under one setting");
    arguments->options.addTo(*command);
    command->add_option("--problems", arguments->problems, "Problem set, one JSON object a line")->required();
    command->add_option("--limit", arguments->limit, "Only the first N problems; 0: all")->check(CLI::NonNegativeNumber);
    command->add_option("--json", arguments->json, "Write the result as JSON to this file or -");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
