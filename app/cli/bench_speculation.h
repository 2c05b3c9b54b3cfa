// What drafting brings on this machine: whole runs with each draft method against plain decoding of the same text, and
// rounds whose drafts are all accepted, which show what the engine allows. One JSON object holds everything; the print
// functions are the same for people.
#pragma once

#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble::cli {

struct SpeculationBenchRequest {
    std::string model, quant = "none", arithmetic = "native";
    std::vector<std::string> drafts;   // model files, largest first; methods that need more of them are left out
    std::vector<std::string> methods;  // "method:params" or "method:params/rule"; empty: one of each kind
    std::vector<double> temperatures{0, 0.6};
    int problems = 4;  // of the held-out set
    int max_tokens = 200;
    int threads = 0, repeats = 5;
    int depth = 256;  // forced rounds: positions in the cache before them
};

/// Whole runs. Every repetition runs plain decoding and each method on each problem in turn; the speed-up is the median
/// of the ratios of their times a token; beside it stands the ratio of the fastest repetitions, which other jobs of the
/// machine disturb least. A method that fails on a problem is named in "failures" and left out from there on; a stop
/// leaves what was measured before, with kIncomplete (bench_stop.h). Errors: those of opening the models.
[[nodiscard]] Result<nlohmann::ordered_json> runSpeculationBench(const SpeculationBenchRequest& request,
                                                                 const std::stop_token& stop);
void printSpeculationBench(const nlohmann::ordered_json& result, std::ostream& out);

/// Passes of n rows in decode steps, and rounds of a chain of which the target is made to accept everything: needs no
/// text and no trained model. A stop after the first repetition leaves what was measured before, with kIncomplete.
[[nodiscard]] Result<nlohmann::ordered_json> runForcedBench(const SpeculationBenchRequest& request,
                                                            const std::stop_token& stop);
void printForcedBench(const nlohmann::ordered_json& result, std::ostream& out);

}  // namespace quibble::cli
