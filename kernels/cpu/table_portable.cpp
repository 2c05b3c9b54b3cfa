// The portable table: what runs where no other table does.
#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"
#include "kernels/reference/reference.h"

namespace quibble::kernels::portable {

void quantizeQ8(const float* x, int64_t cols, std::byte* out) { reference::quantizeQ8(x, cols, out); }

const Ops kOps = tableOf("portable");

}  // namespace quibble::kernels::portable
