#include "engine/quant/weights/weight_quantizer.h"

namespace quibble {

std::span<const WeightQuantizer* const> weightQuantizers() {
    static const WeightQuantizer* const kTable[] = {&weight_quant::kRtn};
    return kTable;
}

Result<const WeightQuantizer*> findWeightQuantizer(const MethodChoice& choice) {
    return findMethodOrNone(weightQuantizers(), choice, "weight quantizer");
}

}  // namespace quibble
