// What this machine can do at best, measured: the denominators of every speed we state.
#pragma once

#include <cstddef>

namespace quibble::kernels {

// Bytes a second that `threads` threads together read from a buffer of `bytes` bytes (split evenly, read in order; best
// of several passes, about 0.3 s). Take bytes far above the last-level cache for the memory limit. 0 if memory or
// threads cannot be had.
double measureReadBandwidth(int threads, size_t bytes);

// Float operations a second (an FMA counts two) of one thread, in registers, with the widest vectors that ops() uses.
double measureFmaRate();

// 8-bit operations a second (a product of two bytes counts two: multiply and add) of one thread, in registers, with the instructions that matmulPacked
// of ops() uses.
double measureDotRate();

// Float operations a second of one thread, in registers, with the instruction that matmulBf16 of ops() uses. 0 where it has none.
double measureBf16Rate();

}  // namespace quibble::kernels
