// Whether the amx table can be used here. Beside the CPU it needs an operating system that lets a process have the tile
// registers, and since nothing of this can be seen by looking, a small product is tried before the table is offered.
#pragma once

#include "kernels/cpu/cpu_probe.h"

namespace quibble::kernels::amx {

// Null if it can, else why not. Asks the operating system for the tile registers, once and for all threads of this
// process.
const char* whyUnusable(const CpuFeatures& cpu);

// A small product of each width of slice, in this table and in avx512: true if every bit agrees. An illegal instruction
// or a fault on the way gives false. Needs a CPU with avx512. For that time the handlers of SIGILL and SIGSEGV are
// replaced; signals of other threads go to the old ones. Not to be called by two threads at once.
bool productsAgree();

}  // namespace quibble::kernels::amx
