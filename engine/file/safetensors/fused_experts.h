// The experts of published gpt-oss checkpoints: one tensor for all gate and up rows of a layer, row by row in turn, and
// one for the down rows, as MXFP4 blocks with their scales apart or as floats with inputs and outputs exchanged. GGUF
// has each matrix as a stack of its own, so their rows are made anew when they are asked for.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "engine/file/model_file_parts.h"
#include "engine/file/safetensors/header.h"
#include "engine/values/result.h"

namespace quibble {

class FusedExperts {
public:
    /// Whether this is a part of such experts, to be made into tensors by finish(). `data` must stay as long as these.
    [[nodiscard]] bool take(const SafeTensor& tensor, const std::byte* data, std::size_t file);

    /// Adds the stacks of every layer. `where` stands for the checkpoint in errors. Errors: FileCorrupt (a part is
    /// missing or does not fit the others), Unsupported (an element type).
    [[nodiscard]] Result<void> finish(const std::string& where, ModelFileParts& parts) const;

private:
    struct Part {
        SafeTensor tensor;
        const std::byte* data = nullptr;
        std::size_t file = 0;
    };
    // Of one matrix: floats, or blocks and scales; and its bias.
    struct Sources {
        const Part *floats, *blocks, *scales, *bias;
    };
    struct Stack {
        std::string name;           // "blk.3.ffn_gate_exps"
        std::uint64_t first, step;  // of every expert's rows in the sources
    };
    static Result<void> addStack(const std::string& place, const Sources& sources, const Stack& stack,
                                 ModelFileParts& parts);
    static void addBias(const Part& bias, const Stack& stack, ModelFileParts& parts);

    std::map<std::string, std::map<std::string, Part, std::less<>>> layers_;  // "3" -> "gate_up_proj_blocks" -> part
};

}  // namespace quibble
