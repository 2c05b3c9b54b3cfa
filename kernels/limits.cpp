#include "kernels/limits.h"

#include "kernels/cpu/variants.h"
#include "kernels/ops.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace quibble::kernels {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPiece = 512;  // bytes the readers take at a time
constexpr size_t kPassBytes = size_t{256} << 20;  // small buffers are read again and again, so that starting threads is nothing
constexpr double kSeconds = 0.3;

// Somebody must want the sums, or no reader is left in the program.
std::atomic<uint64_t> read_sink{0};
std::atomic<float> fma_sink{0.0F};

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

uint64_t readBytes(const std::byte* data, size_t bytes) {
#if defined(QUIBBLE_KERNELS_X86)
    const std::string_view isa = ops().isa;
    if (isa == "avx512") {
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
    if (isa == "avx512") {
        return avx512::fmaRounds(rounds, sink);
    }
    if (isa == "avx2") {
        return avx2::fmaRounds(rounds, sink);
    }
#endif
    return fmaPortable(rounds, sink);
}

// All threads over the buffer, `repeats` times: seconds from the first start to the last end, 0 if threads cannot be had.
double readPass(const std::byte* data, size_t part, int threads, size_t repeats) {
    const auto read = [=](int t) {
        for (size_t i = 0; i < repeats; ++i) {
            read_sink = readBytes(data + static_cast<size_t>(t) * part, part);
        }
    };
    std::vector<std::thread> others;
    const Clock::time_point start = Clock::now();
    bool complete = true;
    try {
        for (int t = 1; t < threads; ++t) {
            others.emplace_back(read, t);
        }
    } catch (const std::system_error&) {
        complete = false;
    }
    read(0);
    for (std::thread& other : others) {
        other.join();
    }
    return complete ? secondsSince(start) : 0.0;
}

}  // namespace

double measureReadBandwidth(int threads, size_t bytes) {
    const size_t count = static_cast<size_t>(std::max(threads, 1));
    const size_t part = std::max(bytes / count / kPiece, size_t{1}) * kPiece;
    const size_t total = part * count;
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    const std::unique_ptr<std::byte, Free> buffer{static_cast<std::byte*>(std::aligned_alloc(kPiece, total))};
    if (!buffer) {
        return 0.0;
    }
    std::memset(buffer.get(), 1, total);  // untouched pages would all be the same page of zeros
    const size_t repeats = std::max(kPassBytes / total, size_t{1});
    double best = 0.0;
    const Clock::time_point start = Clock::now();
    do {
        const double seconds = readPass(buffer.get(), part, static_cast<int>(count), repeats);
        if (seconds <= 0.0) {
            return 0.0;
        }
        best = std::max(best, static_cast<double>(total * repeats) / seconds);
    } while (secondsSince(start) < kSeconds);
    return best;
}

double measureFmaRate() {
    constexpr int64_t kRounds = 200'000;
    double best = 0.0;
    const Clock::time_point start = Clock::now();
    do {
        float sink = 0.0F;
        const Clock::time_point pass = Clock::now();
        const double operations = fmaRounds(kRounds, &sink);
        const double seconds = secondsSince(pass);
        fma_sink = sink;
        best = std::max(best, operations / std::max(seconds, 1e-9));
    } while (secondsSince(start) < kSeconds);
    return best;
}

}  // namespace quibble::kernels
