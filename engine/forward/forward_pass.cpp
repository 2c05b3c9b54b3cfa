#include "engine/forward/forward_pass.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/forward/sequence.h"
#include "engine/model/model_tuning.h"

namespace quibble {

namespace {

tl::unexpected<Error> stopped() { return fail(ErrorCode::Cancelled, "stopped"); }

}  // namespace

ForwardPass::ForwardPass(std::shared_ptr<const Model> model, CpuDevice& device)
    : model_(std::move(model)), device_(device), products_(Arithmetic::Native) {
    if (model_->config().hasExperts()) experts_.emplace(model_->config());
    reserveRows(kMaxRows);
}

// Only a long prompt and a batch need the scratch memory of a long pass.
void ForwardPass::reserveRows(std::int64_t n_rows) {
    if (n_rows <= scratch_rows_) return;
    scratch_rows_ = n_rows <= kMaxRows ? kMaxRows : kMaxPassRows;
    const ModelConfig& c = model_->config();
    const auto rows = [this](int width) {
        return static_cast<std::size_t>(scratch_rows_) * static_cast<std::size_t>(width);
    };
    x_.resize(rows(c.d_model));
    normed_.resize(rows(c.d_model));
    branch_.resize(rows(c.d_model));
    q_.resize(rows(c.dQ()));
    k_.resize(rows(c.dKv()));
    v_.resize(rows(c.dKv()));
    attended_.resize(rows(c.dQ()));
    cos_.resize(rows(c.rope.dim / 2));
    sin_.resize(rows(c.rope.dim / 2));
    if (experts_) {
        experts_->reserveRows(scratch_rows_);
    } else {
        gate_.resize(rows(c.d_ff));
        up_.resize(rows(c.d_ff));
    }
}

bool ForwardPass::together(const PassRows& a, const PassRows& b) {
    return &a.sequence->forward() == &b.sequence->forward() &&
           a.sequence->settings().arithmetic == b.sequence->settings().arithmetic &&
           a.sequence->roundsNext() == b.sequence->roundsNext();
}

Result<void> ForwardPass::run(std::span<const PassRows> parts, const std::stop_token& stop) {
    if (parts.empty()) return {};
    if (auto opened = open(parts); !opened) return opened;
    auto computed = compute(parts, stop);
    for (const PassRows& part : parts) part.sequence->closePass(part, computed.has_value());
    return computed;
}

Result<void> ForwardPass::open(std::span<const PassRows> parts) {
    parts_.clear();
    positions_.clear();
    expert_rows_.clear();
    n_rows_ = 0;
    tapped_ = false;
    for (const PassRows& rows : parts) {
        QUIBBLE_CHECK(&rows.sequence->forward() == this && together(parts.front(), rows),
                      "the sequences of a pass are of one model and multiply in one way");
        if (auto checked = rows.sequence->checkPass(rows); !checked) return checked;
    }
    for (const PassRows& rows : parts) {
        Sequence& sequence = *rows.sequence;
        Part part;
        part.sequence = &sequence;
        part.first_row = n_rows_;
        part.n_rows = static_cast<std::int64_t>(rows.tokens.size());
        part.first_slot = sequence.nextSlot();
        part.paths = sequence.openPass(rows, positions_);
        n_rows_ += part.n_rows;
        tapped_ = tapped_ || sequence.taps().any();
        if (sequence.experts() != nullptr) expert_rows_.push_back({sequence.experts(), part.first_row, part.n_rows});
        parts_.push_back(part);
    }
    QUIBBLE_CHECK(n_rows_ <= kMaxPassRows, "a pass takes at most kMaxPassRows rows");
    return {};
}

void ForwardPass::fillRope() {
    const RopeTable& rope = model_->rope();
    for (std::size_t row = 0; row < positions_.size(); ++row)
        rope.fill(positions_[row], cos_.data() + row * rope.pairs(), sin_.data() + row * rope.pairs());
}

void ForwardPass::tell(TapPoint point, int layer, const float* rows, std::int64_t width) const {
    if (!tapped_) return;
    for (const Part& part : parts_) {
        const Taps::Tap& tap = part.sequence->taps().at(point);
        if (!tap) continue;
        const auto first = static_cast<std::size_t>(part.first_row), count = static_cast<std::size_t>(part.n_rows);
        tap({point, layer, std::span(positions_).subspan(first, count),
             std::span(rows + part.first_row * width, count * static_cast<std::size_t>(width)), width});
    }
}

void ForwardPass::attentionBlock(int layer) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    tell(TapPoint::LayerInput, layer, x_.data(), c.d_model);
    device_.rmsNorm(x_.data(), w.attn_norm, n_rows_, c.d_model, c.norm_eps, normed_.data());
    tell(TapPoint::AttentionInput, layer, normed_.data(), c.d_model);
    device_.linear(normed_.data(), n_rows_, products_, {{&w.q, q_.data()}, {&w.k, k_.data()}, {&w.v, v_.data()}});
    if (device_.interrupted()) return;
    if (c.qk_norm == QkNorm::PerHead) {
        device_.rmsNorm(q_.data(), w.q_norm, n_rows_ * c.n_heads, c.head_dim, c.norm_eps, q_.data());
        device_.rmsNorm(k_.data(), w.k_norm, n_rows_ * c.n_kv_heads, c.head_dim, c.norm_eps, k_.data());
    } else if (c.qk_norm == QkNorm::FullWidth) {
        device_.rmsNorm(q_.data(), w.q_norm, n_rows_, c.dQ(), c.norm_eps, q_.data());
        device_.rmsNorm(k_.data(), w.k_norm, n_rows_, c.dKv(), c.norm_eps, k_.data());
    }
    device_.rope(
        {q_.data(), n_rows_, c.n_heads, c.head_dim, c.rope.dim, cos_.data(), sin_.data(), c.rope.adjacent_pairs});
    device_.rope(
        {k_.data(), n_rows_, c.n_kv_heads, c.head_dim, c.rope.dim, cos_.data(), sin_.data(), c.rope.adjacent_pairs});
    tell(TapPoint::Queries, layer, q_.data(), c.dQ());
    tell(TapPoint::Keys, layer, k_.data(), c.dKv());
    attend(layer);
    if (device_.interrupted()) return;
    tell(TapPoint::AttentionOutput, layer, attended_.data(), c.dQ());
    device_.linear(attended_.data(), n_rows_, products_, {{&w.o, branch_.data()}});
    device_.add(x_.data(), branch_.data(), n_rows_ * c.d_model, x_.data());
}

