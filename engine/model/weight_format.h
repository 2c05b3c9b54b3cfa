// What weights are called wherever a run or a model is named: one rule for titles, details, exports and reports.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/file/model_file.h"
#include "engine/quant/weights/weight_quantizer.h"
#include "engine/values/param_spec.h"

namespace quibble {

/// How many weights of the layers' matrices a file holds in each type: "Q4_K" -> 900000000.
using WeightsByType = std::map<std::string, std::int64_t>;

/// Counted from the file's tensors. Embedding, output and the routers of experts keep their form whatever is made of
/// the rest, so they do not count.
[[nodiscard]] WeightsByType layerWeights(const ModelFile& file);

/// "Q4_K, Q6_K": the types, the one of most weights first.
[[nodiscard]] std::string typeList(const WeightsByType& weights);

/// The name of a file's weights. file_type is the key general.file_type: the writer's name for a mixture of types
/// ("Q4_K_M") is used where the weights are such a mixture, since a file that was converted again may carry the key of
/// its ancestor. Else the types themselves.
[[nodiscard]] std::string storedFormatName(const WeightsByType& weights, std::optional<std::uint64_t> file_type);
[[nodiscard]] std::string storedFormatName(const ModelFile& file);

/// The name of the weights that are used. quantizer == nullptr: as stored. What was quantized from weights that are
/// quantized themselves says so: "RTN 3 bit g64 of Q4_K_M".
[[nodiscard]] std::string weightFormatName(const std::string& stored, const WeightQuantizer* quantizer,
                                           const MethodChoice& choice);

}  // namespace quibble
