// Random weights and activations on which kernels are compared: for the tests, the benchmark and the check that a user
// can run.
#pragma once

#include "kernels/ops.h"
#include "kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quibble::kernels::check {

// splitmix64: the same numbers everywhere.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
    // Sum of four uniforms: bell-shaped, mean 0, standard deviation about `sigma`, never above 3.5 sigma.
    float bell(float sigma) {
        const double sum = uniform() + uniform() + uniform() + uniform() - 2.0;
        return static_cast<float>(sum * 1.7320508 * static_cast<double>(sigma));
    }

private:
    uint64_t state_;
};

inline std::vector<float> randomFloats(size_t n, uint64_t seed, float sigma = 1.0F) {
    Random random(seed);
    std::vector<float> values(n);
    for (float& v : values) {
        v = random.bell(sigma);
    }
    return values;
}

// Owns what a WeightView points at. Movable: the views stay valid.
struct Weights {
    WeightView view;
    std::vector<std::byte> bytes;
    std::vector<uint8_t> codes;
    std::vector<float> scale;
    std::vector<float> zero;
};

// Where the half-precision scales of a block sit; the rest of a block may be any bytes.
inline std::vector<size_t> halfFields(TensorType type) {
    switch (type) {
        case TensorType::Q2_K: return {80, 82};
        case TensorType::Q3_K: return {108};
        case TensorType::Q4_K:
        case TensorType::Q5_K: return {0, 2};
        case TensorType::Q6_K: return {208};
        case TensorType::IQ2_XXS:
        case TensorType::IQ2_XS:
        case TensorType::IQ2_S:
        case TensorType::IQ3_XXS:
        case TensorType::IQ3_S:
        case TensorType::IQ1_S:
        case TensorType::IQ4_NL:
        case TensorType::IQ4_XS: return {0};
        case TensorType::TQ1_0: return {52};
        case TensorType::TQ2_0: return {64};
        default: return {};
    }
}

inline void fillRandomBlocks(TensorType type, Random& random, std::byte* row, int64_t blocks) {
    const size_t block_bytes = typeTraits(type)->block_bytes;
    for (int64_t b = 0; b < blocks; ++b) {
        std::byte* block = row + static_cast<size_t>(b) * block_bytes;
        for (size_t i = 0; i < block_bytes; ++i) {
            block[i] = static_cast<std::byte>(random.next() & 0xFFU);
        }
        for (const size_t field : halfFields(type)) {
            const float scale = 0.001F + 0.01F * static_cast<float>(random.uniform());
            quantizeRow(TensorType::F16, &scale, 1, block + field);
        }
        if (type == TensorType::IQ1_M) {  // its scale, about 0.004, lies in the top half bytes of four words
            for (const auto& [at, half] : {std::pair<size_t, int>{49, 0x0}, {51, 0x0}, {53, 0xC}, {55, 0x1}}) {
                block[at] = (block[at] & std::byte{15}) | static_cast<std::byte>(half << 4);
            }
        }
        if (type == TensorType::NVFP4) {
            for (size_t i = 0; i < 4; ++i) {
                block[i] = static_cast<std::byte>(1 + random.next() % 8);
            }
        }
        if (type == TensorType::MXFP4) {
            block[0] = static_cast<std::byte>(120 + random.next() % 8);
        }
    }
}

// rows x cols random weights of a file type, the first byte `offset` bytes after a 64-byte boundary.
inline Weights makeWeights(TensorType type, int64_t rows, int64_t cols, uint64_t seed, size_t offset) {
    const TypeTraits& traits = *typeTraits(type);
    const int64_t blocks = cols / static_cast<int64_t>(traits.block_elements);
    Weights w;
    w.view.type = type;
    w.view.rows = rows;
    w.view.cols = cols;
    w.view.row_bytes = static_cast<size_t>(blocks) * traits.block_bytes;
    w.bytes.resize(w.view.row_bytes * static_cast<size_t>(rows) + offset + 64);
    const auto address = reinterpret_cast<uintptr_t>(w.bytes.data());
    std::byte* begin = w.bytes.data() + (64 - address % 64) % 64 + offset;
    w.view.data = begin;
    Random random(seed);
    for (int64_t r = 0; r < rows; ++r) {
        std::byte* row = begin + static_cast<size_t>(r) * w.view.row_bytes;
        if (canQuantize(type)) {
            const std::vector<float> values = randomFloats(static_cast<size_t>(cols), random.next(), 0.05F);
            quantizeRow(type, values.data(), cols, row);
        } else {
            fillRandomBlocks(type, random, row, blocks);
        }
    }
    return w;
}

// Owns what a PackedView points at. Movable: the view stays valid.
struct Packed {
    std::vector<std::byte> bytes;
    PackedView view;
};

