// Sixteen floats and eight doubles as four 16-byte vectors of the compiler's own (GCC and Clang vector extensions): no
// instruction set is named, so this builds for any CPU, and 64-bit Arm gets its 128-bit registers. The same names,
// lanes and rounding as vec_avx2.h and vec_avx512.h: the files that are compiled for each give the same bits here.
// Where the CPU has no fused multiply-add in its baseline (x86-64), std::fma stands in: exact and slow. Everything here
// has internal linkage.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/half.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed weights and GGUF tensors are little-endian");

#define QUIBBLE_INLINE inline __attribute__((always_inline))

namespace quibble::kernels {
namespace {

constexpr int kTileRows = 2;
constexpr int kTileOuts = 2;
constexpr int kStreamOuts = 4;
constexpr int kFetchedOuts = 0;  // products are slower than memory here, and fetching takes its time
constexpr bool kCutsRows = false;
constexpr int kHeadTile = 2;
constexpr int kScoreTile = 4;
constexpr int kMixVecs = 2;
constexpr int kMixVecsAlone = 4;
constexpr int kBlockQueries = 3;
constexpr int kBlockVecs = 1;

using F4 = float __attribute__((vector_size(16)));
using I4 = int32_t __attribute__((vector_size(16)));
using U4 = uint32_t __attribute__((vector_size(16)));
using D2 = double __attribute__((vector_size(16)));
using L2 = int64_t __attribute__((vector_size(16)));
using Bytes16 = uint8_t __attribute__((vector_size(16)));
using SignedBytes16 = int8_t __attribute__((vector_size(16)));

struct Vec {
    F4 a, b, c, d;
};
struct Wide {
    D2 a, b, c, d;
};

template <class To, class From>
QUIBBLE_INLINE To bitsOf(From v) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    __builtin_memcpy(&to, &v, sizeof(to));
    return to;
}

template <class F>
QUIBBLE_INLINE Vec each(F f, Vec x) {
    return {f(x.a), f(x.b), f(x.c), f(x.d)};
}
template <class F>
QUIBBLE_INLINE Vec each(F f, Vec x, Vec y) {
    return {f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)};
}
template <class F>
QUIBBLE_INLINE Vec each(F f, Vec x, Vec y, Vec z) {
    return {f(x.a, y.a, z.a), f(x.b, y.b, z.b), f(x.c, y.c, z.c), f(x.d, y.d, z.d)};
}
template <class F>
QUIBBLE_INLINE Wide each(F f, Wide x) {
    return {f(x.a), f(x.b), f(x.c), f(x.d)};
}
template <class F>
QUIBBLE_INLINE Wide each(F f, Wide x, Wide y) {
    return {f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)};
}
template <class F>
QUIBBLE_INLINE Wide each(F f, Wide x, Wide y, Wide z) {
    return {f(x.a, y.a, z.a), f(x.b, y.b, z.b), f(x.c, y.c, z.c), f(x.d, y.d, z.d)};
}

QUIBBLE_INLINE F4 fill(float x) { return F4{x, x, x, x}; }
QUIBBLE_INLINE I4 fill(int32_t x) { return I4{x, x, x, x}; }
QUIBBLE_INLINE U4 fill(uint32_t x) { return U4{x, x, x, x}; }

QUIBBLE_INLINE F4 fused(F4 a, F4 b, F4 c) {
#if defined(__aarch64__)
    return bitsOf<F4>(vfmaq_f32(bitsOf<float32x4_t>(c), bitsOf<float32x4_t>(a), bitsOf<float32x4_t>(b)));
#else
    return F4{__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]), __builtin_fmaf(a[2], b[2], c[2]),
              __builtin_fmaf(a[3], b[3], c[3])};
#endif
}
QUIBBLE_INLINE D2 fused(D2 a, D2 b, D2 c) {
#if defined(__aarch64__)
    return bitsOf<D2>(vfmaq_f64(bitsOf<float64x2_t>(c), bitsOf<float64x2_t>(a), bitsOf<float64x2_t>(b)));
#else
    return D2{__builtin_fma(a[0], b[0], c[0]), __builtin_fma(a[1], b[1], c[1])};
#endif
}

