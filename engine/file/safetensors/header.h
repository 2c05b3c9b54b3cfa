// The header of one safetensors file: eight bytes of length, a JSON object, then the data it points into. Format:
// github.com/huggingface/safetensors (the rules of its reference reader: no overlap, no hole, everything covered).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/values/result.h"
#include "kernels/tensor_type.h"

namespace quibble {

/// The hint of errors that a part left behind explains.
constexpr const char* kIncompleteFolder = "Download the model's folder again, with all its files";

struct SafeTensor {
    std::string name;
    std::string dtype;                 // "F32", "BF16", "U8" ... as written; one of those of the format
    std::vector<std::uint64_t> shape;  // row-major: the last is the contiguous one; product checked against bytes
    std::uint64_t offset = 0;          // from the start of the file
    std::uint64_t bytes = 0;
};

/// F32, F16 and BF16; nothing for the others.
[[nodiscard]] std::optional<kernels::TensorType> floatTypeOf(const std::string& dtype);

struct SafetensorsHeader {
    std::vector<SafeTensor> tensors;  // by offset
    std::uint64_t data_begin = 0;     // bytes before the data
};

/// `name` stands for the file in errors. Errors: FileCorrupt (truncated, contradictory), Unsupported (an element type
/// that the format does not have, limits).
[[nodiscard]] Result<SafetensorsHeader> readSafetensorsHeader(std::span<const std::byte> bytes,
                                                              const std::string& name);

}  // namespace quibble
