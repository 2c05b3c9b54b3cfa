#include "data/store/alternatives_blob.h"

#include <bit>
#include <cstdint>

namespace quibble {

namespace {

constexpr std::size_t kEntryBytes = 8;

void appendWord(std::string& out, std::uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((word >> shift) & 0xff);
}

std::uint32_t wordAt(std::string_view bytes, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) word |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return word;
}

}  // namespace

std::string packAlternatives(const std::vector<Alternative>& alternatives) {
    std::string out;
    out.reserve(alternatives.size() * kEntryBytes);
    for (const Alternative& alternative : alternatives) {
        appendWord(out, static_cast<std::uint32_t>(alternative.id));
        appendWord(out, std::bit_cast<std::uint32_t>(alternative.logprob));
    }
    return out;
}

std::string unpackAlternatives(std::string_view bytes, int vocab_size, std::vector<Alternative>& alternatives) {
    alternatives.clear();
    if (bytes.size() % kEntryBytes != 0) return "has " + std::to_string(bytes.size()) + " bytes, not a multiple of 8";
    if (bytes.size() / kEntryBytes > kMaxAlternatives) return "has " + std::to_string(bytes.size() / kEntryBytes) + " entries, more than 4096";
    alternatives.reserve(bytes.size() / kEntryBytes);
    for (std::size_t at = 0; at < bytes.size(); at += kEntryBytes) {
        const auto id = static_cast<TokenId>(wordAt(bytes, at));
        if (id < 0 || (vocab_size > 0 && id >= vocab_size)) return "names token " + std::to_string(id) + ", which is not in the vocabulary";
        alternatives.push_back({id, std::bit_cast<float>(wordAt(bytes, at + 4))});
    }
    return {};
}

}  // namespace quibble
