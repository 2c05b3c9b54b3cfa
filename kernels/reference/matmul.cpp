#include "kernels/reference/reference.h"

#include <vector>

namespace quibble::kernels::reference {

namespace {

std::vector<float> weightRow(const WeightView& w, int64_t row) {
    std::vector<float> values(static_cast<size_t>(w.cols));
    if (w.type != TensorType::RtnGroup) {
        dequantizeRow(w.type, w.data + static_cast<size_t>(row) * w.row_bytes, w.cols, values.data());
        return values;
    }
    const int64_t groups = (w.cols + w.rtn.group - 1) / w.rtn.group;
    for (int64_t c = 0; c < w.cols; ++c) {
        const int64_t g = row * groups + c / w.rtn.group;
        values[static_cast<size_t>(c)] =
            w.rtn.scale[g] * (static_cast<float>(w.rtn.codes[row * w.cols + c]) - w.rtn.zero[g]);
    }
    return values;
}

}  // namespace

void matmul(const MatmulArgs& args) {
    for (int64_t o = args.out_begin; o < args.out_end; ++o) {
        const std::vector<float> weights = weightRow(args.w, o);
        for (int64_t r = 0; r < args.n_rows; ++r) {
            const float* x = args.x + r * args.x_stride;
            double sum = 0.0;
            for (int64_t k = 0; k < args.w.cols; ++k) {
                sum += static_cast<double>(weights[static_cast<size_t>(k)]) * static_cast<double>(x[k]);
            }
            args.y[r * args.y_stride + o] = static_cast<float>(sum);
        }
    }
}

}  // namespace quibble::kernels::reference
