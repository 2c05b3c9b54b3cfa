// What earlier runs have computed, kept for runs that begin alike: branches, and the same prompt under another sampler
// or penalty. An entry is the text of a finished sequence and the pages that hold its keys and values; entries that
// begin alike hold the same pages. Only whole runs of positions from 0 on are found, so what is reused is bit for bit
// what would be computed. Bounded: the entries used longest ago go first. One thread at a time, that of the sequences.
#pragma once

#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "engine/cache/kv_pages.h"
#include "engine/values/expert_record.h"
#include "engine/values/ids.h"

namespace quibble {

class PrefixCache {
public:
    /// `limit`: bytes that the entries may hold together; 0: a quarter of the memory that is free now.
    explicit PrefixCache(std::size_t limit = 0);

    /// A text that was computed. Two are comparable when all of these agree: which weights, how they were multiplied,
    /// how rows are stored.
    struct Entry {
        std::string key;
        std::vector<TokenId> tokens;
        Position throughput_end = 0;        // positions before it were computed with rounded inputs
        KvExtents extents;                  // of all tokens
        std::vector<TokenExperts> experts;  // of the first of them, by position; of a dense model none
    };
    struct Found {
        Position positions = 0;
        KvExtents extents;                  // at least these positions
        std::vector<TokenExperts> experts;  // as many, when asked for
    };
    /// The longest beginning of `tokens`, of which those before throughput_end are computed with rounded inputs, that
    /// an entry has; with_experts: as far as it knows their experts too.
    [[nodiscard]] Found find(const std::string& key, std::span<const TokenId> tokens, Position throughput_end,
                             bool with_experts);

    /// Takes the place of entries that it continues; nothing happens when an entry continues it.
    void keep(Entry entry);

    /// Memory that the entries hold; what several hold counts once.
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Drops entries until they hold at most this much. Pages that a sequence uses stay with it.
    void shrinkTo(std::size_t bytes);

private:
    std::list<Entry> entries_;  // used last first
    std::size_t limit_;
};

}  // namespace quibble
