#include "train/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace quibble::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kHead = 32;  ///< head size; two 16-wide vectors
using Vec = float __attribute__((vector_size(64)));

Vec load(const float* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
Vec splat(float x) { return Vec{} + x; }

int64_t roundUp(int64_t n) { return (n + 31) / 32 * 32; }

/// Numbers of one head, gathered: rows [length, 32], transposed [32, stride] with zeros behind the end.
struct Gathered {
    std::vector<float> rows, transposed;
};

void gather(const float* src, int64_t row_stride, int64_t length, Gathered& out, bool transpose) {
    const int64_t stride = roundUp(length);
    out.rows.assign(static_cast<std::size_t>(stride * kHead), 0.0F);
    for (int64_t t = 0; t < length; ++t)
        std::memcpy(&out.rows[static_cast<std::size_t>(t * kHead)], src + t * row_stride, kHead * sizeof(float));
    if (!transpose) return;
    out.transposed.assign(static_cast<std::size_t>(stride * kHead), 0.0F);
    for (int64_t t = 0; t < length; ++t) {
        for (int64_t d = 0; d < kHead; ++d)
            out.transposed[static_cast<std::size_t>(d * stride + t)] = src[t * row_stride + d];
    }
}

/// s[i][j] = sum_d x[i][d] y[d][j] for 4 rows i from `first` and all j below `end` (rounded up to 32).
void scores4(const float* x, const float* y, int64_t stride, int64_t first, int64_t end, float* s) {
    for (int64_t j = 0; j < end; j += 32) {
        Vec acc[4][2] = {};
        for (int64_t d = 0; d < kHead; ++d) {
            const Vec y0 = load(y + d * stride + j);
            const Vec y1 = load(y + d * stride + j + 16);
            for (int r = 0; r < 4; ++r) {
                const Vec a = splat(x[(first + r) * kHead + d]);
                acc[r][0] += a * y0;
                acc[r][1] += a * y1;
            }
        }
        for (int r = 0; r < 4; ++r) {
            store(s + (first + r) * stride + j, acc[r][0]);
            store(s + (first + r) * stride + j + 16, acc[r][1]);
        }
    }
}

/// out[i][d] = sum_{j < end} p[i][j] v[j][d] for 4 rows i.
void mix4(const float* p, int64_t stride, const float* v, int64_t first, int64_t end, float* out) {
    Vec acc[4][2] = {};
    for (int64_t j = 0; j < end; ++j) {
        const Vec v0 = load(v + j * kHead);
        const Vec v1 = load(v + j * kHead + 16);
        for (int r = 0; r < 4; ++r) {
            const Vec a = splat(p[(first + r) * stride + j]);
            acc[r][0] += a * v0;
            acc[r][1] += a * v1;
        }
    }
    for (int r = 0; r < 4; ++r) {
        store(out + (first + r) * kHead, acc[r][0]);
        store(out + (first + r) * kHead + 16, acc[r][1]);
    }
}

/// out[j][d] = sum_{i >= j, i < length} p[i][j] u[i][d] for 8 columns j; p is zero above the diagonal.
void mixColumns8(const float* p, int64_t stride, const float* u, int64_t first, int64_t length, float* out) {
    Vec acc[8][2] = {};
    for (int64_t i = first; i < length; ++i) {
        const Vec u0 = load(u + i * kHead);
        const Vec u1 = load(u + i * kHead + 16);
        for (int c = 0; c < 8; ++c) {
            const Vec a = splat(p[i * stride + first + c]);
            acc[c][0] += a * u0;
            acc[c][1] += a * u1;
        }
    }
    for (int c = 0; c < 8; ++c) {
        store(out + (first + c) * kHead, acc[c][0]);
        store(out + (first + c) * kHead + 16, acc[c][1]);
    }
}

/// exp(x) for x <= 0: 2^n * polynomial on [-ln2/2, ln2/2]; relative error below 3e-7.
inline float expNegative(float x) {
    x = x < -87.0F ? -87.0F : x;
    const float n = std::nearbyint(x * 1.44269504F);
    const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float y = 1.9875691500e-4F;
    y = y * r + 1.3981999507e-3F;
    y = y * r + 8.3334519073e-3F;
    y = y * r + 4.1665795894e-2F;
    y = y * r + 1.6666665459e-1F;
    y = y * r + 5.0000001201e-1F;
    y = y * r * r + r + 1.0F;
    const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return y * power;
}

/// Scales, masks and normalises row i of s in place; zeros up to `end`.
void softmaxRow(float* s, int64_t i, int64_t end, float scale) {
    float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
    for (int64_t j = 0; j <= i; ++j) top = s[j] > top ? s[j] : top;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j <= i; ++j) {
        s[j] = expNegative((s[j] - top) * scale);
        sum += s[j];
    }
    const float inverse = 1.0F / sum;
#pragma omp simd
    for (int64_t j = 0; j <= i; ++j) s[j] *= inverse;
    for (int64_t j = i + 1; j < end; ++j) s[j] = 0.0F;
}

