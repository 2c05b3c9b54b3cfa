#include "engine/forward/sequence.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <string>

#include "engine/model/model_tuning.h"

namespace quibble {

std::string Sequence::prefixKey(const Model& model, const SequenceSettings& settings) {
    return model.hash() + '|' + model.weightQuant().text() +
           (settings.arithmetic == Arithmetic::F32 ? "|f32|" : "|native|") + kvTypeText(settings.kv_type);
}

Result<std::unique_ptr<Sequence>> Sequence::create(std::shared_ptr<const Model> model, CpuDevice& device,
                                                   Position context, SequenceSettings settings,
                                                   const PrefixReuse& reuse) {
    if (!device.whyNoBf16Inputs().empty() || !model->hasBf16Layers()) settings.throughput_end = 0;
    model->tuning().settle(*model, device);
    auto layout = kvLayout(model->config(), settings.kv_type);
    if (!layout) return tl::unexpected(layout.error());
    PrefixCache::Found found;
    if (reuse.prefixes != nullptr && !reuse.text.empty()) {
        // The last token is computed anew, since its logits are wanted.
        const std::size_t most = std::min(reuse.text.size() - 1, static_cast<std::size_t>(context));
        found = reuse.prefixes->find(prefixKey(*model, settings), reuse.text.first(most), settings.throughput_end,
                                     reuse.with_experts);
    }
    auto cache = KvCache::create(*layout, context, found.extents, found.positions);
    if (!cache) return tl::unexpected(cache.error());
    std::unique_ptr<Sequence> sequence(new Sequence(std::move(model), device, std::move(*cache), settings));
    sequence->prefixes_ = reuse.prefixes;
    sequence->reused_ = found.positions;
    sequence->tokens_.assign(reuse.text.begin(), reuse.text.begin() + found.positions);
    sequence->known_experts_ = std::move(found.experts);
    return sequence;
}

Sequence::~Sequence() {
    if (prefixes_ == nullptr) return;
    try {
        PrefixCache::Entry entry{prefixKey(*model_, settings_), std::move(tokens_), settings_.throughput_end,
                                 cache_.extents(), std::move(known_experts_)};
        entry.tokens.resize(static_cast<std::size_t>(cache_.lendable()));
        if (entry.experts.size() > entry.tokens.size()) entry.experts.resize(entry.tokens.size());
        { const KvCache closed = std::move(cache_); }  // from here on the entry alone holds the pages
        prefixes_->keep(std::move(entry));
    } catch (const std::bad_alloc&) {
        // Without memory to keep what was computed, a later run computes it again.
    }
}

Sequence::Sequence(std::shared_ptr<const Model> model, CpuDevice& device, KvCache cache,
                   const SequenceSettings& settings)
    : model_(std::move(model)),
      device_(device),
      settings_(settings),
      cache_(std::move(cache)),
      products_(settings.arithmetic, model_->tuning().current()) {
    if (model_->config().hasExperts()) experts_.emplace(model_->config());
    reserveRows(kMaxRows);
}

// Only a long prompt needs the scratch memory of a long pass.
void Sequence::reserveRows(std::int64_t n_rows) {
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

Result<void> Sequence::append(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits,
                              const std::stop_token& stop) {
    const auto total = static_cast<std::int64_t>(tokens.size());
    const int vocab = model_->config().vocab_size;
    QUIBBLE_CHECK(n_logit_rows <= total, "logits asked for more rows than tokens");
    QUIBBLE_CHECK(tree_paths_.empty(), "an open tree must be kept or truncated first");
    if (auto checked = checkTokens(tokens, capacity() - size()); !checked) return checked;
    for (std::int64_t done = 0, n_rows = 0; done < total; done += n_rows) {
        n_rows = firstPassRows(total - done);
        const std::int64_t first_logit = std::max(total - n_logit_rows, done);  // index into tokens
        const std::int64_t rows_here = std::max<std::int64_t>(0, done + n_rows - first_logit);
        float* target = rows_here == 0 ? nullptr : logits + (first_logit - (total - n_logit_rows)) * vocab;
        positions_.resize(static_cast<std::size_t>(n_rows));
        std::iota(positions_.begin(), positions_.end(), size());
        auto passed = pass(tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(n_rows)), size(), {},
                           rows_here, target, stop);
        if (!passed) return passed;
        cache_.commit(static_cast<Position>(size() + n_rows));
        tokens_.insert(tokens_.end(), tokens.begin() + done, tokens.begin() + done + n_rows);
    }
    return {};
}

Result<void> Sequence::checkTokens(std::span<const TokenId> tokens, std::int64_t room) const {
    const int vocab = model_->config().vocab_size;
    for (const TokenId id : tokens) {
        if (id < 0 || id >= vocab) {
            return fail(ErrorCode::InvalidArgument,
                        "token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(vocab));
        }
    }
    const auto total = static_cast<std::int64_t>(tokens.size());
    if (total <= room) return {};
    return fail(
        ErrorCode::InvalidArgument,
        std::to_string(capacity() - room + total) + " tokens do not fit the context of " + std::to_string(capacity()),
        "Shorten the prompt or choose a larger context");
}

Result<void> Sequence::appendTree(std::span<const TokenId> tokens, std::span<const std::int32_t> parents, float* logits,
                                  const std::stop_token& stop) {
    QUIBBLE_CHECK(size() >= settings_.throughput_end, "a tree stands behind the prompt");
    QUIBBLE_CHECK(tokens.size() == parents.size() && tokens.size() <= static_cast<std::size_t>(kMaxRows),
                  "a tree pass has a parent for each of at most kMaxRows rows");
    const std::size_t before = tree_paths_.size();
    const auto first_slot = static_cast<Position>(size() + static_cast<Position>(before));
    if (auto checked = checkTokens(tokens, capacity() - first_slot); !checked) return checked;
    positions_.resize(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int32_t parent = parents[i];
        QUIBBLE_CHECK(parent >= -1 && parent < static_cast<std::int32_t>(before + i),
                      "a parent comes before its children");
        std::vector<std::int32_t> path;
        if (parent >= 0) path = tree_paths_[static_cast<std::size_t>(parent)];
        positions_[i] = static_cast<Position>(size() + static_cast<Position>(path.size()));
        path.push_back(first_slot + static_cast<Position>(i));
        tree_paths_.push_back(std::move(path));
        tree_tokens_.push_back(tokens[i]);
    }
    auto passed = pass(tokens, first_slot, std::span(tree_paths_).subspan(before),
                       static_cast<std::int64_t>(tokens.size()), logits, stop);
    if (!passed) {
        tree_paths_.resize(before);
        tree_tokens_.resize(before);
    }
    return passed;
}

void Sequence::keepRows(std::span<const std::int32_t> path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        QUIBBLE_CHECK(path[i] >= 0 && static_cast<std::size_t>(path[i]) < tree_paths_.size() &&
                          tree_paths_[static_cast<std::size_t>(path[i])].size() == i + 1,
                      "the rows to keep are a path from the text on");
        cache_.move(size() + path[i], size() + static_cast<Position>(i));
        tokens_.push_back(tree_tokens_[static_cast<std::size_t>(path[i])]);
    }
    tree_paths_.clear();
    tree_tokens_.clear();
    cache_.commit(static_cast<Position>(size() + static_cast<Position>(path.size())));
}

void Sequence::fillRope() {
    const RopeTable& rope = model_->rope();
    for (std::size_t row = 0; row < positions_.size(); ++row) {
        rope.fill(positions_[row], cos_.data() + row * rope.pairs(), sin_.data() + row * rope.pairs());
    }
}

void Sequence::attentionBlock(int layer, std::int64_t n_rows, Position first_slot,
                              std::span<const std::vector<std::int32_t>> paths) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    const KvLayout& stored = cache_.layout();
    device_.rmsNorm(x_.data(), w.attn_norm, n_rows, c.d_model, c.norm_eps, normed_.data());
    device_.linear(normed_.data(), n_rows, products_, {{&w.q, q_.data()}, {&w.k, k_.data()}, {&w.v, v_.data()}});
    if (device_.interrupted()) return;
    if (c.qk_norm == QkNorm::PerHead) {
        device_.rmsNorm(q_.data(), w.q_norm, n_rows * c.n_heads, c.head_dim, c.norm_eps, q_.data());
        device_.rmsNorm(k_.data(), w.k_norm, n_rows * c.n_kv_heads, c.head_dim, c.norm_eps, k_.data());
    } else if (c.qk_norm == QkNorm::FullWidth) {
        device_.rmsNorm(q_.data(), w.q_norm, n_rows, c.dQ(), c.norm_eps, q_.data());
        device_.rmsNorm(k_.data(), w.k_norm, n_rows, c.dKv(), c.norm_eps, k_.data());
    }
    device_.rope(
        {q_.data(), n_rows, c.n_heads, c.head_dim, c.rope.dim, cos_.data(), sin_.data(), c.rope.adjacent_pairs});
    device_.rope(
        {k_.data(), n_rows, c.n_kv_heads, c.head_dim, c.rope.dim, cos_.data(), sin_.data(), c.rope.adjacent_pairs});
    device_.storeKv(stored.type, k_.data(), n_rows, stored.width, stored.row_bytes, cache_.keys(layer, first_slot));
    device_.storeKv(stored.type, v_.data(), n_rows, stored.width, stored.row_bytes, cache_.values(layer, first_slot));
    device_.attention({q_.data(), cache_.keys(layer), cache_.values(layer), stored.type,
                       static_cast<std::int64_t>(stored.head_bytes), attended_.data(), n_rows, c.n_heads, c.n_kv_heads,
                       c.head_dim, size() + 1, c.windowOf(layer), w.sinks, paths, products_.tuning.f32_blocks});
    if (device_.interrupted()) return;
    device_.linear(attended_.data(), n_rows, products_, {{&w.o, branch_.data()}});
    device_.add(x_.data(), branch_.data(), n_rows * c.d_model, x_.data());
}

