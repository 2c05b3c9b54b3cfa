// Rows of stored numbers, sixteen at a time as floats: what the matmul and attention read. Include after vec.h. Columns
// are asked for at multiples of 16; tail gives n < 16 of them, the other lanes zero; bytes is what n of them take.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quibble::kernels {
namespace {

QUIBBLE_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

struct F32Row {
    const std::byte* p;
    static constexpr int64_t bytes(int64_t n) { return 4 * n; }
    QUIBBLE_INLINE Vec at(int64_t k) const { return load(reinterpret_cast<const float*>(p + 4 * k)); }
    QUIBBLE_INLINE Vec tail(int64_t k, int64_t n) const {
        return loadTail(reinterpret_cast<const float*>(p + 4 * k), n);
    }
};

struct F16Row {
    const std::byte* p;
    static constexpr int64_t bytes(int64_t n) { return 2 * n; }
    QUIBBLE_INLINE Vec at(int64_t k) const { return loadF16(p + 2 * k); }
    QUIBBLE_INLINE Vec tail(int64_t k, int64_t n) const { return loadF16Tail(p + 2 * k, n); }
};

struct Bf16Row {
    const std::byte* p;
    static constexpr int64_t bytes(int64_t n) { return 2 * n; }
    QUIBBLE_INLINE Vec at(int64_t k) const { return loadBf16(p + 2 * k); }
    QUIBBLE_INLINE Vec tail(int64_t k, int64_t n) const { return loadBf16Tail(p + 2 * k, n); }
};

// Whole blocks of 32: there is no tail.
struct Q8Row {
    const std::byte* p;
    static constexpr int64_t bytes(int64_t n) { return n / 32 * 34; }
    QUIBBLE_INLINE Vec at(int64_t k) const {
        const std::byte* block = p + k / 32 * 34;
        return mul(set1(halfAt(block)), loadS8(block + 2 + k % 32));
    }
    QUIBBLE_INLINE Vec tail(int64_t /*k*/, int64_t /*n*/) const { return kernels::zero(); }
};

}  // namespace
}  // namespace quibble::kernels