QUIBBLE_INLINE Vec zero() { return {F4{}, F4{}, F4{}, F4{}}; }
QUIBBLE_INLINE Vec set1(float x) { return {fill(x), fill(x), fill(x), fill(x)}; }
QUIBBLE_INLINE Vec load(const float* p) {
    Vec v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
QUIBBLE_INLINE Vec loadTail(const float* p, int64_t n) {
    float lanes[16] = {};
    __builtin_memcpy(lanes, p, static_cast<size_t>(n) * sizeof(float));
    return load(lanes);
}
QUIBBLE_INLINE Vec hold(Vec a) { return a; }
QUIBBLE_INLINE void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof(v)); }
QUIBBLE_INLINE void storeTail(float* p, Vec v, int64_t n) {
    __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(float));
}
QUIBBLE_INLINE Vec keepLanes(Vec v, int64_t n) {
    float lanes[16];
    store(lanes, v);
    return loadTail(lanes, n);
}

QUIBBLE_INLINE Vec fma(Vec x, Vec y, Vec z) {
    return each([](F4 a, F4 b, F4 c) { return fused(a, b, c); }, x, y, z);
}
QUIBBLE_INLINE Vec fms(Vec x, Vec y, Vec z) {
    return each([](F4 a, F4 b, F4 c) { return fused(a, b, -c); }, x, y, z);
}
QUIBBLE_INLINE Vec fnma(Vec x, Vec y, Vec z) {
    return each([](F4 a, F4 b, F4 c) { return fused(-a, b, c); }, x, y, z);
}
QUIBBLE_INLINE Vec add(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return a + b; }, x, y);
}
QUIBBLE_INLINE Vec sub(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return a - b; }, x, y);
}
QUIBBLE_INLINE Vec mul(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return a * b; }, x, y);
}
QUIBBLE_INLINE Vec div(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return a / b; }, x, y);
}
// The second operand when either is NaN.
QUIBBLE_INLINE F4 larger(F4 a, F4 b) { return a > b ? a : b; }
QUIBBLE_INLINE F4 smaller(F4 a, F4 b) { return a < b ? a : b; }
QUIBBLE_INLINE Vec max(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return larger(a, b); }, x, y);
}
QUIBBLE_INLINE Vec min(Vec x, Vec y) {
    return each([](F4 a, F4 b) { return smaller(a, b); }, x, y);
}

constexpr uint32_t kSignBit = 0x80000000U;
QUIBBLE_INLINE F4 magnitude(F4 a) { return bitsOf<F4>(bitsOf<U4>(a) & ~kSignBit); }
QUIBBLE_INLINE F4 withSignOf(F4 a, F4 sign) { return bitsOf<F4>(bitsOf<U4>(a) | (bitsOf<U4>(sign) & kSignBit)); }
QUIBBLE_INLINE Vec magnitude(Vec x) {
    return each([](F4 a) { return magnitude(a); }, x);
}
// Adding 2^23 leaves no bits for a fraction: the sum is rounded to nearest even. What is larger is whole already.
QUIBBLE_INLINE F4 nearest(F4 a) {
    const F4 size = magnitude(a);
    const F4 whole = (size + 0x1p23F) - 0x1p23F;
    return withSignOf(size < 0x1p23F ? whole : size, a);
}
QUIBBLE_INLINE Vec nearest(Vec x) {
    return each([](F4 a) { return nearest(a); }, x);
}
QUIBBLE_INLINE I4 toInts(F4 a) { return __builtin_convertvector(a, I4); }  // towards zero
QUIBBLE_INLINE F4 toFloats(I4 a) { return __builtin_convertvector(a, F4); }
QUIBBLE_INLINE F4 halvesAway(F4 a) {
    const F4 size = magnitude(a);
    const F4 whole = toFloats(toInts(size));
    return withSignOf(whole + (size - whole >= 0.5F ? fill(1.0F) : F4{}), a);
}
QUIBBLE_INLINE Vec halvesAway(Vec x) {
    return each([](F4 a) { return halvesAway(a); }, x);
}
QUIBBLE_INLINE F4 powerOfTwo(I4 n) { return bitsOf<F4>((n + 127) << 23); }
// In two steps, since 2^n itself may be out of range; the first is exact, so there is one rounding.
QUIBBLE_INLINE Vec scaleByPower(Vec x, Vec n) {
    return each(
        [](F4 a, F4 power) {
            const I4 whole = toInts(nearest(power));
            const I4 half = whole >> 1;
            return a * powerOfTwo(half) * powerOfTwo(whole - half);
        },
        x, n);
}
QUIBBLE_INLINE Vec zeroWhereLess(Vec v, Vec x, Vec y) {
    return each([](F4 a, F4 b, F4 c) { return b < c ? F4{} : a; }, v, x, y);
}
QUIBBLE_INLINE bool any(I4 mask) {
    const L2 two = bitsOf<L2>(mask);
    return (two[0] | two[1]) != 0;
}
QUIBBLE_INLINE bool anyNan(Vec x) { return any((x.a != x.a) | (x.b != x.b) | (x.c != x.c) | (x.d != x.d)); }
QUIBBLE_INLINE unsigned laneBits(I4 mask) {
    const I4 bits = mask & I4{1, 2, 4, 8};
    return static_cast<unsigned>(bits[0] | bits[1] | bits[2] | bits[3]);
}
QUIBBLE_INLINE unsigned equalLanes(Vec x, Vec y) {
    return laneBits(x.a == y.a) | (laneBits(x.b == y.b) << 4) | (laneBits(x.c == y.c) << 8) |
           (laneBits(x.d == y.d) << 12);
}

