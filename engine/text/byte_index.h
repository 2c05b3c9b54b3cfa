// Two small open-addressing tables for the encoder's inner loops: byte strings to ids, and 64-bit keys to values.
// Both are filled once and then only read.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "engine/values/check.h"

namespace quibble {

/// 64-bit hash of bytes (XXH3), defined in byte_index.cpp to keep the library's header out of this one.
[[nodiscard]] std::uint64_t hashBytes(std::string_view bytes);

/// Byte strings to 32-bit ids. The strings are borrowed and must stay where they are.
class ByteIndex {
public:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    explicit ByteIndex(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)) {}

    /// Keeps the first id that was given for a string.
    void insert(std::string_view bytes, std::uint32_t id) {
        if ((used_ + 1) * 2 > slots_.size()) grow();
        Slot& slot = slots_[find(bytes)];
        if (slot.id != kNone) return;
        slot = Slot{bytes, id};
        ++used_;
    }
    /// kNone when the string is not there.
    [[nodiscard]] std::uint32_t lookup(std::string_view bytes) const { return slots_[find(bytes)].id; }

private:
    struct Slot {
        std::string_view bytes;
        std::uint32_t id = kNone;
    };

    [[nodiscard]] std::size_t find(std::string_view bytes) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = hashBytes(bytes) & mask;
        while (slots_[at].id != kNone && slots_[at].bytes != bytes) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.id != kNone) slots_[find(slot.bytes)] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

/// Pairs of symbols to what they merge into.
struct Merge {
    std::uint32_t rank = std::numeric_limits<std::uint32_t>::max();  // lower is merged first; the maximum means none
    std::uint32_t symbol = 0;                                        // the symbol that replaces the pair
    [[nodiscard]] bool exists() const { return rank != std::numeric_limits<std::uint32_t>::max(); }
};

class MergeTable {
public:
    explicit MergeTable(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)) {}

    /// Keeps the first merge that was given for a pair. REQUIRES no more than `expected` different pairs.
    void insert(std::uint32_t left, std::uint32_t right, Merge merge) {
        QUIBBLE_CHECK((used_ + 1) * 2 <= slots_.size(), "a MergeTable is filled beyond its announced size");
        Slot& slot = slots_[find(left, right)];
        if (slot.merge.exists()) return;
        slot = Slot{pairKey(left, right), merge};
        ++used_;
    }
    [[nodiscard]] Merge lookup(std::uint32_t left, std::uint32_t right) const {
        return slots_[find(left, right)].merge;
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        Merge merge;
    };

    static std::uint64_t pairKey(std::uint32_t left, std::uint32_t right) {
        return (std::uint64_t{left} << 32) | right;
    }
    [[nodiscard]] std::size_t find(std::uint32_t left, std::uint32_t right) const {
        const std::uint64_t key = pairKey(left, right);
        // Finaliser of the SplitMix64 generator: spreads neighbouring ids over the table.
        std::uint64_t hash = key;
        hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
        hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
        hash ^= hash >> 31;
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = hash & mask;
        while (slots_[at].merge.exists() && slots_[at].key != key) at = (at + 1) & mask;
        return at;
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

}  // namespace quibble
