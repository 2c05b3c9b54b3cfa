// Slot weight_quant: what is done to the stored weights of a linear layer when a model is opened. A method is one file;
// its stem is its id.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/values/method_head.h"
#include "kernels/weight_view.h"

namespace quibble {

/// A quantized weight matrix with its storage. The view points into the object.
class QuantizedMatrix {
public:
    virtual ~QuantizedMatrix() = default;
    [[nodiscard]] virtual kernels::WeightView view() const = 0;
    /// Bits that the format needs to store this matrix, scales and zero points included (not what the emulation
    /// occupies).
    [[nodiscard]] virtual double storedBits() const = 0;
    [[nodiscard]] virtual std::size_t memoryBytes() const = 0;
};

struct QuantizeTask {
    kernels::WeightView
        source;               // of any stored type, [rows, cols]; what is quantized are the values that it stands for
    std::string tensor_name;  // for errors
    ThreadPool* pool = nullptr;  // works on rows side by side, which changes no bit; nullptr: the caller alone
};

struct WeightQuantizer : MethodHead {
    /// Errors: InvalidArgument when the parameters do not fit this matrix; FileCorrupt for weights that are not
    /// numbers.
    Result<std::unique_ptr<QuantizedMatrix>> (*quantize)(const QuantizeTask& task, const MethodChoice& choice);
    /// QuantizedMatrix::memoryBytes of a matrix of that size.
    std::uint64_t (*memoryBytes)(std::uint64_t rows, std::uint64_t cols, const MethodChoice& choice);
    /// "rtn 3 bit g64 symmetric"
    std::string (*describe)(const MethodChoice& choice);
};

/// All methods; "none" (weights as stored) is not in the table because it makes nothing.
[[nodiscard]] std::span<const WeightQuantizer* const> weightQuantizers();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range. "none" gives nullptr.
[[nodiscard]] Result<const WeightQuantizer*> findWeightQuantizer(const MethodChoice& choice);

namespace weight_quant {
extern const WeightQuantizer kRtn;
}

}  // namespace quibble