QUIBBLE_INLINE Vec swapPairs(Vec x) {
    return each([](F4 a) { return __builtin_shuffle(a, I4{1, 0, 3, 2}); }, x);
}
QUIBBLE_INLINE Vec alternate(Vec x, Vec y, Vec z) {
    return each(
        [](F4 a, F4 b, F4 c) {
            return fused(a, b, bitsOf<F4>(bitsOf<U4>(c) ^ U4{kSignBit, 0, kSignBit, 0}));
        },
        x, y, z);
}
QUIBBLE_INLINE Vec loadDoubled(const float* p, int64_t n) {
    const Vec eight = loadTail(p, n);
    const I4 low{0, 0, 1, 1};
    const I4 high{2, 2, 3, 3};
    return {__builtin_shuffle(eight.a, low), __builtin_shuffle(eight.a, high), __builtin_shuffle(eight.b, low),
            __builtin_shuffle(eight.b, high)};
}

QUIBBLE_INLINE F4 foldToFour(Vec x) { return (x.a + x.c) + (x.b + x.d); }
QUIBBLE_INLINE float sumLanes(Vec x) {
    const F4 four = foldToFour(x);
    return (four[0] + four[1]) + (four[2] + four[3]);
}
QUIBBLE_INLINE void sumLanes4(Vec a, Vec b, Vec c, Vec d, float* out) {
    out[0] = sumLanes(a);
    out[1] = sumLanes(b);
    out[2] = sumLanes(c);
    out[3] = sumLanes(d);
}
QUIBBLE_INLINE void scaledSums(const Vec* a, float scale, float* out) {
    sumLanes4(a[0], a[1], a[2], a[3], out);
    for (int i = 0; i < kScoreTile; ++i) {
        out[i] *= scale;
    }
}
// Lane i of vector j becomes lane j of vector i.
QUIBBLE_INLINE void transpose(Vec (&x)[16]) {
    float lanes[16][16];
    for (int i = 0; i < 16; ++i) {
        store(lanes[i], x[i]);
    }
    float turned[16];
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 16; ++j) {
            turned[j] = lanes[j][i];
        }
        x[i] = load(turned);
    }
}
QUIBBLE_INLINE float maxLanes(Vec x) {
    const F4 four = larger(larger(x.a, x.c), larger(x.b, x.d));
    const F4 two = larger(four, __builtin_shuffle(four, I4{2, 3, 2, 3}));
    return two[0] > two[1] ? two[0] : two[1];
}

QUIBBLE_INLINE Bytes16 loadBytes16(const void* p) {
    Bytes16 bytes;
    __builtin_memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}
QUIBBLE_INLINE Bytes16 lowHalves(Bytes16 a) { return a & 15; }
QUIBBLE_INLINE Bytes16 highHalves(Bytes16 a) { return a >> 4; }
QUIBBLE_INLINE Bytes16 pairOfBitsAtFour(Bytes16 a, int n) {
    const auto by = static_cast<uint8_t>(2 * n);
    return ((a >> Bytes16{by, by, by, by, by, by, by, by, by, by, by, by, by, by, by, by}) & 3) << 4;
}
QUIBBLE_INLINE Bytes16 joinBits(Bytes16 a, Bytes16 b) { return a | b; }
QUIBBLE_INLINE Bytes16 lessBytes(Bytes16 a, char n) { return a - static_cast<uint8_t>(n); }

