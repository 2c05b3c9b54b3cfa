// Measures what this machine can do at best. Every speed that we state as a share is a share of one of these figures.
#pragma once

#include <cstddef>
#include <memory>

namespace quibble::kernels {

// Reading from a buffer of `bytes` bytes in large pages by `threads` threads together, each its own part of it, in
// order. Take bytes far above the last-level cache for the memory limit. On a shared machine memory is now fast, now
// slow: measure in turns with what is to be compared.
class ReadBandwidth {
public:
    ReadBandwidth(int threads, size_t bytes);

    // Bytes a second of the best of the passes that `seconds` have room for; a pass takes about a millisecond. 0 if
    // memory or threads could not be had.
    double best(double seconds) const { return measure(seconds).best; }
    // Bytes a second of all passes together, in the same time.
    double sustained(double seconds) const { return measure(seconds).sustained; }

private:
    struct Rates {
        double best = 0;
        double sustained = 0;
    };
    struct Free {
        void operator()(std::byte* p) const;
    };

    Rates measure(double seconds) const;

    int threads_;
    size_t part_ = 0;  // bytes of a thread
    std::unique_ptr<std::byte, Free> buffer_;
};

// Float operations a second (an FMA counts two) of one thread, in registers, with the widest vectors that ops() uses.
double measureFmaRate();

// 8-bit operations a second (a product of two bytes counts two: multiply and add) of one thread, in registers, with the
// instructions that matmulPacked of ops() uses.
double measureDotRate();

// Float operations a second of one thread, in registers, with the instruction that matmulBf16 of ops() uses. 0 where it
// has none.
double measureBf16Rate();

}  // namespace quibble::kernels
