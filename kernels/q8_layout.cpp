#include "kernels/ops.h"

namespace quibble::kernels {

int q8Layout(TensorType w) {
    switch (w) {
        case TensorType::Q8_0:
        case TensorType::Q4_0: return 0;
        case TensorType::Q4_K: return 1;
        case TensorType::Q6_K: return 2;
        default: return -1;
    }
}

bool hasQ8(TensorType w) { return q8Layout(w) >= 0; }

}  // namespace quibble::kernels