// Each sequence stores its rows in its own cache and reads that alone.
void ForwardPass::attend(int layer) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    kv_rows_.clear();
    attention_.clear();
    for (const Part& part : parts_) {
        KvCache& cache = part.sequence->cache();
        const KvLayout& stored = cache.layout();
        const std::int64_t at = part.first_row;
        kv_rows_.push_back({stored.type, k_.data() + at * c.dKv(), part.n_rows, stored.width, stored.row_bytes,
                            cache.keys(layer, part.first_slot)});
        kv_rows_.push_back({stored.type, v_.data() + at * c.dKv(), part.n_rows, stored.width, stored.row_bytes,
                            cache.values(layer, part.first_slot)});
        attention_.push_back({q_.data() + at * c.dQ(), cache.keys(layer), cache.values(layer), stored.type,
                              static_cast<std::int64_t>(stored.head_bytes), attended_.data() + at * c.dQ(), part.n_rows,
                              c.n_heads, c.n_kv_heads, c.head_dim, part.sequence->size() + 1, c.windowOf(layer),
                              w.sinks, part.paths, products_.tuning.f32_blocks});
    }
    device_.storeKv(kv_rows_);
    device_.attention(attention_);
}

void ForwardPass::feedForwardBlock(int layer) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    device_.rmsNorm(x_.data(), w.ffn_norm, n_rows_, c.d_model, c.norm_eps, normed_.data());
    tell(TapPoint::FeedForwardInput, layer, normed_.data(), c.d_model);
    if (experts_) {
        experts_->run(device_, w, layer, positions_, expert_rows_, products_, normed_.data(), branch_.data());
    } else {
        device_.linear(normed_.data(), n_rows_, products_, {{&w.gate, gate_.data()}, {&w.up, up_.data()}});
        device_.gate(gate_.data(), up_.data(), n_rows_ * c.d_ff, c.clamped_swiglu, gate_.data());
        tell(TapPoint::FeedForwardInner, layer, gate_.data(), c.d_ff);
        device_.linear(gate_.data(), n_rows_, products_, {{&w.down, branch_.data()}});
    }
    device_.add(x_.data(), branch_.data(), n_rows_ * c.d_model, x_.data());
}

