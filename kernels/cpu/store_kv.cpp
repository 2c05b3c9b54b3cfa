// The rounding of rows into the cache. Definition: op_table.h.
#include "kernels/cpu/vec.h"

#include "kernels/cpu/tables.h"

namespace quibble::kernels {
namespace {

template <void (*kStore)(std::byte*, Vec)>
QUIBBLE_INLINE void storeHalves(const float* src, int64_t n, std::byte* dst) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        kStore(dst + 2 * i, load(src + i));
    }
    if (i < n) {
        std::byte last[32];
        kStore(last, loadTail(src + i, n - i));
        __builtin_memcpy(dst + 2 * i, last, static_cast<size_t>(2 * (n - i)));
    }
}

// One block of 32 in the bytes that quantizeRow gives.
QUIBBLE_INLINE void storeQ8(const float* src, std::byte* dst) {
    const Vec a = load(src);
    const Vec b = load(src + 16);
    const Vec infinite = fma(a, zero(), mul(b, zero()));  // NaN in a lane that is not finite
    const float d = maxLanes(max(magnitude(a), magnitude(b))) / 127.0F;
    float inverse = d > 0.0F ? 1.0F / d : 0.0F;
    inverse = inverse <= 3.4028234e38F ? inverse : 0.0F;
    const bool finite = !anyNan(infinite);
    const uint16_t scale = finite ? halfOf(d) : uint16_t{0x7E00};
    __builtin_memcpy(dst, &scale, sizeof(scale));
    storeS8(dst + 2, finite ? halvesAway(mul(a, set1(inverse))) : zero());
    storeS8(dst + 18, finite ? halvesAway(mul(b, set1(inverse))) : zero());
}

}  // namespace

void isa::storeKv(TensorType type, const float* src, int64_t n, std::byte* dst) {
    if (n <= 0) {
        return;  // the pointers may be null
    }
    switch (type) {
        case TensorType::F16: storeHalves<storeF16>(src, n, dst); return;
        case TensorType::BF16: storeHalves<storeBf16>(src, n, dst); return;
        case TensorType::Q8_0:
            for (int64_t i = 0; i < n; i += 32) {
                storeQ8(src + i, dst + i / 32 * 34);
            }
            return;
        default: __builtin_memcpy(dst, src, static_cast<size_t>(n) * sizeof(float)); return;
    }
}

}  // namespace quibble::kernels
