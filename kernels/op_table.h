// Arguments of every operation and the table of functions that holds one variant of each. ops.h chooses the table.
// This header is included by the files that are compiled for one instruction set: it has no code.
//
// Determinism (the contract of the whole library): with one table, each output element is accumulated in one fixed
// order that depends on nothing but the length of the sum. Not on n_rows, not on out_begin/out_end, not on alignment,
// not on the thread. So 64 rows in one call give bit for bit what 64 calls with one row give.
//
// Every function is pure (no state, no allocation that outlives the call) and may run on any number of threads on
// disjoint outputs. No pointer may be null unless its length is 0. No function checks its arguments: shapes are the
// caller's promise. Inputs may have any alignment.
//
// NaN and infinity: a NaN that takes part in a result makes that result NaN, in every table. An 8-bit activation
// block that holds a NaN or an infinity makes the outputs of its row NaN.
#pragma once

#include "kernels/packed.h"
#include "kernels/weight_view.h"

#include <cstddef>
#include <cstdint>

namespace quibble::kernels {

inline constexpr int32_t kNextOutputs = -1;

// y[r * y_stride + o] = sum_k w[o][k] * x[r * x_stride + k]   for 0 <= r < n_rows, out_begin <= o < out_end
// x: [n_rows, w.cols] with x_stride floats between rows; y: [n_rows, w.rows] likewise. y must not overlap x.
// Outputs outside [out_begin, out_end) are not written. w.cols == 0 gives zeros.
// Band against reference: |y - ref| <= (cols / 16 + 8) * 2^-24 * sum_k |w x|   (a rounding for each of the additions
// that one of 16 partial sums goes through, and the tree that joins them).
// Bit-exact promise: the result equals that of an F32 view holding dequantizeRow of the same weights.
// The amx table multiplies BF16 weights in tiles, in another order: there the promise does not hold, and the band is
//   (cols / 16 + 20) * 2^-24 * sum_k |w x| + cols * 2^-124 * (1 + max_k |w| + max_k |x|)
// since an instruction chains 16 products before it adds, and counts subnormal numbers as zero (also those that x is
// split into). Where a weight is infinite the result is not finite.
struct MatmulArgs {
    WeightView w;
    const float* x = nullptr;
    int64_t x_stride = 0;  // floats
    int64_t n_rows = 0;
    float* y = nullptr;
    int64_t y_stride = 0;  // floats
    int64_t out_begin = 0;
    int64_t out_end = 0;
    // A hint for BF16, F16 and F32 weights and few rows (one, or as many as the registers hold sums of), which depends
    // on the machine. The number of bytes from what is multiplied to what is fetched into the cache meanwhile, in each
    // of the rows of weights that are read together; 0 leaves fetching to the hardware. Or kNextOutputs: all rows of
    // the outputs that come next are fetched, as for more rows.
    int32_t fetch_ahead = kNextOutputs;
};

inline constexpr int64_t kFewRows = 8;
inline constexpr int32_t kManyRows = -1;

// The same product of packed weights with activations that quantizeQ8 has rounded; xq_stride bytes between rows.
// Integer products inside a block of 32 (or a half of it, where 16 weights share a scale) are exact; blocks are added
// in float. Ranges that begin and end on whole panels are fastest. Band against reference matmulPacked: (cols / 32 + 8)
// * 2^-23 * sum_k |w x|, where for types with minima |w| counts both of its terms.
struct MatmulPackedArgs {
    PackedView w;
    const std::byte* xq = nullptr;
    size_t xq_stride = 0;  // bytes
    int64_t n_rows = 0;
    float* y = nullptr;
    int64_t y_stride = 0;  // floats
    int64_t out_begin = 0;
    int64_t out_end = 0;
    // A hint for up to kFewRows rows, which depends on the machine. A panel is read from end to end with the sums of
    // all rows in registers, and this is the number of bytes from what is multiplied to what is fetched into the cache
    // meanwhile; 0 leaves fetching to the hardware. Or kManyRows: several panels are used together, as for more rows.
    int32_t fetch_ahead = 0;
};

// y as in MatmulArgs, of BF16 weights and activations that storeKv has rounded to BF16: products of two BF16 numbers
// are exact in float, sums are float. xb_stride bytes between rows; bf16RowBytes(cols) of ops.h are fastest. Made for
// many rows (prefill), right for any number. A subnormal weight, activation or partial sum may count as zero. Band
// against reference: (cols / 16 + 20) * 2^-24 * sum_k |w x| + cols * 2^-126 * (1 + max_k |w| + max_k |x|).
struct MatmulBf16Args {
    WeightView w;  // BF16
    const std::byte* xb = nullptr;
    size_t xb_stride = 0;  // bytes
    int64_t n_rows = 0;
    float* y = nullptr;
    int64_t y_stride = 0;  // floats
    int64_t out_begin = 0;
    int64_t out_end = 0;
};

// Stored keys or values of one head: position i is head_dim numbers of `type` at data + i * stride. F32, F16, BF16 (any
// head size) or Q8_0 (blocks of 32 as in a file, head_dim a multiple of 32), any alignment.
struct KvRows {
    TensorType type = TensorType::F32;
    const std::byte* data = nullptr;
    int64_t stride = 0;  // bytes
};

// The query heads of one row that share one K/V head, over n_kv = end - begin + n_more stored positions: those of
// [begin, end), then the ones listed in `more`. For each query head
//   p = softmax_i(scale * <q, k_i>),  out = sum_i p_i v_i
// With a sink the softmax goes over [scores, sink[head]] and the sink's share is dropped.
// On return scores[head * score_stride + i] = p_i (without a sink they sum to 1 within rounding), so that a recorder
// can read them. n_kv == 0 writes zeros. out may alias q. Bit-exact promises: a listed position counts as the same
// position in a range; a query head gets what it would get alone; stored types give what an F32 row holding
// dequantizeRow of the same bytes gives. Band: |out - ref| <= (1e-5 + 4e-7 * max_i |score_i|) * max_i |v_i|, same for
// each p_i; the sink counts as a score.
struct AttentionArgs {
    const float* q = nullptr;  // [n_heads, head_dim]
    int64_t n_heads = 1;
    int64_t head_dim = 0;
    KvRows k;
    KvRows v;
    int64_t begin = 0;  // begin <= end
    int64_t end = 0;
    const int32_t* more = nullptr;  // [n_more]
    int64_t n_more = 0;
    float scale = 1.0F;
    const float* sink = nullptr;  // [n_heads]; nullptr: none
    float* scores = nullptr;      // [n_heads, n_kv], a head's at scores + head * score_stride
    int64_t score_stride = 0;     // floats; 0: n_kv
    float* out = nullptr;         // [n_heads, head_dim]
    // A hint, which depends on the machine: many queries unpack even F32 keys and values into blocks that they share,
    // as they do other types.
    bool f32_blocks = true;
};

// Of the softmax at temperature 1, natural logarithm:
//   entropy = -sum p log p, varentropy = sum p (log p + entropy)^2, log_sum_exp = log sum exp z.
// argmax: the lowest index that holds the maximum. Minus infinity is a masked token and adds nothing. If any logit is
// NaN or plus infinity, or none is finite (n == 0 included), argmax is -1 and all else is NaN. Band: 1e-9 * (1 +
// |value|) on all three sums.
struct LogitStats {
    float max = 0.0F;
    double log_sum_exp = 0.0;
    double entropy = 0.0;
    double varentropy = 0.0;
    int32_t argmax = -1;
};

struct Ops {
    const char* isa;  // "reference", "portable", "avx2", "avx512", "amx"

