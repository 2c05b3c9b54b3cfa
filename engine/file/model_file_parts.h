// What the reader of one file format found: metadata under GGUF keys and where each tensor lies. ModelFile is made from
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/file/gguf/gguf_value.h"
#include "engine/file/mapped_file.h"
#include "kernels/tensor_type.h"

namespace quibble {

/// Rows of a tensor that the file holds in another form, made anew each time they are asked for.
class TensorRows {
public:
    virtual ~TensorRows() = default;
    /// Writes rows [begin, end), counted over all matrices of the tensor, one after the other. Any number of threads
    /// may ask.
    virtual void write(std::uint64_t begin, std::uint64_t end, std::byte* out) const = 0;
    /// The stretches of the file that writing these rows reads.
    [[nodiscard]] virtual std::vector<std::span<const std::byte>> sources(std::uint64_t begin,
                                                                          std::uint64_t end) const = 0;
};

struct ModelTensor {
    std::string name;
    std::vector<std::uint64_t>
        dims;  // 1 to 4, as GGUF counts them: dims[0] is the contiguous one (columns), dims[1] rows, ...
    kernels::TensorType type{};
    std::size_t file = 0;      // which of ModelFile::paths() holds it
    std::uint64_t offset = 0;  // bytes from the start of that file; of data that was made anew, where its source begins
    std::uint64_t bytes = 0;   // of the whole tensor
    const std::byte* data = nullptr;  // valid as long as the ModelFile; a multiple of 2 for F16 and BF16, of 4 for F32
    std::shared_ptr<const TensorRows>
        made_rows;  // makes the rows where the file holds them in another form; data is nullptr then

    /// Product of all dims; checked at reading, so it does not overflow.
    [[nodiscard]] std::uint64_t elements() const;
    [[nodiscard]] std::uint64_t rowCount() const { return elements() / dims[0]; }
    [[nodiscard]] std::uint64_t rowBytes() const { return bytes / rowCount(); }
    /// Copies rows [begin, end), wherever they come from. ENSURES (end - begin) * rowBytes() bytes written.
    void readRows(std::uint64_t begin, std::uint64_t end, std::byte* out) const;
};

struct ModelFileParts {
    std::string name;                // the path that was opened
    std::string format;              // for people: "GGUF version 3"
    std::vector<std::string> paths;  // the files with tensors, in order; one for a single file
    std::uint64_t file_bytes = 0;    // of all files together
    std::string content_hash;
    std::vector<MappedFile> mappings;
    std::deque<std::string> texts;  // what a translation made; keys and values are views of it or of the mappings
    std::vector<std::unique_ptr<std::byte[]>> made;  // data of tensors that could not stay as they are in the file
    std::vector<std::pair<std::string_view, GgufValue>> keys;  // in file order, no key twice
    std::vector<ModelTensor> tensors;                          // in file order, no name twice
};

}  // namespace quibble
