// The stages of one token as JSON, CSV or an aligned text, always in the C locale.
#pragma once

#include <iosfwd>
#include <string>

#include "engine/values/stage_table.h"

namespace quibble {

/// One object: {"pos", "chosen", "takes", "drawn", "moved", "vocabulary", "unchanged": [rule ids], "stages": [{"name",
/// "rule" (place in the chain, null: none), "setting", "least", "most", "changed", "banned", "dropped", "kept",
/// "others", "takes"}], "tokens": [{"id", "text", "bytes" (hex, when it is not UTF-8 on its own), "logprobs" (by stage,
/// null: taken out), "score" (ln p + noise, null: not drawn)}]}.
[[nodiscard]] std::string stageTableJson(const StageTable& table);
/// Header row id,text,<stage>...,score and a row a token: probabilities with all digits, an empty cell where a stage
/// took the token out. The last row, without an id, is the other tokens.
void exportStagesCsv(std::ostream& out, const StageTable& table);
/// Columns for people, three decimals; "-": taken out, "*": stands in the text.
void exportStagesText(std::ostream& out, const StageTable& table);

}  // namespace quibble
