#include "engine/forward/sequence.h"

#include <algorithm>
#include <new>
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
    return create(std::make_shared<ForwardPass>(std::move(model), device), context, settings, reuse);
}

Result<std::unique_ptr<Sequence>> Sequence::create(std::shared_ptr<ForwardPass> forward, Position context,
                                                   SequenceSettings settings, const PrefixReuse& reuse) {
    const std::shared_ptr<const Model>& model = forward->model();
    CpuDevice& device = forward->device();
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
    std::unique_ptr<Sequence> sequence(new Sequence(std::move(forward), std::move(*cache), settings));
    sequence->prefixes_ = reuse.prefixes;
    sequence->reused_ = found.positions;
    sequence->tokens_.assign(reuse.text.begin(), reuse.text.begin() + found.positions);
    sequence->known_experts_ = std::move(found.experts);
    return sequence;
}

Sequence::~Sequence() {
    if (prefixes_ == nullptr) return;
    try {
        PrefixCache::Entry entry{prefixKey(model(), settings_), std::move(tokens_), settings_.throughput_end,
                                 cache_.extents(), std::move(known_experts_)};
        entry.tokens.resize(static_cast<std::size_t>(cache_.lendable()));
        if (entry.experts.size() > entry.tokens.size()) entry.experts.resize(entry.tokens.size());
        { const KvCache closed = std::move(cache_); }  // from here on the entry alone holds the pages
        prefixes_->keep(std::move(entry));
    } catch (const std::bad_alloc&) {
        // Without memory to keep what was computed, a later run computes it again.
    }
}

Sequence::Sequence(std::shared_ptr<ForwardPass> forward, KvCache cache, const SequenceSettings& settings)
    : forward_(std::move(forward)), settings_(settings), cache_(std::move(cache)) {
    if (model().config().hasExperts()) experts_.emplace(model().config());
}

Result<void> Sequence::append(std::span<const TokenId> tokens, std::int64_t n_logit_rows, float* logits,
                              const std::stop_token& stop) {
    const auto total = static_cast<std::int64_t>(tokens.size());
    const int vocab = model().config().vocab_size;
    QUIBBLE_CHECK(n_logit_rows <= total, "logits asked for more rows than tokens");
    // All are looked at before the first is computed.
    if (auto checked = checkPass({this, tokens, {}, 0, nullptr}); !checked) return checked;
    for (std::int64_t done = 0, n_rows = 0; done < total; done += n_rows) {
        n_rows = firstPassRows(total - done);
        const std::int64_t first_logit = std::max(total - n_logit_rows, done);  // index into tokens
        const std::int64_t rows_here = std::max<std::int64_t>(0, done + n_rows - first_logit);
        float* target = rows_here == 0 ? nullptr : logits + (first_logit - (total - n_logit_rows)) * vocab;
        const PassRows rows{this,
                            tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(n_rows)),
                            {},
                            rows_here,
                            target};
        if (auto passed = forward_->run({&rows, 1}, stop); !passed) return passed;
    }
    return {};
}

Result<void> Sequence::appendTree(std::span<const TokenId> tokens, std::span<const std::int32_t> parents, float* logits,
                                  const std::stop_token& stop) {
    if (tokens.empty()) return {};
    const PassRows rows{this, tokens, parents, static_cast<std::int64_t>(tokens.size()), logits};
    return forward_->run({&rows, 1}, stop);
}

Result<void> Sequence::checkPass(const PassRows& rows) const {
    if (rows.parents.empty()) {
        QUIBBLE_CHECK(tree_paths_.empty(), "an open tree must be kept or truncated first");
    } else {
        QUIBBLE_CHECK(!roundsNext(), "a tree stands behind the prompt");
        QUIBBLE_CHECK(rows.tokens.size() == rows.parents.size() && rows.tokens.size() <= kMaxRows,
                      "a tree pass has a parent for each of at most kMaxRows rows");
    }
    const int vocab = model().config().vocab_size;
    for (const TokenId id : rows.tokens) {
        if (id < 0 || id >= vocab) {
            return fail(ErrorCode::InvalidArgument,
                        "token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(vocab));
        }
    }
    const auto total = static_cast<std::int64_t>(rows.tokens.size());
    if (total <= capacity() - nextSlot()) return {};
    return fail(ErrorCode::InvalidArgument,
                std::to_string(nextSlot() + total) + " tokens do not fit the context of " + std::to_string(capacity()),
                "Shorten the prompt or choose a larger context");
}

std::span<const std::vector<std::int32_t>> Sequence::openPass(const PassRows& rows, std::vector<Position>& positions) {
    const std::size_t before = tree_paths_.size();
    const Position first_slot = nextSlot();
    if (rows.parents.empty()) {
        for (Position i = 0; i < static_cast<Position>(rows.tokens.size()); ++i) positions.push_back(size() + i);
        return {};
    }
    for (std::size_t i = 0; i < rows.tokens.size(); ++i) {
        const std::int32_t parent = rows.parents[i];
        QUIBBLE_CHECK(parent >= -1 && parent < static_cast<std::int32_t>(before + i),
                      "a parent comes before its children");
        std::vector<std::int32_t> path;
        if (parent >= 0) path = tree_paths_[static_cast<std::size_t>(parent)];
        positions.push_back(static_cast<Position>(size() + static_cast<Position>(path.size())));
        path.push_back(first_slot + static_cast<Position>(i));
        tree_paths_.push_back(std::move(path));
        tree_tokens_.push_back(rows.tokens[i]);
    }
    return std::span(tree_paths_).subspan(before);
}

void Sequence::closePass(const PassRows& rows, bool done) {
    const std::size_t n = rows.tokens.size();
    if (!rows.parents.empty()) {
        if (done) return;
        tree_paths_.resize(tree_paths_.size() - n);
        tree_tokens_.resize(tree_tokens_.size() - n);
    } else if (done) {
        cache_.commit(static_cast<Position>(size() + static_cast<Position>(n)));
        tokens_.insert(tokens_.end(), rows.tokens.begin(), rows.tokens.end());
    }
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

}  // namespace quibble
