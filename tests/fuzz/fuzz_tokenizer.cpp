// libFuzzer target: any bytes through every pre-tokenizer and a vocabulary of all bytes; they must come back unchanged.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/detokenizer.h"
#include "engine/text/pre_tokenizer.h"
#include "tests/engine/text/small_vocabulary.h"

namespace {

std::vector<std::shared_ptr<const quibble::Tokenizer>> makeTokenizers() {
    std::vector<std::shared_ptr<const quibble::Tokenizer>> made;
    for (const std::string_view name : quibble::PreTokenizer::knownNames()) {
        quibble::test::SmallVocabulary vocabulary;
        vocabulary.pre = name;
        for (const char* word : {" the", " wait", "  ", "\n\n", "aaaa", "é"}) vocabulary.word(word);
        vocabulary.add("<|im_end|>", 3);
        vocabulary.add("<think>", 4);
        made.push_back(vocabulary.load().value());
    }
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto tokenizers = makeTokenizers();
    const std::string text(reinterpret_cast<const char*>(data), size);
    for (const auto& tokenizer : tokenizers) {
        const auto ids = tokenizer->encode(text, {.parse_special = true});
        if (tokenizer->decode(ids) != text) __builtin_trap();
        quibble::StreamingDetokenizer stream(tokenizer);
        std::string joined;
        for (const auto id : ids) joined += stream.push(id);
        if (joined + stream.finish() != text) __builtin_trap();
    }
    return 0;
}
