// The matrices of a model rearranged for the 8-bit products (kernels/packed.h), in memory of their own. They lie one
// behind the other in large blocks that ask for 2 MiB pages: with pages of 4 KiB reading them would wait for address
// translation half of the time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "engine/base/thread_pool.h"
#include "kernels/packed.h"

namespace quibble {

class PackedWeights {
public:
    /// w.type must be one that hasPacked. The view is valid as long as this object. Throws std::bad_alloc.
    [[nodiscard]] kernels::PackedView add(const kernels::WeightView& w, ThreadPool& pool);

private:
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    std::byte* take(std::size_t bytes, ThreadPool& pool);
    void touch(std::size_t end, ThreadPool& pool);

    std::vector<std::unique_ptr<std::byte, Free>> blocks_;
    std::size_t block_bytes_ = 0;  // of the last block
    std::size_t used_ = 0;         // of these
    std::size_t touched_ = 0;      // pages up to here are there
};

}  // namespace quibble
