#include "kernels/cpu/vec_avx2.h"

#include "kernels/cpu/matmul_body.h"
#include "kernels/cpu/tables_avx2.h"

namespace quibble::kernels::avx2 {

void matmul(const MatmulArgs& args) { matmulAny(args); }

}  // namespace quibble::kernels::avx2