// Bytes 4 i .. 4 i + 3 as numbers.
template <int i>
QUIBBLE_INLINE U4 spread(Bytes16 a) {
    constexpr uint8_t k = 4 * i;
    return bitsOf<U4>(__builtin_shuffle(
        a, Bytes16{}, Bytes16{k, 16, 16, 16, k + 1, 16, 16, 16, k + 2, 16, 16, 16, k + 3, 16, 16, 16}));
}
QUIBBLE_INLINE Vec fromU8(Bytes16 codes) {
    return {toFloats(bitsOf<I4>(spread<0>(codes))), toFloats(bitsOf<I4>(spread<1>(codes))),
            toFloats(bitsOf<I4>(spread<2>(codes))), toFloats(bitsOf<I4>(spread<3>(codes)))};
}
QUIBBLE_INLINE Vec fromS8(Bytes16 codes) { return sub(fromU8(codes ^ 0x80), set1(128.0F)); }
QUIBBLE_INLINE Vec loadU8(const uint8_t* p) { return fromU8(loadBytes16(p)); }
QUIBBLE_INLINE Vec loadU8Tail(const uint8_t* p, int64_t n) {
    uint8_t copy[16] = {};
    __builtin_memcpy(copy, p, static_cast<size_t>(n));
    return loadU8(copy);
}
QUIBBLE_INLINE Vec loadS8(const std::byte* p) { return fromS8(loadBytes16(p)); }

struct Halves {
    uint16_t words[16];
};
QUIBBLE_INLINE Halves copyHalves(const std::byte* p, int64_t n) {
    Halves copy = {};
    __builtin_memcpy(copy.words, p, static_cast<size_t>(n) * sizeof(uint16_t));
    return copy;
}
QUIBBLE_INLINE U4 fourHalves(const uint16_t* p) { return U4{p[0], p[1], p[2], p[3]}; }
// Exponent and mantissa move to their places, and 2^112 makes up for the other bias, exactly, also for subnormal
// numbers.
QUIBBLE_INLINE F4 widenF16(U4 half) {
    const U4 size = (half & 0x7FFFU) << 13;
    const F4 scaled = bitsOf<F4>(size) * 0x1p112F;
    const U4 quiet = size > 0x7C00U << 13 ? fill(0x400000U) : U4{};
    const U4 special = size | 0x7F800000U | quiet;
    const U4 number = size >= 0x7C00U << 13 ? special : bitsOf<U4>(scaled);
    return bitsOf<F4>(number | ((half & 0x8000U) << 16));
}
QUIBBLE_INLINE Vec fromHalves(const Halves& h) {
    return {widenF16(fourHalves(h.words)), widenF16(fourHalves(h.words + 4)), widenF16(fourHalves(h.words + 8)),
            widenF16(fourHalves(h.words + 12))};
}
QUIBBLE_INLINE Vec fromBfloats(const Halves& h) {
    return {bitsOf<F4>(fourHalves(h.words) << 16), bitsOf<F4>(fourHalves(h.words + 4) << 16),
            bitsOf<F4>(fourHalves(h.words + 8) << 16), bitsOf<F4>(fourHalves(h.words + 12) << 16)};
}
QUIBBLE_INLINE Vec loadF16(const std::byte* p) { return fromHalves(copyHalves(p, 16)); }
QUIBBLE_INLINE Vec loadF16Tail(const std::byte* p, int64_t n) { return fromHalves(copyHalves(p, n)); }
QUIBBLE_INLINE Vec loadBf16(const std::byte* p) { return fromBfloats(copyHalves(p, 16)); }
QUIBBLE_INLINE Vec loadBf16Tail(const std::byte* p, int64_t n) { return fromBfloats(copyHalves(p, n)); }
QUIBBLE_INLINE float halfAt(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, sizeof(bits));
    return f16ToF32(bits);
}

