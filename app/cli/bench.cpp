#include "app/cli/bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include <sched.h>

#include "app/cli/bench_stop.h"
#include "engine/base/memory_use.h"
#include "engine/bench/parallel_speed.h"
#include "engine/model/model_cache.h"
#include "engine/model/model_tuning.h"
#include "engine/quant/weights/weight_quantizer.h"
#include "engine/run/run_loop.h"
#include "engine/run/throughput_prefill.h"
#include "kernels/limits.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLimitBufferBytes = std::size_t{1} << 30;
constexpr double kReadSeconds = 0.2;
constexpr int kReferenceBlock = 16;
constexpr int kRunsAtOnce[] = {1, 2, 4, 8, 16, 32, 64};
// The promise about memory: weights in use and cache, a tenth more, and this for everything else.
constexpr double kMemoryBeside = 200e6;

double seconds(const std::function<void()>& body) {
    const auto started = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double multiplyAdds(const Linear& linear) {
    return static_cast<double>(linear.weight.rows) * static_cast<double>(linear.weight.cols);
}

// What every pass reads and every row multiplies, whatever the experts; and what one row's experts multiply.
struct Cost {
    double weight_bytes = 0, multiply_adds = 0, output_multiply_adds = 0;
};
Cost costOf(const Model& model) {
    Cost cost;
    for (const LayerWeights& layer : model.layers()) {
        for (const Linear* linear :
             {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down, &layer.router}) {
            cost.multiply_adds += multiplyAdds(*linear);
            cost.weight_bytes += static_cast<double>(weightBytes(*linear));
        }
        if (!layer.gate_exps.empty()) {
            const double expert =
                multiplyAdds(layer.gate_exps[0]) + multiplyAdds(layer.up_exps[0]) + multiplyAdds(layer.down_exps[0]);
            cost.multiply_adds += expert * model.config().experts.used;
        }
    }
    cost.output_multiply_adds = multiplyAdds(model.output());
    cost.weight_bytes += static_cast<double>(weightBytes(model.output()));
    return cost;
}

// Another job that wants one of our cores for itself.
class Neighbour {
public:
    Neighbour() : thread_([this] { spin(); }) {}
    ~Neighbour() {
        stop_ = true;
        thread_.join();
    }

private:
    void spin() const {
        cpu_set_t allowed;
        if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
            int core = 0;
            while (core + 1 < CPU_SETSIZE && !CPU_ISSET(core, &allowed)) ++core;
            CPU_ZERO(&allowed);
            CPU_SET(core, &allowed);
            sched_setaffinity(0, sizeof allowed, &allowed);
        }
        while (!stop_.load(std::memory_order_relaxed)) {}
    }
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

class Bench {
public:
    Bench(const BenchRequest& request, RunModels models, std::stop_token stop)
        : request_(request),
          models_(std::move(models)),
          stop_(std::move(stop)),
          device_(request.threads),
          settings_(request.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native,
                    kvTypeOf(request.kv_type).value_or(KvType::F32)),
          cost_(costOf(model())) {}

    Json run(double load_seconds) {
        const auto file_bytes = static_cast<double>(model().file()->fileSize());
        out_ = {{"model", model().config().name},
                {"weight_format", model().weightFormat()},
                {"bits_per_weight", model().bitsPerWeight()},
                {"parameters", model().parameters()},
                {"arithmetic", request_.arithmetic},
                {"kv_cache", request_.kv_type},
                {"isa", device_.isa()},
                {"threads", device_.threads()}};
        out_["load"] = {{"seconds", load_seconds}, {"seconds_per_gb", load_seconds / (file_bytes / 1e9)}};
        for (const auto measure : {&Bench::prefill, &Bench::live, &Bench::decodeAndBlocks, &Bench::parallel}) {
            if (auto done = (this->*measure)(); !done) {
                out_[kIncomplete] = done.error().line();
                break;
            }
        }
        tuning();
        measureLimits();
        return std::move(out_);
    }

private:
    const Model& model() const { return *models_.quantized; }

    void tuning() {
        const ModelTuning& tuning = model().tuning();
        Json& out = out_["tuning"];
        out = {{"source", tuning.source()}, {"choices", toJson(tuning.current())}, {"measured", Json::array()}};
        for (const TuningChoice& choice : tuning.choices()) {
            Json& one = out["measured"].emplace_back(Json{{"what", choice.what},
                                                          {"chosen", choice.candidates[choice.chosen].way},
                                                          {"why", choice.why},
                                                          {"text", choice.text()}});
            for (const TuningChoice::Candidate& candidate : choice.candidates)
                one["times"][candidate.way] = candidate.time;
        }
    }

    void memory() {
        const auto ownBytes = [](const Model& m) {
            return static_cast<double>(m.ownedBytes()) - static_cast<double>(m.replacedBytes());
        };
        double weights = static_cast<double>(model().file()->fileSize()) + ownBytes(model());
        if (const Model* reference = models_.reference.get(); reference != nullptr && reference != &model()) {
            weights += ownBytes(*reference);
            if (reference->file() != model().file())
                weights += static_cast<double>(reference->file()->fileSize());  // else one mapping serves both
        }
        const double peak = static_cast<double>(peakMemoryBytes());
        out_["memory"] = {{"peak_mb", peak / 1e6},
                          {"weights_mb", weights / 1e6},
                          {"cache_mb", cache_bytes_ / 1e6},
                          {"allowed_mb", (1.1 * (weights + cache_bytes_) + kMemoryBeside) / 1e6}};
    }

    // GB/s that plain reading gets just now.
    double readNow() {
        if (!read_) {
            memory();  // before the buffer counts as peak memory of the model
            read_.emplace(device_.threads(), kLimitBufferBytes);
        }
        read_gb_s_.push_back(read_->sustained(kReadSeconds) / 1e9);
        return read_gb_s_.back();
    }

    void measureLimits() {
        if (read_gb_s_.empty()) readNow();
        const double read_gb_s = median(read_gb_s_);
        const double fma_gflop_s = kernels::measureFmaRate() * device_.threads() / 1e9;
        const double dot_gop_s = kernels::measureDotRate() * device_.threads() / 1e9;
        const double bf16_gflop_s = kernels::measureBf16Rate() * device_.threads() / 1e9;
        out_["limits"] = {{"memory_read_gb_s", read_gb_s},
                          {"f32_fma_gflop_s", fma_gflop_s},
                          {"int8_dot_gop_s", dot_gop_s},
                          {"bf16_dot_gflop_s", bf16_gflop_s}};
        if (out_.contains("prefill")) {
            if (Json& throughput = out_["prefill"]["throughput"]; throughput.contains("gflop_s") && bf16_gflop_s > 0) {
                throughput["of_bf16_limit"] = throughput["gflop_s"].get<double>() / bf16_gflop_s;
            }
            out_["prefill"]["of_fma_limit"] = out_["prefill"]["gflop_s"].get<double>() / fma_gflop_s;
            out_["prefill"]["of_int8_limit"] = out_["prefill"]["gflop_s"].get<double>() / dot_gop_s;
        }
        for (Json& step : out_["parallel"]) {
            const int count = step["runs"].get<int>();
            const double limit = parallelLimit(count, read_gb_s, fma_gflop_s, dot_gop_s);
            step["limit_tok_s"] = limit;
            step["of_limit"] = step["tok_s"].get<double>() / limit;
        }
        for (Json& block : out_["blocks"]) block["of_read_limit"] = block["gb_s"].get<double>() / read_gb_s;
    }

    std::vector<TokenId> tokens(int count) const {
        std::vector<TokenId> ids(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < ids.size(); ++i)
            ids[i] = static_cast<TokenId>((i * 7919 + 13) % static_cast<std::size_t>(model().config().vocab_size));
        return ids;
    }

    Result<std::unique_ptr<Sequence>> sequence(int before, int count) { return sequence(before, count, settings_); }
    Result<std::unique_ptr<Sequence>> sequence(int before, int count, const SequenceSettings& settings) {
        auto created = Sequence::create(models_.quantized, device_, before + count, settings);
        if (!created) return created;
        cache_bytes_ = std::max(cache_bytes_, static_cast<double>((*created)->cacheBytes()));
        if (before == 0) return created;
        const std::vector<TokenId> ids = tokens(before);
        if (auto fed = (*created)->append(ids, 0, nullptr, stop_); !fed) return tl::unexpected(fed.error());
        return created;
    }

    // Appends `count` tokens in pieces of `piece` behind what the sequence holds, and takes them back. With logits each
    // row has them, else the last.
    Result<double> once(Sequence& s, int count, int piece, bool logits) {
        const int before = s.size();
        const std::vector<TokenId> ids = tokens(before + count);
        logits_.resize(static_cast<std::size_t>(logits ? piece : 1) *
                       static_cast<std::size_t>(model().config().vocab_size));
        Result<void> fed;
        const double spent = seconds([&] {
            for (int done = before; done < before + count && fed; done += piece) {
                const int n = std::min(piece, before + count - done);
                fed = s.append({ids.data() + done, static_cast<std::size_t>(n)},
                               logits ? n : (done + n == before + count ? 1 : 0), logits_.data(), stop_);
            }
        });
        s.truncate(before);
        if (!fed) return tl::unexpected(fed.error());
        return spent;
    }

    // Median of the repetitions, in seconds.
    Result<double> time(Sequence& s, int count, int piece, bool logits) {
        std::vector<double> times;
        for (int repeat = 0; repeat <= request_.repeats; ++repeat) {
            auto spent = once(s, count, piece, logits);
            if (!spent) return tl::unexpected(spent.error());
            if (repeat > 0) times.push_back(*spent);  // the first warms caches and page tables
        }
        return median(times);
    }

    Json prefillSpeed(double spent) const {
        const double operations = 2 * (cost_.multiply_adds * request_.prefill + cost_.output_multiply_adds);
        return {{"tok_s", request_.prefill / spent}, {"gflop_s", operations / spent / 1e9}};
    }

    // As a run with --prefill throughput has it: all positions but the last.
    Result<void> throughputPrefill() {
        Json& out = out_["prefill"]["throughput"];
        if (auto offered = checkThroughputPrefill(model(), settings_.arithmetic, device_); !offered) {
            out["why_not"] = offered.error().what;
            return {};
        }
        auto s = sequence(0, request_.prefill, {settings_.arithmetic, settings_.kv_type, request_.prefill - 1});
        if (!s) return tl::unexpected(s.error());
        auto timing = time(**s, request_.prefill, request_.prefill, false);
        if (!timing) return tl::unexpected(timing.error());
        out = prefillSpeed(*timing);
        return {};
    }

    Result<void> prefill() {
        if (request_.prefill == 0) return {};
        auto s = sequence(0, request_.prefill);
        if (!s) return tl::unexpected(s.error());
        auto timing = time(**s, request_.prefill, request_.prefill, false);
        if (!timing) return tl::unexpected(timing.error());
        out_["prefill"] = prefillSpeed(*timing);
        out_["prefill"]["tokens"] = request_.prefill;
        if (auto done = throughputPrefill(); !done) return done;
        if (!request_.busy) return {};
        const Neighbour neighbour;
        auto busy = time(**s, request_.prefill, request_.prefill, false);
        if (!busy) return tl::unexpected(busy.error());
        out_["prefill"]["busy_tok_s"] = request_.prefill / *busy;
        out_["prefill"]["busy_ratio"] = *timing / *busy;
        return {};
    }

    Result<void> decodeAndBlocks() {
        const int widest =
            request_.blocks.empty() ? 1 : *std::max_element(request_.blocks.begin(), request_.blocks.end());
        auto s = sequence(request_.depth, std::max(request_.decode, widest));
        if (!s) return tl::unexpected(s.error());
        if (request_.decode > 0) {
            if (auto done = decode(**s); !done) return done;
        }
        for (const int rows : request_.blocks) {
            if (auto done = block(**s, rows); !done) return done;
        }
        return {};
    }

    // Decoding and plain reading take turns: the memory of a shared machine is now fast, now slow.
    Result<void> decode(Sequence& s) {
        std::vector<double> speeds, shares;
        double bytes = 0, read_before = 0;
        for (int repeat = 0; repeat <= request_.repeats; ++repeat) {
            auto spent = once(s, request_.decode, 1, true);
            if (!spent) return tl::unexpected(spent.error());
            const double read_after = readNow();
            bytes =
                cost_.weight_bytes + (s.experts() != nullptr ? static_cast<double>(s.experts()->traffic().bytes) : 0);
            if (repeat > 0) {  // the first warms caches and page tables
                speeds.push_back(request_.decode / *spent);
                shares.push_back(bytes * speeds.back() / 1e9 / ((read_before + read_after) / 2));
            }
            read_before = read_after;
        }
        const double speed = median(speeds);
        out_["decode"] = {{"tokens", request_.decode},
                          {"tok_s", speed},
                          {"mb_a_pass", bytes / 1e6},
                          {"gb_s", bytes * speed / 1e9},
                          {"of_read_limit", median(shares)}};
        return {};
    }

    // A single row and the block take turns, so that what disturbs the machine disturbs both.
    Result<void> block(Sequence& s, int rows) {
        std::vector<double> spent, ratios;
        double expert_bytes = 0;
        for (int repeat = 0; repeat <= 2 * request_.repeats; ++repeat) {
            auto single = once(s, 1, 1, true);
            if (!single) return tl::unexpected(single.error());
            auto whole = once(s, rows, rows, true);
            if (!whole) return tl::unexpected(whole.error());
            if (s.experts() != nullptr) expert_bytes = static_cast<double>(s.experts()->traffic().bytes);
            if (repeat == 0) continue;
            spent.push_back(*whole);
            ratios.push_back(*whole / *single);
        }
        out_["blocks"].push_back({{"rows", rows},
                                  {"ms", median(spent) * 1e3},
                                  {"cost_in_decode_steps", median(ratios)},
                                  {"gb_s", (cost_.weight_bytes + expert_bytes) / median(spent) / 1e9}});
        return {};
    }

    // The whole step loop as a run has it: sampling, measurements, reference blocks. With and without the reference
    // take turns.
    Result<void> live() {
        if (request_.decode == 0) return {};
        std::vector<double> with, without, ratios;
        for (int repeat = 0; repeat <= request_.repeats; ++repeat) {
            auto plain = runRate(nullptr, repeat);
            if (!plain) return tl::unexpected(plain.error());
            std::optional<double> live_rate;
            if (models_.reference != nullptr) {
                auto rate = runRate(models_.reference, repeat);
                if (!rate) return tl::unexpected(rate.error());
                live_rate = *rate;
            }
            if (repeat == 0) continue;
            without.push_back(*plain);
            if (!live_rate) continue;
            with.push_back(*live_rate);
            ratios.push_back(*live_rate / *plain);
        }
        out_["run"] = {{"tok_s", median(without)}};
        if (!with.empty()) {
            out_["run"].update({{"tok_s_with_reference", median(with)},
                                {"ratio", median(ratios)},
                                {"reference", models_.reference->weightFormat()},
                                {"block", kReferenceBlock}});
        }
        return {};
    }

    RunRequest runRequest() const {
        RunRequest run;
        run.prompt = "1 + 1 =";
        run.raw = true;
        run.arithmetic = settings_.arithmetic;
        run.kv_type = settings_.kv_type;
        run.reference.block = kReferenceBlock;
        run.sampler.temperature = 1;
        run.sampler.top_p = 1;
        run.max_tokens = std::max(request_.decode, kReferenceBlock);
        return run;
    }

    Result<double> runRate(std::shared_ptr<const Model> reference, int repeat) {
        RunRequest run = runRequest();
        run.seed = static_cast<std::uint64_t>(repeat);
        auto loop = RunLoop::create(run, {models_.quantized, std::move(reference), {}}, device_);
        if (!loop) return tl::unexpected(loop.error());
        std::vector<RunEvent> events;
        if (auto chunk = (*loop)->prefillChunk(events, stop_); !chunk) return tl::unexpected(chunk.error());
        Result<void> done;
        const Position before = (*loop)->position();
        const double spent = seconds([&] {
            while (!(*loop)->finished() && done) done = (*loop)->step(events, stop_);
            if (done) done = (*loop)->flushReference(events, stop_);
        });
        if (!done) return tl::unexpected(done.error());
        const RunProvenance& p = (*loop)->provenance();
        cache_bytes_ = std::max(cache_bytes_, static_cast<double>(p.kv_bytes) * (*loop)->position() /
                                                  p.context);  // as far as it was written
        return ((*loop)->position() - before) / spent;
    }

    // Counts of runs take turns, so that what disturbs the machine disturbs all of them.
    Result<void> parallel() {
        if (!request_.parallel) return {};
        std::vector<std::vector<double>> alone(std::size(kRunsAtOnce)), scored(std::size(kRunsAtOnce));
        for (int repeat = 0; repeat < request_.repeats; ++repeat) {
            for (std::size_t i = 0; i < std::size(kRunsAtOnce); ++i) {
                auto speed =
                    parallelSpeed(runRequest(), {models_.quantized, nullptr, {}}, device_, kRunsAtOnce[i], stop_);
                if (!speed) return tl::unexpected(speed.error());
                alone[i].push_back(*speed);
                if (models_.reference == nullptr) continue;
                speed = parallelSpeed(runRequest(), {models_.quantized, models_.reference, {}}, device_, kRunsAtOnce[i],
                                      stop_);
                if (!speed) return tl::unexpected(speed.error());
                scored[i].push_back(*speed);
            }
        }
        for (std::size_t i = 0; i < std::size(kRunsAtOnce); ++i) {
            Json& step = out_["parallel"].emplace_back(Json{{"runs", kRunsAtOnce[i]}, {"tok_s", median(alone[i])}});
            step["of_one"] = median(alone[i]) / median(alone[0]);
            if (models_.reference == nullptr) continue;
            step["tok_s_with_reference"] = median(scored[i]);
            step["of_one_with_reference"] = median(scored[i]) / median(scored[0]);
        }
        return {};
    }

    // Tokens a second of so many runs where each pass reads all weights that its rows need once, and multiplies at the
    // rate of the machine. Of the experts as many are counted as the rows can choose, at most.
    double parallelLimit(int count, double read_gb_s, double fma_gflop_s, double dot_gop_s) const {
        const ModelConfig& c = model().config();
        double bytes = cost_.weight_bytes;
        if (c.hasExperts()) {
            const int chosen = std::min(c.experts.count, count * c.experts.used);
            for (const LayerWeights& layer : model().layers()) {
                const auto expert =
                    weightBytes(layer.gate_exps[0]) + weightBytes(layer.up_exps[0]) + weightBytes(layer.down_exps[0]);
                bytes += static_cast<double>(expert) * chosen;
            }
        }
        const bool packed = settings_.arithmetic == Arithmetic::Native && model().layers()[0].q.packed.data != nullptr;
        const double operations = 2 * count * (cost_.multiply_adds + cost_.output_multiply_adds);
        return count / std::max(bytes / (read_gb_s * 1e9), operations / ((packed ? dot_gop_s : fma_gflop_s) * 1e9));
    }

    const BenchRequest& request_;
    RunModels models_;
    std::stop_token stop_;
    CpuDevice device_;
    SequenceSettings settings_;
    Cost cost_;
    double cache_bytes_ = 0;
    std::optional<kernels::ReadBandwidth> read_;
    std::vector<double> read_gb_s_;
    std::vector<float> logits_;
    Json out_;
};

}  // namespace

Result<Json> runBench(const BenchRequest& request, const std::stop_token& stop) {
    RunRequest run;
    run.model_path = request.model;
    run.arithmetic = request.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native;
    auto method = readMethod(request.quant, &findWeightQuantizer);
    if (!method) return tl::unexpected(method.error());
    run.weight_quant = *method;
    const bool self = request.reference == "self" || (request.reference.empty() && method->id != "none");
    const bool none = request.reference == "none" || (request.reference.empty() && !self);
    run.reference.kind = none ? ReferenceKind::None : self ? ReferenceKind::Unquantized : ReferenceKind::File;
    run.reference.path = request.reference;
    ModelCache cache;
    Result<RunModels> opened;
    const double load_seconds = seconds([&] { opened = openRunModels(cache, run, {}); });
    if (!opened) return tl::unexpected(opened.error());
    return Bench(request, std::move(*opened), stop).run(load_seconds);
}

}  // namespace quibble::cli
