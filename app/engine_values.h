// What the engine knows about methods, prompts and markers, as values that views show.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/model.h"
#include "engine/run/prompt.h"
#include "engine/text/marker_set.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "views/markers/markers_panel.h"
#include "views/run_setup/method_chooser.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/run_setup_panel.h"

namespace quibble {

/// Every registered weight quantizer, with what it would make of this model; `blocked` without one.
[[nodiscard]] std::vector<QuantMethod> quantMethods(const std::shared_ptr<const Model>& model);
/// The methods of the slot that fills this field of a request (method_slots.h), in the order of its table. `model`: the
/// one that is open, by which methods are blocked; nullptr: none is.
[[nodiscard]] std::vector<MethodInfo> methodInfos(std::string_view field, const Model* model = nullptr);
/// One row a fact, for the details of a model: name, value.
[[nodiscard]] std::vector<std::pair<QString, QString>> modelFacts(const Model& model);
/// The first tokens of a prompt, as the window shows them, at most `most`.
[[nodiscard]] std::vector<PromptToken> promptTokens(const PromptTokens& prompt, const Tokenizer& tokenizer,
                                                    std::size_t most);
/// A remark of the engine as a sentence.
[[nodiscard]] QString sentence(const std::string& remark);
/// An error as one sentence or two for a caption: what, and what to do.
[[nodiscard]] QString reasonText(const Error& error);
/// The list that a request names: its own words, or the built-in of that name.
[[nodiscard]] MarkerSet markerSetOf(const PenaltySettings& penalty);
[[nodiscard]] std::vector<MarkerListInfo> markerListInfos(const std::vector<MarkerSet>& sets,
                                                          const std::vector<std::string>& editable);

/// What a run is called until somebody names it: weights, penalty, and who drafts and spares experts.
[[nodiscard]] QString runTitle(const RunRequest& request, const Model& model);

/// What a run of this request would begin with, for the window before the first run: provenance and the text of its
/// tokens. `prompt`: what the request's prompt is for the model; nullptr: it has none.
[[nodiscard]] EventBatch previewOf(const RunRequest& request, const Model& model, const PromptTokens* prompt);

}  // namespace quibble
