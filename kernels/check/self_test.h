// The check of the kernels that a user can run: every table that this machine offers against the scalar reference, on
// random inputs, within the bands that op_table.h states. What the build machine's tests cannot know is whether this
// CPU computes as it says.
#pragma once

#include "kernels/op_table.h"

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace quibble::kernels {

struct OpCheck {
    const char* isa = "";  // of the table
    const char* op = "";   // the member of Ops
    int cases = 0;         // types and shapes that were tried
    double worst =
        0.0;  // the largest error as a share of what is allowed; 0: the same bits, or bits are what is promised
    std::string fault;  // the first result outside of its band; empty: none
};

struct SelfTestOptions {
    uint64_t seed = 1;                                  // of the inputs
    std::function<void(int done, int total)> progress;  // after each operation; may be empty
    std::stop_token stop;                               // what was checked so far is returned
};

// Checks every operation of each table, in their order. Takes about a second for each; any thread.
std::vector<OpCheck> selfTest(std::span<const Ops* const> tables, const SelfTestOptions& options = {});

}  // namespace quibble::kernels
