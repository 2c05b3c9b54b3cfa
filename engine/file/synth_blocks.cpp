#include "engine/file/synth_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/formats/half.h"

namespace quibble {

namespace {

using kernels::TensorType;

// Where the F16 scale of a block stands, and its F16 offset if it has one, with their values in units of kSynthSpread.
// The divisors are the root mean square of the codes; the offsets cancel their mean.
struct BlockScale {
    TensorType type;
    std::size_t at;
    double value;
    int offset_at;  // -1: none
    double offset;
};
constexpr BlockScale kScales[] = {
    {TensorType::Q4_0, 0, 1 / 4.64, -1, 0},          {TensorType::Q4_1, 0, 1 / 4.61, 2, -7.5 / 4.61},
    {TensorType::Q5_0, 0, 1 / 9.25, -1, 0},          {TensorType::Q5_1, 0, 1 / 9.23, 2, -15.5 / 9.23},
    {TensorType::Q8_0, 0, 1 / 73.9, -1, 0},          {TensorType::Q2_K, 80, 1 / 14.0, 82, 1.5 / 14},
    {TensorType::Q3_K, 108, 1 / 43.0, -1, 0},        {TensorType::Q4_K, 0, 1 / 270.0, 2, 7.5 / 270},
    {TensorType::Q5_K, 0, 1 / 540.0, 2, 15.5 / 540}, {TensorType::Q6_K, 208, 1 / 1366.0, -1, 0},
    {TensorType::IQ4_NL, 0, 1 / 70.0, -1, 0},        {TensorType::IQ4_XS, 0, 1 / 1300.0, -1, 0},
};
constexpr std::byte kMxfp4Exponent{120};  // 2^-7 times codes of about 3: near the spread

// splitmix64 (Steele, Lea, Flood 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

private:
    std::uint64_t state_;
};

void fillBytes(Random& random, std::span<std::byte> out) {
    std::size_t i = 0;
    for (; i + 8 <= out.size(); i += 8) {
        const std::uint64_t bits = random.next();
        std::memcpy(out.data() + i, &bits, 8);
    }
    const std::uint64_t bits = random.next();
    std::memcpy(out.data() + i, &bits, out.size() - i);
}

// Draws from 1024 values, evenly spaced with the right spread: as fast as copying.
template <typename T>
void fillValues(Random& random, std::span<std::byte> out, T (*encode)(float)) {
    std::array<T, 1024> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = encode(static_cast<float>((static_cast<double>(i) - 511.5) / 512 * std::sqrt(3.0) * kSynthSpread));
    }
    const std::size_t count = out.size() / sizeof(T);
    for (std::size_t i = 0; i < count;) {
        std::uint64_t bits = random.next();
        for (int k = 0; k < 6 && i < count; ++k, ++i, bits >>= 10)
            std::memcpy(out.data() + i * sizeof(T), &values[bits & 1023], sizeof(T));
    }
}

std::uint32_t bitsOf(float value) { return std::bit_cast<std::uint32_t>(value); }
std::uint16_t halfOf(float value) { return kernels::f32ToF16(value); }
std::uint16_t upperBitsOf(float value) { return static_cast<std::uint16_t>(bitsOf(value) >> 16); }

void putHalf(std::byte* at, double value) {
    const std::uint16_t half = halfOf(static_cast<float>(value));
    std::memcpy(at, &half, sizeof half);
}

}  // namespace

bool canSynthesize(TensorType type) {
    if (type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16 || type == TensorType::MXFP4)
        return true;
    return std::any_of(std::begin(kScales), std::end(kScales),
                       [&](const BlockScale& scale) { return scale.type == type; });
}

void fillRandomWeights(TensorType type, std::uint64_t seed, std::span<std::byte> out) {
    Random random(seed);
    if (type == TensorType::F32) return fillValues<std::uint32_t>(random, out, bitsOf);
    if (type == TensorType::F16) return fillValues<std::uint16_t>(random, out, halfOf);
    if (type == TensorType::BF16) return fillValues<std::uint16_t>(random, out, upperBitsOf);
    fillBytes(random, out);
    const std::size_t block = kernels::typeTraits(type)->block_bytes;
    if (type == TensorType::MXFP4) {
        for (std::size_t at = 0; at < out.size(); at += block) out[at] = kMxfp4Exponent;
        return;
    }
    for (const BlockScale& scale : kScales) {
        if (scale.type != type) continue;
        for (std::size_t at = 0; at < out.size(); at += block) {
            putHalf(out.data() + at + scale.at, scale.value * kSynthSpread);
            if (scale.offset_at >= 0) putHalf(out.data() + at + scale.offset_at, scale.offset * kSynthSpread);
        }
    }
}

}  // namespace quibble
