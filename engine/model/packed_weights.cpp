#include "engine/model/packed_weights.h"

#include <algorithm>
#include <new>

#include <sys/mman.h>

#include "engine/values/check.h"

namespace quibble {

namespace {

constexpr std::size_t kPage = std::size_t{2} << 20;
constexpr std::size_t kLargestBlock = std::size_t{64}
                                      << 20;  // unless one matrix takes more; what is not used is not touched
constexpr std::size_t kTouchAhead = std::size_t{16} << 20;
constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kPanelsPerChunk = 4;

}  // namespace

// When two threads write to the same new page, the system clears the page for both, and both wait. So each new page is
// touched by one thread beforehand.
void PackedWeights::touch(std::size_t end, ThreadPool& pool) {
    if (end <= touched_) return;
    const std::size_t target = std::min(block_bytes_, (end / kPage + 1) * kPage + kTouchAhead);
    std::byte* first = blocks_.back().get() + touched_;
    pool.parallelFor(static_cast<std::int64_t>((target - touched_) / kPage), 1,
                     [&](std::int64_t begin, std::int64_t last) {
                         for (std::int64_t page = begin; page < last; ++page)
                             first[static_cast<std::size_t>(page) * kPage] = std::byte{0};
                     });
    touched_ = target;
}

std::byte* PackedWeights::take(std::size_t bytes, ThreadPool& pool) {
    const std::size_t needed = (bytes / kAlignment + 1) * kAlignment;
    if (block_bytes_ - used_ < needed) {
        if (const std::size_t kept = (used_ + kPage - 1) / kPage * kPage; kept < touched_) {
            (void)::madvise(blocks_.back().get() + kept, touched_ - kept,
                            MADV_DONTNEED);  // refused: only memory is lost
        }
        const std::size_t wanted = std::max(needed, std::min(2 * block_bytes_, kLargestBlock));
        const std::size_t size = (wanted / kPage + 1) * kPage;
        blocks_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(kPage, size)));
        if (blocks_.back() == nullptr) throw std::bad_alloc();
        (void)::madvise(blocks_.back().get(), size, MADV_HUGEPAGE);  // refused: only speed is lost
        block_bytes_ = size;
        used_ = 0;
        touched_ = 0;
    }
    touch(used_ + needed, pool);
    std::byte* begin = blocks_.back().get() + used_;
    used_ += needed;
    return begin;
}

kernels::PackedView PackedWeights::add(const kernels::WeightView& w, ThreadPool& pool) {
    const std::size_t needed = kernels::packedBytes(w.type, w.rows, w.cols);
    QUIBBLE_CHECK(kernels::hasPacked(w.type) && (needed > 0 || w.rows == 0 || w.cols == 0),
                  "this matrix cannot be packed");
    std::byte* data = take(needed, pool);
    pool.parallelFor(kernels::panelCount(w.rows), kPanelsPerChunk,
                     [&](std::int64_t begin, std::int64_t end) { kernels::packPanels(w, begin, end, data); });
    return {w.type, w.rows, w.cols, data};
}

}  // namespace quibble
