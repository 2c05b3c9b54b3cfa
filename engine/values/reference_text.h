// What KL is measured against, in words. A reference is full precision only where its weights are: a file that is
// quantized already can be quantized further, and then its stored weights are the reference. Everything that names a
// reference asks here.
#pragma once

#include <string>
#include <string_view>

#include "engine/values/run_event.h"

namespace quibble {

/// Whether weights of this name are full precision, decided from the name that a run records, so that stored runs of
/// any age have an answer: "F16" and "F32, BF16" are; "Q4_K_M", "F16, Q8_0" and "RTN 3 bit g64" are not. An empty name
/// is not, either.
[[nodiscard]] inline bool isFullPrecision(std::string_view format) {
    if (format.empty()) return false;
    while (!format.empty()) {
        const std::size_t comma = format.find(", ");
        const std::string_view type = format.substr(0, comma);
        if (type != "F32" && type != "F16" && type != "BF16") return false;
        format = comma == std::string_view::npos ? std::string_view{} : format.substr(comma + 2);
    }
    return true;
}

enum class ReferenceRelation {
    None,           // there is no reference
    SameWeights,    // the model itself: KL shows only what cache, prefill or experts did
    StoredWeights,  // the weights of the model's file before they were quantized in memory
    OtherFile,
};

[[nodiscard]] inline ReferenceRelation referenceRelation(const RunProvenance& p) {
    if (p.reference_name.empty()) return ReferenceRelation::None;
    if (p.reference_hash != p.model_hash) return ReferenceRelation::OtherFile;
    return p.reference_format == p.weight_format ? ReferenceRelation::SameWeights : ReferenceRelation::StoredWeights;
}

/// For exports and reports: "none", "stored weights, F16 (full precision)", "stored weights, Q4_K_M (quantized)", "the
/// model itself, Q8_0 (quantized)", "r1-distill-7b, BF16 (full precision)".
[[nodiscard]] inline std::string referenceText(const RunProvenance& p) {
    std::string text;
    switch (referenceRelation(p)) {
        case ReferenceRelation::None: return "none";
        case ReferenceRelation::SameWeights: text = "the model itself"; break;
        case ReferenceRelation::StoredWeights: text = "stored weights"; break;
        case ReferenceRelation::OtherFile: text = p.reference_name; break;
    }
    return text + ", " + p.reference_format +
           (isFullPrecision(p.reference_format) ? " (full precision)" : " (quantized)");
}

}  // namespace quibble
