// Keys and values of one sequence, float32, [layer][position][n_kv_heads * head_dim]. Memory is reserved for the whole context at
// once but occupied only as positions are written. Taking positions back is free: `truncate`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/values/check.h"
#include "engine/values/ids.h"

namespace quibble {

class KvCache {
public:
    KvCache(int n_layers, int kv_width, Position capacity) : width_(kv_width), capacity_(capacity) {
        const auto floats = static_cast<std::size_t>(capacity) * static_cast<std::size_t>(kv_width);
        for (int i = 0; i < 2 * n_layers; ++i) planes_.push_back(std::make_unique_for_overwrite<float[]>(floats));
    }

    [[nodiscard]] Position capacity() const { return capacity_; }
    [[nodiscard]] Position size() const { return size_; }
    [[nodiscard]] std::size_t reservedBytes() const { return bytesFor(capacity_); }
    [[nodiscard]] std::size_t usedBytes() const { return bytesFor(size_); }

    [[nodiscard]] float* keys(int layer) { return planes_[static_cast<std::size_t>(2 * layer)].get(); }
    [[nodiscard]] float* values(int layer) { return planes_[static_cast<std::size_t>(2 * layer + 1)].get(); }
    [[nodiscard]] std::int64_t width() const { return width_; }

    /// Positions up to `size` are valid from now on. Call after all layers have written them.
    void commit(Position size) {
        QUIBBLE_CHECK(size <= capacity_, "more positions than the cache holds");
        size_ = size;
    }
    /// Copies the keys and values of one slot to another, in all layers.
    void move(Position from, Position to) {
        QUIBBLE_CHECK(from < capacity_ && to < capacity_, "a slot outside the cache");
        if (from == to) return;
        for (const auto& plane : planes_) std::copy_n(plane.get() + from * width_, width_, plane.get() + to * width_);
    }
    void truncate(Position size) {
        QUIBBLE_CHECK(size <= size_, "a cache cannot be truncated to more than it holds");
        size_ = size;
    }

private:
    [[nodiscard]] std::size_t bytesFor(Position positions) const {
        return planes_.size() * static_cast<std::size_t>(positions) * static_cast<std::size_t>(width_) * sizeof(float);
    }

    std::vector<std::unique_ptr<float[]>> planes_;
    std::int64_t width_;
    Position capacity_;
    Position size_ = 0;
};

}  // namespace quibble
