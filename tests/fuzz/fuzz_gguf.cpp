// libFuzzer target: any bytes as a GGUF file. Reads everything a caller could, and loads the vocabulary if there is one.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/model/model_file.h"
#include "engine/text/tokenizer.h"

namespace {

volatile std::size_t sink = 0;  // so that no read is optimised away

void readAll(const quibble::ModelFile& file) {
    std::size_t sum = file.contentHash().size();
    for (const auto& row : file.describeKeys()) {
        sum += row.value.size();
        sum += file.getUint(row.key).value_or(0) + file.getString(row.key).value_or("").size();
        if (const auto* array = file.getArray(row.key)) {
            sum += array->integer(0).has_value() + array->number(array->size()).has_value();
        }
    }
    for (const auto& tensor : file.tensors()) {
        sum += tensor.elements() + std::to_integer<std::size_t>(tensor.data[0]) + std::to_integer<std::size_t>(tensor.data[tensor.bytes - 1]);
        if (file.tensor(tensor.name) != &tensor) __builtin_trap();
    }
    sink = sink + sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = quibble::ModelFile::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    if (!file) {
        if (file.error().what.empty()) __builtin_trap();  // an error always says what is wrong
        return 0;
    }
    readAll(**file);
    if (const auto tokenizer = quibble::Tokenizer::fromFile(**file)) {
        const std::string text = "a quick <|im_end|> check,\n 12 \xff\xe6\x97";
        const auto ids = (*tokenizer)->encode(text, {.parse_special = true, .vocabulary_bos_eos = true});
        sink = sink + (*tokenizer)->decode(ids).size();
    }
    return 0;
}
