// One line of the program's log, as the file, the command line and the log window show it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quibble {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error, Off };  // Off is a limit, not a level of a line

inline constexpr std::array kLogLevels{LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error,
                                       LogLevel::Off};

[[nodiscard]] inline const char* logLevelText(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warning: return "warning";
        case LogLevel::Error: return "error";
        case LogLevel::Off: return "off";
    }
    return "off";
}

/// The level of that name; nothing for any other text.
[[nodiscard]] inline std::optional<LogLevel> logLevelOf(std::string_view name) {
    for (const LogLevel level : kLogLevels) {
        if (name == logLevelText(level)) return level;
    }
    return std::nullopt;
}

struct LogLine {
    std::uint64_t number = 0;  // counts the lines of this process, from 1
    std::int64_t time_ms = 0;  // since 1970, UTC
    LogLevel level = LogLevel::Info;
    std::string text;  // valid UTF-8, no control characters
};

}  // namespace quibble