    // Activations in float32. Every type whose traits say readable, and RtnGroup.
    void (*matmul)(const MatmulArgs&);

    // Activations rounded to 8 bits. Every type that hasPacked.
    void (*matmulPacked)(const MatmulPackedArgs&);

    // Activations rounded to BF16. BF16 weights only. nullptr where the CPU has no instruction that makes it faster
    // than matmul (ops.h: whyNoMatmulBf16).
    void (*matmulBf16)(const MatmulBf16Args&);

    // Blocks of 32 activations (cols: a multiple of 32): d = max|x| / 127 in float, q = round(x * (127 / max|x|)), ties
    // to even. A block that holds a NaN or an infinity gets d = NaN and zeros. out: q8RowBytes(cols) bytes, any
    // alignment (64 is fastest). The same bytes in every table.
    void (*quantizeQ8)(const float* x, int64_t cols, std::byte* out);

    // y[i] = x[i] * gain[i] / sqrt(mean(x^2) + eps). y may alias x. dim >= 1. Band: 2e-6 * |ref| + 1e-30.
    void (*rmsNorm)(const float* x, const float* gain, int64_t dim, float eps, float* y);

    // Rotates one head in place: pair i of rot_dim / 2 is (x[2i], x[2i + 1]) if adjacent_pairs, else
    // (x[i], x[i + rot_dim / 2]); (a, b) -> (a cos - b sin, a sin + b cos). Elements from rot_dim on stay.
    // rot_dim even, <= head_dim. Band: 2e-7 * (|a| + |b|).
    void (*rope)(float* x, int64_t head_dim, int64_t rot_dim, const float* cos, const float* sin, bool adjacent_pairs);

