// Keys and values of one sequence, [layer][position][n_kv_heads * head_dim], in one of the types of kv_layout.h. Memory
// is reserved for the whole context at once but occupied only as positions are written. Taking positions back is free:
// `truncate`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/cache/kv_layout.h"
#include "engine/cache/kv_pages.h"
#include "engine/values/check.h"
#include "engine/values/ids.h"

namespace quibble {

class KvCache {
public:
    /// The first `shared_positions` are those of another cache of this layout, `shared`. Errors: OutOfMemory.
    [[nodiscard]] static Result<KvCache> create(const KvLayout& layout, Position capacity, const KvExtents& shared = {},
                                                Position shared_positions = 0) {
        const auto rows = [&](Position positions) { return static_cast<std::size_t>(positions) * layout.row_bytes; };
        auto pages = KvPages::create(layout.planes, rows(capacity), shared, rows(shared_positions));
        if (!pages) return tl::unexpected(pages.error());
        return KvCache(layout, std::move(*pages), capacity, shared_positions);
    }

    [[nodiscard]] const KvLayout& layout() const { return layout_; }
    [[nodiscard]] Position capacity() const { return capacity_; }
    [[nodiscard]] Position size() const { return size_; }
    /// Bytes that lie in pages of the lender.
    [[nodiscard]] std::size_t sharedBytes() const {
        return static_cast<std::size_t>(layout_.planes) * pages_.sharedBytes();
    }
    [[nodiscard]] std::size_t reservedBytes() const { return layout_.bytesFor(capacity_); }

    /// Where keys and values of a position lie; the positions behind it follow.
    [[nodiscard]] std::byte* keys(int layer, Position at = 0) { return row(2 * layer, at); }
    [[nodiscard]] std::byte* values(int layer, Position at = 0) { return row(2 * layer + 1, at); }

    /// Positions up to `size` are valid from now on. Call after all layers have written them.
    void commit(Position size) {
        QUIBBLE_CHECK(size <= capacity_, "more positions than the cache holds");
        size_ = size;
    }
    /// Copies the keys and values of one slot to another, in all layers.
    void move(Position from, Position to) {
        QUIBBLE_CHECK(from < capacity_ && to < capacity_, "a slot outside the cache");
        if (from == to) return;
        for (int plane = 0; plane < layout_.planes; ++plane)
            std::copy_n(row(plane, from), layout_.row_bytes, row(plane, to));
    }
    void truncate(Position size) {
        QUIBBLE_CHECK(size <= size_, "a cache cannot be truncated to more than it holds");
        size_ = size;
        unwritten_ = std::min(unwritten_, size);
    }

    /// What another cache can begin with: the first positions(), held by extents().
    [[nodiscard]] Position lendable() const { return unwritten_ < shared_ ? unwritten_ : size_; }
    [[nodiscard]] KvExtents extents() const {
        return pages_.extents(static_cast<std::size_t>(lendable()) * layout_.row_bytes);
    }

private:
    KvCache(const KvLayout& layout, KvPages pages, Position capacity, Position shared)
        : layout_(layout),
          pages_(std::move(pages)),
          capacity_(capacity),
          size_(shared),
          shared_(shared),
          unwritten_(shared) {}
    [[nodiscard]] std::byte* row(int plane, Position at) {
        return pages_.plane(plane) + static_cast<std::size_t>(at) * layout_.row_bytes;
    }

    KvLayout layout_;
    KvPages pages_;
    Position capacity_;
    Position size_;
    Position shared_;  // positions that came with the cache ...
    Position
        unwritten_;  // ... and those of them that have not been taken back: their pages are still those of the lender
};

}  // namespace quibble
