#include "kernels/cpu/vec_portable.h"
#include "kernels/cpu/vec_math.h"

#include "kernels/cpu/layer_body.h"
#include "kernels/cpu/logits_body.h"
#include "kernels/cpu/tables_portable.h"

namespace quibble::kernels::portable {

void rmsNorm(const float* x, const float* gain, int64_t dim, float eps, float* y) { rmsNormBody(x, gain, dim, eps, y); }
void rope(float* x, int64_t head_dim, int64_t rot_dim, const float* cos, const float* sin, bool adjacent_pairs) {
    ropeBody(x, head_dim, rot_dim, cos, sin, adjacent_pairs);
}
void swiGlu(const float* gate, const float* up, int64_t n, float* y) { swiGluBody(gate, up, n, y); }
void swiGluClamped(const float* gate, const float* up, int64_t n, float alpha, float limit, float* y) {
    swiGluClampedBody(gate, up, n, alpha, limit, y);
}
void add(const float* a, const float* b, int64_t n, float* y) { addBody(a, b, n, y); }
void logitStats(const float* z, int64_t n, LogitStats* out) { logitStatsBody(z, n, out); }
double klDivergence(const float* zp, double lse_p, const float* zq, double lse_q, int64_t n) {
    return klDivergenceBody(zp, lse_p, zq, lse_q, n);
}

}  // namespace quibble::kernels::portable
