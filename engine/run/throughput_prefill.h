// Where prompts can be computed with rounded inputs (PrefillMode::Throughput), and why not where they cannot.
#pragma once

#include "engine/device/cpu_device.h"
#include "engine/model/model.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

/// Errors: InvalidArgument when nothing would be rounded: f32 arithmetic, a model without BF16 layers, a device without such products. It takes BF16 weights:
/// those of F16 would lose 3 of their 11 bits, and quantized ones have 8-bit products of their own.
[[nodiscard]] Result<void> checkThroughputPrefill(const Model& model, Arithmetic arithmetic, const CpuDevice& device);

}  // namespace quibble
