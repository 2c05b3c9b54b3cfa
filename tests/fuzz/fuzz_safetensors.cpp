// libFuzzer target: a config.json, a zero byte and a safetensors file behind it, as a checkpoint with a fixed
// tokenizer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/file/safetensors/checkpoint.h"
#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto zero = static_cast<std::size_t>(std::find(data, data + size, 0) - data);
    quibble::Checkpoint checkpoint;
    checkpoint.name = checkpoint.title = "fuzz";
    checkpoint.texts.config = {reinterpret_cast<const char*>(data), zero};
    checkpoint.texts.tokenizer =
        R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
    checkpoint.shards.push_back({"fuzz.safetensors", "fuzz.safetensors", bytes.subspan(std::min(zero + 1, size))});
    auto parts = quibble::translateCheckpoint(checkpoint);
    if (!parts) {
        if (parts.error().what.empty() || parts.error().hint.empty()) __builtin_trap();
        return 0;
    }
    quibble::fuzz::readAll(quibble::ModelFile(std::move(*parts)));
    return 0;
}
