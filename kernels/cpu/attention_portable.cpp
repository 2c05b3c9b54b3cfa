#include "kernels/cpu/vec_portable.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/attention_body.h"
#include "kernels/cpu/tables_portable.h"

namespace quibble::kernels::portable {

void attention(const AttentionArgs& args) { attentionBody(args); }
void storeKv(TensorType type, const float* src, int64_t n, std::byte* dst) { storeKvBody(type, src, n, dst); }

}  // namespace quibble::kernels::portable
