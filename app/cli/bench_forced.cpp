// The engine's limit: rounds of speculative decoding whose drafts are accepted by decree. The passes are those of a run
// (a drafting model feeds its chain token by token, the target takes all rows in one tree pass and keeps their path);
// only the decision is left out.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iomanip>

#include "app/cli/bench_speculation.h"
#include "app/cli/bench_stop.h"
#include "engine/forward/sequence.h"
#include "engine/metrics/statistics.h"
#include "engine/model/model_cache.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kPassRows{1, 2, 4, 8, 16};
constexpr std::array kLengths{1, 3, 7, 15};             // a chain of these is checked in passes of 2, 4, 8, 16 rows
constexpr std::array kAcceptances{0.6, 0.8, 0.9, 1.0};  // chance of each drafted token

double microseconds(const auto& body) {
    const auto started = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - started).count();
}

class ForcedBench {
public:
    ForcedBench(const SpeculationBenchRequest& request, CpuDevice& device, std::stop_token stop)
        : request_(request), device_(device), stop_(std::move(stop)) {}

    Result<Json> run() {
        if (request_.drafts.size() > 1)
            return fail(ErrorCode::InvalidArgument, "forced rounds take one draft model",
                        "Name one, or none to time the passes alone");
        if (auto opened = open(request_.model, target_, rows_); !opened) return tl::unexpected(opened.error());
        if (!request_.drafts.empty()) {
            if (auto opened = open(request_.drafts[0], draft_, draft_row_); !opened)
                return tl::unexpected(opened.error());
        }
        std::string incomplete;
        for (int repeat = 0; repeat <= request_.repeats && incomplete.empty(); ++repeat) {
            auto measured = stop_.stop_requested() ? stoppedHere() : measure(repeat > 0);
            if (measured) continue;
            if (repeat < 2) return tl::unexpected(measured.error());  // nothing is measured yet
            incomplete = measured.error().line();
        }
        Json out = report();
        if (!incomplete.empty()) out[kIncomplete] = incomplete;
        return out;
    }

private:
    Result<void> open(const std::string& path, std::unique_ptr<Sequence>& sequence, std::vector<float>& logits) {
        const Arithmetic arithmetic = request_.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native;
        LoadOptions options;
        options.packed = arithmetic == Arithmetic::Native;
        auto model = cache_.get(path, options);
        if (!model) return tl::unexpected(model.error());
        auto created = Sequence::create(*model, device_, request_.depth + 64, arithmetic);
        if (!created) return tl::unexpected(created.error());
        sequence = std::move(*created);
        logits.resize(static_cast<std::size_t>(kPassRows.back()) *
                      static_cast<std::size_t>((*model)->config().vocab_size));
        const std::vector<TokenId> text = tokens(*sequence, request_.depth);
        return sequence->append(text, 0, nullptr);
    }

    static std::vector<TokenId> tokens(const Sequence& sequence, int count) {
        std::vector<TokenId> ids(static_cast<std::size_t>(count));
        const auto vocab = static_cast<std::size_t>(sequence.model().config().vocab_size);
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>((i * 7919 + 13) % vocab);
        return ids;
    }

    // A chain of n rows as a verify pass takes it, all of it kept.
    Result<void> verify(int n) {
        std::vector<std::int32_t> parents, path;
        for (std::int32_t row = 0; row < n; ++row) {
            parents.push_back(row - 1);
            path.push_back(row);
        }
        const std::vector<TokenId> ids = tokens(*target_, n);
        if (auto passed = target_->appendTree(ids, parents, rows_.data()); !passed) return passed;
        target_->keepRows(path);
        return {};
    }
    // The two tokens that the round before has added, then one after the other.
    Result<void> propose(int length) {
        const std::vector<TokenId> ids = tokens(*draft_, length + 1);
        Result<void> fed = draft_->append({ids.data(), 2}, 1, draft_row_.data());
        for (std::size_t i = 2; fed && i < ids.size(); ++i) fed = draft_->append({&ids[i], 1}, 1, draft_row_.data());
        return fed;
    }

