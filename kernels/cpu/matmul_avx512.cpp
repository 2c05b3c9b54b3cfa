#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/matmul_body.h"
#include "kernels/cpu/tables_avx512.h"

namespace quibble::kernels::avx512 {

void matmul(const MatmulArgs& args) { matmulAny(args); }

}  // namespace quibble::kernels::avx512
