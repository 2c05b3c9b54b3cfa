#include "engine/run/method_slots.h"

#include "engine/control/control_method.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/logits/marker_penalty.h"
#include "engine/quant/weights/weight_quantizer.h"
#include "engine/values/check.h"
#include "engine/values/run_fields.h"
#include "engine/verify/verify_method.h"

namespace quibble {

namespace {

template <typename Method>
std::vector<const MethodHead*> headsOf(std::span<const Method* const> methods) {
    return {methods.begin(), methods.end()};
}

// What `find` of a slot says, as a head.
template <auto find>
Result<const MethodHead*> headOf(const MethodChoice& choice) {
    auto found = find(choice);
    if (!found) return tl::unexpected(found.error());
    return *found;
}

const MethodSlot& slotOf(std::string_view key) {
    for (const MethodSlot& slot : methodSlots()) {
        if (slot.key == key) return slot;
    }
    QUIBBLE_CHECK(false, "a field that holds a method has a slot");
}

Result<void> readMethod(const MethodSlot& slot, MethodChoice& choice) {
    if (slot.key == "logits" && choice.id == kMarkerPenaltyId) return {};  // it says where the penalty acts
    auto checked = checkedMethod(choice, slot.find);
    if (!checked) return tl::unexpected(checked.error());
    choice = std::move(*checked);
    return {};
}

}  // namespace

std::span<const MethodSlot> methodSlots() {
    static const MethodSlot kSlots[] = {
        {"weight_quant", "weight quantizer", "quant/weights", headsOf(weightQuantizers()),
         &headOf<&findWeightQuantizer>},
        {"draft.method", "draft method", "draft", headsOf(draftMethods()), &headOf<&findDraftMethod>},
        {"draft.verify", "verify rule", "verify", headsOf(verifyMethods()), &headOf<&findVerifyMethod>},
        {"experts", "expert method", "experts", headsOf(expertMethods()), &headOf<&findExpertMethod>},
        {"logits", "logits method", "logits", headsOf(logitsMethods()), &headOf<&findLogitsMethod>},
        {"control", "control method", "control", headsOf(controlMethods()), &headOf<&findControlMethod>},
    };
    return kSlots;
}

Result<void> readMethods(RunRequest& request) {
    Result<void> result;
    visitFields(request, [&](const RequestField& field, auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        if (!result) return;
        if constexpr (std::is_same_v<Value, MethodChoice>) {
            result = readMethod(slotOf(field.key), value);
        } else if constexpr (std::is_same_v<Value, std::vector<MethodChoice>>) {
            for (MethodChoice& choice : value) {
                if (result) result = readMethod(slotOf(field.key), choice);
            }
        }
    });
    return result;
}

}  // namespace quibble
