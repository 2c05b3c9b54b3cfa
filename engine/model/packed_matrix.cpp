#include "engine/model/packed_matrix.h"

#include <new>

#include "engine/values/check.h"

namespace quibble {

namespace {

constexpr std::size_t kAlignment = 4096;
constexpr std::int64_t kPanelsPerChunk = 4;

}  // namespace

PackedMatrix::PackedMatrix(const kernels::WeightView& w, ThreadPool& pool) {
    const std::size_t needed = kernels::packedBytes(w.type, w.rows, w.cols);
    QUIBBLE_CHECK(kernels::hasPacked(w.type) && (needed > 0 || w.rows == 0 || w.cols == 0), "this matrix cannot be packed");
    bytes_ = (needed / kAlignment + 1) * kAlignment;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes_)));
    if (data_ == nullptr) throw std::bad_alloc();
    pool.parallelFor(kernels::panelCount(w.rows), kPanelsPerChunk,
                     [&](std::int64_t begin, std::int64_t end) { kernels::packPanels(w, begin, end, data_.get()); });
    view_ = {w.type, w.rows, w.cols, data_.get()};
}

}  // namespace quibble
