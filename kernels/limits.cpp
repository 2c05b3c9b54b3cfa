#include "kernels/limits.h"

#include "kernels/cpu/variants.h"
#include "kernels/ops.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace quibble::kernels {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostBytes = size_t{1} << 40;  // more than a machine has: not worth asking for
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPiece = 512;               // bytes the readers take at a time
constexpr size_t kSlice = size_t{16} << 20;  // bytes a thread reads in one pass
constexpr double kSeconds = 0.3;

// The sums are kept here, because the compiler drops a loop whose result nobody uses.
std::atomic<uint64_t> read_sink{0};
std::atomic<float> fma_sink{0.0F};
std::atomic<int32_t> dot_sink{0};

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

uint64_t readPortable(const std::byte* data, size_t bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        std::memcpy(&word, data + i, sizeof(word));
        sum += word;
    }
    return sum;
}

double fmaPortable(int64_t rounds, float* sink) {
    float lanes[32] = {};
    for (int64_t i = 0; i < rounds; ++i) {
        for (float& lane : lanes) {
            lane = lane * 0.999F + 0.001F;
        }
    }
    for (const float lane : lanes) {
        *sink += lane;
    }
    return static_cast<double>(rounds) * 64.0;
}

double dotPortable(int64_t rounds, int32_t* sink) {
    int32_t lanes[32] = {};
    for (int64_t i = 0; i < rounds; ++i) {
        for (int32_t& lane : lanes) {
            lane = static_cast<int32_t>(static_cast<uint32_t>(lane) * 3U + 5U);
        }
    }
    for (const int32_t lane : lanes) {
        *sink ^= lane;
    }
    return static_cast<double>(rounds) * 64.0;
}

uint64_t readBytes(const std::byte* data, size_t bytes) {
#if defined(QUIBBLE_KERNELS_X86)
    const std::string_view isa = ops().isa;
    if (isa == "avx512" || isa == "amx") {
        return avx512::readBytes(data, bytes);
    }
    if (isa == "avx2") {
        return avx2::readBytes(data, bytes);
    }
#endif
    return readPortable(data, bytes);
}

double fmaRounds(int64_t rounds, float* sink) {
#if defined(QUIBBLE_KERNELS_X86)
    const std::string_view isa = ops().isa;
    if (isa == "avx512" || isa == "amx") {
        return avx512::fmaRounds(rounds, sink);
    }
    if (isa == "avx2") {
        return avx2::fmaRounds(rounds, sink);
    }
#endif
    return fmaPortable(rounds, sink);
}

double dotRounds(int64_t rounds, int32_t* sink) {
#if defined(QUIBBLE_KERNELS_X86)
    const std::string_view isa = ops().isa;
    if (isa == "amx") {
        return amx::dotRounds(rounds, sink);
    }
    if (isa == "avx512") {
        return avx512::dotRounds(rounds, sink);
    }
    if (isa == "avx2") {
        return avx2::dotRounds(rounds, sink);
    }
#endif
    return dotPortable(rounds, sink);
}

// The best rate of several calls of rounds(count), in operations a second. A call returns the number of operations that
// it did.
template <class Rounds>
double bestRate(const Rounds& rounds) {
    constexpr int64_t kRounds = 200'000;
    double best = 0.0;
    const Clock::time_point start = Clock::now();
    do {
        const Clock::time_point pass = Clock::now();
        const double operations = rounds(kRounds);
        best = std::max(best, operations / std::max(secondsSince(pass), 1e-9));
    } while (secondsSince(start) < kSeconds);
    return best;
}

