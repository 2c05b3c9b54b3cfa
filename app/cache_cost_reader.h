// What the KV caches of the next run cost, as the window says it before the run.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <QString>

#include "engine/model/model.h"
#include "engine/values/run_request.h"

namespace quibble {

class CacheCostReader {
public:
    struct Answer {
        QString text;
        bool refused = false;  // does not fit into memory, or the model cannot have such a cache
        QString too_long;      // the prompt leaves no room for a token; empty: it does, or there is none
    };
    /// The files of a reference and of drafts are looked at once each; one that cannot be opened is left out.
    [[nodiscard]] Answer of(const RunRequest& request, const Model& model, std::int64_t prompt_tokens);

private:
    [[nodiscard]] const ModelConfig* configOf(const std::string& path);

    std::map<std::string, std::optional<ModelConfig>> configs_;
};

}  // namespace quibble