/// Sizes and offsets shared by both directions. The probabilities of (row, head) of a group lie at `offset` + their
/// number times stride * stride.
struct Walk {
    int64_t heads, kv_heads;
    template <class Visit>
    void each(const std::vector<RowGroup>& groups, Visit visit) const {
        int64_t offset = 0;
        for (const RowGroup& g : groups) {
            const int64_t stride = roundUp(g.length);
            for (int64_t r = 0; r < g.rows; ++r) {
                for (int64_t h = 0; h < heads; ++h, offset += stride * stride)
                    visit(g.begin + r * g.length, g.length, h, offset);
            }
        }
    }
    int64_t total(const std::vector<RowGroup>& groups) const {
        int64_t sum = 0;
        for (const RowGroup& g : groups) sum += g.rows * heads * roundUp(g.length) * roundUp(g.length);
        return sum;
    }
};

void forwardHead(const Gathered& q, const Gathered& k, const Gathered& v, int64_t length, float* p,
                 std::vector<float>& out) {
    const int64_t stride = roundUp(length);
    const float scale = 1.0F / std::sqrt(static_cast<float>(kHead));
    for (int64_t i = 0; i < length; i += 4) {
        const int64_t end = std::min(stride, roundUp(i + 4));
        scores4(q.rows.data(), k.transposed.data(), stride, i, end, p);
        for (int64_t r = i; r < i + 4; ++r) softmaxRow(p + r * stride, r, end, scale);
        mix4(p, stride, v.rows.data(), i, std::min(i + 4, stride), out.data());
    }
}

/// With p the probabilities and s room for their gradients: fills dq, dk, dv of one head.
void backwardHead(const Gathered& q, const Gathered& k, const Gathered& v, const Gathered& grad, int64_t length,
                  const float* p, float* s, std::vector<float>& dq, std::vector<float>& dk, std::vector<float>& dv) {
    const int64_t stride = roundUp(length);
    const float scale = 1.0F / std::sqrt(static_cast<float>(kHead));
    for (int64_t i = 0; i < length; i += 4) {
        const int64_t end = std::min(stride, roundUp(i + 4));
        scores4(grad.rows.data(), v.transposed.data(), stride, i, end, s);
        for (int64_t r = i; r < i + 4; ++r) {
            float* sr = s + r * stride;
            const float* pr = p + r * stride;
            float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
            for (int64_t j = 0; j < end; ++j) dot += sr[j] * pr[j];
#pragma omp simd
            for (int64_t j = 0; j < end; ++j) sr[j] = pr[j] * (sr[j] - dot) * scale;
        }
        mix4(s, stride, k.rows.data(), i, std::min(i + 4, stride), dq.data());
    }
    for (int64_t j = 0; j < length; j += 8) {
        mixColumns8(s, stride, q.rows.data(), j, length, dk.data());
        mixColumns8(p, stride, grad.rows.data(), j, length, dv.data());
    }
}

void scatterAdd(const std::vector<float>& src, int64_t length, float* dst, int64_t row_stride) {
    for (int64_t t = 0; t < length; ++t) {
        for (int64_t d = 0; d < kHead; ++d) dst[t * row_stride + d] += src[static_cast<std::size_t>(t * kHead + d)];
    }
}

