// JSON from untrusted files: bounded in size and depth before anything is built from it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble {

struct JsonLimits {
    std::size_t bytes = std::size_t{64} << 20;
    int depth = 32;
};

/// One JSON object. `where` names the file in errors. Errors: FileCorrupt (not JSON, not an object), Unsupported
/// (larger or nested more deeply than the limits).
[[nodiscard]] Result<nlohmann::json> parseJsonObject(std::string_view text, const std::string& where,
                                                     JsonLimits limits = {});

/// A name from a file as an error message shows it: quoted, control characters escaped, cut.
[[nodiscard]] std::string shownName(std::string_view name);

/// Members by name that give nothing when the member is missing, null or of another kind.
[[nodiscard]] const nlohmann::json* jsonMember(const nlohmann::json& object, const char* name);
[[nodiscard]] const nlohmann::json* jsonObject(const nlohmann::json& object, const char* name);
[[nodiscard]] const nlohmann::json* jsonArray(const nlohmann::json& object, const char* name);
[[nodiscard]] const std::string* jsonText(const nlohmann::json& object, const char* name);
/// fallback unless the member is true or false.
[[nodiscard]] bool jsonFlag(const nlohmann::json& object, const char* name, bool fallback);

}  // namespace quibble
