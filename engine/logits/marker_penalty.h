// Overthinking-marker penalty (arXiv 2606.00206, Eq. 1): z'(v) = z(v) - lambda for v in S, before temperature, at every
// step. Restricting it to the reasoning span is an option of ours, off by default.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/logits/logits_method.h"
#include "engine/text/marker_set.h"
#include "engine/values/ids.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

/// What the penalty is called among the rules of a request.
inline constexpr std::string_view kMarkerPenaltyId = "marker_penalty";

class MarkerPenalty {
public:
    /// Errors: NotFound when settings.words is empty and no built-in set has that name, or when a word that is to be
    /// switched off is no entry; InvalidArgument for a strength out of range.
    [[nodiscard]] static Result<MarkerPenalty> create(const PenaltySettings& settings, const Tokenizer& tokenizer);

    [[nodiscard]] const ResolvedMarkers& markers() const { return resolved_; }
    [[nodiscard]] bool isMarker(TokenId id) const {
        return id >= 0 && static_cast<std::size_t>(id) < member_.size() && member_[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] double strength() const { return strength_; }

    /// Whether apply() would change a logit at a step that is inside (or outside) the reasoning span.
    [[nodiscard]] bool active(bool thinking) const {
        return strength_ != 0 && (thinking || !only_thinking_) && !penalized_.empty();
    }
    /// Subtracts the strength from every enabled marker's logit; nothing else changes by a bit.
    void apply(std::span<float> logits) const;

    /// The penalty as the rule of a chain. It has no state along the text, and changes of this penalty hold for it at
    /// once. The penalty must outlive the rule.
    [[nodiscard]] std::unique_ptr<LogitsRule> rule() const;

    /// What a penalty that is in force does not reach: entries that are no single token. Empty when it reaches all.
    [[nodiscard]] std::string note() const;

    /// Errors: InvalidArgument when not within +-100.
    [[nodiscard]] Result<void> setStrength(double strength);
    void setOnlyThinking(bool only) { only_thinking_ = only; }
    /// Errors: NotFound when the list has no such entry.
    [[nodiscard]] Result<void> setWordEnabled(std::string_view word, bool enabled);

private:
    void rebuild();

    ResolvedMarkers resolved_;
    std::string set_name_;
    std::vector<std::string> words_;  // all entries, dropped ones too
    std::vector<std::string> disabled_;
    std::vector<TokenId> penalized_;  // enabled members, sorted
    std::vector<bool> member_;        // by token id, whether enabled or not
    double strength_ = 0;
    bool only_thinking_ = false;
};

}  // namespace quibble
