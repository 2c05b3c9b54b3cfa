// A complete byte-level vocabulary in memory: 256 bytes, a few merges, special tokens. For tests that want a vocabulary
// with a known flaw or a known shape.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/text/tokenizer.h"
#include "engine/text/utf8.h"
#include "engine/text/vocabulary.h"
#include "tests/engine/file/gguf_builder.h"

namespace quibble::test {

struct SmallVocabulary {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> kinds;
    std::vector<std::string> merges;
    std::string model = "gpt2";
    std::string pre = "qwen2";
    std::vector<std::pair<std::string, std::uint32_t>> ids;
    std::string chat_template;
    std::map<std::string, std::string>
        typed;  // keys as their type and value stand in the file, beside the usual ones or in their place

    static std::string written(std::string_view bytes) {
        std::string out;
        for (const char byte : bytes) utf8Append(out, byteLevelCharacter(static_cast<std::uint8_t>(byte)));
        return out;
    }
    SmallVocabulary() {
        for (unsigned byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
    }
    /// The id of the new token.
    std::int32_t add(std::string_view bytes, std::int32_t kind = 1) {
        tokens.push_back(kind == 1 ? written(bytes) : std::string(bytes));
        kinds.push_back(kind);
        return static_cast<std::int32_t>(tokens.size()) - 1;
    }
    /// The token of both joined, with its merge.
    std::int32_t merge(std::string_view left, std::string_view right) {
        merges.push_back(written(left) + " " + written(right));
        return add(std::string(left) + std::string(right));
    }
    /// Every letter of the word appended in turn to those before.
    std::int32_t word(std::string_view bytes) {
        std::int32_t id = 0;
        for (std::size_t i = 1; i < bytes.size(); ++i) {
            const std::string merged = written(bytes.substr(0, i + 1));
            const auto known = std::find(tokens.begin(), tokens.end(), merged);
            id = known != tokens.end() ? static_cast<std::int32_t>(known - tokens.begin())
                                       : merge(bytes.substr(0, i), bytes.substr(i, 1));
        }
        return id;
    }

    [[nodiscard]] std::string file() const {
        GgufBytes keys;
        std::uint64_t count = 0;
        const auto add = [&](const std::string& name, const auto& write) {
            if (typed.count(name) != 0) return;
            write(name);
            ++count;
        };
        add("tokenizer.ggml.model", [&](const std::string& name) { keys.stringKey(name, model); });
        add("tokenizer.ggml.pre", [&](const std::string& name) { keys.stringKey(name, pre); });
        add("tokenizer.ggml.tokens", [&](const std::string& name) { keys.stringsKey(name, tokens); });
        add("tokenizer.ggml.token_type", [&](const std::string& name) { keys.intsKey(name, kinds); });
        add("tokenizer.ggml.merges", [&](const std::string& name) { keys.stringsKey(name, merges); });
        for (const auto& [key, id] : ids)
            add("tokenizer.ggml." + key, [&keys, id = id](const std::string& name) { keys.uintKey(name, id); });
        if (!chat_template.empty())
            add("tokenizer.chat_template", [&](const std::string& name) { keys.stringKey(name, chat_template); });
        for (const auto& [name, value] : typed) keys.text(name).bytes.append(value);
        return GgufBytes().header(0, count + typed.size()).bytes + keys.bytes;
    }
    [[nodiscard]] Result<std::shared_ptr<const Tokenizer>> load() const {
        const std::string bytes = file();
        const auto gguf = ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "small.gguf");
        if (!gguf) return tl::unexpected<Error>(gguf.error());
        return Tokenizer::fromFile(**gguf);
    }
};

}  // namespace quibble::test
