#include "kernels/cpu/vec_avx2.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/attention_body.h"
#include "kernels/cpu/tables_avx2.h"

namespace quibble::kernels::avx2 {

void attention(const AttentionArgs& args) { attentionBody(args); }
void storeKv(TensorType type, const float* src, int64_t n, std::byte* dst) { storeKvBody(type, src, n, dst); }

}  // namespace quibble::kernels::avx2
