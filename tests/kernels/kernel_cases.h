// What the kernel tests compare with: no Qt, so that the benchmark can use it too.
#pragma once

#include "kernels/check/inputs.h"

#include <cstring>

namespace quibble::kernels::test {

using namespace check;

// A view of `n` elements that starts `offset` elements after a 64-byte boundary.
template <class T>
class Shifted {
public:
    Shifted(size_t n, size_t offset) : storage_(n + offset + 64 / sizeof(T)) {
        const auto address = reinterpret_cast<uintptr_t>(storage_.data());
        const size_t to_boundary = (64 - address % 64) % 64 / sizeof(T);
        begin_ = storage_.data() + to_boundary + offset;
    }
    Shifted(const std::vector<T>& values, size_t offset) : Shifted(values.size(), offset) {
        std::copy(values.begin(), values.end(), begin_);
    }
    T* data() { return begin_; }
    const T* data() const { return begin_; }
    T& operator[](size_t i) { return begin_[i]; }

private:
    std::vector<T> storage_;
    T* begin_;
};

inline bool sameBits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// Empty when every value is the same bit for bit, else the first difference.
inline std::string firstDifference(const float* got, const float* wanted, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        if (!sameBits(got[i], wanted[i])) {
            return "element " + std::to_string(i) + ": " + std::to_string(got[i]) + " instead of " +
                   std::to_string(wanted[i]);
        }
    }
    return {};
}

}  // namespace quibble::kernels::test
