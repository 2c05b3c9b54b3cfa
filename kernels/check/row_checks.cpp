// Attention, the rows it reads, and what is measured of a row of logits.
#include "kernels/check/trial.h"

#include <array>
#include <numeric>

namespace quibble::kernels::check {

namespace {

constexpr std::array kStoredTypes{TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0};
constexpr int64_t kPositions = 83;
constexpr int64_t kLogitCounts[] = {1, 17, 1000, 50257};

size_t storedBytes(TensorType type, int64_t n) {
    const TypeTraits& traits = *typeTraits(type);
    return static_cast<size_t>(n) / traits.block_elements * traits.block_bytes;
}

struct StoredRows {
    std::vector<std::byte> bytes;
    std::vector<float> values;  // as they are read
    KvRows rows;

    StoredRows(Trial& trial, TensorType type, int64_t dim)
        : bytes(storedBytes(type, dim) * kPositions), values(static_cast<size_t>(dim * kPositions)) {
        rows = {type, bytes.data(), static_cast<int64_t>(storedBytes(type, dim))};
        for (int64_t i = 0; i < kPositions; ++i) {
            std::byte* row = bytes.data() + i * rows.stride;
            quantizeRow(type, trial.floats(dim).data(), dim, row);
            allOps()[0]->dequantizeRow(type, row, dim, values.data() + i * dim);
        }
    }
};

struct Heads {
    std::vector<float> scores, out;
};

Heads attend(const Ops& table, AttentionArgs args) {
    Heads heads;
    const int64_t n_kv = args.end - args.begin + args.n_more;
    heads.scores.resize(static_cast<size_t>(args.n_heads * n_kv));
    heads.out.resize(static_cast<size_t>(args.n_heads * args.head_dim));
    args.scores = heads.scores.data();
    args.out = heads.out.data();
    table.attention(&args, 1);
    return heads;
}

// The largest |score| before the softmax, which the band grows with.
double largestScore(const AttentionArgs& args, const StoredRows& k) {
    double largest = 0.0;
    for (int64_t h = 0; h < args.n_heads; ++h) {
        largest = std::max(largest, args.sink == nullptr ? 0.0 : std::fabs(static_cast<double>(args.sink[h])));
        for (int64_t i = 0; i < kPositions; ++i) {
            double dot = 0.0;
            for (int64_t d = 0; d < args.head_dim; ++d) {
                dot += static_cast<double>(args.q[h * args.head_dim + d]) *
                       static_cast<double>(k.values[static_cast<size_t>(i * args.head_dim + d)]);
            }
            largest = std::max(largest, std::fabs(dot * static_cast<double>(args.scale)));
        }
    }
    return largest;
}

void tryAttention(Trial& trial, TensorType type, int64_t heads, int64_t dim, bool with_sink) {
    const StoredRows k(trial, type, dim), v(trial, type, dim);
    const std::vector<float> q = trial.floats(heads * dim, 2.0F), sinks = trial.floats(heads, 4.0F);
    std::vector<int32_t> more(7);
    std::iota(more.begin(), more.end(), 70);
    AttentionArgs args;
    args.q = q.data();
    args.n_heads = heads;
    args.head_dim = dim;
    args.k = k.rows;
    args.v = v.rows;
    args.begin = 2;
    args.end = 64;
    args.more = more.data();
    args.n_more = static_cast<int64_t>(more.size());
    args.scale = 0.4F;
    args.sink = with_sink ? sinks.data() : nullptr;
    const Heads got = attend(trial.table, args), wanted = attend(*allOps()[0], args);
    double largest_value = 0.0;
    for (const float value : v.values) {
        largest_value = std::max(largest_value, std::fabs(static_cast<double>(value)));
    }
    const double band = 1e-5 + 4e-7 * largestScore(args, k);
    trial.begin(std::string(typeTraits(type)->name) + ", heads " + std::to_string(heads) + " of " +
                std::to_string(dim) + (with_sink ? ", sinks" : ""));
    for (size_t i = 0; i < got.scores.size(); ++i) {
        trial.close(static_cast<int64_t>(i), static_cast<double>(got.scores[i]), static_cast<double>(wanted.scores[i]),
                    band);
    }
    for (size_t i = 0; i < got.out.size(); ++i) {
        trial.close(static_cast<int64_t>(i), static_cast<double>(got.out[i]), static_cast<double>(wanted.out[i]),
                    band * largest_value);
    }
}

}  // namespace

void testAttention(Trial& trial) {
    for (const TensorType type : kStoredTypes) {
        for (const int64_t dim : {32, 96, 128}) {
            tryAttention(trial, type, 1, dim, false);
            tryAttention(trial, type, 7, dim, true);
            tryAttention(trial, type, 17, dim, false);  // enough to share unpacked blocks
        }
    }
}

void testStoreKv(Trial& trial) {
    for (const TensorType type : kStoredTypes) {
        for (const int64_t n : {32, 96, 1024}) {
            const std::vector<float> x = trial.floats(n);
            std::vector<std::byte> got(storedBytes(type, n)), wanted(storedBytes(type, n));
            trial.table.storeKv(type, x.data(), n, got.data());
            allOps()[0]->storeKv(type, x.data(), n, wanted.data());
            trial.begin(std::string(typeTraits(type)->name) + ", length " + std::to_string(n));
            trial.same(got.data(), wanted.data(), got.size());
        }
    }
}

void testLogitStats(Trial& trial) {
    for (const int64_t n : kLogitCounts) {
        for (const float sigma : {0.01F, 3.0F, 60.0F}) {
            const std::vector<float> z = trial.floats(n, sigma);
            LogitStats got, wanted;
            trial.table.logitStats(z.data(), n, &got);
            allOps()[0]->logitStats(z.data(), n, &wanted);
            trial.begin("logits " + std::to_string(n));
            trial.close(0, static_cast<double>(got.max), static_cast<double>(wanted.max), 0.0);
            trial.close(1, got.argmax, wanted.argmax, 0.0);
            trial.close(2, got.log_sum_exp, wanted.log_sum_exp, 1e-9 * (1.0 + std::fabs(wanted.log_sum_exp)));
            trial.close(3, got.entropy, wanted.entropy, 1e-9 * (1.0 + std::fabs(wanted.entropy)));
            trial.close(4, got.varentropy, wanted.varentropy, 1e-9 * (1.0 + std::fabs(wanted.varentropy)));
        }
    }
}

void testKlDivergence(Trial& trial) {
    for (const int64_t n : kLogitCounts) {
        for (const float sigma : {0.01F, 3.0F, 60.0F}) {
            const std::vector<float> p = trial.floats(n, sigma), q = trial.floats(n, sigma);
            LogitStats of_p, of_q;
            allOps()[0]->logitStats(p.data(), n, &of_p);
            allOps()[0]->logitStats(q.data(), n, &of_q);
            const auto kl = [&](const Ops& table) {
                return table.klDivergence(p.data(), of_p.log_sum_exp, q.data(), of_q.log_sum_exp, n);
            };
            const double wanted = kl(*allOps()[0]);
            trial.begin("logits " + std::to_string(n));
            trial.close(0, kl(trial.table), wanted,
                        1e-9 * (1.0 + std::fabs(wanted)) + 1e-11 * 4.0 * static_cast<double>(sigma));
            trial.close(1, trial.table.klDivergence(p.data(), of_p.log_sum_exp, p.data(), of_p.log_sum_exp, n), 0.0,
                        0.0);
        }
    }
}

}  // namespace quibble::kernels::check
