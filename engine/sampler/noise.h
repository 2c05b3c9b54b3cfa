// Noise as a function of (seed, position, token id), so that two runs which share a prefix share their noise and differ
// only where their logits do. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/values/ids.h"

namespace quibble {

/// Ten rounds of Philox4x32.
[[nodiscard]] inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                             std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {
            static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
            static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

/// Independent noise for the same token: what is drawn for one purpose says nothing about another.
enum class NoiseStream : std::uint32_t {
    Sample = 0,   // the token of the text
    Draft = 1,    // a token that a draft draws for itself
    Accept = 2,   // the test of a drafted token
    Experts = 3,  // a random selection of experts
};

/// Uniform inside of (0, 1): (k + 0.5) / 2^53 for a 53-bit k.
[[nodiscard]] inline double uniformNoise(std::uint64_t seed, Position pos, TokenId id,
                                         NoiseStream stream = NoiseStream::Sample) {
    const auto words = philox4x32(
        {static_cast<std::uint32_t>(pos), static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(stream), 0},
        {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    const std::uint64_t bits = (std::uint64_t{words[0]} << 21) ^ (words[1] >> 11);
    const double uniform = (static_cast<double>(bits & ((std::uint64_t{1} << 53) - 1)) + 0.5) * 0x1p-53;
    return std::min(uniform, 1 - 0x1p-53);  // the largest k rounds up
}

/// Standard Gumbel noise of a uniform number in (0, 1): -ln(-ln u). Of uniformNoise always inside (-3.7, 37.5).
[[nodiscard]] inline double gumbelOf(double u) { return -std::log(-std::log(u)); }

/// Not below gumbelOf(u), at a small part of its cost: -ln u > 1 - u, so the noise is less than -ln(1 - u), which the
/// exponent of 1 - u bounds.
[[nodiscard]] inline double gumbelCeiling(double u) {
    constexpr double kLn2 = 0.6931471805599453;
    constexpr double kSlack = 1e-9;  // far more than the rounding of both
    const auto exponent = static_cast<int>(std::bit_cast<std::uint64_t>(1 - u) >> 52) - 1023;
    return kSlack - kLn2 * exponent;
}

/// With it, argmax(ln p + noise) is a draw from p.
[[nodiscard]] inline double gumbelNoise(std::uint64_t seed, Position pos, TokenId id,
                                        NoiseStream stream = NoiseStream::Sample) {
    return gumbelOf(uniformNoise(seed, pos, id, stream));
}

}  // namespace quibble
