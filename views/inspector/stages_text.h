// What a table of stages says in words: names and amounts of its columns, and what happened to the token.
#pragma once

#include <string>

#include <QString>

#include "engine/values/stage_table.h"

namespace quibble {

/// "penalty", "loop stop", "T", "top-p": the name of a stage where there is little room.
[[nodiscard]] QString stageName(const StageColumn& column);
/// A rule by its full name, for a sentence.
[[nodiscard]] QString ruleName(const std::string& id);
/// What the stage does, below its name: "−2.00", "banned 4", "0.95"; empty for raw logits.
[[nodiscard]] QString stageAmount(const StageColumn& column);

/// Which rule turned the choice, and what the same noise takes without rules.
[[nodiscard]] QString stagesSentence(const StageTable& table);
/// The rules that changed nothing here, whose columns are left out; empty: there are none.
[[nodiscard]] QString foldedSentence(const StageTable& table);
/// The text of a row's token for a sentence: in quotes.
[[nodiscard]] QString rowLabel(const StageTable& table, TokenId id);

}  // namespace quibble