    // y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]. y may alias gate or up. Band: 1e-6 * |ref| + 1e-30 * |up|.
    void (*swiGlu)(const float* gate, const float* up, int64_t n, float* y);

    // y[i] = g / (1 + exp(-alpha g)) * (u + 1) with g = min(gate[i], limit), u = up[i] clamped to [-limit, limit];
    // limit > 0. y may alias gate or up. Band: (1e-6 + 1.2e-7 * |alpha g|) * |ref| + 1e-30 * |u + 1|   (alpha g is
    // rounded before the exponential).
    void (*swiGluClamped)(const float* gate, const float* up, int64_t n, float alpha, float limit, float* y);

    // y[i] = a[i] + b[i]; y may alias either. Exact (one rounding).
    void (*add)(const float* a, const float* b, int64_t n, float* y);

    // Rows with the same heads, k, v and scale in one call share what is read of k and v where their positions are the
    // same. Each gets what it would get alone. scores and out of different rows must not overlap. n_rows >= 1.
    void (*attention)(const AttentionArgs* rows, int64_t n_rows);

    // Writes n floats as a stored row of a KvRows, or of the activations of matmulBf16. The bytes are the same in every
    // table. F32 copies, F16 and BF16 round to nearest even, Q8_0 (n a multiple of 32) rounds as quantizeRow does. A
    // Q8_0 block that holds a NaN or an infinity becomes NaN.
    void (*storeKv)(TensorType type, const float* src, int64_t n, std::byte* dst);

    void (*logitStats)(const float* z, int64_t n, LogitStats* out);

    // KL(p || q) = sum_i p_i (log p_i - log q_i) in nats, log p_i = zp[i] - lse_p, log q_i = zq[i] - lse_q; the lse
    // values come from logitStats of the same table. Terms with p_i == 0 add nothing; p_i > 0 with q_i == 0 gives +inf.
    // The result is exactly 0.0 when zp and zq hold the same bits and lse_p == lse_q. Rounding can make it negative, by
    // no more than 1e-11 * (1 + max|z|); a negative result is not made 0 here, but where it is recorded
    // (recordedDivergence). Band: 1e-9 * (1 + |ref|) + 1e-11 * max|z|.
    double (*klDivergence)(const float* zp, double lse_p, const float* zq, double lse_q, int64_t n);

    // cols weights of one row as floats, exactly as the matmul uses them. Readable types only; not RtnGroup.
    void (*dequantizeRow)(TensorType type, const std::byte* src, int64_t cols, float* dst);
};

}  // namespace quibble::kernels
