// What came of a problem set, as quibble-cli eval writes it and as the window copies it.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "app/evaluation/set_evaluation.h"

namespace quibble {

/// setting and models are those of the evaluation.
[[nodiscard]] nlohmann::ordered_json setReport(const RunRequest& setting, const RunModels& models,
                                               const SetOutcome& outcome);
/// The report as lines: figures, then each problem that could not be run, with its reason.
[[nodiscard]] std::string reportText(const nlohmann::ordered_json& report);

}  // namespace quibble
