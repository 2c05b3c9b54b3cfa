#include "kernels/reference/reference.h"

namespace quibble::kernels::reference {

const Ops kOps = {
    .isa = "reference",
    .matmul = matmul,
    .matmulPacked = matmulPacked,
    .matmulBf16 = matmulBf16,
    .quantizeQ8 = quantizeQ8,
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

}  // namespace quibble::kernels::reference
