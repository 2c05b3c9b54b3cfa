#include "engine/run/throughput_prefill.h"

namespace quibble {

Result<void> checkThroughputPrefill(const Model& model, Arithmetic arithmetic, const CpuDevice& device) {
    const auto refuse = [](const std::string& why, const std::string& hint) {
        return fail(ErrorCode::InvalidArgument, "throughput prefill " + why, hint);
    };
    if (arithmetic == Arithmetic::F32) {
        return refuse("rounds activations to BF16, and f32 arithmetic rounds none",
                      "Choose native arithmetic or exact prefill");
    }
    if (!model.hasBf16Layers()) {
        return refuse("is for BF16 weights, and the layers of " + model.config().name + " hold " + model.weightFormat(),
                      "Choose exact prefill; quantized weights have 8-bit products in it");
    }
    if (const std::string why = device.whyNoBf16Inputs(); !why.empty())
        return refuse("is not possible: " + why, "Choose exact prefill");
    return {};
}

}  // namespace quibble
