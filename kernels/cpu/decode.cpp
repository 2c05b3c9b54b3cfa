// Stored weights to floats with vectors, for the types whose matmul must be quick; the rest is left to the reference.
// Products of a half-precision scale with small integers are exact in float, so the order of operations is free except
// for the last subtraction of the K types.
#include "kernels/cpu/vec.h"

#include "kernels/cpu/tables.h"
#include "kernels/reference/reference.h"

namespace quibble::kernels {
namespace {

QUIBBLE_INLINE int byteAt(const std::byte* p) { return static_cast<int>(*p); }

void decodeQ8_0(const std::byte* src, int64_t cols, float* dst) {
    for (int64_t k = 0; k < cols; k += 32, src += 34) {
        const Vec d = set1(halfAt(src));
        store(dst + k, mul(d, fromS8(loadBytes16(src + 2))));
        store(dst + k + 16, mul(d, fromS8(loadBytes16(src + 18))));
    }
}

void decodeQ4_0(const std::byte* src, int64_t cols, float* dst) {
    for (int64_t k = 0; k < cols; k += 32, src += 18) {
        const Vec d = set1(halfAt(src));
        const Bytes16 q = loadBytes16(src + 2);
        store(dst + k, mul(d, fromS8(lessBytes(lowHalves(q), 8))));
        store(dst + k + 16, mul(d, fromS8(lessBytes(highHalves(q), 8))));
    }
}

void decodeQ4_K(const std::byte* src, int64_t cols, float* dst) {
    for (int64_t k = 0; k < cols; k += 256, src += 144) {
        const float d = halfAt(src);
        const float dmin = halfAt(src + 2);
        const std::byte* s = src + 4;
#pragma GCC unroll 8
        for (int g = 0; g < 8; ++g) {
            const int sc = g < 4 ? byteAt(s + g) & 63 : (byteAt(s + g + 4) & 15) | ((byteAt(s + g - 4) >> 6) << 4);
            const int m = g < 4 ? byteAt(s + g + 4) & 63 : (byteAt(s + g + 4) >> 4) | ((byteAt(s + g) >> 6) << 4);
            const Vec scale = set1(d * static_cast<float>(sc));
            const Vec minimum = set1(dmin * static_cast<float>(m));
#pragma GCC unroll 2
            for (int part = 0; part < 2; ++part) {
                const Bytes16 bytes = loadBytes16(src + 16 + 32 * (g / 2) + 16 * part);
                const Bytes16 q = g % 2 == 0 ? lowHalves(bytes) : highHalves(bytes);
                store(dst + k + 32 * g + 16 * part, sub(mul(scale, fromU8(q)), minimum));
            }
        }
    }
}

void decodeQ6_K(const std::byte* src, int64_t cols, float* dst) {
    for (int64_t k = 0; k < cols; k += 256, src += 210) {
        const float d = halfAt(src + 208);
        const std::byte* scales = src + 192;
#pragma GCC unroll 16
        for (int g = 0; g < 16; ++g) {
            const int half = g / 8;
            const int quarter = g % 8 / 2;  // 32 weights
            const int part = g % 2;
            const Bytes16 low_bytes = loadBytes16(src + 64 * half + 32 * (quarter % 2) + 16 * part);
            const Bytes16 low = quarter < 2 ? lowHalves(low_bytes) : highHalves(low_bytes);
            const Bytes16 high = pairOfBitsAtFour(loadBytes16(src + 128 + 32 * half + 16 * part), quarter);
            const Vec scale = set1(d * static_cast<float>(static_cast<int8_t>(scales[g])));
            store(dst + k + 16 * g, mul(scale, fromS8(lessBytes(joinBits(low, high), 32))));
        }
    }
}

void decodeF16(const std::byte* src, int64_t cols, float* dst) {
    int64_t k = 0;
    for (; k + 16 <= cols; k += 16) {
        store(dst + k, loadF16(src + 2 * k));
    }
    if (k < cols) {
        storeTail(dst + k, loadF16Tail(src + 2 * k, cols - k), cols - k);
    }
}

void decodeBf16(const std::byte* src, int64_t cols, float* dst) {
    int64_t k = 0;
    for (; k + 16 <= cols; k += 16) {
        store(dst + k, loadBf16(src + 2 * k));
    }
    if (k < cols) {
        storeTail(dst + k, loadBf16Tail(src + 2 * k, cols - k), cols - k);
    }
}

void decodeAny(TensorType type, const std::byte* src, int64_t cols, float* dst) {
    switch (type) {
        case TensorType::F16: decodeF16(src, cols, dst); return;
        case TensorType::BF16: decodeBf16(src, cols, dst); return;
        case TensorType::Q8_0: decodeQ8_0(src, cols, dst); return;
        case TensorType::Q4_0: decodeQ4_0(src, cols, dst); return;
        case TensorType::Q4_K: decodeQ4_K(src, cols, dst); return;
        case TensorType::Q6_K: decodeQ6_K(src, cols, dst); return;
        default: reference::dequantizeRow(type, src, cols, dst); return;
    }
}

void decodeRtn(const WeightView& w, int64_t row, int64_t begin, int64_t n, float* dst) {
    const int64_t group = static_cast<int64_t>(w.rtn.group);
    const int64_t groups = (w.cols + group - 1) / group;
    const uint8_t* codes = w.rtn.codes + row * w.cols + begin;
    int64_t k = 0;
    while (k < n) {
        const int64_t g = (begin + k) / group;
        const int64_t group_end = (g + 1) * group - begin;
        const int64_t end = group_end < n ? group_end : n;
        const Vec scale = set1(w.rtn.scale[row * groups + g]);
        const Vec zero_point = set1(w.rtn.zero[row * groups + g]);
        for (; k + 16 <= end; k += 16) {
            store(dst + k, mul(scale, sub(loadU8(codes + k), zero_point)));
        }
        if (k < end) {
            storeTail(dst + k, mul(scale, sub(loadU8Tail(codes + k, end - k), zero_point)), end - k);
            k = end;
        }
    }
}

// Bytes from the start of a row to column `begin` (a multiple of 256, so a whole number of blocks).
int64_t chunkOffset(TensorType type, int64_t begin) {
    const TypeTraits* traits = typeTraits(static_cast<uint32_t>(type));
    return begin / static_cast<int64_t>(traits->block_elements) * static_cast<int64_t>(traits->block_bytes);
}

}  // namespace

void isa::dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst) {
    decodeAny(type, src, cols, dst);
}

void isa::decodeChunk(const WeightView& w, int64_t row, int64_t begin, int64_t n, float* dst) {
    if (w.type == TensorType::RtnGroup) {
        decodeRtn(w, row, begin, n, dst);
        return;
    }
    const std::byte* src = w.data + static_cast<size_t>(row) * w.row_bytes + chunkOffset(w.type, begin);
    decodeAny(w.type, src, n, dst);
}

}  // namespace quibble::kernels
