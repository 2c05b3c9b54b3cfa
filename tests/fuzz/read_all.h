// What a caller could ask of an opened model file, all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/model/model_config.h"
#include "engine/text/tokenizer.h"

namespace quibble::fuzz {

inline volatile std::size_t sink = 0;  // so that no read is optimised away

inline void readAll(const ModelFile& file) {
    std::size_t sum = file.contentHash().size();
    for (const auto& row : file.describeKeys()) {
        sum += row.value.size();
        sum += file.getUint(row.key).value_or(0) + file.getString(row.key).value_or("").size();
        if (const auto* array = file.getArray(row.key)) {
            sum += array->integer(0).has_value() + array->number(array->size()).has_value();
        }
    }
    for (const auto& tensor : file.tensors()) {
        std::vector<std::byte> row(tensor.rowBytes());
        for (const std::uint64_t place : {std::uint64_t{0}, tensor.rowCount() - 1}) {
            tensor.readRows(place, place + 1, row.data());
            sum += std::to_integer<std::size_t>(row.front()) + std::to_integer<std::size_t>(row.back());
        }
        if (file.tensor(tensor.name) != &tensor) __builtin_trap();
    }
    if (const auto config = readModelConfig(file)) sum += static_cast<std::size_t>(config->n_layers);
    sink = sink + sum;
}

inline void tokenize(const ModelFile& file) {
    const auto tokenizer = Tokenizer::fromFile(file);
    if (!tokenizer) return;
    const auto ids = (*tokenizer)
                         ->encode("a quick <|im_end|> check,\n 12 cafe\u0301 <|user|>  \xff\xe6\x97",
                                  {.parse_special = true, .vocabulary_bos_eos = true});
    sink = sink + (*tokenizer)->decode(ids).size() + (*tokenizer)->chatTemplate().size();
}

}  // namespace quibble::fuzz
