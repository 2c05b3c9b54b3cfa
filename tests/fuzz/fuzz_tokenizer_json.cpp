// libFuzzer target: tokenizer.json, tokenizer_config.json and generation_config.json, a zero byte between them; what is
// accepted encodes text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/file/safetensors/tokenizer_keys.h"
#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    quibble::CheckpointTexts texts;
    for (std::string_view* text : {&texts.tokenizer, &texts.tokenizer_config, &texts.generation_config}) {
        *text = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), text->size() + 1));
    }
    quibble::ModelFileParts parts;
    quibble::KeyBuilder keys(parts);
    const auto added = quibble::addTokenizerKeys(texts, nlohmann::json::object(), "fuzz/", 300, keys);
    if (!added) {
        if (added.error().what.empty() || added.error().hint.empty()) __builtin_trap();
        return 0;
    }
    quibble::fuzz::tokenize(quibble::ModelFile(std::move(parts)));
    return 0;
}
