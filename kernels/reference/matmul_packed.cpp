// Activations rounded to 8 bits, and their products with packed weights.
#include "kernels/reference/reference.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace quibble::kernels::reference {

namespace {

// Largest magnitude; NaN when the block holds anything that is not finite.
float blockMax(const float* x, int64_t n) {
    float max = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
        if (!std::isfinite(x[i])) {
            return std::numeric_limits<float>::quiet_NaN();
        }
        max = std::fmax(max, std::fabs(x[i]));
    }
    return max;
}

}  // namespace

void quantizeQ8(const float* x, int64_t cols, std::byte* out) {
    for (int64_t b = 0; b < cols / 32; ++b) {
        const float max = blockMax(x + 32 * b, 32);
        const float inverse = max > 0.0F ? 127.0F / max : 0.0F;
        Q8Block block{};
        block.d = max / 127.0F;
        for (int i = 0; i < 32; ++i) {
            // A subnormal max makes the inverse infinite: such a block rounds to zero.
            const float scaled = std::isfinite(inverse) && max > 0.0F ? x[32 * b + i] * inverse : 0.0F;
            block.q[i] = static_cast<int8_t>(std::nearbyint(scaled));
            block.minus_half[i / 16] -= block.q[i];
        }
        block.minus_sum = block.minus_half[0] + block.minus_half[1];
        std::memcpy(out + static_cast<size_t>(b) * sizeof(block), &block, sizeof(block));
    }
}

void matmulPacked(const MatmulPackedArgs& args) {
    const int64_t cols = args.w.cols;
    std::vector<float> weights(static_cast<size_t>(cols));
    for (int64_t o = args.out_begin; o < args.out_end; ++o) {
        unpackRow(args.w, o, weights.data());
        for (int64_t r = 0; r < args.n_rows; ++r) {
            const std::byte* row = args.xq + static_cast<size_t>(r) * args.xq_stride;
            double sum = 0.0;
            for (int64_t k = 0; k < cols; k += 32) {
                Q8Block block;
                std::memcpy(&block, row + static_cast<size_t>(k / 32) * sizeof(block), sizeof(block));
                for (int i = 0; i < 32; ++i) {
                    sum += static_cast<double>(weights[static_cast<size_t>(k + i)]) * static_cast<double>(block.d) *
                           block.q[i];
                }
            }
            args.y[r * args.y_stride + o] = static_cast<float>(sum);
        }
    }
}

}  // namespace quibble::kernels::reference
