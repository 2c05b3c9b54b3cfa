// The scalar definition of every op: what "correct" means. Double accumulation, shortest correct form, never optimised.
#pragma once

#include "kernels/op_table.h"

namespace quibble::kernels::reference {

void matmul(const MatmulArgs& args);
void matmulPacked(const MatmulPackedArgs& args);
void matmulBf16(const MatmulBf16Args& args);
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

// Float arithmetic in the order of the format's definition, scales first: other tables must agree bit for bit, and use
// this one for the types they have no code for.
void dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst);

extern const Ops kOps;

}  // namespace quibble::kernels::reference
