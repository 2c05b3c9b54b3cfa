// What this CPU and its operating system can run. Asked once, before a table is chosen.
#pragma once

namespace quibble::kernels {

struct CpuFeatures {
    bool avx2 = false;    // AVX2, FMA and F16C, with the OS saving ymm registers
    bool avx512 = false;  // avx2, and AVX-512 F, BW, VL, DQ and VNNI, with the OS saving zmm and mask registers
    bool amx = false;  // avx512, and AMX with tiles, 8-bit and BF16 products, with the OS saving tiles (a process must
                       // still ask to use them)
    bool avx512_bf16 = false;  // avx512, and pair products of BF16
};

CpuFeatures probeCpu();

}  // namespace quibble::kernels
