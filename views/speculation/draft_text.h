// What happened to drafted tokens, in words: for tool tips, screen readers and tables.
#pragma once

#include <QString>

#include "engine/values/draft_round.h"

namespace quibble {

class RunDocument;

/// "accepted", "rejected", "not tested"
[[nodiscard]] QString draftFateText(DraftFate fate);
/// "decoded", "drafted and accepted", "correction of the target", "bonus of the target"
[[nodiscard]] QString tokenOriginLabel(TokenOrigin origin);
/// The token that the target has where this drafted one stood: an accepted sibling, or the target's own. kNoToken:
/// unknown.
[[nodiscard]] TokenId takenInstead(const DraftRound& round, int node);
/// Short, for a box of the tree: "0.31 ≤ 0.62", "target “ So”", "0.83 → 0.95".
[[nodiscard]] QString draftNodeVerdict(const RunDocument& document, const DraftRound& round, int node);
/// One sentence: "“ Then”: draft 0.40, target 0.12; accepted with probability 0.31, drew 0.62: rejected, the target
/// took “ So”".
[[nodiscard]] QString draftNodeSentence(const RunDocument& document, const DraftRound& round, int node);
/// The same for the target's own token behind the path.
[[nodiscard]] QString addedTokenSentence(const RunDocument& document, const DraftRound& round);
/// "5 of 8 accepted, then a correction"
[[nodiscard]] QString draftRoundSummary(const DraftRound& round);

}  // namespace quibble
