// Cells of a CSV file that no spreadsheet takes for something else. Internal to data/export.
#pragma once

#include <string>
#include <string_view>

namespace quibble {

/// A cell that begins with one of these is carried out as a formula by a spreadsheet.
[[nodiscard]] inline bool beginsFormula(char c) { return c == '=' || c == '+' || c == '-' || c == '@'; }

/// A quoted cell. Line ends and bytes that are not text would break a row in most readers, so they are written as
/// escapes, and a backslash is written as two. The first character of a text that a spreadsheet would take for a
/// formula is written as an escape too.
[[nodiscard]] std::string cellText(std::string_view bytes);

}  // namespace quibble
