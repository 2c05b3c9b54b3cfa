// Times the kernels of the chosen table (QUIBBLE_ISA) and states each speed as a fraction of what the machine can do,
// measured in the same run: bytes against the streaming read limit, operations against the FMA rate. Every kernel is
// first compared with the reference, and one that is wrong is not timed (exit status 1).
//
// bench_kernels [--threads N] [--seconds S] [--only TEXT] [--ahead BYTES] [--float-ahead BYTES]
#include "kernels/limits.h"
#include "tests/kernels/kernel_cases.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <thread>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    int threads = 2;
    double seconds = 0.4;
    int32_t ahead = 4096;                // MatmulPackedArgs::fetch_ahead
    int32_t float_ahead = kNextOutputs;  // MatmulArgs::fetch_ahead
    std::string only;
};

struct Limits {
    double memory = 0.0;  // bytes a second, all threads
    double cache = 0.0;   // the same from 512 KiB a thread
    double fma = 0.0;     // operations a second, all threads
    double dot = 0.0;     // the same of 8-bit products
    double bf16 = 0.0;    // the same of BF16 products; 0: there are none
};

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Seconds of one call of work(thread, call) on every thread: the tenth percentile of as many as fit in the time, after
// one to warm up.
double timeOf(const Options& options, const std::function<void(int, int)>& work) {
    std::atomic<int> round{0};
    std::atomic<int> done{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    for (int t = 1; t < options.threads; ++t) {
        others.emplace_back([&, t] {
            for (int seen = 0;;) {
                while (round.load(std::memory_order_acquire) == seen) {
                    if (stop.load()) {
                        return;
                    }
                }
                work(t, seen);
                ++seen;
                done.fetch_add(1, std::memory_order_release);
            }
        });
    }
    std::vector<double> times;
    const Clock::time_point start = Clock::now();
    for (int call = 0; call < 9 || secondsSince(start) < options.seconds; ++call) {
        const Clock::time_point begin = Clock::now();
        done.store(0);
        round.fetch_add(1, std::memory_order_release);
        work(0, call);
        while (done.load(std::memory_order_acquire) != options.threads - 1) {}
        if (call > 0) {
            times.push_back(secondsSince(begin));
        }
    }
    stop.store(true);
    for (std::thread& other : others) {
        other.join();
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 10];
}

enum class Input { F32, Int8, Bf16 };

struct Case {
    std::string name;
    int64_t outs;
    int64_t cols;
    int64_t rows;
    Input input;
};

const char* inputName(Input input) { return input == Input::F32 ? "f32" : input == Input::Int8 ? "int8" : "bf16"; }

// The product of `rows` rows with one matrix, split over threads by outputs, by the given table.
struct Product {
    const Ops& table;
    const Weights& w;
    const PackedView& packed;
    const Case& shape;
    Shifted<float> x;  // aligned, as the engine's are
    Shifted<std::byte> xq;
    size_t stride = 0;
    std::vector<float> y;
    int32_t ahead = 0;
    int32_t float_ahead = kNextOutputs;

    Product(const Ops& ops_table, const Weights& weights, const PackedView& panels, const Case& c)
        : table(ops_table),
          w(weights),
          packed(panels),
          shape(c),
          x(randomFloats(static_cast<size_t>(c.rows * c.cols), 7), 0),
          xq(std::max(q8RowBytes(c.cols), bf16RowBytes(c.cols)) * static_cast<size_t>(c.rows), 0),
          y(static_cast<size_t>(c.rows * c.outs)) {
        if (c.input == Input::F32) {
            return;
        }
        stride = c.input == Input::Int8 ? q8RowBytes(c.cols) : bf16RowBytes(c.cols);
        for (int64_t r = 0; r < c.rows; ++r) {
            const float* from = x.data() + r * c.cols;
            std::byte* to = xq.data() + static_cast<size_t>(r) * stride;
            if (c.input == Input::Int8) {
                table.quantizeQ8(from, c.cols, to);
            } else {
                table.storeKv(TensorType::BF16, from, c.cols, to);
            }
        }
    }
    void run(int64_t begin, int64_t end) {
        if (shape.input == Input::Bf16) {
            table.matmulBf16({w.view, xq.data(), stride, shape.rows, y.data(), shape.outs, begin, end});
        } else if (shape.input == Input::Int8) {
            MatmulPackedArgs args{packed, xq.data(), stride, shape.rows, y.data(), shape.outs, begin, end, ahead};
            table.matmulPacked(args);
        } else {
            MatmulArgs args{w.view, x.data(), shape.cols, shape.rows, y.data(), shape.outs, begin, end, float_ahead};
            table.matmul(args);
        }
    }
};

// Compares the first and last outputs with the reference; the tests do the rest.
bool isRight(const Ops& table, const Weights& w, const PackedView& packed, const Case& shape) {
    Product ours(table, w, packed, shape);
    Product wanted(*allOps()[0], w, packed, shape);
    const int64_t some = std::min<int64_t>(shape.outs, 5);
    for (const int64_t begin : {int64_t{0}, shape.outs - some}) {
        ours.run(begin, begin + some);
        wanted.run(begin, begin + some);
        std::vector<float> row(static_cast<size_t>(shape.cols));
        for (int64_t i = 0; i < shape.rows * some; ++i) {
            const auto at = static_cast<size_t>(i / some * shape.outs + begin + i % some);
            double length = 0.0;  // of the activations: random weights of size 0.05 make |w x| about this
            for (int64_t k = 0; k < shape.cols; ++k) {
                length += std::fabs(static_cast<double>(ours.x[static_cast<size_t>(i / some * shape.cols + k)]));
            }
            const double band = static_cast<double>(shape.cols / 16 + 8) * 0x1p-23 * 0.5 * length;
            if (!(std::fabs(static_cast<double>(ours.y[at]) - static_cast<double>(wanted.y[at])) <= band)) {
                std::printf("%s: output %zu is %g instead of %g\n", shape.name.c_str(), at,
                            static_cast<double>(ours.y[at]), static_cast<double>(wanted.y[at]));
                return false;
            }
        }
    }
    return true;
}

size_t weightBytes(const Weights& w, const PackedView& packed, const Case& shape) {
    if (shape.input == Input::Int8) {
        return packedBytes(packed.type, packed.rows, packed.cols);
    }
    if (w.view.type == TensorType::RtnGroup) {
        return w.codes.size() + (w.scale.size() + w.zero.size()) * sizeof(float);
    }
    return w.view.row_bytes * static_cast<size_t>(w.view.rows);
}

bool benchCase(const Options& options, const Limits& limits, const Weights& w, const PackedView& packed,
               const Case& shape) {
    const std::string title = shape.name + " x " + inputName(shape.input);
    if (!options.only.empty() && title.find(options.only) == std::string::npos) {
        return true;
    }
    if (!isRight(ops(), w, packed, shape)) {
        return false;
    }
    Product product(ops(), w, packed, shape);
    product.ahead = options.ahead;
    product.float_ahead = options.float_ahead;
    // A timed call takes well below a millisecond where it can, so that on a busy machine some run undisturbed: a part
    // of a big matrix, going on where the last call ended, or a small one again and again.
    const double work =
        static_cast<double>(shape.outs) * static_cast<double>(shape.cols) * static_cast<double>(shape.rows);
    const int repeats = std::max(1, static_cast<int>(5e6 / work));
    // A multiple of what the threads take in whole panels and groups of them.
    const int64_t step = 64 * options.threads;
    const int64_t outs = std::clamp<int64_t>(
        static_cast<int64_t>(1e7 / work * static_cast<double>(shape.outs)) / step * step, step, shape.outs);
    const int64_t share = outs / options.threads;
    const double part = static_cast<double>(share * options.threads) / static_cast<double>(shape.outs);
    const double seconds = timeOf(options,
                                  [&](int t, int call) {
                                      const int64_t first = call % (shape.outs / outs) * outs + t * share;
                                      for (int i = 0; i < repeats; ++i) {
                                          product.run(first, first + share);
                                      }
                                  }) /
                           repeats / part;
    const double bytes = static_cast<double>(weightBytes(w, packed, shape));
    const bool in_cache = bytes < 1e6;
    const double rate = bytes / seconds;
    const double operations = 2.0 * work / seconds;
    std::printf("%-16s %6lldx%-5lld rows %3lld  %8.1f us  %7.2f GB/s (%3.0f %% of %s)  %7.1f Gop/s (%3.0f %% of %s)\n",
                title.c_str(), static_cast<long long>(shape.outs), static_cast<long long>(shape.cols),
                static_cast<long long>(shape.rows), seconds * 1e6, rate * 1e-9,
                100.0 * rate / (in_cache ? limits.cache : limits.memory), in_cache ? "cache" : "memory",
                operations * 1e-9,
                100.0 * operations /
                    (shape.input == Input::F32    ? limits.fma
                     : shape.input == Input::Int8 ? limits.dot
                                                  : limits.bf16),
                shape.input == Input::F32 ? "FMA" : "dot");
    return true;
}

// Rows repeat after 64: the kernels do not look, and random numbers take their time.
Weights bigWeights(TensorType type, int64_t outs, int64_t cols) {
    const Weights some = makeWeights(type, 64, cols, 5, 0);
    Weights all;
    all.view = some.view;
    all.view.rows = outs;
    all.bytes.resize(some.view.row_bytes * static_cast<size_t>(outs));
    for (int64_t o = 0; o < outs; o += 64) {
        std::memcpy(all.bytes.data() + static_cast<size_t>(o) * some.view.row_bytes, some.view.data,
                    64 * some.view.row_bytes);
    }
    all.view.data = all.bytes.data();
    return all;
}

// Panels repeat after 4, as the rows of bigWeights do.
Packed bigPacked(const WeightView& w) {
    WeightView some = w;
    some.rows = 64;
    const size_t part = packedBytes(w.type, 64, w.cols);
    Packed all;
    all.bytes.resize(packedBytes(w.type, w.rows, w.cols) + 64);
    const auto address = reinterpret_cast<uintptr_t>(all.bytes.data());
    std::byte* begin = all.bytes.data() + (64 - address % 64) % 64;
    packPanels(some, 0, 4, begin);
    for (int64_t o = 64; o < w.rows; o += 64) {
        std::memcpy(begin + static_cast<size_t>(o / 64) * part, begin, part);
    }
    all.view = {w.type, w.rows, w.cols, begin};
    return all;
}

void benchPacking(const Options& options, const Weights& w, const char* name) {
    const std::string title = std::string(name) + " packing";
    if (!options.only.empty() && title.find(options.only) == std::string::npos) {
        return;
    }
    constexpr int64_t kPanels = 16;
    std::vector<std::byte> out(packedBytes(w.view.type, 2 * kPanels * kPanelOutputs, w.view.cols));
    const double seconds = timeOf(
        options, [&](int t, int) { packPanels(w.view, t % 2 * kPanels, t % 2 * kPanels + kPanels, out.data()); });
    const double bytes =
        static_cast<double>(w.view.row_bytes) * static_cast<double>(kPanels * kPanelOutputs * options.threads);
    std::printf("%-16s %30.2f GB/s of the file\n", title.c_str(), bytes / seconds * 1e-9);
}

bool benchMatrices(const Options& options, const Limits& limits) {
    bool right = true;
    for (const TensorType type :
         {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0, TensorType::Q4_1,
          TensorType::Q5_0, TensorType::Q5_1, TensorType::Q2_K, TensorType::Q3_K, TensorType::Q4_K, TensorType::Q5_K,
          TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS, TensorType::MXFP4}) {
        const bool small_too = type == TensorType::F16 || type == TensorType::Q8_0;
        for (const auto& [outs, cols] : {std::pair<int64_t, int64_t>{256, 256}, {32768, 8960}}) {
            if (outs == 256 && !small_too) {
                continue;
            }
            const Weights w = bigWeights(type, outs, cols);
            const Packed packed = hasPacked(type) ? bigPacked(w.view) : Packed{};
            for (const int64_t rows : {1, 2, 4, 8, 16, 64, 256}) {
                for (const Input input : {Input::F32, Input::Int8, Input::Bf16}) {
                    const bool offered =
                        input == Input::F32 ||
                        (input == Input::Int8 ? hasPacked(type) : type == TensorType::BF16 && limits.bf16 > 0.0);
                    if (offered && (rows <= 64 || input == Input::Bf16)) {
                        right = benchCase(options, limits, w, packed.view,
                                          {typeTraits(type)->name, outs, cols, rows, input}) &&
                                right;
                    }
                }
            }
            if (hasPacked(type) && outs > 256) {
                benchPacking(options, w, typeTraits(type)->name);
            }
        }
    }
    for (const auto& [outs, cols] : {std::pair<int64_t, int64_t>{256, 256}, {8192, 8960}}) {
        const Weights w = makeRtn(outs, cols, {.bits = 4, .group = 64, .symmetric = true}, 6);
        for (const int64_t rows : {1, 2, 4, 16, 64}) {
            right = benchCase(options, limits, w, {}, {"RTN64", outs, cols, rows, Input::F32}) && right;
        }
    }
    return right;
}

void printTime(const Options& options, const char* name, double bytes, const std::function<void(int)>& work,
               double operations = 0.0) {
    if (!options.only.empty() && std::string(name).find(options.only) == std::string::npos) {
        return;
    }
    Options alone = options;
    alone.threads = 1;
    constexpr int kRepeats = 20;
    const double seconds = timeOf(alone,
                                  [&](int t, int) {
                                      for (int i = 0; i < kRepeats; ++i) {
                                          work(t);
                                      }
                                  }) /
                           kRepeats;
    std::printf("%-34s %8.2f us  %7.2f GB/s", name, seconds * 1e6, bytes / seconds * 1e-9);
    std::printf(operations > 0.0 ? "  %7.1f Gop/s\n" : "\n", operations / seconds * 1e-9);
}

// One row and one K/V head of 128 numbers, four of which lie side by side.
// Rows of a prompt, the last of which sees all positions; scores lie as the engine lays them.
void benchAttention(const Options& options, const Limits& limits, TensorType type, int64_t rows, int64_t heads,
                    int64_t positions, bool in_place = false) {
    constexpr int64_t kDim = 128;
    const TypeTraits& traits = *typeTraits(type);
    const int64_t row_bytes =
        4 * kDim / static_cast<int64_t>(traits.block_elements) * static_cast<int64_t>(traits.block_bytes);
    const Weights keys = makeWeights(type, positions, 4 * kDim, 5, 0);
    const Weights values = makeWeights(type, positions, 4 * kDim, 6, 0);
    const int64_t stride = (positions / 16 | 1) * 16 + 16;
    const Shifted<float> q(randomFloats(static_cast<size_t>(rows * heads * kDim), 7), 0);
    std::deque<Shifted<float>> scores;
    std::deque<Shifted<float>> out;
    std::vector<std::vector<AttentionArgs>> args(static_cast<size_t>(options.threads));
    for (size_t t = 0; t < args.size(); ++t) {
        scores.emplace_back(static_cast<size_t>(rows * heads * stride), 0);
        out.emplace_back(static_cast<size_t>(rows * heads * kDim), 0);
        for (int64_t row = 0; row < rows; ++row) {
            AttentionArgs& a = args[t].emplace_back();
            a.q = q.data() + row * heads * kDim;
            a.n_heads = heads;
            a.head_dim = kDim;
            a.k = {type, keys.view.data, row_bytes};
            a.v = {type, values.view.data, row_bytes};
            a.end = positions - rows + 1 + row;
            a.scale = 0.1F;
            a.scores = scores[t].data() + row * heads * stride;
            a.score_stride = stride;
            a.f32_blocks = !in_place;
            a.out = out[t].data() + row * heads * kDim;
        }
    }
    const std::string name = std::string("attention ") + traits.name + " " + std::to_string(rows) + " x " +
                             std::to_string(heads) + " x " + std::to_string(positions) + (in_place ? ", in place" : "");
    if (!options.only.empty() && name.find(options.only) == std::string::npos) {
        return;
    }
    const double seconds =
        timeOf(options, [&](int t, int) { ops().attention(args[static_cast<size_t>(t)].data(), rows); });
    const double operations = 4.0 * static_cast<double>(kDim * heads * rows) *
                              (static_cast<double>(positions) - 0.5 * static_cast<double>(rows - 1)) * options.threads;
    std::printf("%-32s %9.1f us %8.1f Gop/s (%3.0f %% of FMA)\n", name.c_str(), seconds * 1e6,
                operations / seconds * 1e-9, 100.0 * operations / seconds / limits.fma);
}

void benchSmallOps(const Options& options, const Limits& limits) {
    constexpr int64_t kVocabulary = 151936;
    const std::vector<float> p = randomFloats(kVocabulary, 1, 3.0F);
    const std::vector<float> q = randomFloats(kVocabulary, 2, 3.0F);
    std::vector<float> out(kVocabulary);
    LogitStats stats;
    double kl = 0.0;
    printTime(options, "logitStats 151936", 4.0 * kVocabulary,
              [&](int) { ops().logitStats(p.data(), kVocabulary, &stats); });
    printTime(options, "klDivergence 151936", 8.0 * kVocabulary,
              [&](int) { kl += ops().klDivergence(p.data(), 15.0, q.data(), 15.0, kVocabulary); });
    printTime(options, "rmsNorm 1536", 4.0 * 1536,
              [&](int) { ops().rmsNorm(p.data(), q.data(), 1536, 1e-6F, out.data()); });
    printTime(options, "swiGlu 8960", 8.0 * 8960, [&](int) { ops().swiGlu(p.data(), q.data(), 8960, out.data()); });
    for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0}) {
        for (const int64_t heads : {1, 4, 6, 8}) {
            for (const int64_t positions : {256, 4096}) {
                benchAttention(options, limits, type, 1, heads, positions);
            }
        }
        for (const int64_t positions : {256, 2048, 8192, 16384}) {
            benchAttention(options, limits, type, 10, 6, positions);
            if (type == TensorType::F32) {
                benchAttention(options, limits, type, 10, 6, positions, true);
            }
        }
    }
    std::vector<std::byte> row(4 * 1024);
    for (const TensorType type : {TensorType::F16, TensorType::BF16, TensorType::Q8_0}) {
        const std::string name = std::string("storeKv 1024 ") + typeTraits(type)->name;
        printTime(options, name.c_str(), 4.0 * 1024, [&](int) { ops().storeKv(type, p.data(), 1024, row.data()); });
    }
    std::vector<std::byte> rounded(q8RowBytes(8960));
    printTime(options, "quantizeQ8 8960", 4.0 * 8960, [&](int) { ops().quantizeQ8(p.data(), 8960, rounded.data()); });
    if (std::isnan(kl)) {
        std::puts("klDivergence gave NaN");
    }
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string key = argv[i];
        if (key == "--threads") {
            options.threads = std::max(1, std::atoi(argv[i + 1]));
        } else if (key == "--seconds") {
            options.seconds = std::atof(argv[i + 1]);
        } else if (key == "--ahead") {
            options.ahead = std::atoi(argv[i + 1]);
        } else if (key == "--float-ahead") {
            options.float_ahead = std::atoi(argv[i + 1]);
        } else if (key == "--only") {
            options.only = argv[i + 1];
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::puts(
            "usage: bench_kernels [--threads N] [--seconds S] [--only TEXT] [--ahead BYTES] [--float-ahead BYTES]");
        return 2;
    }
    constexpr size_t big = size_t{1} << 30;
    constexpr double kLimitSeconds = 0.3;
    Limits limits;
    const double one = ReadBandwidth(1, big).best(kLimitSeconds);
    limits.memory = options.threads == 1 ? one : ReadBandwidth(options.threads, big).best(kLimitSeconds);
    limits.cache = ReadBandwidth(options.threads, static_cast<size_t>(options.threads) << 19).best(kLimitSeconds);
    limits.fma = measureFmaRate() * options.threads;
    limits.dot = measureDotRate() * options.threads;
    limits.bf16 = measureBf16Rate() * options.threads;
    std::printf(
        "%s, %d threads: memory read %.1f GB/s (1 thread %.1f), cache read %.1f GB/s, FMA %.1f Gflop/s, 8-bit dot %.1f "
        "Gop/s, BF16 dot %.1f Gflop/s\n",
        ops().isa, options.threads, limits.memory * 1e-9, one * 1e-9, limits.cache * 1e-9, limits.fma * 1e-9,
        limits.dot * 1e-9, limits.bf16 * 1e-9);
    const bool right = benchMatrices(options, limits);
    benchSmallOps(options, limits);
    return right ? 0 : 1;
}
