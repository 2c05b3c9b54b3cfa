// The lines of the log about a measurement: one when it begins, one when it ends with its main figures, and one for
// each method that failed on the way. A model that is loaded, and an error that ends the measurement, have lines of
// their own already.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "app/cli/bench.h"
#include "app/cli/bench_experts.h"
#include "app/cli/bench_speculation.h"

namespace quibble::cli {

// What is measured and how, as the user asked for it.
[[nodiscard]] std::string inWords(const BenchRequest& request);
[[nodiscard]] std::string inWords(const ExpertsBenchRequest& request);
/// `kind`: "drafting" or "forced rounds".
[[nodiscard]] std::string inWords(const SpeculationBenchRequest& request, const char* kind);

void logBenchBegins(const std::string& words);
/// `report` as one of the run functions gives it.
void logBenchEnds(const nlohmann::ordered_json& report, double seconds);

}  // namespace quibble::cli
