#include "engine/verify/verify_method.h"

namespace quibble {

std::span<const VerifyMethod* const> verifyMethods() {
    static const VerifyMethod* const kTable[] = {&verify::kMatch, &verify::kRejection, &verify::kTypical};
    return kTable;
}

Result<const VerifyMethod*> findVerifyMethod(const MethodChoice& choice) {
    std::string known;
    for (const VerifyMethod* method : verifyMethods()) {
        if (method->id == choice.id) {
            if (auto checked = checkParams(choice, method->params); !checked) return tl::unexpected(checked.error());
            return method;
        }
        known += (known.empty() ? "" : ", ") + std::string(method->id);
    }
    return fail(ErrorCode::InvalidArgument, "no verify rule is called \"" + choice.id + "\"", "Known are: " + known);
}

}  // namespace quibble
