#include "engine/quant/weights/weight_quantizer.h"

namespace quibble {

std::span<const WeightQuantizer* const> weightQuantizers() {
    static const WeightQuantizer* const kTable[] = {&weight_quant::kRtn};
    return kTable;
}

Result<const WeightQuantizer*> findWeightQuantizer(const MethodChoice& choice) {
    if (choice.id == "none") {
        if (auto checked = checkParams(choice, {}); !checked) return tl::unexpected(checked.error());
        return nullptr;
    }
    std::string known = "none";
    for (const WeightQuantizer* method : weightQuantizers()) {
        if (method->id == choice.id) {
            if (auto checked = checkParams(choice, method->params); !checked) return tl::unexpected(checked.error());
            return method;
        }
        known += ", " + std::string(method->id);
    }
    return fail(ErrorCode::InvalidArgument, "no weight quantizer is called \"" + choice.id + "\"",
                "Known are: " + known);
}

}  // namespace quibble
