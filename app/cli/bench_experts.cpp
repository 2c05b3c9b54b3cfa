#include "app/cli/bench_experts.h"

#include <array>
#include <cmath>
#include <iomanip>
#include <map>

#include "app/cli/bench_stop.h"
#include "app/cli/cli.h"
#include "data/shipped.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/experts/expert_recorder.h"
#include "engine/grading/run_grade.h"
#include "engine/metrics/speculation.h"
#include "engine/metrics/statistics.h"
#include "engine/model/model_cache.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_trace.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kRows{1, 2, 4, 8, 16, 32};
constexpr int kErrorRows = 16;  // of the passes whose error is measured
constexpr int kStride = 32;     // positions from one measured place to the next
const std::array<std::string, 4> kSelections{"moe_spec", "moe_spec:truncate=1", "frequent", "random"};

struct Mean {
    double sum = 0;
    int count = 0;
    void add(double value) {
        sum += value;
        ++count;
    }
    [[nodiscard]] double value() const { return count > 0 ? sum / count : 0.0; }
};

struct Selected {
    Mean error, executed, coverage, bytes;
};

class ExpertsBench {
public:
    ExpertsBench(const ExpertsBenchRequest& request, std::stop_token stop)
        : request_(request), stop_(std::move(stop)), device_(request.threads), cache_(4) {}

    Result<Json> run() {
        auto model = cache_.get(request_.model, {});
        if (!model) return tl::unexpected(model.error());
        model_ = *model;
        if (!model_->config().hasExperts())
            return fail(ErrorCode::InvalidArgument, model_->config().name + " has no experts",
                        "Open a mixture-of-experts model");
        auto set = ProblemSet::load(shippedDataDirectory() / "problems" / "nano-heldout.jsonl");
        if (!set) return tl::unexpected(set.error());
        problems_.assign(
            set->problems().begin(),
            set->problems().begin() + std::min<std::ptrdiff_t>(request_.problems, std::ssize(set->problems())));
        const ExpertConfig& config = model_->config().experts;
        Json out = {{"model", request_.model},      {"experts", config.count},
                    {"used", config.used},          {"layers", model_->config().n_layers},
                    {"threads", device_.threads()}, {"problems", problems_.size()}};
        const auto texts = measureTexts();
        reportPasses(out);
        if (!texts) {
            if (plain_.empty()) return tl::unexpected(texts.error());
            out[kIncomplete] = texts.error().line();
            return out;
        }
        if (request_.draft.empty()) return out;
        out["draft"] = request_.draft;
        out["method"] = request_.method;
        for (int budget = config.used; budget <= config.count; ++budget) {
            auto row = runsUnder(budget);
            if (!row) {
                out[kIncomplete] = row.error().line();
                break;
            }
            out["runs"].push_back(std::move(*row));
        }
        return out;
    }

private:
    Result<void> measureTexts() {
        for (const Problem& problem : problems_) {
            auto plain = generate(problem, "observe", false);
            if (!plain) return tl::unexpected(plain.error());
            if (auto measured = measureText(*plain); !measured) return measured;
            plain_.push_back(std::move(*plain));
        }
        return {};
    }

    Result<RunTrace> generate(const Problem& problem, const std::string& experts, bool drafted) {
        RunRequest r;
        r.model_path = request_.model;
        r.reference.kind = ReferenceKind::None;
        r.prompt = problem.text;
        r.known_answer = problem.answer;
        r.sampler.temperature = 0;
        r.max_tokens = request_.max_tokens;
        r.experts = *parseMethodChoice(experts);
        if (drafted) {
            auto method = readMethod(request_.method, &findDraftMethod);
            if (!method) return tl::unexpected(method.error());
            r.draft.method = *method;
            r.draft.path = request_.draft;
        }
        auto models = openRunModels(cache_, r, {});
        if (!models) return tl::unexpected(models.error());
        auto loop = RunLoop::create(r, std::move(*models), device_);
        if (!loop) return tl::unexpected(loop.error());
        std::vector<RunEvent> events{(*loop)->provenance()};
        if (auto done = (*loop)->runToEnd(events, std::numeric_limits<std::int64_t>::max(), stop_); !done)
            return tl::unexpected(done.error());
        events.emplace_back((*loop)->closing());
        RunTrace trace(r);
        for (const RunEvent& event : events) trace.apply(event);
        return trace;
    }

