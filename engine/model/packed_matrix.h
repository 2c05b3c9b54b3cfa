// A quantized matrix rearranged for the 8-bit products (kernels/packed.h), in memory of its own.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "engine/base/thread_pool.h"
#include "kernels/packed.h"

namespace quibble {

class PackedMatrix {
public:
    /// w.type must be one that hasPacked. Throws std::bad_alloc.
    PackedMatrix(const kernels::WeightView& w, ThreadPool& pool);

    [[nodiscard]] kernels::PackedView view() const { return view_; }
    [[nodiscard]] std::size_t memoryBytes() const { return bytes_; }

private:
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    std::size_t bytes_ = 0;
    std::unique_ptr<std::byte, Free> data_;
    kernels::PackedView view_;
};

}  // namespace quibble
