#include "engine/verify/verify_method.h"

namespace quibble {

std::span<const VerifyMethod* const> verifyMethods() {
    static const VerifyMethod* const kTable[] = {&verify::kMatch, &verify::kRejection, &verify::kTypical};
    return kTable;
}

Result<const VerifyMethod*> findVerifyMethod(const MethodChoice& choice) {
    return findMethod(verifyMethods(), choice, "verify rule");
}

}  // namespace quibble