    // One pass over the next `rows` tokens of the text, thrown away afterwards.
    Result<std::vector<float>> pass(Sequence& sequence, ExpertPolicy& policy, std::span<const TokenId> tokens,
                                    ExpertPass& measured) {
        std::vector<std::int32_t> parents;
        for (std::size_t i = 0; i < tokens.size(); ++i) parents.push_back(static_cast<std::int32_t>(i) - 1);
        std::vector<float> logits(tokens.size() * static_cast<std::size_t>(model_->config().vocab_size));
        ExpertRecorder recorder(model_->config().n_layers, model_->config().experts);
        recorder.beginPass();
        sequence.experts()->setSelector(&policy);
        sequence.experts()->setTap([&](const RouterScores& scores, const ExpertChoice& choice) {
            recorder.record(scores, choice, policy.allowed());
        });
        if (auto fed = sequence.appendTree(tokens, parents, logits.data()); !fed) return tl::unexpected(fed.error());
        sequence.keepRows({});
        sequence.experts()->setTap({});
        measured = recorder.pass();
        measured.expert_bytes = sequence.experts()->traffic().bytes;
        return logits;
    }

    // At every kStride-th token of the text: unions of passes of several sizes, and what each selection of each size
    // makes of kErrorRows rows.
    Result<void> measureText(const RunTrace& trace) {
        std::vector<TokenId> text = trace.provenance().prompt_tokens;
        const std::size_t prompt = text.size();
        for (const TracePoint& point : trace.points()) text.push_back(point.token.id);
        auto created =
            Sequence::create(model_, device_, static_cast<Position>(text.size()) + kRows.back(), Arithmetic::Native);
        if (!created) return tl::unexpected(created.error());
        Sequence& sequence = **created;
        const ExpertConfig& config = model_->config().experts;
        auto observe = makeExpertPolicy(MethodChoice{"observe", {}}, config, 1);
        auto frequent =
            makeExpertPolicy(*parseMethodChoice("frequent:budget=" + std::to_string(config.used)), config, 1);
        if (!observe || !frequent) return tl::unexpected(observe ? frequent.error() : observe.error());
        for (std::size_t at = prompt, fed = 0; at + kErrorRows <= text.size(); at += kStride) {
            if (stop_.stop_requested()) return stoppedHere();
            sequence.experts()->setSelector(
                frequent->get());  // it counts what the text chose so far, and does not restrict it
            (*frequent)->setVerifyPass(false);
            if (auto done = sequence.append(std::span(text).subspan(fed, at - fed), 0, nullptr); !done) return done;
            fed = at;
            for (const int rows : kRows) {
                if (at + static_cast<std::size_t>(rows) > text.size()) break;
                ExpertPass natural;
                if (auto done =
                        pass(sequence, **observe, std::span(text).subspan(at, static_cast<std::size_t>(rows)), natural);
                    !done)
                    return tl::unexpected(done.error());
                for (const ExpertLayerUse& use : natural.layers) union_[rows].add(use.natural);
                if (rows == kErrorRows) addCurve(natural);
            }
            const auto rows = std::span(text).subspan(at, kErrorRows);
            ExpertPass ignored;
            auto full = pass(sequence, **observe, rows, ignored);
            if (!full) return tl::unexpected(full.error());
            for (int budget = config.used; budget <= config.count; ++budget) {
                for (const std::string& selection : kSelections) {
                    if (auto done = compare(sequence, selection, budget, rows, *full, **frequent, at); !done)
                        return done;
                }
            }
        }
        return {};
    }

