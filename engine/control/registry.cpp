#include "engine/control/control_method.h"

namespace quibble {

std::span<const ControlMethod* const> controlMethods() {
    static const ControlMethod* const kTable[] = {&control::kBudget,  &control::kForceAnswer, &control::kWaitInjection,
                                                  &control::kLoopEnd, &control::kDeer,        &control::kEat,
                                                  &control::kKStable, &control::kConciseHint};
    return kTable;
}

Result<const ControlMethod*> findControlMethod(const MethodChoice& choice) {
    return findMethod(controlMethods(), choice, "control method");
}

}  // namespace quibble
