#include "kernels/cpu/vec_portable.h"

#include "kernels/cpu/matmul_body.h"
#include "kernels/cpu/tables_portable.h"

namespace quibble::kernels::portable {

void matmul(const MatmulArgs& args) { matmulAny(args); }

}  // namespace quibble::kernels::portable
