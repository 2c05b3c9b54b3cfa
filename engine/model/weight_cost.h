// What the weights of a model take in memory, before they are loaded, and whether that is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/model/model.h"
#include "engine/values/result.h"

namespace quibble {

/// Bytes.
struct WeightCost {
    std::int64_t packed = 0;    // matrices rearranged for 8-bit products
    std::int64_t made = 0;      // quantized anew, converted or joined
    std::int64_t in_place = 0;  // read where they lie in the file, over and over: memory that the system can take back,
                                // but then each token reads the disk

    [[nodiscard]] std::int64_t bytes() const { return packed + made + in_place; }
    /// "13.1 GB (packed 12.0 GB, read where they lie in the file 1.10 GB)"
    [[nodiscard]] std::string text() const;
};

/// quantizer: of options.weight_quant; nullptr for weights as stored.
[[nodiscard]] WeightCost weightCost(const ModelFile& file, const LoadOptions& options,
                                    const WeightQuantizer* quantizer);

/// Errors: OutOfMemory, with what is needed, what is there and what to do. available: nullopt where nobody knows, which
/// fits.
[[nodiscard]] Result<void> checkWeightsFit(const WeightCost& cost, const std::string& path,
                                           std::optional<std::int64_t> available);

}  // namespace quibble
