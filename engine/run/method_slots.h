// The slots of a request that methods are chosen for, in one table: what is true of every method is written and tested
// once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/values/method_head.h"
#include "engine/values/run_request.h"

namespace quibble {

struct MethodSlot {
    std::string_view key;     // of its field in a request (run_fields.h)
    std::string_view what;    // "draft method", in messages
    std::string_view folder;  // below engine/: one file a method
    std::vector<const MethodHead*> methods;
    /// Errors: InvalidArgument (unknown, parameters). nullptr: "none", where the slot may be left empty.
    Result<const MethodHead*> (*find)(const MethodChoice& choice);
};

/// weight_quant, draft.method, draft.verify, experts, logits, control.
[[nodiscard]] std::span<const MethodSlot> methodSlots();

/// Looks every method of the request up and checks its parameters; a switch that was written on or off becomes 1 or 0.
/// Errors: InvalidArgument; `request` may be changed in part then.
[[nodiscard]] Result<void> readMethods(RunRequest& request);

}  // namespace quibble
