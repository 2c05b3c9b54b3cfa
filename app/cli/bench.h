// Speed of a model on this machine: prefill, decode, blocks of rows, whole runs with and without a live reference,
// beside the limits of the machine measured in the same run. One JSON object holds everything; printBench() is the same
// for people.
#pragma once

#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"

namespace quibble::cli {

struct BenchRequest {
    std::string model, quant = "none", reference, arithmetic = "native", kv_type = "f32";
    int prefill = 512, decode = 64;  // tokens; 0: skip
    int depth = 32;                  // positions in the cache before decode and blocks
    std::vector<int> blocks{2, 4, 8, 16};
    int threads = 0, repeats = 3;
    bool parallel = false;  // runs at once, 1 to 64
    bool busy = false;      // prefill once more with another job on one of the cores
};

/// A stop or a fault on the way leaves what was measured before, with kIncomplete (bench_stop.h). Errors: those of
/// opening the models.
[[nodiscard]] Result<nlohmann::ordered_json> runBench(const BenchRequest& request, const std::stop_token& stop);

void printBench(const nlohmann::ordered_json& result, std::ostream& out);

}  // namespace quibble::cli
