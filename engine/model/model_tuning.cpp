#include "engine/model/model_tuning.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <span>

#include "engine/base/aligned_vector.h"
#include "engine/base/log.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model.h"

namespace quibble {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kTrialBytes = std::size_t{4} << 20;  // read in about a tenth of a millisecond
constexpr int kRounds = 7;
constexpr int kMostMeasurements = 6;
constexpr double kWorthIt = 0.98;  // of the other way's time
constexpr std::array<std::int32_t, 4> kDistances{0, 1536, 4096, 8192};
// In each of several rows of floats.
constexpr std::array<std::int32_t, 6> kFloatDistances{0, 512, 1024, 1536, 2048, 4096};
// More rows of floats are fetched for in one way (kernels::MatmulArgs), so that the last of Tuning::kRows is measured
// with as many as have a choice.
constexpr std::int64_t kMostFloatRows = 6;

double microsecondsSince(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Times of one candidate, a round each.
using Times = std::vector<double>;

// The candidate that is to be used: the fastest in the median, if it was faster than the one in use so far in nearly
// every round and by more than noise.
TuningChoice decide(std::string what, const std::vector<std::string>& ways, const std::vector<Times>& times,
                    std::size_t usual) {
    TuningChoice choice{std::move(what), {}, usual, {}};
    for (std::size_t i = 0; i < ways.size(); ++i) choice.candidates.push_back({ways[i], median(times[i])});
    const auto faster = [](const TuningChoice::Candidate& a, const TuningChoice::Candidate& b) {
        return a.time < b.time;
    };
    const auto best = static_cast<std::size_t>(
        std::min_element(choice.candidates.begin(), choice.candidates.end(), faster) - choice.candidates.begin());
    int won = 0;
    for (std::size_t round = 0; round < times[best].size(); ++round)
        won += times[best][round] < times[usual][round] ? 1 : 0;
    const std::string rounds = "in " + std::to_string(won) + " of " + std::to_string(kRounds) + " rounds";
    if (best == usual) {
        choice.why = "fastest";
    } else if (won < kRounds - 1 || choice.candidates[best].time > kWorthIt * choice.candidates[usual].time) {
        choice.why = "kept: " + ways[best] + " was faster " + rounds;
    } else {
        choice.chosen = best;
        choice.why = "faster than " + ways[usual] + " " + rounds;
    }
    return choice;
}

// Products that read about kTrialBytes together, all of one width.
struct Trial {
    std::vector<const Linear*> linears;
    std::size_t bytes = 0;
};

bool isOf(const Linear& linear, Tuning::Codes codes) {
    if (linear.packed.data != nullptr) return Tuning::codesOf(linear.packed.type) == codes;
    using kernels::TensorType;
    const TensorType type = linear.weight.type;
    return codes == Tuning::kFloats && linear.weight.data != nullptr &&
           (type == TensorType::BF16 || type == TensorType::F16 || type == TensorType::F32);
}

// Trials on the weights of one kind of codes, in the order of the model, so that none finds its weights in a
// cache.
std::vector<Trial> trialsOf(const Model& model, Tuning::Codes codes, std::size_t smallest_bytes) {
    std::map<std::int64_t, std::vector<const Linear*>> by_width;
    std::map<std::int64_t, std::size_t> bytes;
    const auto add = [&](const Linear& linear) {
        if (!isOf(linear, codes)) return;
        by_width[linear.weight.cols].push_back(&linear);
        bytes[linear.weight.cols] += weightBytes(linear);
    };
    for (const LayerWeights& layer : model.layers()) {
        for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
            add(*linear);
        for (const std::vector<Linear>* experts : {&layer.gate_exps, &layer.up_exps, &layer.down_exps}) {
            for (const Linear& linear : *experts) add(linear);
        }
    }
    std::vector<Trial> trials;
    if (bytes.empty()) return trials;
    const auto most =
        std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most->second < smallest_bytes) return trials;
    Trial trial;
    for (const Linear* linear : by_width[most->first]) {
        trial.linears.push_back(linear);
        trial.bytes += weightBytes(*linear);
        if (trial.bytes < kTrialBytes) continue;
        trials.push_back(std::move(trial));
        trial = {};
    }
    if (trials.empty()) trials.push_back(std::move(trial));
    return trials;
}

class Measurement {
public:
    Measurement(const Model& model, CpuDevice& device, const Tuning& usual, std::size_t smallest_bytes)
        : model_(model), device_(device), smallest_bytes_(smallest_bytes), usual_(usual), tuning_(usual) {}

