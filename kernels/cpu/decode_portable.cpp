#include "kernels/cpu/decode.h"
#include "kernels/cpu/vec_portable.h"

#include "kernels/cpu/decode_body.h"

namespace quibble::kernels::portable {

void dequantizeRow(TensorType type, const std::byte* src, int64_t cols, float* dst) { decodeAny(type, src, cols, dst); }

void decodeChunk(const WeightView& w, int64_t row, int64_t begin, int64_t n, float* dst) {
    if (w.type == TensorType::RtnGroup) {
        decodeRtn(w, row, begin, n, dst);
        return;
    }
    const std::byte* src = w.data + static_cast<size_t>(row) * w.row_bytes + chunkOffset(w.type, begin);
    decodeAny(w.type, src, n, dst);
}

}  // namespace quibble::kernels::portable
