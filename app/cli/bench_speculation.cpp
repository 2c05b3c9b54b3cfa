#include "app/cli/bench_speculation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <map>

#include "app/cli/bench_stop.h"
#include "app/cli/cli.h"
#include "data/shipped.h"
#include "engine/draft/draft_method.h"
#include "engine/metrics/speculation.h"
#include "engine/metrics/statistics.h"
#include "engine/model/model_cache.h"
#include "engine/quant/weights/weight_quantizer.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_trace.h"
#include "engine/verify/verify_method.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

// What is tried unless the user says what.
const std::vector<std::string> kUsualMethods{"chain", "chain/rejection", "tree", "static_tree", "ngram",
                                             "self",  "cascade"};
// What `self` drafts with when the model is not quantized otherwise.
constexpr const char* kSelfQuant = "rtn:bits=4,group=64";

struct Contender {
    std::string name;
    DraftSettings draft;
    bool for_reference = false;
    std::optional<Error> failure;  // why it is left out from here on
};

Result<std::vector<Contender>> contendersOf(const SpeculationBenchRequest& request) {
    std::vector<Contender> contenders;
    for (const std::string& text : request.methods.empty() ? kUsualMethods : request.methods) {
        Contender contender;
        contender.name = text;
        const std::size_t slash = text.find('/');
        auto method = readMethod(text.substr(0, slash), &findDraftMethod);
        if (!method) return tl::unexpected(method.error());
        auto rule = readMethod(slash == std::string::npos ? "match" : text.substr(slash + 1), &findVerifyMethod);
        if (!rule) return tl::unexpected(rule.error());
        auto found = findDraftMethod(*method);
        if (!found) return tl::unexpected(found.error());
        if (*found == nullptr)
            return fail(ErrorCode::InvalidArgument, "plain decoding is what the methods are compared with",
                        "Name draft methods");
        if ((*found)->draftModels() > static_cast<int>(request.drafts.size())) {
            if (request.methods.empty()) continue;
            return fail(ErrorCode::InvalidArgument,
                        text + " needs " + std::to_string((*found)->draftModels()) + " draft models",
                        "Name them with --draft-model");
        }
        contender.draft.method = *method;
        contender.draft.verify = *rule;
        // The last ones, so that a method with one draft model takes the smallest.
        const auto files = request.drafts.end() - (*found)->draftModels();
        if ((*found)->draftModels() > 0) contender.draft.path = files[0];
        if ((*found)->draftModels() > 1) contender.draft.second_path = files[1];
        contender.for_reference = (*found)->draftsForReference();
        contenders.push_back(std::move(contender));
    }
    return contenders;
}

// Nanoseconds a token of one problem, of the repetition that other jobs disturbed least.
struct Fastest {
    double plain = INFINITY, drafted = INFINITY;
};

struct Tally {
    std::vector<double> ratios;
    std::map<std::string, Fastest> fastest;  // by prompt
    RunTrace rounds;                         // of all runs
    std::int64_t tokens = 0;
    double decode_ns = 0;
};

class SpeculationBench {
public:
    SpeculationBench(const SpeculationBenchRequest& request, std::stop_token stop)
        : request_(request), stop_(std::move(stop)), device_(request.threads), cache_(8) {}

    Result<Json> run() {
        auto contenders = contendersOf(request_);
        if (!contenders) return tl::unexpected(contenders.error());
        contenders_ = std::move(*contenders);
        auto set = ProblemSet::load(shippedDataDirectory() / "problems" / "nano-heldout.jsonl");
        if (!set) return tl::unexpected(set.error());
        Json out = {{"model", request_.model},
                    {"quant", request_.quant},
                    {"drafts", request_.drafts},
                    {"isa", device_.isa()},
                    {"threads", device_.threads()},
                    {"problems", request_.problems},
                    {"max_tokens", request_.max_tokens},
                    {"repeats", request_.repeats},
                    {"rows", Json::array()},
                    {"failures", Json::array()}};
        for (const double temperature : request_.temperatures) {
            tallies_.assign(contenders_.size(), {});
            const auto done = compareAll(set->problems(), temperature);
            for (std::size_t i = 0; i < contenders_.size(); ++i) {
                if (!tallies_[i].ratios.empty()) out["rows"].push_back(rowOf(contenders_[i], tallies_[i], temperature));
            }
            if (done) continue;
            if (out["rows"].empty()) return tl::unexpected(done.error());
            out[kIncomplete] = done.error().line();
            break;
        }
        for (const Contender& contender : contenders_) {
            if (contender.failure)
                out["failures"].push_back({{"method", contender.name}, {"reason", contender.failure->line()}});
        }
        if (out["rows"].empty() && !out["failures"].empty()) return tl::unexpected(*firstFailure());
        return out;
    }

private:
    const std::optional<Error>& firstFailure() const {
        return std::find_if(contenders_.begin(), contenders_.end(),
                            [](const Contender& c) { return c.failure.has_value(); })
            ->failure;
    }