    bool run() {
        for (const Tuning::Codes codes : {Tuning::kNarrow, Tuning::kBytes, Tuning::kFloats}) streams(codes);
        if (!choices_.empty()) attention();
        return !choices_.empty();
    }
    [[nodiscard]] const Tuning& tuning() const { return tuning_; }
    [[nodiscard]] std::vector<TuningChoice>& choices() { return choices_; }

private:
    void streams(Tuning::Codes codes) {
        const std::vector<Trial> trials = trialsOf(model_, codes, smallest_bytes_);
        if (trials.empty()) return;
        std::int64_t outputs = 0;
        for (const Trial& trial : trials) {
            std::int64_t sum = 0;
            for (const Linear* linear : trial.linears) sum += linear->weight.rows;
            outputs = std::max(outputs, sum);
        }
        const std::int64_t cols = trials.front().linears.front()->weight.cols;
        x_.assign(static_cast<std::size_t>(Tuning::kRows.back() * cols), 0.5F);
        y_.resize(static_cast<std::size_t>(Tuning::kRows.back() * outputs));
        std::size_t next = 0;
        for (std::size_t i = 0; i < Tuning::kRows.size(); ++i) stream(codes, i, trials, next);
    }

    void stream(Tuning::Codes codes, std::size_t rows, const std::vector<Trial>& trials, std::size_t& next) {
        std::vector<std::int32_t> candidates(kDistances.begin(), kDistances.end());
        if (codes == Tuning::kFloats) candidates.assign(kFloatDistances.begin(), kFloatDistances.end());
        const std::int32_t as_for_many = Tuning::asForManyRows(codes);
        if (codes == Tuning::kFloats || rows + 1 == Tuning::kRows.size()) candidates.push_back(as_for_many);
        const std::int64_t n_rows =
            codes == Tuning::kFloats ? std::min(Tuning::kRows[rows], kMostFloatRows) : Tuning::kRows[rows];
        const std::int32_t usual = usual_.fetch_ahead[codes][rows];
        if (std::find(candidates.begin(), candidates.end(), usual) == candidates.end()) candidates.push_back(usual);
        std::vector<Times> times(candidates.size());
        const auto run = [&](std::int32_t ahead) {
            const Trial& trial = trials[next++ % trials.size()];
            Products products(Arithmetic::Native, usual_);
            products.tuning.fetch_ahead[codes][rows] = ahead;
            tasks_.clear();
            float* y = y_.data();
            for (const Linear* linear : trial.linears) {
                tasks_.push_back({linear, y});
                y += linear->weight.rows * n_rows;
            }
            const Clock::time_point start = Clock::now();
            device_.linear(x_.data(), n_rows, products, tasks_);
            return microsecondsSince(start) * 1e6 / static_cast<double>(trial.bytes);  // nanoseconds a kilobyte
        };
        run(candidates.front());  // wakes the threads
        for (int round = 0; round < kRounds; ++round) {
            for (std::size_t i = 0; i < candidates.size(); ++i) {
                const std::size_t c =
                    (i + static_cast<std::size_t>(round)) % candidates.size();  // none is always the first
                times[c].push_back(run(candidates[c]));
            }
        }
        std::vector<std::string> ways;
        ways.reserve(candidates.size());
        for (const std::int32_t ahead : candidates) {
            const std::string many = codes == Tuning::kFloats ? "next outputs" : "panels together";
            ways.push_back(ahead == as_for_many ? many
                           : ahead == 0         ? "no fetching"
                                                : std::to_string(ahead) + " bytes ahead");
        }
        const auto at =
            static_cast<std::size_t>(std::find(candidates.begin(), candidates.end(), usual) - candidates.begin());
        const std::string kind = codes == Tuning::kFloats  ? "floats, "
                                 : codes == Tuning::kBytes ? "8-bit codes, "
                                                           : "narrow codes, ";
        std::string what = kind + std::to_string(n_rows) + (rows == 0 ? " row" : " rows");
        choices_.push_back(decide(std::move(what), ways, times, at));
        tuning_.fetch_ahead[codes][rows] = candidates[choices_.back().chosen];
    }

