#include "data/store/alternatives_blob.h"

#include <cstdint>

#include "data/store/little_endian.h"

namespace quibble {

namespace {

constexpr std::size_t kEntryBytes = 8;

}  // namespace

std::string packAlternatives(const std::vector<Alternative>& alternatives) {
    BlobWriter out;
    for (const Alternative& alternative : alternatives) {
        out.int32(alternative.id);
        out.float32(alternative.logprob);
    }
    return out.take();
}

std::string unpackAlternatives(std::string_view bytes, int vocab_size, std::vector<Alternative>& alternatives) {
    alternatives.clear();
    if (bytes.size() % kEntryBytes != 0) return "has " + std::to_string(bytes.size()) + " bytes, not a multiple of 8";
    const std::size_t count = bytes.size() / kEntryBytes;
    if (count > kMaxAlternatives) return "has " + std::to_string(count) + " entries, more than 4096";
    alternatives.reserve(count);
    BlobReader in(bytes);
    for (std::size_t i = 0; i < count; ++i) {
        const TokenId id = in.int32();
        if (id < 0 || (vocab_size > 0 && id >= vocab_size))
            return "names token " + std::to_string(id) + ", which is not in the vocabulary";
        alternatives.push_back({id, in.float32()});
    }
    return {};
}

}  // namespace quibble
