#include "engine/cache/prefix_cache.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/memory_use.h"

namespace quibble {

namespace {

constexpr std::int64_t kUnknownMemory = std::int64_t{1} << 30;

// Positions from 0 on that are the same tokens, computed in the same way: a position sees all before it, so where one
// text has changed to exact products and the other has not, nothing that follows is the same.
std::size_t commonBeginning(std::span<const TokenId> a, Position a_throughput, std::span<const TokenId> b,
                            Position b_throughput) {
    const auto same = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    return a_throughput == b_throughput
               ? same
               : std::min(same, static_cast<std::size_t>(std::min(a_throughput, b_throughput)));
}

}  // namespace

PrefixCache::PrefixCache(std::size_t limit)
    : limit_(limit > 0 ? limit : static_cast<std::size_t>(availableMemoryBytes().value_or(kUnknownMemory)) / 4) {}

PrefixCache::Found PrefixCache::find(const std::string& key, std::span<const TokenId> tokens, Position throughput_end,
                                     bool with_experts) {
    auto best = entries_.end();
    std::size_t longest = 0;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->key != key) continue;
        std::size_t common = commonBeginning(entry->tokens, entry->throughput_end, tokens, throughput_end);
        if (with_experts) common = std::min(common, entry->experts.size());
        if (common <= longest) continue;
        longest = common;
        best = entry;
    }
    Found found;
    if (best == entries_.end()) return found;
    found.positions = static_cast<Position>(longest);
    found.extents = best->extents;
    if (with_experts)
        found.experts.assign(best->experts.begin(), best->experts.begin() + static_cast<std::ptrdiff_t>(longest));
    entries_.splice(entries_.begin(), entries_, best);
    return found;
}

void PrefixCache::keep(Entry entry) {
    if (entry.tokens.empty()) return;
    const auto covers = [](const Entry& whole, const Entry& part) {
        return whole.key == part.key &&
               commonBeginning(whole.tokens, whole.throughput_end, part.tokens, part.throughput_end) ==
                   part.tokens.size() &&
               whole.experts.size() >= part.experts.size();
    };
    const auto same =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& there) { return covers(there, entry); });
    if (same != entries_.end()) {
        entries_.splice(entries_.begin(), entries_, same);
        return;
    }
    entries_.remove_if([&](const Entry& there) { return covers(entry, there); });
    entries_.push_front(std::move(entry));
    shrinkTo(limit_);
}

std::size_t PrefixCache::bytes() const {
    std::set<const KvFile*> files;
    std::size_t total = 0;
    for (const Entry& entry : entries_) {
        for (const KvExtent& extent : entry.extents) {
            if (files.insert(extent.file().get()).second) total += extent.file()->bytes();
        }
    }
    return total;
}

void PrefixCache::shrinkTo(std::size_t bytes) {
    while (!entries_.empty() && this->bytes() > bytes) entries_.pop_back();
}

}  // namespace quibble
