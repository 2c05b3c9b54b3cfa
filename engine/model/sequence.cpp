#include "engine/model/sequence.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <string>

namespace quibble {

Result<std::unique_ptr<Sequence>> Sequence::create(std::shared_ptr<const Model> model, CpuDevice& device, Position context, Arithmetic arithmetic) {
    try {
        return std::unique_ptr<Sequence>(new Sequence(std::move(model), device, context, arithmetic));
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "no memory for a context of " + std::to_string(context) + " tokens", "Choose a smaller context or token limit");
    }
}

Sequence::Sequence(std::shared_ptr<const Model> model, CpuDevice& device, Position context, Arithmetic arithmetic)
    : model_(std::move(model)), device_(device), arithmetic_(arithmetic),
      cache_(model_->config().n_layers, model_->config().dKv(), context) {
    const ModelConfig& c = model_->config();
    const auto rows = [](int width) { return static_cast<std::size_t>(kMaxRows) * static_cast<std::size_t>(width); };
    x_.resize(rows(c.d_model));
    normed_.resize(rows(c.d_model));
    branch_.resize(rows(c.d_model));
    q_.resize(rows(c.dQ()));
    attended_.resize(rows(c.dQ()));
    gate_.resize(rows(c.d_ff));
    up_.resize(rows(c.d_ff));
    cos_.resize(rows(c.rope_dim / 2));
    sin_.resize(rows(c.rope_dim / 2));
}

Result<void> Sequence::append(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits, const std::stop_token& stop) {
    const auto total = static_cast<std::int64_t>(tokens.size());
    const int vocab = model_->config().vocab_size;
    QUIBBLE_CHECK(n_logit_rows <= total, "logits asked for more rows than tokens");
    for (const TokenId id : tokens) {
        if (id < 0 || id >= vocab) {
            return fail(ErrorCode::InvalidArgument, "token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(vocab));
        }
    }
    if (total > capacity() - size()) {
        return fail(ErrorCode::InvalidArgument,
                    std::to_string(size() + total) + " tokens do not fit the context of " + std::to_string(capacity()),
                    "Shorten the prompt or choose a larger context");
    }
    for (std::int64_t done = 0; done < total; done += kMaxRows) {
        const std::int64_t n_rows = std::min(kMaxRows, total - done);
        const std::int64_t first_logit = std::max(total - n_logit_rows, done);  // index into tokens
        const std::int64_t rows_here = std::max<std::int64_t>(0, done + n_rows - first_logit);
        float* target = rows_here == 0 ? nullptr : logits + (first_logit - (total - n_logit_rows)) * vocab;
        auto passed = pass(tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(n_rows)), rows_here, target, stop);
        if (!passed) return passed;
    }
    return {};
}

void Sequence::fillRope(std::int64_t n_rows) {
    const std::vector<double>& frequencies = model_->ropeFrequencies();
    for (std::int64_t row = 0; row < n_rows; ++row) {
        const auto position = static_cast<double>(size() + row);
        float* cos = cos_.data() + row * static_cast<std::int64_t>(frequencies.size());
        float* sin = sin_.data() + row * static_cast<std::int64_t>(frequencies.size());
        for (std::size_t pair = 0; pair < frequencies.size(); ++pair) {
            cos[pair] = static_cast<float>(std::cos(position * frequencies[pair]));
            sin[pair] = static_cast<float>(std::sin(position * frequencies[pair]));
        }
    }
}

void Sequence::attentionBlock(int layer, std::int64_t n_rows) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    float* k = cache_.keys(layer) + size() * cache_.width();
    float* v = cache_.values(layer) + size() * cache_.width();
    device_.rmsNorm(x_.data(), w.attn_norm, n_rows, c.d_model, c.norm_eps, normed_.data());
    device_.linear(normed_.data(), n_rows, arithmetic_, {{&w.q, q_.data()}, {&w.k, k}, {&w.v, v}});
    if (w.q_norm != nullptr) device_.rmsNorm(q_.data(), w.q_norm, n_rows * c.n_heads, c.head_dim, c.norm_eps, q_.data());
    if (w.k_norm != nullptr) device_.rmsNorm(k, w.k_norm, n_rows * c.n_kv_heads, c.head_dim, c.norm_eps, k);
    device_.rope({q_.data(), n_rows, c.n_heads, c.head_dim, c.rope_dim, cos_.data(), sin_.data(), c.rope_adjacent_pairs});
    device_.rope({k, n_rows, c.n_kv_heads, c.head_dim, c.rope_dim, cos_.data(), sin_.data(), c.rope_adjacent_pairs});
    device_.attention({q_.data(), cache_.keys(layer), cache_.values(layer), attended_.data(), n_rows, c.n_heads, c.n_kv_heads, c.head_dim, size() + 1});
    device_.linear(attended_.data(), n_rows, arithmetic_, {{&w.o, branch_.data()}});
    device_.add(x_.data(), branch_.data(), n_rows * c.d_model, x_.data());
}

void Sequence::feedForwardBlock(int layer, std::int64_t n_rows) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    device_.rmsNorm(x_.data(), w.ffn_norm, n_rows, c.d_model, c.norm_eps, normed_.data());
    device_.linear(normed_.data(), n_rows, arithmetic_, {{&w.gate, gate_.data()}, {&w.up, up_.data()}});
    device_.swiGlu(gate_.data(), up_.data(), n_rows * c.d_ff, gate_.data());
    device_.linear(gate_.data(), n_rows, arithmetic_, {{&w.down, branch_.data()}});
    device_.add(x_.data(), branch_.data(), n_rows * c.d_model, x_.data());
}

Result<void> Sequence::pass(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits, const std::stop_token& stop) {
    const ModelConfig& c = model_->config();
    const auto n_rows = static_cast<std::int64_t>(tokens.size());
    device_.embed(model_->embedding(), tokens, x_.data());
    fillRope(n_rows);
    for (int layer = 0; layer < c.n_layers; ++layer) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
        attentionBlock(layer, n_rows);
        feedForwardBlock(layer, n_rows);
    }
    if (n_logit_rows > 0) {
        const float* rows = x_.data() + (n_rows - n_logit_rows) * c.d_model;
        device_.rmsNorm(rows, model_->outputNorm(), n_logit_rows, c.d_model, c.norm_eps, normed_.data());
        device_.linear(normed_.data(), n_logit_rows, arithmetic_, {{&model_->output(), logits}});
    }
    cache_.commit(static_cast<Position>(size() + n_rows));
    return {};
}

}  // namespace quibble
