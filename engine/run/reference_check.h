// Whether a reference can measure a model, and whether it can show anything: asked before a run, without loading the
// reference's weights.
#pragma once

#include <string>

#include "engine/model/model.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

/// KL compares two distributions over the same tokens. Errors: InvalidArgument where tokenizer or vocabulary size
/// differ, with what to do.
[[nodiscard]] Result<void> checkReferenceReadsTheSame(const ModelConfig& reference,
                                                      const Tokenizer& reference_tokenizer, const Model& model);

/// Looks at the reference that the request names, for a run of `model`. The value is empty where the run can show
/// something, else one sentence on what it cannot: a model that is its own reference has a KL of 0 everywhere. Errors:
/// those of opening the file (NotFound, FileCorrupt, Unsupported), and those of checkReferenceReadsTheSame.
[[nodiscard]] Result<std::string> lookAtReference(const RunRequest& request, const Model& model);

/// The same sentence about a run that has begun, from what it recorded; empty where there is nothing to say.
[[nodiscard]] std::string referenceRemark(const RunRequest& request, const RunProvenance& provenance);

}  // namespace quibble
