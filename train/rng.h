#pragma once

#include <cstdint>

namespace quibble::train {

/// PCG32 (O'Neill 2014, XSH-RR 64/32). Own code instead of std distributions, so that a seed gives the same
/// problems with every standard library.
class Rng {
public:
    Rng(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed)), inc_((mix(stream) << 1U) | 1U) { next(); }

    std::uint32_t next() {
        const std::uint64_t old = state_;
        state_ = old * 6364136223846793005ULL + inc_;
        const auto xorshifted = static_cast<std::uint32_t>(((old >> 18U) ^ old) >> 27U);
        const auto rot = static_cast<std::uint32_t>(old >> 59U);
        return (xorshifted >> rot) | (xorshifted << ((32U - rot) & 31U));
    }

    /// Uniform integer in [0, n), n >= 1. Multiply-shift; the bias is below n / 2^32.
    int below(int n) {
        return static_cast<int>((static_cast<std::uint64_t>(next()) * static_cast<std::uint64_t>(n)) >> 32U);
    }
    /// Uniform integer in [lo, hi].
    int between(int lo, int hi) { return lo + below(hi - lo + 1); }
    /// Uniform in [0, 1).
    double unit() { return next() * (1.0 / 4294967296.0); }
    bool chance(double p) { return unit() < p; }

private:
    /// splitmix64 finaliser: neighbouring seeds start far apart.
    static std::uint64_t mix(std::uint64_t x) {
        x += 0x9E3779B97F4A7C15ULL;
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
        return x ^ (x >> 31U);
    }
    std::uint64_t state_;
    std::uint64_t inc_;
};

}  // namespace quibble::train