    Result<void> compareAll(const std::vector<Problem>& problems, double temperature) {
        for (int repeat = 0; repeat <= request_.repeats; ++repeat) {
            for (int i = 0; i < request_.problems && i < static_cast<int>(problems.size()); ++i) {
                // The first round warms caches and page tables.
                if (auto done = compare(problems[static_cast<std::size_t>(i)].text, temperature, repeat > 0); !done)
                    return done;
            }
        }
        return {};
    }

    RunRequest requestOf(const std::string& prompt, double temperature) const {
        RunRequest r;
        r.model_path = request_.model;
        r.reference.kind = ReferenceKind::None;
        r.arithmetic = request_.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native;
        r.prompt = prompt;
        r.sampler.temperature = temperature;
        r.max_tokens = request_.max_tokens;
        return r;
    }

    // Nanoseconds a token, prefill left out.
    Result<double> timeOf(const RunRequest& r, Tally* tally) {
        auto models = openRunModels(cache_, r, {});
        if (!models) return tl::unexpected(models.error());
        auto loop = RunLoop::create(r, std::move(*models), device_);
        if (!loop) return tl::unexpected(loop.error());
        std::vector<RunEvent> events;
        if (auto done = (*loop)->runToEnd(events, std::numeric_limits<std::int64_t>::max(), stop_); !done)
            return tl::unexpected(done.error());
        const auto spent = static_cast<double>((*loop)->closing().decode_ns);
        std::int64_t tokens = 0;
        for (const RunEvent& event : events) {
            tokens += std::holds_alternative<TokenRecord>(event) ? 1 : 0;
            if (tally != nullptr && std::holds_alternative<DraftRound>(event)) tally->rounds.apply(event);
        }
        if (tally != nullptr) {
            tally->tokens += tokens;
            tally->decode_ns += spent;
        }
        return spent / static_cast<double>(std::max<std::int64_t>(1, tokens));
    }

    // Plain decoding, each method in turn, and what decides under `self` when that is another model.
    Result<void> compare(const std::string& prompt, double temperature, bool counts) {
        RunRequest plain = requestOf(prompt, temperature);
        auto quant = readMethod(request_.quant, &findWeightQuantizer);
        if (!quant) return tl::unexpected(quant.error());
        plain.weight_quant = *quant;
        auto alone = timeOf(plain, nullptr);
        if (!alone) return tl::unexpected(alone.error());
        for (std::size_t i = 0; i < contenders_.size(); ++i) {
            if (contenders_[i].failure) continue;
            RunRequest drafted = plain;
            drafted.draft = contenders_[i].draft;
            double base = *alone;
            if (contenders_[i].for_reference) {
                drafted.reference.kind = ReferenceKind::Unquantized;
                if (drafted.weight_quant.id == "none") drafted.weight_quant = *parseMethodChoice(kSelfQuant);
                auto full = timeOf(requestOf(prompt, temperature), nullptr);
                if (!full) return tl::unexpected(full.error());
                base = *full;
            }
            auto spent = timeOf(drafted, counts ? &tallies_[i] : nullptr);
            if (!spent) {
                if (spent.error().code == ErrorCode::Cancelled) return tl::unexpected(spent.error());
                contenders_[i].failure = spent.error();
                continue;
            }
            if (!counts) continue;
            tallies_[i].ratios.push_back(base / *spent);
            Fastest& fastest = tallies_[i].fastest[prompt];
            fastest.plain = std::min(fastest.plain, base);
            fastest.drafted = std::min(fastest.drafted, *spent);
        }
        return {};
    }