template <class Round>
QUIBBLE_INLINE void storeHalves(std::byte* p, Vec v, Round round) {
    float lanes[16];
    store(lanes, v);
    Halves out;
    for (int i = 0; i < 16; ++i) {
        out.words[i] = round(lanes[i]);
    }
    __builtin_memcpy(p, &out, sizeof(out));
}
QUIBBLE_INLINE void storeF16(std::byte* p, Vec v) { storeHalves(p, v, f32ToF16); }
QUIBBLE_INLINE void storeBf16(std::byte* p, Vec v) { storeHalves(p, v, f32ToBf16); }
QUIBBLE_INLINE void storeS8(std::byte* p, Vec v) {
    float lanes[16];
    store(lanes, nearest(v));
    int8_t out[16];
    for (int i = 0; i < 16; ++i) {
        out[i] = static_cast<int8_t>(lanes[i]);
    }
    __builtin_memcpy(p, out, sizeof(out));
}
QUIBBLE_INLINE uint16_t halfOf(float x) { return f32ToF16(x); }

QUIBBLE_INLINE D2 firstTwo(F4 a) { return D2{static_cast<double>(a[0]), static_cast<double>(a[1])}; }
QUIBBLE_INLINE D2 lastTwo(F4 a) { return D2{static_cast<double>(a[2]), static_cast<double>(a[3])}; }
QUIBBLE_INLINE Wide lower(Vec x) { return {firstTwo(x.a), lastTwo(x.a), firstTwo(x.b), lastTwo(x.b)}; }
QUIBBLE_INLINE Wide upper(Vec x) { return {firstTwo(x.c), lastTwo(x.c), firstTwo(x.d), lastTwo(x.d)}; }
QUIBBLE_INLINE Wide wideSet1(double x) { return {D2{x, x}, D2{x, x}, D2{x, x}, D2{x, x}}; }
QUIBBLE_INLINE Wide wideZero() { return wideSet1(0.0); }
QUIBBLE_INLINE Wide fma(Wide x, Wide y, Wide z) {
    return each([](D2 a, D2 b, D2 c) { return fused(a, b, c); }, x, y, z);
}
QUIBBLE_INLINE Wide fnma(Wide x, Wide y, Wide z) {
    return each([](D2 a, D2 b, D2 c) { return fused(-a, b, c); }, x, y, z);
}
QUIBBLE_INLINE Wide add(Wide x, Wide y) {
    return each([](D2 a, D2 b) { return a + b; }, x, y);
}
QUIBBLE_INLINE Wide sub(Wide x, Wide y) {
    return each([](D2 a, D2 b) { return a - b; }, x, y);
}
QUIBBLE_INLINE Wide mul(Wide x, Wide y) {
    return each([](D2 a, D2 b) { return a * b; }, x, y);
}
QUIBBLE_INLINE Wide max(Wide x, Wide y) {
    return each([](D2 a, D2 b) { return a > b ? a : b; }, x, y);
}
QUIBBLE_INLINE Wide min(Wide x, Wide y) {
    return each([](D2 a, D2 b) { return a < b ? a : b; }, x, y);
}
QUIBBLE_INLINE D2 nearest(D2 a) {
    const L2 sign = bitsOf<L2>(a) & INT64_MIN;
    const D2 size = bitsOf<D2>(bitsOf<L2>(a) & INT64_MAX);
    const D2 whole = size < 0x1p52 ? (size + 0x1p52) - 0x1p52 : size;
    return bitsOf<D2>(bitsOf<L2>(whole) | sign);
}
QUIBBLE_INLINE Wide nearest(Wide x) {
    return each([](D2 a) { return nearest(a); }, x);
}
QUIBBLE_INLINE Wide scaleByPower(Wide x, Wide n) {
    return each(
        [](D2 a, D2 power) {
            const L2 whole = __builtin_convertvector(nearest(power), L2);
            const L2 half = whole >> 1;
            return a * bitsOf<D2>((half + 1023) << 52) * bitsOf<D2>((whole - half + 1023) << 52);
        },
        x, n);
}
QUIBBLE_INLINE Wide zeroWhereLess(Wide v, Wide x, Wide y) {
    return each([](D2 a, D2 b, D2 c) { return b < c ? D2{} : a; }, v, x, y);
}
QUIBBLE_INLINE double sumLanes(Wide x) {
    const D2 two = (x.a + x.c) + (x.b + x.d);
    return two[0] + two[1];
}

}  // namespace
}  // namespace quibble::kernels