inline Packed packWeights(const WeightView& w) {
    Packed packed;
    packed.bytes.resize(packedBytes(w.type, w.rows, w.cols) + 64);
    const auto address = reinterpret_cast<uintptr_t>(packed.bytes.data());
    std::byte* begin = packed.bytes.data() + (64 - address % 64) % 64;
    packPanels(w, 0, panelCount(w.rows), begin);
    packed.view = {w.type, w.rows, w.cols, begin};
    return packed;
}

inline Weights makeRtn(int64_t rows, int64_t cols, const RtnParams& params, uint64_t seed) {
    Weights w;
    const int64_t groups = (cols + params.group - 1) / params.group;
    const auto size = static_cast<size_t>(rows * cols);
    const std::vector<float> values = randomFloats(size, seed, 0.05F);
    w.codes.resize(size);
    w.scale.resize(static_cast<size_t>(rows * groups));
    w.zero.resize(static_cast<size_t>(rows * groups));
    rtnQuantize(values.data(), rows, cols, params, w.codes.data(), w.scale.data(), w.zero.data());
    w.view.type = TensorType::RtnGroup;
    w.view.rows = rows;
    w.view.cols = cols;
    w.view.rtn = {w.codes.data(), w.scale.data(), w.zero.data(), params.group};
    return w;
}

// The weights of a view as floats, by the reference.
inline std::vector<float> asFloats(const WeightView& w) {
    std::vector<float> values(static_cast<size_t>(w.rows * w.cols));
    const int64_t group = w.type == TensorType::RtnGroup ? static_cast<int64_t>(w.rtn.group) : 1;
    const int64_t groups = (w.cols + group - 1) / group;
    for (int64_t r = 0; r < w.rows; ++r) {
        float* row = values.data() + r * w.cols;
        if (w.type != TensorType::RtnGroup) {
            allOps()[0]->dequantizeRow(w.type, w.data + static_cast<size_t>(r) * w.row_bytes, w.cols, row);
            continue;
        }
        for (int64_t c = 0; c < w.cols; ++c) {
            const int64_t g = r * groups + c / group;
            row[c] = w.rtn.scale[g] * (static_cast<float>(w.rtn.codes[r * w.cols + c]) - w.rtn.zero[g]);
        }
    }
    return values;
}

// sum_k |w[o][k] x[k]|
inline double magnitudeSum(const float* w, const float* x, int64_t cols) {
    double sum = 0.0;
    for (int64_t k = 0; k < cols; ++k) {
        sum += std::fabs(static_cast<double>(w[k]) * static_cast<double>(x[k]));
    }
    return sum;
}

// The weights of some types are a product minus a minimum, and large parts of the two cancel. This is what cancels: the
// part of the band of matmulPacked that |w x| does not show. 0 for other types.
inline double minimaSum(const WeightView& w, const float* x, int64_t output) {
    if (w.type != TensorType::Q2_K && w.type != TensorType::Q4_K && w.type != TensorType::Q5_K &&
        w.type != TensorType::Q4_1 && w.type != TensorType::Q5_1) {
        return 0.0;
    }
    std::vector<float> row(static_cast<size_t>(w.cols));
    allOps()[0]->dequantizeRow(w.type, w.data + static_cast<size_t>(output) * w.row_bytes, w.cols, row.data());
    double sum = 0.0;
    for (size_t k = 0; k < row.size(); k += 16) {
        double low = 0.0;
        double length = 0.0;
        for (size_t i = k; i < k + 16; ++i) {
            low = std::max(low, std::fabs(static_cast<double>(row[i])));
            length += std::fabs(static_cast<double>(x[i]));
        }
        sum += 2.0 * low * length;
    }
    return sum;
}

inline const std::vector<TensorType>& readableTypes() {
    static const std::vector<TensorType> types = {
        TensorType::F32,     TensorType::F16,   TensorType::BF16,    TensorType::Q8_0,   TensorType::Q4_0,
        TensorType::Q4_1,    TensorType::Q5_0,  TensorType::Q5_1,    TensorType::Q2_K,   TensorType::Q3_K,
        TensorType::Q4_K,    TensorType::Q5_K,  TensorType::Q6_K,    TensorType::IQ4_NL, TensorType::IQ4_XS,
        TensorType::MXFP4,   TensorType::NVFP4, TensorType::IQ2_XXS, TensorType::IQ2_XS, TensorType::IQ2_S,
        TensorType::IQ3_XXS, TensorType::IQ3_S, TensorType::IQ1_S,   TensorType::IQ1_M,  TensorType::TQ1_0,
        TensorType::TQ2_0};
    return types;
}

}  // namespace quibble::kernels::check
