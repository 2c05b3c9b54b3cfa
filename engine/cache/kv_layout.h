// The rows of a KV cache: which numbers, how many bytes.
#pragma once

#include <cstddef>

#include "engine/model/model_config.h"
#include "engine/values/ids.h"
#include "engine/values/kv_type.h"
#include "engine/values/result.h"
#include "kernels/tensor_type.h"

namespace quibble {

struct KvLayout {
    kernels::TensorType type = kernels::TensorType::F32;
    int planes = 0;              // keys and values of each layer
    std::size_t head_bytes = 0;  // one head of one position
    std::size_t row_bytes = 0;   // one position of one plane
    int width = 0;               // numbers in a row

    /// Of `positions` positions, all planes.
    [[nodiscard]] std::size_t bytesFor(Position positions) const {
        return static_cast<std::size_t>(planes) * static_cast<std::size_t>(positions) * row_bytes;
    }
};

/// Errors: InvalidArgument where the type cannot hold heads of this width.
[[nodiscard]] Result<KvLayout> kvLayout(const ModelConfig& config, KvType type);

}  // namespace quibble
