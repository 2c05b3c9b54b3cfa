// What expert budgets (MoE-Spec, arXiv 2602.16052) do to a trained mixture: unions and coverage of passes over real
// text, the error that a budget makes beside other selections of the same size, and whole drafted runs under each
// budget. One JSON object holds everything.
#pragma once

#include <ostream>
#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble::cli {

struct ExpertsBenchRequest {
    std::string model, draft;
    std::string method = "tree:nodes=24,depth=6";  // of the runs
    int problems = 8;                              // of the held-out set
    int max_tokens = 200;
    int threads = 0, repeats = 3;
};

/// A stop or a fault on the way leaves what was measured before, with kIncomplete (bench_stop.h). Errors: a model
/// without experts, and those of opening.
[[nodiscard]] Result<nlohmann::ordered_json> runExpertsBench(const ExpertsBenchRequest& request,
                                                             const std::stop_token& stop);
void printExpertsBench(const nlohmann::ordered_json& result, std::ostream& out);

}  // namespace quibble::cli
