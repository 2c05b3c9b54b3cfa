// The transformers of this repository computed once more, in double precision and straight from their definitions: no
// cache, no batches, no kernels. It takes metadata and tensors from the file reader, and the values of quantized blocks
// from their scalar definition, and shares nothing else with the engine. Slow: for tests.
#pragma once

#include <span>
#include <vector>

#include "engine/file/model_file.h"
#include "engine/values/ids.h"

namespace quibble::testing {

struct ReferenceLogits {
    std::vector<double> logits;  // [tokens, vocabulary]
    double smallest_router_gap =
        0;  // between the last expert that was chosen and the first that was not, in logits; infinity without experts
    double largest_gate = 0;  // of all inputs of activations, by size: whether a clamp was reached
};

/// All positions of the text, the first at position 0. The file must be whole and of a supported architecture: what is
/// missing ends the test program.
[[nodiscard]] ReferenceLogits referenceForward(const ModelFile& file, std::span<const TokenId> tokens);

}  // namespace quibble::testing
