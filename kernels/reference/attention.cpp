#include "kernels/quantize.h"
#include "kernels/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace quibble::kernels::reference {

namespace {

// Stored keys or values as floats: head_dim numbers for each position.
std::vector<float> gather(const AttentionArgs& args, const KvRows& rows, int64_t n_kv) {
    std::vector<float> values(static_cast<size_t>(n_kv * args.head_dim));
    for (int64_t i = 0; i < n_kv; ++i) {
        const int64_t listed = i - (args.end - args.begin);
        const int64_t position = listed < 0 ? args.begin + i : static_cast<int64_t>(args.more[listed]);
        dequantizeRow(rows.type, rows.data + position * rows.stride, args.head_dim, values.data() + i * args.head_dim);
    }
    return values;
}

void softmax(float* scores, int64_t n, const float* sink) {
    double max = sink == nullptr ? -INFINITY : static_cast<double>(*sink);
    for (int64_t i = 0; i < n; ++i) {
        max = std::max(max, static_cast<double>(scores[i]));
    }
    double sum = sink == nullptr ? 0.0 : std::exp(static_cast<double>(*sink) - max);
    for (int64_t i = 0; i < n; ++i) {
        sum += std::exp(static_cast<double>(scores[i]) - max);
    }
    for (int64_t i = 0; i < n; ++i) {
        scores[i] = static_cast<float>(std::exp(static_cast<double>(scores[i]) - max) / sum);
    }
}

void attendRow(const AttentionArgs& args) {
    const int64_t n_kv = args.end - args.begin + args.n_more;
    const int64_t dim = args.head_dim;
    const std::vector<float> k = gather(args, args.k, n_kv);
    const std::vector<float> v = gather(args, args.v, n_kv);
    for (int64_t h = 0; h < args.n_heads; ++h) {
        float* scores = args.scores + h * (args.score_stride > 0 ? args.score_stride : n_kv);
        for (int64_t i = 0; i < n_kv; ++i) {
            double dot = 0.0;
            for (int64_t d = 0; d < dim; ++d) {
                dot +=
                    static_cast<double>(args.q[h * dim + d]) * static_cast<double>(k[static_cast<size_t>(i * dim + d)]);
            }
            scores[i] = static_cast<float>(dot * static_cast<double>(args.scale));
        }
        softmax(scores, n_kv, args.sink == nullptr ? nullptr : args.sink + h);
        for (int64_t d = 0; d < dim; ++d) {
            double value = 0.0;
            for (int64_t i = 0; i < n_kv; ++i) {
                value += static_cast<double>(scores[i]) * static_cast<double>(v[static_cast<size_t>(i * dim + d)]);
            }
            args.out[h * dim + d] = static_cast<float>(value);
        }
    }
}

}  // namespace

void attention(const AttentionArgs* rows, int64_t n_rows) {
    for (int64_t r = 0; r < n_rows; ++r) {
        attendRow(rows[r]);
    }
}

void storeKv(TensorType type, const float* src, int64_t n, std::byte* dst) { quantizeRow(type, src, n, dst); }

}  // namespace quibble::kernels::reference