// Returns false once a stop is asked for.
bool ForwardPass::logits(std::span<const PassRows> parts) {
    const ModelConfig& c = model_->config();
    std::int64_t wanted = 0;
    std::size_t askers = 0;
    float* target = nullptr;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::int64_t n = parts[i].n_logit_rows;
        if (n == 0) continue;
        const float* rows = x_.data() + (parts_[i].first_row + parts_[i].n_rows - n) * c.d_model;
        device_.rmsNorm(rows, model_->outputNorm(), n, c.d_model, c.norm_eps, normed_.data() + wanted * c.d_model);
        wanted += n;
        ++askers;
        target = parts[i].logits;
    }
    if (wanted == 0) return true;
    const auto vocab = static_cast<std::size_t>(c.vocab_size);
    if (askers > 1) {
        const std::size_t needed = static_cast<std::size_t>(wanted) * vocab;
        if (joint_logits_.size() < needed) joint_logits_.resize(needed);
        target = joint_logits_.data();
    }
    products_.bf16_inputs = false;
    device_.linear(normed_.data(), wanted, products_, {{&model_->output(), target}});
    if (device_.interrupted()) return false;
    if (askers == 1) return true;
    const float* from = target;
    for (const PassRows& part : parts) {
        const std::size_t n = static_cast<std::size_t>(part.n_logit_rows) * vocab;
        std::copy_n(from, n, part.logits);
        from += n;
    }
    return true;
}

Result<void> ForwardPass::compute(std::span<const PassRows> parts, const std::stop_token& stop) {
    const ModelConfig& c = model_->config();
    reserveRows(n_rows_);
    const Sequence& first = *parts.front().sequence;
    products_ = Products(first.settings().arithmetic, model_->tuning().current());
    products_.bf16_inputs = first.roundsNext();
    float* embedded = x_.data();
    for (const PassRows& part : parts) {
        device_.embed(model_->embedding(), part.tokens, embedded);
        embedded += static_cast<std::int64_t>(part.tokens.size()) * c.d_model;
    }
    fillRope();
    if (experts_) ExpertLayers::beginPass(expert_rows_);
    const CpuDevice::Interruptible scope(device_, stop);
    for (int layer = 0; layer < c.n_layers; ++layer) {
        if (device_.interrupted()) return stopped();
        attentionBlock(layer);
        if (device_.interrupted()) return stopped();
        feedForwardBlock(layer);
    }
    if (device_.interrupted()) return stopped();
    tell(TapPoint::FinalHidden, c.n_layers, x_.data(), c.d_model);
    if (!logits(parts)) return stopped();
    return {};
}

std::shared_ptr<ForwardPass> ForwardPasses::of(const std::shared_ptr<const Model>& model) {
    std::erase_if(passes_, [](const std::weak_ptr<ForwardPass>& pass) { return pass.expired(); });
    for (const std::weak_ptr<ForwardPass>& pass : passes_) {
        if (auto found = pass.lock(); found->model() == model) return found;
    }
    auto made = std::make_shared<ForwardPass>(model, device_);
    passes_.push_back(made);
    return made;
}

}  // namespace quibble