    static Json rowOf(const Contender& contender, const Tally& tally, double temperature) {
        const SpeculationNumbers n = speculationNumbers(tally.rounds);
        // Medians: a round in which another job took the core says nothing about drafting.
        const auto perRound = [&](std::int64_t DraftRound::*part) {
            std::vector<double> us;
            for (const DraftRound& round : tally.rounds.draftRounds()) {
                if (!round.nodes.empty()) us.push_back(static_cast<double>(round.*part) / 1e3);
            }
            return quantile(us, 0.5).value_or(0.0);
        };
        std::vector<double> undisturbed;
        for (const auto& [prompt, fastest] : tally.fastest) undisturbed.push_back(fastest.plain / fastest.drafted);
        std::vector<double> rates;
        for (std::size_t i = 0; i < n.by_position.size(); ++i) rates.push_back(n.rate(i).value_or(0));
        const auto quarters = quantiles(tally.ratios, std::array{0.25, 0.5, 0.75});
        Json row = {{"method", contender.name},
                    {"temperature", temperature},
                    {"speed_up", quarters[1]},
                    {"quarter", quarters[0]},
                    {"three_quarters", quarters[2]},
                    {"speed_up_undisturbed", quantile(undisturbed, 0.5).value_or(0.0)},
                    {"tokens", tally.tokens},
                    {"tok_s", static_cast<double>(tally.tokens) / tally.decode_ns * 1e9},
                    {"verify_steps", n.rounds},
                    {"plain_steps", n.plain_steps},
                    {"drafted", n.all.drafted},
                    {"tested", n.all.tested},
                    {"accepted", n.all.accepted},
                    {"ignored", n.all.ignored()},
                    {"acceptance_by_position", rates},
                    {"mean_accepted", orNull(n.meanAccepted())},
                    {"tokens_per_verify", orNull(n.tokensPerVerify())},
                    {"tokens_per_step", orNull(n.tokensPerStep())},
                    {"draft_us", perRound(&DraftRound::draft_ns)},
                    {"verify_us", perRound(&DraftRound::verify_ns)},
                    {"other_us", perRound(&DraftRound::other_ns)}};
        const double round_us =
            row["draft_us"].get<double>() + row["verify_us"].get<double>() + row["other_us"].get<double>();
        if (n.plain_pass_ns && n.rounds > 0 && round_us > 0) {
            row["plain_pass_us"] = *n.plain_pass_ns / 1e3;
            row["predicted_speed_up"] = *n.tokensPerVerify() * *n.plain_pass_ns / 1e3 / round_us;
            row["target_efficiency"] = *n.plain_pass_ns / 1e3 / row["verify_us"].get<double>();
        }
        return row;
    }

    const SpeculationBenchRequest& request_;
    std::stop_token stop_;
    CpuDevice device_;
    ModelCache cache_;
    std::vector<Contender> contenders_;
    std::vector<Tally> tallies_;
};

}  // namespace

Result<Json> runSpeculationBench(const SpeculationBenchRequest& request, const std::stop_token& stop) {
    return SpeculationBench(request, stop).run();
}

void printSpeculationBench(const Json& result, std::ostream& out) {
    out << result["model"].get<std::string>() << ", " << result["isa"].get<std::string>() << ", " << result["threads"]
        << " threads, " << result["problems"] << " problems x " << result["repeats"]
        << " repetitions; times a verify step, medians\n";
    out << "method                        T   speed-up (quartiles)  fastest runs  tokens/verify  accepted/tested    "
           "draft   verify    other   T(1)  predicted\n";
    const auto fixed = [&](double value, int width, int digits) -> std::ostream& {
        return out << std::fixed << std::setprecision(digits) << std::setw(width) << value;
    };
    for (const Json& row : result["rows"]) {
        out << std::left << std::setw(28) << row["method"].get<std::string>() << std::right;
        fixed(row["temperature"], 4, 1) << ' ';
        fixed(row["speed_up"], 6, 2) << " (";
        fixed(row["quarter"], 0, 2) << " to ";
        fixed(row["three_quarters"], 0, 2) << ") ";
        fixed(row["speed_up_undisturbed"], 12, 2);
        fixed(row["tokens_per_verify"].is_number() ? row["tokens_per_verify"].get<double>() : 0.0, 13, 2);
        const double tested = row["tested"];
        fixed(tested > 0 ? 100.0 * row["accepted"].get<double>() / tested : 0.0, 15, 1) << " %";
        for (const char* key : {"draft_us", "verify_us", "other_us"}) fixed(row[key], 7, 0) << "us";
        fixed(row.value("plain_pass_us", 0.0), 6, 0);
        fixed(row.value("predicted_speed_up", 0.0), 10, 2) << '\n';
    }
    for (const Json& failure : result["failures"])
        out << "left out, " << failure["method"].get<std::string>() << ": " << failure["reason"].get<std::string>()
            << '\n';
}

}  // namespace quibble::cli
