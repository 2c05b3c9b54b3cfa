#include "engine/text/token_kinds.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <span>

#include "engine/text/utf8.h"

namespace quibble {
namespace {

constexpr std::array<std::string_view, 20> kEndTexts = {
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|return|>",
    "<|call|>",
    "<|end|>",
    "<|end_of_turn|>",
    "<|endofturn|>",
    "<|eot|>",
    "<|EOT|>",
    "<|eos|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};
// These end what is said only where the file itself states a token of its own. "</s>" is a word of HTML and "<eos>" may
// be one of some other markup; the others belong to models that few others are like.
constexpr std::array<std::string_view, 8> kBelievedEndTexts = {
    "</s>",
    "<eos>",
    "<|END_OF_TURN_TOKEN|>",
    "<|flush|>",
    "<|calls|>",
    // Behind these another file or the padding of one begins, in the training text of models that fill in code. Other
    // engines stop there too.
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
};

constexpr std::size_t kLongestTag = 64;
constexpr std::size_t kMostNotes = 8;

bool isOneOf(std::span<const std::string_view> texts, std::string_view text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool between(std::string_view text, std::string_view left, std::string_view right) {
    return text.size() > left.size() + right.size() && text.starts_with(left) && text.ends_with(right);
}

bool isTag(std::string_view text) {
    if (text.size() > kLongestTag || text.starts_with("[PAD") || text.starts_with("<0x")) return false;
    if (!between(text, "<", ">") && !between(text, "[", "]")) return false;
    return std::none_of(text.begin(), text.end(), [](char c) { return c == ' ' || isControlByte(c); });
}

bool isBarTag(std::string_view text) {
    return between(text, "<|", "|>") || between(text, "<\xEF\xBD\x9C", "\xEF\xBD\x9C>");
}

// Those of the texts that some merge makes: letters may become them, so they are ordinary.
std::set<std::string_view> madeByMerges(const ModelFile& file, const std::set<std::string_view>& texts) {
    std::set<std::string_view> made;
    const GgufArray* merges = file.getArray("tokenizer.ggml.merges");
    if (merges == nullptr || texts.empty()) return made;
    std::string joined;
    for (const std::string_view merge : merges->strings()) {
        const std::size_t space = merge.find(' ', 1);
        if (space == std::string_view::npos || merge.back() != (merge.front() == '[' ? ']' : '>')) continue;
        joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
        if (const auto found = texts.find(joined); found != texts.end()) made.insert(*found);
    }
    return made;
}

std::vector<std::int64_t> declaredIds(const ModelFile& file) {
    std::vector<std::int64_t> ids;
    for (const char* name : {"bos", "eos", "eot", "eom"}) {
        if (const auto id = file.getInt("tokenizer.ggml." + std::string(name) + "_token_id")) ids.push_back(*id);
    }
    return ids;
}

}  // namespace

bool isEndText(std::string_view text) { return isOneOf(kEndTexts, text) || isOneOf(kBelievedEndTexts, text); }

std::vector<std::string> mendTokenKinds(const ModelFile& file, std::vector<TokenKind>& kinds) {
    std::vector<std::string> notes;
    if (file.value(kAddedIds) != nullptr) return notes;  // a tokenizer.json says of each added token what it is
    const auto texts = file.getArray("tokenizer.ggml.tokens")->strings();
    const std::string_view chat_template = file.getString("tokenizer.chat_template").value_or("");
    const std::vector<std::int64_t> declared = declaredIds(file);
    std::vector<std::size_t> candidates;
    std::set<std::string_view> wanted;
    for (std::size_t id = 0; id < texts.size(); ++id) {
        if ((kinds[id] != TokenKind::Normal && kinds[id] != TokenKind::Unused) || !isTag(texts[id])) continue;
        candidates.push_back(id);
        wanted.insert(texts[id]);
    }
    const std::set<std::string_view> made = madeByMerges(file, wanted);
    const bool merges = file.value("tokenizer.ggml.merges") != nullptr;
    std::size_t mended = 0;
    for (const std::size_t id : candidates) {
        const std::string_view text = texts[id];
        if (made.count(text) != 0) continue;
        const bool written = chat_template.find(text) != std::string_view::npos;
        const bool named = std::find(declared.begin(), declared.end(), static_cast<std::int64_t>(id)) != declared.end();
        const bool known =
            isOneOf(kEndTexts, text) || named || (isBarTag(text) && (written || kinds[id] == TokenKind::Normal));
        if (!known && (!written || !merges || kinds[id] == TokenKind::Unused)) continue;
        const std::string stated = kinds[id] == TokenKind::Normal ? "ordinary text" : "unused";
        kinds[id] = known ? TokenKind::Control : TokenKind::UserDefined;
        if (++mended <= kMostNotes) {
            notes.push_back("token " + std::to_string(id) + " \"" + toValidUtf8(text) + "\" is stated as " + stated +
                            "; it is taken for " + (known ? "a control token" : "a token of its own"));
        }
    }
    if (mended > kMostNotes) notes.push_back("so are " + std::to_string(mended - kMostNotes) + " more");
    return notes;
}

}  // namespace quibble
