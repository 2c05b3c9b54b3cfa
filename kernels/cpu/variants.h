// The tables that are compiled for one instruction set each. Using one on a CPU without it is an illegal instruction:
// ask cpu_probe.h first.
#pragma once

#include "kernels/op_table.h"

namespace quibble::kernels {

namespace portable {
extern const Ops kOps;  // runs anywhere
}

namespace avx2 {
extern const Ops kOps;
// Float operations in `rounds` rounds of independent fused multiply-adds in registers; *sink keeps them alive.
double fmaRounds(int64_t rounds, float* sink);
// The same with 8-bit products, as matmulPacked makes them: a multiply and an add count one each.
double dotRounds(int64_t rounds, int32_t* sink);
// Reads bytes (a multiple of 512) from a 64-byte aligned address; the result depends on all of them.
uint64_t readBytes(const std::byte* data, size_t bytes);
}  // namespace avx2

namespace avx512 {
extern const Ops kOps;
double fmaRounds(int64_t rounds, float* sink);
double dotRounds(int64_t rounds, int32_t* sink);
uint64_t readBytes(const std::byte* data, size_t bytes);
// These two only where the CPU has AVX512-BF16. The second as fmaRounds, with the products of the first.
void matmulBf16(const MatmulBf16Args& args);
double bf16Rounds(int64_t rounds, float* sink);
}  // namespace avx512

// What avx512 has, and the tile instructions of AMX. These need more than the CPU: amx_check.h.
namespace amx {
extern const Ops kOps;
void matmulPacked(const MatmulPackedArgs& args);
void matmul(const MatmulArgs& args);
void matmulBf16(const MatmulBf16Args& args);
double dotRounds(int64_t rounds, int32_t* sink);
double bf16Rounds(int64_t rounds, float* sink);
}  // namespace amx

// For tests that carry out instructions which this CPU lacks: `table` counts as one that it can run, the best of all,
// instead of amx::kOps. To be called before the first use of ops(), allOps() or selectIsa().
void offerEmulated(const Ops& table);

}  // namespace quibble::kernels
