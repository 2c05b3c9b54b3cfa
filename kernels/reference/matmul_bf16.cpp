#include "kernels/reference/reference.h"

#include <vector>

namespace quibble::kernels::reference {

void matmulBf16(const MatmulBf16Args& args) {
    std::vector<float> weights(static_cast<size_t>(args.w.cols));
    std::vector<float> x(static_cast<size_t>(args.w.cols));
    for (int64_t o = args.out_begin; o < args.out_end; ++o) {
        dequantizeRow(TensorType::BF16, args.w.data + static_cast<size_t>(o) * args.w.row_bytes, args.w.cols,
                      weights.data());
        for (int64_t r = 0; r < args.n_rows; ++r) {
            dequantizeRow(TensorType::BF16, args.xb + static_cast<size_t>(r) * args.xb_stride, args.w.cols, x.data());
            double sum = 0.0;
            for (size_t k = 0; k < x.size(); ++k) {
                sum += static_cast<double>(weights[k]) * static_cast<double>(x[k]);
            }
            args.y[r * args.y_stride + o] = static_cast<float>(sum);
        }
    }
}

}  // namespace quibble::kernels::reference
