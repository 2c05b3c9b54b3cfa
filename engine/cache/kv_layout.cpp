#include "engine/cache/kv_layout.h"

#include <string>

namespace quibble {

namespace {

kernels::TensorType storedAs(KvType type) {
    switch (type) {
        case KvType::F32: return kernels::TensorType::F32;
        case KvType::F16: return kernels::TensorType::F16;
        case KvType::BF16: return kernels::TensorType::BF16;
        case KvType::Q8_0: return kernels::TensorType::Q8_0;
    }
    return kernels::TensorType::F32;
}

}  // namespace

Result<KvLayout> kvLayout(const ModelConfig& config, KvType type) {
    KvLayout layout;
    layout.type = storedAs(type);
    const kernels::TypeTraits& traits = *kernels::typeTraits(layout.type);
    const auto head = static_cast<std::size_t>(config.head_dim);
    if (head % traits.block_elements != 0) {
        return fail(ErrorCode::InvalidArgument,
                    "the heads of " + config.name + " are " + std::to_string(config.head_dim) +
                        " numbers wide, and a " + kvTypeText(type) + " cache stores blocks of " +
                        std::to_string(traits.block_elements),
                    "Choose f16 or bf16 for the KV cache");
    }
    layout.planes = 2 * config.n_layers;
    layout.head_bytes = head / traits.block_elements * traits.block_bytes;
    layout.row_bytes = layout.head_bytes * static_cast<std::size_t>(config.n_kv_heads);
    layout.width = config.dKv();
    return layout;
}

}  // namespace quibble
