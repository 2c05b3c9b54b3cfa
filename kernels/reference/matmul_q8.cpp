// Activations rounded to 8 bits. A row here is one float d per block, then one byte per activation.
#include "kernels/ops.h"
#include "kernels/reference/reference.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace quibble::kernels::reference {

namespace {

int64_t blockWidth(TensorType w) { return w == TensorType::Q8_0 || w == TensorType::Q4_0 ? 32 : 256; }

// Scale of a block; NaN when it holds anything that is not finite.
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

size_t q8RowBytes(int64_t cols, TensorType w) {
    if (!hasQ8(w)) {
        return 0;
    }
    return static_cast<size_t>(cols / blockWidth(w)) * sizeof(float) + static_cast<size_t>(cols);
}

void quantizeQ8(const float* x, int64_t cols, TensorType w, std::byte* out) {
    const int64_t width = blockWidth(w);
    const int64_t blocks = cols / width;
    std::byte* codes = out + static_cast<size_t>(blocks) * sizeof(float);
    for (int64_t b = 0; b < blocks; ++b) {
        const float max = blockMax(x + b * width, width);
        const float d = max / 127.0F;
        std::memcpy(out + static_cast<size_t>(b) * sizeof(float), &d, sizeof(d));
        const float inverse = max > 0.0F ? 127.0F / max : 0.0F;
        for (int64_t i = 0; i < width; ++i) {
            // A subnormal max makes the inverse infinite: such a block rounds to zero.
            const float scaled = std::isfinite(inverse) && max > 0.0F ? x[b * width + i] * inverse : 0.0F;
            codes[b * width + i] = static_cast<std::byte>(static_cast<int8_t>(std::nearbyint(scaled)));
        }
    }
}

void matmulQ8(const MatmulQ8Args& args) {
    const int64_t cols = args.w.cols;
    const int64_t width = blockWidth(args.w.type);
    std::vector<float> weights(static_cast<size_t>(cols));
    for (int64_t o = args.out_begin; o < args.out_end; ++o) {
        dequantizeRow(args.w.type, args.w.data + static_cast<size_t>(o) * args.w.row_bytes, cols, weights.data());
        for (int64_t r = 0; r < args.n_rows; ++r) {
            const std::byte* row = args.xq + static_cast<size_t>(r) * args.xq_stride;
            const std::byte* codes = row + static_cast<size_t>(cols / width) * sizeof(float);
            double sum = 0.0;
            for (int64_t k = 0; k < cols; ++k) {
                float d = 0.0F;
                std::memcpy(&d, row + static_cast<size_t>(k / width) * sizeof(float), sizeof(d));
                sum += static_cast<double>(weights[static_cast<size_t>(k)]) * static_cast<double>(d) *
                       static_cast<double>(static_cast<int8_t>(codes[k]));
            }
            args.y[r * args.y_stride + o] = static_cast<float>(sum);
        }
    }
}

}  // namespace quibble::kernels::reference