    Result<void> compare(Sequence& sequence, const std::string& selection, int budget, std::span<const TokenId> rows,
                         const std::vector<float>& full, ExpertPolicy& frequent, std::size_t at) {
        MethodChoice choice = *parseMethodChoice(selection);
        choice.params.emplace_back("budget", static_cast<double>(budget));
        auto made = makeExpertPolicy(choice, model_->config().experts, at);
        if (!made) return tl::unexpected(made.error());
        ExpertPolicy* policy = made->get();
        if (choice.id == "frequent") {
            policy = &frequent;
            if (auto set = policy->setParam("budget", budget); !set) return set;
        }
        policy->setVerifyPass(true);
        ExpertPass measured;
        auto logits = pass(sequence, *policy, rows, measured);
        if (!logits) return tl::unexpected(logits.error());
        Selected& entry = selected_[{selection, budget}];
        const std::size_t vocab = full.size() / rows.size();
        for (std::size_t row = 0; row < rows.size(); ++row) {
            double off = 0, all = 0;
            for (std::size_t i = row * vocab; i < (row + 1) * vocab; ++i) {
                const double difference = static_cast<double>((*logits)[i]) - static_cast<double>(full[i]);
                off += difference * difference;
                all += static_cast<double>(full[i]) * static_cast<double>(full[i]);
            }
            entry.error.add(std::sqrt(off / all));
        }
        for (const ExpertLayerUse& use : measured.layers) {
            entry.executed.add(use.executed);
            entry.coverage.add(static_cast<double>(use.coverage));
        }
        entry.bytes.add(static_cast<double>(measured.expert_bytes));
        return {};
    }

    void addCurve(const ExpertPass& natural) {
        curve_.resize(natural.coverage_by_budget.size());
        for (std::size_t b = 0; b < curve_.size(); ++b)
            curve_[b].add(static_cast<double>(natural.coverage_by_budget[b]));
    }

    void reportPasses(Json& out) const {
        const ExpertConfig& config = model_->config().experts;
        for (const auto& [rows, size] : union_) {
            const double by_chance =
                config.count * (1 - std::pow(1 - static_cast<double>(config.used) / config.count, rows));
            out["unions"].push_back({{"rows", rows}, {"union", size.value()}, {"uniform_router", by_chance}});
        }
        for (std::size_t b = 0; b < curve_.size(); ++b) {
            out["coverage"].push_back({{"budget", b + 1},
                                       {"coverage", curve_[b].value()},
                                       {"uniform", static_cast<double>(b + 1) / config.count}});
        }
        for (const auto& [key, entry] : selected_) {
            out["selections"].push_back({{"selection", key.first},
                                         {"budget", key.second},
                                         {"logit_error", entry.error.value()},
                                         {"executed", entry.executed.value()},
                                         {"coverage", entry.coverage.value()},
                                         {"expert_bytes", entry.bytes.value()}});
        }
    }

    // Greedy runs of all problems under one budget; times are those of the fastest repetition of each problem, which
    // other jobs disturb least.
    Result<Json> runsUnder(int budget) {
        RunTrace rounds;
        std::vector<double> fastest(problems_.size(), INFINITY);
        std::int64_t tokens = 0, same = 0, right = 0;
        std::vector<double> verify_us;
        Mean verify_bytes, union_size;
        const std::string experts = "moe_spec:budget=" + std::to_string(budget);
        for (int repeat = 0; repeat <= request_.repeats; ++repeat) {
            for (std::size_t i = 0; i < problems_.size(); ++i) {
                auto trace = generate(problems_[i], experts, true);
                if (!trace) return tl::unexpected(trace.error());
                fastest[i] = std::min(fastest[i], static_cast<double>(trace->finished()->decode_ns) /
                                                      static_cast<double>(trace->points().size()));
                for (const ExpertPass& pass : trace->expertPasses()) {
                    if (pass.verify) verify_us.push_back(static_cast<double>(pass.pass_ns) / 1e3);
                }
                if (repeat > 0) continue;
                tokens += std::ssize(trace->points());
                right += gradeOf(*trace).value_or(Grade{}).isRight() ? 1 : 0;
                for (std::size_t t = 0; t < std::min(trace->points().size(), plain_[i].points().size()); ++t)
                    same += trace->points()[t].token.id == plain_[i].points()[t].token.id ? 1 : 0;
                for (const DraftRound& round : trace->draftRounds()) rounds.apply(round);
                for (const ExpertPass& pass : trace->expertPasses()) {
                    if (!pass.verify) continue;
                    verify_bytes.add(static_cast<double>(pass.expert_bytes));
                    for (const ExpertLayerUse& use : pass.layers) union_size.add(use.executed);
                }
            }
        }
        const SpeculationNumbers n = speculationNumbers(rounds);
        return Json{{"budget", budget},
                    {"mean_accepted", orNull(n.meanAccepted())},
                    {"tokens_per_verify", orNull(n.tokensPerVerify())},
                    {"executed", union_size.value()},
                    {"verify_expert_bytes", verify_bytes.value()},
                    {"verify_us", quantile(verify_us, 0.5).value_or(0)},
                    {"ns_per_token", mean(fastest).value_or(0)},
                    {"tokens", tokens},
                    {"tokens_as_unbudgeted", same},
                    {"right", right}};
    }

