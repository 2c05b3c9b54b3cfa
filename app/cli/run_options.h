// The options of a run, said once for run, eval and bench.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble::cli {

struct RunOptions {
    std::string model;
    std::string quant = "none";
    std::string reference;  // a path, "self" (the stored weights of the same file) or "none"
    std::string arithmetic = "native", kv_type = "f32", prefill = "exact";
    std::string draft = "none", verify = "match", experts = "observe";
    std::vector<std::string> draft_models;
    double penalty = 0;
    std::vector<std::string> logits, control;  // rules, in order
    std::string markers = "published-50";      // a built-in set or a file
    std::vector<std::string> without_words;
    bool only_thinking = false;
    double temperature = 0.6, top_p = 0.95, min_p = 0;
    int top_k = 0;
    std::uint64_t seed = 1;
    int max_tokens = 512;
    int context = 0;
    int threads = 0;
    int block = 16;
    int alternatives = 10;
    bool raw = false;
    std::string clock;  // empty: that of the start

    void addTo(CLI::App& command);
    /// Everything but prompt and problem. Errors: InvalidArgument, NotFound (a marker list).
    [[nodiscard]] Result<RunRequest> request() const;
};

}  // namespace quibble::cli
