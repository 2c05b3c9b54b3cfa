// What came out of a problem set: accuracy with its interval, lengths, markers, KL, kinds of errors. The figures are
// made from the results in the order of the problems, so that they do not depend on which run was through first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/metrics/statistics.h"
#include "engine/values/result.h"
#include "engine/values/run_trace.h"

namespace quibble {

/// Of one run.
struct ProblemResult {
    enum class Label { Correct, Overthinking, Wrong, NotGradable };
    Label label = Label::Wrong;
    bool cut_off = false;  // ended by a limit and not by itself
    double tokens = 0, markers = 0;
    std::optional<double> mean_kl{};  // nats
    std::int64_t reused_positions = 0;
    std::string reference;  // in words
};

/// The trace is of a run that has ended.
[[nodiscard]] ProblemResult resultOf(const RunTrace& trace);

/// The figures of an evaluation. Those of runs are empty where no problem was run.
struct EvaluationFigures {
    std::size_t wanted = 0, done = 0;  // problems; done with those that failed
    std::int64_t ran = 0, graded = 0, not_gradable = 0, correct = 0;
    std::int64_t overthinking = 0;  // of the wrong ones: the right answer had stood in the thought
    std::int64_t cut_off = 0;       // ended by a limit
    std::int64_t reused_positions = 0;
    std::string reference;  // in words
    struct Failure {
        std::string problem, reason;
    };
    std::vector<Failure> failed;

    /// Right answers among the problems that were run: what could not be run says nothing about the model's answers.
    std::optional<double> accuracy{}, mean_tokens{}, mean_markers{};
    Interval accuracy_95;                      // Wilson
    std::optional<Interval> mean_tokens_95{};  // bootstrap
    std::optional<double> mean_kl{};           // nats; also empty without a reference
};

class Evaluation {
public:
    /// wanted: problems that were asked for.
    explicit Evaluation(std::size_t wanted) : wanted_(wanted) {}

    void add(std::size_t index, ProblemResult result) { results_.insert_or_assign(index, std::move(result)); }
    void addFailure(std::size_t index, std::string id, Error why) {
        failures_.insert_or_assign(index, Failure{std::move(id), std::move(why)});
    }
    /// Whether the problem was run or could not be run.
    [[nodiscard]] bool has(std::size_t index) const { return results_.contains(index) || failures_.contains(index); }

    [[nodiscard]] std::size_t wanted() const { return wanted_; }
    [[nodiscard]] std::size_t done() const { return results_.size() + failures_.size(); }
    [[nodiscard]] std::size_t ran() const { return results_.size(); }
    /// Why none could be run: what is said of the first. Something must have failed.
    [[nodiscard]] std::pair<std::string, Error> firstFailure() const;

    [[nodiscard]] EvaluationFigures figures() const;
    /// Adds the figures to `out`: "problems", "accuracy", "mean_tokens" and so on; those of runs only when there is
    /// one.
    void addTo(nlohmann::ordered_json& out, bool interrupted) const;

private:
    struct Failure {
        std::string problem;  // id
        Error why;
    };
    std::size_t wanted_;
    std::map<std::size_t, ProblemResult> results_;
    std::map<std::size_t, Failure> failures_;
};

}  // namespace quibble
