// What every instruction set has of its own, declared in the namespace of the one that the including file is compiled
// for. One text of each function serves all of them (CMakeLists.txt compiles it once for each), and names that
// namespace `isa`.
#pragma once

#include "kernels/op_table.h"

#if defined(__AVX512F__)
#define QUIBBLE_ISA avx512
#elif defined(__AVX2__)
#define QUIBBLE_ISA avx2
#else
#define QUIBBLE_ISA portable
#endif

namespace quibble::kernels {

namespace QUIBBLE_ISA {

void matmul(const MatmulArgs& args);
void matmulPacked(const MatmulPackedArgs& args);
void quantizeQ8(const float* x, int64_t cols, std::byte* out);
void rmsNorm(const float* x, const float* gain, int64_t dim, float eps, float* y);
void rope(float* x, int64_t head_dim, int64_t rot_dim, const float* cos, const float* sin, bool adjacent_pairs);
void swiGlu(const float* gate, const float* up, int64_t n, float* y);
void swiGluClamped(const float* gate, const float* up, int64_t n, float alpha, float limit, float* y);
void add(const float* a, const float* b, int64_t n, float* y);
void attention(const AttentionArgs* rows, int64_t n_rows);
void storeKv(TensorType type, const float* src, int64_t n, std::byte* dst);
void logitStats(const float* z, int64_t n, LogitStats* out);
double klDivergence(const float* zp, double lse_p, const float* zq, double lse_q, int64_t n);
// Same values as reference::dequantizeRow, bit for bit.
void dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst);
// Columns [begin, begin + n) of row `row` likewise; begin is a multiple of 256. dst: 64-byte aligned, n floats.
void decodeChunk(const WeightView& w, int64_t row, int64_t begin, int64_t n, float* dst);

}  // namespace QUIBBLE_ISA

namespace isa = QUIBBLE_ISA;

namespace {

// All of them as a table.
constexpr Ops tableOf(const char* name) {
    return {
        .isa = name,
        .matmul = isa::matmul,
        .matmulPacked = isa::matmulPacked,
        .matmulBf16 = nullptr,  // dispatch.cpp adds it where the CPU has it
        .quantizeQ8 = isa::quantizeQ8,
        .rmsNorm = isa::rmsNorm,
        .rope = isa::rope,
        .swiGlu = isa::swiGlu,
        .swiGluClamped = isa::swiGluClamped,
        .add = isa::add,
        .attention = isa::attention,
        .storeKv = isa::storeKv,
        .logitStats = isa::logitStats,
        .klDivergence = isa::klDivergence,
        .dequantizeRow = isa::dequantizeRow,
    };
}

}  // namespace
}  // namespace quibble::kernels
