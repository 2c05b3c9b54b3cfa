#include "engine/logits/logits_method.h"

namespace quibble {

std::span<const LogitsMethod* const> logitsMethods() {
    static const LogitsMethod* const kTable[] = {&logits::kBan, &logits::kCyclic, &logits::kLoopStop,
                                                 &logits::kContrast};
    return kTable;
}

Result<const LogitsMethod*> findLogitsMethod(const MethodChoice& choice) {
    return findMethod(logitsMethods(), choice, "logits method");
}

}  // namespace quibble
