// Whether a prompt can be computed with rounded inputs (PrefillMode::Throughput), and if not, why.
#pragma once

#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

/// Errors: InvalidArgument when nothing would be rounded: f32 arithmetic, a model without BF16 layers, a device without
/// such products. Only products of BF16 weights are rounded: F16 weights would lose 3 of their 11 bits, and quantized
/// weights have 8-bit products of their own.
[[nodiscard]] Result<void> checkThroughputPrefill(const Model& model, Arithmetic arithmetic, const CpuDevice& device);

}  // namespace quibble
