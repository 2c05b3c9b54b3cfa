// config.json of a published checkpoint as GGUF keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/file/safetensors/key_builder.h"
#include "engine/values/result.h"

namespace quibble {

struct CheckpointShape {
    std::string architecture;  // as in general.architecture
    bool tied_output = false;
    std::uint64_t layers = 0;
    std::vector<float>
        rope_divisors;  // one for each pair of a head where the configuration scales them one by one; else empty
};

/// `where` names the file in errors. Errors: Unsupported (an architecture or a feature that nothing here runs, by name,
/// with what is), FileCorrupt (a setting is missing or absurd).
[[nodiscard]] Result<CheckpointShape> addConfigKeys(const nlohmann::json& config, const std::string& where,
                                                    KeyBuilder& keys);

}  // namespace quibble
