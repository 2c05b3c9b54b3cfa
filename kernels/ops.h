// Every arithmetic operation of the engine, as a table of functions per instruction set. The table is chosen once.
// What each function computes, its shapes, aliasing and tolerance: op_table.h.
#pragma once

#include "kernels/op_table.h"

#include <span>
#include <string>
#include <string_view>

namespace quibble::kernels {

// The table for this process, chosen at the first call: what QUIBBLE_ISA names, else the best this CPU can run.
// A program that wants to report a bad QUIBBLE_ISA itself calls isaFromEnvironment() first; ops() prints the reason
// to stderr and ends the process with status 2.
const Ops& ops();

struct IsaChoice {
    const Ops* ops = nullptr;  // null exactly when error is set
    std::string error;         // what was asked, why not, what would do
};

// forced: "reference", "portable", "avx2", "avx512", "amx", or empty for the best.
IsaChoice selectIsa(std::string_view forced);
IsaChoice isaFromEnvironment();

// Tables this CPU can run, slowest first; [0] is the reference.
std::span<const Ops* const> allOps();

// Why a table has no matmulBf16; empty when it has.
std::string whyNoMatmulBf16(const Ops& table);

// Bytes of one row of BF16 activations: with padding, so that rows which lie this far apart start in different sets of
// the first-level cache.
inline size_t bf16RowBytes(int64_t cols) { return ((2 * static_cast<size_t>(cols) + 63) / 64 | 1U) * 64; }

}  // namespace quibble::kernels