void Sequence::feedForwardBlock(int layer, std::int64_t n_rows) {
    const ModelConfig& c = model_->config();
    const LayerWeights& w = model_->layers()[static_cast<std::size_t>(layer)];
    device_.rmsNorm(x_.data(), w.ffn_norm, n_rows, c.d_model, c.norm_eps, normed_.data());
    if (experts_) {
        experts_->run(device_, w, layer, positions_, products_, normed_.data(), branch_.data());
    } else {
        device_.linear(normed_.data(), n_rows, products_, {{&w.gate, gate_.data()}, {&w.up, up_.data()}});
        device_.gate(gate_.data(), up_.data(), n_rows * c.d_ff, c.clamped_swiglu, gate_.data());
        device_.linear(gate_.data(), n_rows, products_, {{&w.down, branch_.data()}});
    }
    device_.add(x_.data(), branch_.data(), n_rows * c.d_model, x_.data());
}

Result<void> Sequence::pass(std::span<const TokenId> tokens, Position first_slot,
                            std::span<const std::vector<std::int32_t>> paths, std::int64_t n_logit_rows, float* logits,
                            const std::stop_token& stop) {
    const ModelConfig& c = model_->config();
    const auto n_rows = static_cast<std::int64_t>(tokens.size());
    reserveRows(n_rows);
    products_.bf16_inputs = first_slot < settings_.throughput_end;
    device_.embed(model_->embedding(), tokens, x_.data());
    fillRope();
    if (experts_) experts_->beginPass();
    const CpuDevice::Interruptible scope(device_, stop);
    const auto stopped = [] { return fail(ErrorCode::Cancelled, "stopped"); };
    for (int layer = 0; layer < c.n_layers; ++layer) {
        if (device_.interrupted()) return stopped();
        attentionBlock(layer, n_rows, first_slot, paths);
        if (device_.interrupted()) return stopped();
        feedForwardBlock(layer, n_rows);
    }
    if (device_.interrupted()) return stopped();
    if (n_logit_rows > 0) {
        const float* rows = x_.data() + (n_rows - n_logit_rows) * c.d_model;
        device_.rmsNorm(rows, model_->outputNorm(), n_logit_rows, c.d_model, c.norm_eps, normed_.data());
        products_.bf16_inputs = false;
        device_.linear(normed_.data(), n_logit_rows, products_, {{&model_->output(), logits}});
        if (device_.interrupted()) return stopped();
    }
    return {};
}

}  // namespace quibble