    const ExpertsBenchRequest& request_;
    std::stop_token stop_;
    CpuDevice device_;
    ModelCache cache_;
    std::shared_ptr<const Model> model_;
    std::vector<Problem> problems_;
    std::vector<RunTrace> plain_;
    std::map<int, Mean> union_;
    std::vector<Mean> curve_;
    std::map<std::pair<std::string, int>, Selected> selected_;
};

}  // namespace

Result<Json> runExpertsBench(const ExpertsBenchRequest& request, const std::stop_token& stop) {
    return ExpertsBench(request, stop).run();
}

void printExpertsBench(const Json& result, std::ostream& out) {
    const auto number = [&](const Json& row, const char* key, int width, int digits, double factor = 1) {
        out << std::fixed << std::setprecision(digits) << std::setw(width);
        if (row[key].is_number())
            out << row[key].get<double>() * factor;
        else
            out << '-';
    };
    out << result["model"].get<std::string>() << ": " << result["layers"] << " layers of " << result["experts"]
        << " experts, " << result["used"] << " a token; text of " << result["problems"]
        << " problems\n\nrows of a pass   distinct experts a layer   a uniform router\n";
    for (const Json& row : result["unions"]) {
        out << std::setw(14) << row["rows"].get<int>();
        number(row, "union", 27, 2);
        number(row, "uniform_router", 19, 2);
        out << '\n';
    }
    out << "\nbudget   coverage C(B) of " << kErrorRows << " rows   uniform\n";
    for (const Json& row : result["coverage"]) {
        out << std::setw(6) << row["budget"].get<int>();
        number(row, "coverage", 27, 3);
        number(row, "uniform", 10, 3);
        out << '\n';
    }
    out << "\nselection            budget   error of the logits   executed   coverage   expert KB a pass\n";
    for (const Json& row : result["selections"]) {
        out << std::left << std::setw(21) << row["selection"].get<std::string>() << std::right << std::setw(6)
            << row["budget"].get<int>();
        number(row, "logit_error", 22, 4);
        number(row, "executed", 11, 2);
        number(row, "coverage", 11, 3);
        number(row, "expert_bytes", 19, 0, 1e-3);
        out << '\n';
    }
    if (!result.contains("runs")) return;
    out << "\n"
        << result["method"].get<std::string>() << " drafted by " << result["draft"].get<std::string>()
        << "\nbudget   accepted a step   executed   expert KB a verify   verify us   us a token   tokens as unbudgeted "
           "  right\n";
    for (const Json& row : result["runs"]) {
        out << std::setw(6) << row["budget"].get<int>();
        number(row, "mean_accepted", 18, 2);
        number(row, "executed", 11, 2);
        number(row, "verify_expert_bytes", 21, 0, 1e-3);
        number(row, "verify_us", 12, 0);
        number(row, "ns_per_token", 13, 1, 1e-3);
        out << std::setw(15) << row["tokens_as_unbudgeted"].get<int>() << " of " << row["tokens"].get<int>()
            << std::setw(8) << row["right"].get<int>() << '\n';
    }
}

}  // namespace quibble::cli