// Threads that live through all passes and begin each pass together.
class Team {
public:
    // Every pass calls work(thread, pass) on each thread. False when the threads cannot be had.
    bool start(int threads, std::function<void(int, int64_t)> work) {
        work_ = std::move(work);
        try {
            for (int t = 1; t < threads; ++t) {
                others_.emplace_back([this, t] { follow(t); });
            }
        } catch (const std::system_error&) {
            return false;
        }
        return true;
    }
    // Seconds from the start of a pass to its last end.
    double pass() {
        done_.store(0, std::memory_order_relaxed);
        const Clock::time_point start = Clock::now();
        const int64_t number = passes_.fetch_add(1, std::memory_order_release);
        work_(0, number);
        while (done_.load(std::memory_order_acquire) != static_cast<int>(others_.size())) {
            std::this_thread::yield();
        }
        return secondsSince(start);
    }
    ~Team() {
        stop_.store(true);
        for (std::thread& other : others_) {
            other.join();
        }
    }

private:
    void follow(int thread) {
        for (int64_t seen = 0;; ++seen) {
            while (passes_.load(std::memory_order_acquire) == seen) {
                if (stop_.load()) {
                    return;
                }
                std::this_thread::yield();
            }
            work_(thread, seen);
            done_.fetch_add(1, std::memory_order_release);
        }
    }

    std::function<void(int, int64_t)> work_;
    std::vector<std::thread> others_;
    std::atomic<int64_t> passes_{0};
    std::atomic<int> done_{0};
    std::atomic<bool> stop_{false};
};

}  // namespace

ReadBandwidth::ReadBandwidth(int threads, size_t bytes) : threads_(std::max(threads, 1)) {
    if (bytes > kMostBytes) {
        return;
    }
    const size_t count = static_cast<size_t>(threads_);
    part_ = std::max(bytes / count / kPiece, size_t{1}) * kPiece;
    const size_t total = part_ * count;
    const size_t size = (total / kHugePage + 1) * kHugePage;
    buffer_.reset(static_cast<std::byte*>(std::aligned_alloc(kHugePage, size)));
    if (buffer_ == nullptr) {
        return;
    }
#if defined(__linux__)
    (void)madvise(buffer_.get(), size, MADV_HUGEPAGE);  // with small pages reading waits for address translation
#endif
    std::memset(buffer_.get(), 1, total);  // untouched pages would all be the same page of zeros
}

ReadBandwidth::Rates ReadBandwidth::measure(double seconds) const {
    if (buffer_ == nullptr) {
        return {};
    }
    // A pass is short, so that on a busy machine some run undisturbed, and goes on where the last one ended. Small
    // buffers are read again and again in one pass.
    const size_t slice = std::min(part_, kSlice);
    const size_t slices = part_ / slice;
    const size_t repeats = std::max(kSlice / part_, size_t{1});
    Team team;
    const bool complete = team.start(threads_, [&](int t, int64_t pass) {
        const size_t at = static_cast<size_t>(t) * part_ + static_cast<size_t>(pass) % slices * slice;
        uint64_t sum = 0;
        for (size_t i = 0; i < repeats; ++i) {
            sum += readBytes(buffer_.get() + at, slice);
        }
        read_sink = sum;
    });
    if (!complete) {
        return {};
    }
    const auto bytes = static_cast<double>(slice * repeats) * threads_;
    Rates rates;
    double spent = 0;
    double passes = 0;
    const Clock::time_point start = Clock::now();
    do {
        const double pass = std::max(team.pass(), 1e-9);
        rates.best = std::max(rates.best, bytes / pass);
        spent += pass;
        ++passes;
    } while (secondsSince(start) < seconds);
    rates.sustained = bytes * passes / spent;
    return rates;
}

void ReadBandwidth::Free::operator()(std::byte* p) const { std::free(p); }

double measureFmaRate() {
    return bestRate([](int64_t rounds) {
        float sink = 0.0F;
        const double operations = fmaRounds(rounds, &sink);
        fma_sink = sink;
        return operations;
    });
}

double measureBf16Rate() {
#if defined(QUIBBLE_KERNELS_X86)
    const bool tiles = ops().matmulBf16 == amx::matmulBf16;
    if (tiles || ops().matmulBf16 == avx512::matmulBf16) {
        return bestRate([tiles](int64_t rounds) {
            float sink = 0.0F;
            const double operations = tiles ? amx::bf16Rounds(rounds, &sink) : avx512::bf16Rounds(rounds, &sink);
            fma_sink = sink;
            return operations;
        });
    }
#endif
    return 0.0;
}

double measureDotRate() {
    return bestRate([](int64_t rounds) {
        int32_t sink = 0;
        const double operations = dotRounds(rounds, &sink);
        dot_sink = sink;
        return operations;
    });
}

}  // namespace quibble::kernels
