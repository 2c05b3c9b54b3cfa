// The pieces of packed_body.h in the compiler's own vectors.
#pragma once

#include "kernels/cpu/vec_portable.h"

#include "kernels/packing/layout.h"

namespace quibble::kernels {
namespace {

using Words8 = uint16_t __attribute__((vector_size(16)));
using Shorts8 = int16_t __attribute__((vector_size(16)));

struct Bytes {
    Bytes16 part[4];
};
struct Ints {
    I4 part[4];
};
constexpr int kPanelsTogether = 1;

QUIBBLE_INLINE Bytes loadBytes64(const std::byte* p) {
    return {{loadBytes16(p), loadBytes16(p + 16), loadBytes16(p + 32), loadBytes16(p + 48)}};
}

template <class F>
QUIBBLE_INLINE Bytes eachPart(F f, const Bytes& a) {
    return {{f(a.part[0]), f(a.part[1]), f(a.part[2]), f(a.part[3])}};
}
template <int kMask>
QUIBBLE_INLINE Bytes keepBits(Bytes a) {
    return eachPart([](Bytes16 x) { return x & static_cast<uint8_t>(kMask); }, a);
}
template <int kMask>
QUIBBLE_INLINE Bytes addBits(Bytes a, Bytes b) {
    const Bytes kept = keepBits<kMask>(b);
    return {{a.part[0] | kept.part[0], a.part[1] | kept.part[1], a.part[2] | kept.part[2], a.part[3] | kept.part[3]}};
}
template <int kBy>
QUIBBLE_INLINE Bytes moveBits(Bytes a) {
    if constexpr (kBy > 0) {
        return eachPart([](Bytes16 x) { return x << kBy; }, a);
    } else if constexpr (kBy < 0) {
        return eachPart([](Bytes16 x) { return x >> -kBy; }, a);
    } else {
        return a;
    }
}
template <class Table>
QUIBBLE_INLINE Bytes16 loadCodeTable(const Table& table) {
    return loadBytes16(table.values);
}
QUIBBLE_INLINE Bytes lookUp(Bytes16 table, Bytes codes) {
    return eachPart([table](Bytes16 x) { return __builtin_shuffle(table, x); }, codes);
}
template <PackedFormat F>
QUIBBLE_INLINE Bytes prepareCodes(Bytes q) {
    return q;
}

QUIBBLE_INLINE int32_t word(const std::byte* p) {
    int32_t value;
    __builtin_memcpy(&value, p, sizeof(value));
    return value;
}

// Two products of a code and an activation fit 16 bits if codes have at most 7 bits: 2 * 127 * 127.
template <PackedFormat F>
constexpr bool kSumsFitShorts = F.low_bits + F.high_bits <= 6 && F.table != CodeTable::Iq4;

QUIBBLE_INLINE I4 joinPairs(I4 sum, Shorts8 products) {
    const I4 both = bitsOf<I4>(products);
    return sum + ((both << 16) >> 16) + (both >> 16);
}

template <PackedFormat F, int kFirst, int kCount>
QUIBBLE_INLINE Ints dotCodes(const Bytes* q, const std::byte* x, const std::byte* minus_sum) {
    const int32_t start =
        F.offset_shift > 0 ? static_cast<int32_t>(static_cast<uint32_t>(word(minus_sum)) << F.offset_shift) : 0;
    Ints dot = {{fill(start), fill(start), fill(start), fill(start)}};
#pragma GCC unroll 8
    for (int j = kFirst; j < kFirst + kCount; ++j) {
        const Shorts8 four = bitsOf<Shorts8>(fill(word(x + 4 * j)));
        const Shorts8 even = (four << 8) >> 8;
        const Shorts8 odd = four >> 8;
#pragma GCC unroll 4
        for (int part = 0; part < 4; ++part) {
            const Words8 codes = bitsOf<Words8>(q[j].part[part]);
            const Shorts8 even_products = bitsOf<Shorts8>(codes & 0xFF) * even;
            const Shorts8 odd_products = bitsOf<Shorts8>(codes >> 8) * odd;
            if constexpr (kSumsFitShorts<F>) {
                dot.part[part] = joinPairs(dot.part[part], even_products + odd_products);
            } else {
                dot.part[part] = joinPairs(joinPairs(dot.part[part], even_products), odd_products);
            }
        }
    }
    return dot;
}

template <PackedFormat F, int kPanels>
constexpr int kRowsTogether = 1;

QUIBBLE_INLINE Vec toFloats(const Ints& a) {
    return {toFloats(a.part[0]), toFloats(a.part[1]), toFloats(a.part[2]), toFloats(a.part[3])};
}
QUIBBLE_INLINE Vec broadcastInt(const std::byte* p) { return set1(static_cast<float>(word(p))); }
QUIBBLE_INLINE Vec broadcast(const std::byte* p) { return set1(bitsOf<float>(word(p))); }

QUIBBLE_INLINE F4 powersOf(U4 e) {
    const U4 shifted = e << 23;
    const U4 bits = shifted > 0x00400000U ? shifted : fill(0x00400000U);
    return bitsOf<F4>(e == 255U ? fill(0x7FC00000U) : bits) * 0.5F;
}
QUIBBLE_INLINE Vec loadPowers(const std::byte* p) {
    const Bytes16 bytes = loadBytes16(p);
    return {powersOf(spread<0>(bytes)), powersOf(spread<1>(bytes)), powersOf(spread<2>(bytes)),
            powersOf(spread<3>(bytes))};
}

}  // namespace
}  // namespace quibble::kernels