/// Groups travel through the autograd graph as an int64 tensor [groups, 3].
std::vector<RowGroup> groupsOf(const Tensor& table) {
    std::vector<RowGroup> groups;
    const auto* data = table.data_ptr<int64_t>();
    for (int64_t i = 0; i < table.size(0); ++i) groups.push_back({data[3 * i], data[3 * i + 1], data[3 * i + 2]});
    return groups;
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
    static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& table,
                          int64_t heads, int64_t kv_heads) {
        const std::vector<RowGroup> groups = groupsOf(table);
        const Walk walk{heads, kv_heads};
        Tensor probabilities = torch::empty({walk.total(groups)}, q.options());
        Tensor result = torch::zeros_like(q);
        float* p = probabilities.data_ptr<float>();
        Gathered gq, gk, gv;
        std::vector<float> out;
        walk.each(groups, [&](int64_t begin, int64_t length, int64_t h, int64_t offset) {
            const int64_t kh = h / (heads / kv_heads);
            gather(q.data_ptr<float>() + (begin * heads + h) * kHead, heads * kHead, length, gq, false);
            if (h % (heads / kv_heads) == 0) {
                gather(k.data_ptr<float>() + (begin * kv_heads + kh) * kHead, kv_heads * kHead, length, gk, true);
                gather(v.data_ptr<float>() + (begin * kv_heads + kh) * kHead, kv_heads * kHead, length, gv, false);
            }
            out.resize(static_cast<std::size_t>(roundUp(length) * kHead));
            forwardHead(gq, gk, gv, length, p + offset, out);
            scatterAdd(out, length, result.data_ptr<float>() + (begin * heads + h) * kHead, heads * kHead);
        });
        ctx->save_for_backward({q, k, v, table, probabilities});
        ctx->saved_data["heads"] = heads;
        ctx->saved_data["kv_heads"] = kv_heads;
        return result;
    }

    static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor grad = grads[0].to(torch::kFloat32).contiguous();
        const std::vector<RowGroup> groups = groupsOf(saved[3]);
        const int64_t heads = ctx->saved_data["heads"].toInt();
        const int64_t kv_heads = ctx->saved_data["kv_heads"].toInt();
        Tensor dq = torch::zeros_like(saved[0]);
        Tensor dk = torch::zeros_like(saved[1]);
        Tensor dv = torch::zeros_like(saved[2]);
        const float* p = saved[4].data_ptr<float>();
        Gathered gq, gk, gv, gg;
        std::vector<float> s, hq, hk, hv;
        Walk{heads, kv_heads}.each(groups, [&](int64_t begin, int64_t length, int64_t h, int64_t offset) {
            const int64_t kh = h / (heads / kv_heads);
            const int64_t wide = (begin * heads + h) * kHead;
            const int64_t narrow = (begin * kv_heads + kh) * kHead;
            gather(saved[0].data_ptr<float>() + wide, heads * kHead, length, gq, false);
            gather(grad.data_ptr<float>() + wide, heads * kHead, length, gg, false);
            if (h % (heads / kv_heads) == 0) {
                gather(saved[1].data_ptr<float>() + narrow, kv_heads * kHead, length, gk, false);
                gather(saved[2].data_ptr<float>() + narrow, kv_heads * kHead, length, gv, true);
            }
            const auto stride = static_cast<std::size_t>(roundUp(length));
            s.resize(stride * stride);
            for (auto* room : {&hq, &hk, &hv}) room->resize(stride * kHead);
            backwardHead(gq, gk, gv, gg, length, p + offset, s.data(), hq, hk, hv);
            scatterAdd(hq, length, dq.data_ptr<float>() + wide, heads * kHead);
            scatterAdd(hk, length, dk.data_ptr<float>() + narrow, kv_heads * kHead);
            scatterAdd(hv, length, dv.data_ptr<float>() + narrow, kv_heads * kHead);
        });
        return {dq, dk, dv, Tensor(), Tensor(), Tensor()};
    }
};

}  // namespace

Tensor causalAttention(const Tensor& q, const Tensor& k, const Tensor& v, const std::vector<RowGroup>& groups,
                       int64_t heads, int64_t kv_heads) {
    TORCH_CHECK(q.size(1) == heads * kHead && k.size(1) == kv_heads * kHead,
                "causalAttention: the head size must be 32");
    std::vector<int64_t> table;
    for (const RowGroup& g : groups) table.insert(table.end(), {g.begin, g.rows, g.length});
    return AttentionFunction::apply(q.contiguous(), k.contiguous(), v.contiguous(),
                                    torch::tensor(table, torch::kInt64).view({-1, 3}), heads, kv_heads);
}

}  // namespace quibble::train
