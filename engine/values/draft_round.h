// One round of speculative decoding: the tree that was drafted, what the target said about it, and what it cost. A
// round without nodes is a plain step of a run that drafts: the drafter found nothing, or the step measures what plain
// decoding costs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/token_record.h"

namespace quibble {

enum class DraftFate : std::uint8_t {
    Ignored,   // never tested: something before it had already decided
    Rejected,  // tested and refused
    Accepted,
};

struct DraftNode {
    std::int32_t parent = -1;  // index of an earlier node; -1: the text itself
    TokenId id = kNoToken;
    float draft_prob = kNotMeasured;   // of the draft, after the same penalty, temperature and filters as the target's;
                                       // NaN: the draft has none (look-up)
    float target_prob = kNotMeasured;  // likewise of the target, when it came to this node; NaN when ignored
    float accept_prob = kNotMeasured;  // probability with which the rule accepts it; NaN when ignored
    float draw =
        kNotMeasured;  // uniform number that it was compared with (accepted when below); NaN: the rule draws none
    DraftFate fate = DraftFate::Ignored;
    bool operator==(const DraftNode&) const = default;
};

struct DraftRound {
    Position pos = 0;                // where the first token of this round stands
    std::vector<DraftNode> nodes;    // parents before their children
    std::vector<std::int32_t> path;  // the accepted nodes, from the text on
    TokenId added = kNoToken;        // the target's own token behind the path; kNoToken when the run ended on the path
    bool corrected = false;          // `added` stands where a drafted token was refused
    std::int32_t rows = 0;  // rows of the pass: the nodes and the last token of the text, whose row is missing where
                            // the prefill has just left its logits
    std::int64_t draft_ns = 0, verify_ns = 0, other_ns = 0;

    [[nodiscard]] std::int32_t accepted() const { return static_cast<std::int32_t>(path.size()); }
    /// Tokens of the text that this round made.
    [[nodiscard]] std::int32_t tokens() const { return accepted() + (added == kNoToken ? 0 : 1); }
    bool operator==(const DraftRound&) const = default;
};

/// The round with only those of its tokens that stand below `end`, round.pos < end. What was drafted and what it cost
/// stay whole.
[[nodiscard]] inline DraftRound beginningOf(DraftRound round, Position end) {
    const auto kept = static_cast<std::size_t>(std::max<Position>(0, end - round.pos));
    if (round.path.size() >= kept) {
        round.path.resize(kept);
        round.added = kNoToken;
        round.corrected = false;
    }
    return round;
}

/// How a token came into the text.
enum class TokenOrigin : std::uint8_t {
    Decoded,    // by a plain decode step, or put there by the user
    Accepted,   // drafted, and accepted by the target
    Corrected,  // the target's own, where a drafted token was refused
    Bonus,      // the target's own, behind a path that was accepted to its end
};

[[nodiscard]] inline std::string_view tokenOriginText(TokenOrigin origin) {
    switch (origin) {
        case TokenOrigin::Decoded: return "decoded";
        case TokenOrigin::Accepted: return "accepted";
        case TokenOrigin::Corrected: return "corrected";
        case TokenOrigin::Bonus: return "bonus";
    }
    return "decoded";
}

}  // namespace quibble
