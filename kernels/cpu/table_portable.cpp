// The portable table: what runs where no other table does.
#include "kernels/cpu/tables_portable.h"
#include "kernels/cpu/variants.h"
#include "kernels/reference/reference.h"

namespace quibble::kernels::portable {

const Ops kOps = {
    .isa = "portable",
    .matmul = matmul,
    .matmulPacked = matmulPacked,
    .quantizeQ8 = reference::quantizeQ8,
    .rmsNorm = rmsNorm,
    .rope = rope,
    .swiGlu = swiGlu,
    .swiGluClamped = swiGluClamped,
    .add = add,
    .attention = attention,
    .storeKv = storeKv,
    .logitStats = logitStats,
    .klDivergence = klDivergence,
    .dequantizeRow = dequantizeRow,
};

}  // namespace quibble::kernels::portable