    Result<void> measure(bool counts) {
        Result<void> done;
        for (std::size_t i = 0; i < kPassRows.size() && done; ++i) {
            target_->truncate(request_.depth);
            const double spent = microseconds([&] { done = verify(kPassRows[i]); });
            if (counts) pass_us_[i].push_back(spent);
        }
        for (std::size_t i = 0; i < kLengths.size() && done && draft_ != nullptr; ++i) {
            target_->truncate(request_.depth);
            draft_->truncate(request_.depth - 1);
            const double drafting = microseconds([&] { done = propose(kLengths[i]); });
            if (!done) break;
            const double checking = microseconds([&] { done = verify(kLengths[i] + 1); });
            if (!counts) continue;
            draft_us_[i].push_back(drafting);
            round_us_[i].push_back(drafting + checking);
            ratio_[i].push_back((kLengths[i] + 1) * pass_us_[0].back() / (drafting + checking));
        }
        return done;
    }

    Json report() const {
        const auto median = [](const std::vector<double>& values) { return quantile(values, 0.5).value_or(0.0); };
        Json out = {{"model", request_.model}, {"isa", device_.isa()},        {"threads", device_.threads()},
                    {"depth", request_.depth}, {"repeats", request_.repeats}, {"passes", Json::array()},
                    {"rounds", Json::array()}};
        const double single = median(pass_us_[0]);
        for (std::size_t i = 0; i < kPassRows.size(); ++i) {
            std::vector<double> steps;
            for (std::size_t r = 0; r < pass_us_[i].size(); ++r) steps.push_back(pass_us_[i][r] / pass_us_[0][r]);
            out["passes"].push_back(
                {{"rows", kPassRows[i]}, {"us", median(pass_us_[i])}, {"decode_steps", median(steps)}});
        }
        if (draft_ == nullptr) return out;
        out["draft"] = request_.drafts[0];
        for (std::size_t i = 0; i < kLengths.size(); ++i) {
            Json round = {{"length", kLengths[i]},
                          {"draft_us", median(draft_us_[i])},
                          {"round_us", median(round_us_[i])},
                          {"speed_up_all_accepted", median(ratio_[i])}};
            for (const double a : kAcceptances) {
                // Tokens of a round when each drafted token is accepted with chance a: 1 + a + a^2 + ... + a^length.
                double expected = 0;
                for (int k = 0; k <= kLengths[i]; ++k) expected += std::pow(a, k);
                round["by_acceptance"].push_back(
                    {{"acceptance", a}, {"tokens", expected}, {"speed_up", expected * single / median(round_us_[i])}});
            }
            out["rounds"].push_back(std::move(round));
        }
        return out;
    }

    const SpeculationBenchRequest& request_;
    CpuDevice& device_;
    std::stop_token stop_;
    ModelCache cache_;
    std::unique_ptr<Sequence> target_, draft_;
    std::vector<float> rows_, draft_row_;
    std::array<std::vector<double>, kPassRows.size()> pass_us_;
    std::array<std::vector<double>, kLengths.size()> draft_us_, round_us_, ratio_;
};

}  // namespace

Result<Json> runForcedBench(const SpeculationBenchRequest& request, const std::stop_token& stop) {
    CpuDevice device(request.threads);
    return ForcedBench(request, device, stop).run();
}

void printForcedBench(const Json& result, std::ostream& out) {
    out << std::fixed << result["model"].get<std::string>() << ", " << result["isa"].get<std::string>() << ", "
        << result["threads"] << " threads, " << result["depth"] << " positions in the cache, medians of "
        << result["repeats"] << '\n';
    for (const Json& pass : result["passes"]) {
        out << "verify of " << std::setw(2) << pass["rows"].get<int>() << " rows " << std::setprecision(3)
            << std::setw(11) << pass["us"].get<double>() / 1e3 << " ms  " << std::setprecision(2)
            << pass["decode_steps"].get<double>() << " decode steps\n";
    }
    if (result["rounds"].empty()) return;
    out << "drafted by " << result["draft"].get<std::string>()
        << "; speed-up by chance that a drafted token is accepted\n";
    for (const Json& round : result["rounds"]) {
        out << "chain of " << std::setw(2) << round["length"].get<int>() << ": draft " << std::setprecision(3)
            << round["draft_us"].get<double>() / 1e3 << " ms of " << round["round_us"].get<double>() / 1e3 << " ms;"
            << std::setprecision(2);
        for (const Json& at : round["by_acceptance"])
            out << "  " << at["acceptance"].get<double>() << ": " << at["speed_up"].get<double>() << 'x';
        out << '\n';
    }
}

}  // namespace quibble::cli