    // As a long prompt has it: the queries of some rows over positions that do not fit the nearest caches.
    void attention() {
        const ModelConfig& c = model_.config();
        constexpr std::int64_t kPositions = 2048, kQueries = 60;
        const std::int64_t group = c.n_heads / c.n_kv_heads, rows = std::max<std::int64_t>(1, kQueries / group);
        const std::size_t width = static_cast<std::size_t>(c.dKv());
        const AlignedVector<float> stored(width * kPositions, 0.25F), q(static_cast<std::size_t>(rows * c.dQ()), 0.5F);
        AlignedVector<float> out(q.size());
        std::vector<Times> times(2);
        const auto run = [&](bool blocks) {
            const auto* bytes = reinterpret_cast<const std::byte*>(stored.data());
            CpuDevice::AttentionTask task{q.data(),
                                          bytes,
                                          bytes,
                                          kernels::TensorType::F32,
                                          static_cast<std::int64_t>(sizeof(float)) * c.head_dim,
                                          out.data(),
                                          rows,
                                          c.n_heads,
                                          c.n_kv_heads,
                                          c.head_dim,
                                          kPositions - rows + 1,
                                          0,
                                          nullptr,
                                          {},
                                          blocks};
            const Clock::time_point start = Clock::now();
            device_.attention(task);
            return microsecondsSince(start);
        };
        run(true);
        for (int round = 0; round < kRounds; ++round) {
            for (const bool blocks : {false, true}) times[blocks ? 1 : 0].push_back(run(blocks));
        }
        choices_.push_back(decide("attention of a prompt, F32 cache", {"in place", "unpacked blocks"}, times,
                                  usual_.f32_blocks ? 1 : 0));
        tuning_.f32_blocks = choices_.back().chosen == 1;
    }

    const Model& model_;
    CpuDevice& device_;
    std::size_t smallest_bytes_;
    Tuning usual_, tuning_;
    std::vector<TuningChoice> choices_;
    AlignedVector<float> x_, y_;
    std::vector<LinearTask> tasks_;
};

}  // namespace

ModelTuning::ModelTuning(const std::optional<Tuning>& pinned)
    : tuning_(pinned.value_or(tuningOfFamily())), pinned_(pinned.has_value()) {}

Tuning ModelTuning::current() const {
    const std::lock_guard lock(mutex_);
    return tuning_;
}

std::string ModelTuning::source() const {
    const std::lock_guard lock(mutex_);
    if (pinned_) return "pinned by QUIBBLE_TUNE";
    const std::string times = measurements_ == 1 ? "once" : std::to_string(measurements_) + " times";
    if (measurements_ > 0) return "measured " + times + (settled_ ? ", the last two alike" : "; not settled");
    return "of the processor's family (" + std::string(processorFamily()) + ")" +
           (too_small_ ? ": the weights are too few to measure" : "");
}

std::vector<TuningChoice> ModelTuning::choices() const {
    const std::lock_guard lock(mutex_);
    return choices_;
}

void ModelTuning::settle(const Model& model, CpuDevice& device, std::size_t smallest_bytes) {
    const std::unique_lock one(measuring_, std::try_to_lock);
    if (!one) return;  // another sequence is at it
    {
        const std::lock_guard lock(mutex_);
        if (pinned_ || too_small_) return;
        if (threads_ != device.threads()) {
            settled_ = false;
            measurements_ = 0;
        }
        if (settled_ || measurements_ >= kMostMeasurements) return;
    }
    const Clock::time_point began = Clock::now();
    Measurement measurement(model, device, current(),
                            smallest_bytes);  // what was chosen before stays unless another way is clearly better
    const bool measured = measurement.run();
    const std::lock_guard lock(mutex_);
    too_small_ = !measured;
    if (!measured) return;
    settled_ = measurements_ > 0 && measurement.tuning() == tuning_;
    tuning_ = measurement.tuning();
    choices_ = std::move(measurement.choices());
    threads_ = device.threads();
    ++measurements_;
    char spent[64];
    std::snprintf(spent, sizeof spent, "kernels tuned in %.0f ms for ", microsecondsSince(began) * 1e-3);
    logInfo(spent + model.config().name + ", " + std::to_string(threads_) + " threads: " + toJson(tuning_).dump() +
            (settled_ ? ", as before" : ""));
}

}  // namespace quibble
