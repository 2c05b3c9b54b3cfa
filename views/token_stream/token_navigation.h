// Where the keys N, P, U, I and Ctrl+arrows go: the next token of a kind. Pure functions over a trace.
#pragma once

#include <functional>

#include "engine/values/run_trace.h"

namespace quibble {

class TokenPieces;

/// A token is called uncertain from ln 2 nat on: at least as open as a fair choice between two tokens.
inline constexpr double kUncertainNats = 0.6931471805599453;

/// The next token after `from` (before it when backwards) that passes; -1 when there is none. from = -1 starts at the
/// first, or at the last when backwards.
[[nodiscard]] int findToken(const RunTrace& trace, int from, bool backwards,
                            const std::function<bool(const TracePoint&)>& passes);
[[nodiscard]] int nextMarker(const RunTrace& trace, int from, bool backwards);
[[nodiscard]] int nextUncertain(const RunTrace& trace, int from, bool backwards);
[[nodiscard]] int nextIntervention(const RunTrace& trace, int from, bool backwards);
/// First token of the next sentence, or of this or the previous one when backwards. Stops at the ends.
[[nodiscard]] int nextSentence(const TokenPieces& pieces, int from, bool backwards);

}  // namespace quibble
