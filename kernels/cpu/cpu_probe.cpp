#include "kernels/cpu/cpu_probe.h"

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>
#endif

namespace quibble::kernels {

#if defined(__x86_64__)

namespace {

struct Registers {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
};

Registers cpuid(unsigned leaf, unsigned sub_leaf) {
    Registers r;
    if (__get_cpuid_count(leaf, sub_leaf, &r.a, &r.b, &r.c, &r.d) == 0) {
        return {};
    }
    return r;
}

bool bit(unsigned word, int index) { return ((word >> index) & 1U) != 0; }

// Which register states the OS saves; only to be asked when OSXSAVE is set.
uint64_t extendedControl() {
    unsigned low = 0;
    unsigned high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<uint64_t>(high) << 32) | low;
}

}  // namespace

CpuFeatures probeCpu() {
    const Registers basic = cpuid(1, 0);
    const bool osxsave = bit(basic.c, 27);
    if (!osxsave) {
        return {};
    }
    const uint64_t saved = extendedControl();
    const bool ymm_saved = (saved & 0x6U) == 0x6U;
    const bool zmm_saved = (saved & 0xE6U) == 0xE6U;
    const bool tiles_saved = (saved & 0x60000U) == 0x60000U;
    const Registers extended = cpuid(7, 0);
    CpuFeatures features;
    const bool avx = bit(basic.c, 28);
    const bool fma = bit(basic.c, 12);
    const bool f16c = bit(basic.c, 29);
    features.avx2 = ymm_saved && avx && fma && f16c && bit(extended.b, 5);
    const bool foundation = bit(extended.b, 16);
    const bool dq = bit(extended.b, 17);
    const bool bw = bit(extended.b, 30);
    const bool vl = bit(extended.b, 31);
    const bool vnni = bit(extended.c, 11);
    features.avx512 = features.avx2 && zmm_saved && foundation && dq && bw && vl && vnni;
    const bool tile = bit(extended.d, 24);
    const bool tile_int8 = bit(extended.d, 25);
    const bool tile_bf16 = bit(extended.d, 22);
    features.amx = features.avx512 && tiles_saved && tile && tile_int8 && tile_bf16;
    features.avx512_bf16 = features.avx512 && extended.a >= 1 && bit(cpuid(7, 1).a, 5);
    return features;
}

#else

CpuFeatures probeCpu() { return {}; }

#endif

}  // namespace quibble::kernels
