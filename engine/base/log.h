// The log of this process: one line for each fact worth knowing afterwards (a model was loaded, a run ended, an error
// was shown). Lines go to a file that is replaced by a new one when it is full, and the last of them stay in memory for
// the log window. Any thread may write at any time. Nothing here fails: where the file cannot be written, the program
// goes on, the lines stay in memory, and logState() says why.
//
// Lines never hold a prompt or generated text, unless logsTexts() is true: the user asked for that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/log_line.h"
#include "engine/values/result.h"

namespace quibble {

struct LogSetup {
    std::filesystem::path folder;        // made if it is missing; empty: lines stay in memory
    std::string name = "quibble";        // name.log; older ones are name.1.log, name.2.log ...
    LogLevel level = LogLevel::Info;     // lines below it are dropped
    bool texts = false;                  // prompts and generated text may be written
    std::size_t file_bytes = 1'000'000;  // what a file holds at most
    std::size_t old_files = 4;           // beside the one that is written
    std::size_t kept_lines = 100'000;    // in memory
};

/// What the user asked for: `level` (empty: QUIBBLE_LOG_LEVEL, else info) and `texts` (or QUIBBLE_LOG_TEXTS set and not
/// "0"). Errors: InvalidArgument for a level that does not exist.
[[nodiscard]] Result<LogSetup> logSetup(std::string_view level, bool texts);

/// From now on lines go to that file. Called again, it closes the file so far and begins another.
void startLog(LogSetup setup);
/// Closes the file; later lines stay in memory.
void stopLog();

/// One fact as one line. Control characters become blanks, bytes that are not UTF-8 become U+FFFD, and what is longer
/// than a few thousand bytes is cut.
void logLine(LogLevel level, std::string_view text) noexcept;
inline void logDebug(std::string_view text) noexcept { logLine(LogLevel::Debug, text); }
inline void logInfo(std::string_view text) noexcept { logLine(LogLevel::Info, text); }
inline void logWarning(std::string_view text) noexcept { logLine(LogLevel::Warning, text); }
inline void logError(std::string_view text) noexcept { logLine(LogLevel::Error, text); }

[[nodiscard]] bool logsTexts();
/// A prompt: where a warning or an error would quote a part of it, "[…]" is written instead. The last few such texts
/// are known. Nothing is hidden while logsTexts().
void hideInLog(std::string_view text);

struct LogState {
    std::filesystem::path file;  // that lines go to; empty: to none
    LogLevel level = LogLevel::Info;
    std::string trouble;  // why the file is not written although one was asked for; empty: it is
};
[[nodiscard]] LogState logState();

/// Lines in memory whose number is above `after`, oldest first. At most `most` of them: the rest comes with the next
/// call.
[[nodiscard]] std::vector<LogLine> logLinesAfter(std::uint64_t after, std::size_t most = 10'000);

}  // namespace quibble
