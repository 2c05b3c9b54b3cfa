// The time that a chat template may print, as it is typed and shown: what a clock on the wall says.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"

namespace quibble {

/// "2026-11-30T16:05:00"; a template sees a date and a time and no zone, so none is read. Errors: InvalidArgument.
[[nodiscard]] inline Result<PromptClock> parsePromptClock(const std::string& text) {
    std::istringstream in(text);
    std::tm read{};
    in.imbue(std::locale::classic());
    in >> std::get_time(&read, "%Y-%m-%dT%H:%M:%S");
    const std::chrono::year_month_day day{std::chrono::year{read.tm_year + 1900},
                                          std::chrono::month{static_cast<unsigned>(read.tm_mon + 1)},
                                          std::chrono::day{static_cast<unsigned>(read.tm_mday)}};
    if (in.fail() || in.peek() != std::char_traits<char>::eof() || !day.ok())
        return fail(ErrorCode::InvalidArgument, "\"" + text + "\" is no date and time", "Write 2026-11-30T16:05:00");
    const std::chrono::seconds since = std::chrono::sys_days{day}.time_since_epoch() +
                                       std::chrono::hours{read.tm_hour} + std::chrono::minutes{read.tm_min} +
                                       std::chrono::seconds{read.tm_sec};
    return PromptClock{since.count(), 0};
}

/// The time on the wall, and behind it how far that is from UTC where it is: "2026-11-30T16:05:00 (UTC+01:00)".
[[nodiscard]] inline std::string promptClockText(const PromptClock& clock) {
    using namespace std::chrono;
    const sys_seconds wall{seconds{clock.unix_s + clock.utc_offset_s}};
    const sys_days day = floor<days>(wall);
    const year_month_day date{day};
    const hh_mm_ss time{wall - day};
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    std::string out = text;
    if (clock.utc_offset_s == 0) return out;
    const int minutes_off = std::abs(clock.utc_offset_s) / 60;
    std::snprintf(text, sizeof text, " (UTC%c%02d:%02d)", clock.utc_offset_s < 0 ? '-' : '+', minutes_off / 60,
                  minutes_off % 60);
    return out + text;
}

}  // namespace quibble
