#include "engine/text/jinja/time_format.h"

#include <array>
#include <chrono>
#include <cstdint>

namespace quibble::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::int64_t kDaySeconds = 86400;

struct Moment {
    int year, month, day;  // month and day from 1
    int hour, minute, second;
    int weekday;          // 0 is Sunday
    int year_day;         // from 0
    int week_year, week;  // of ISO 8601
    std::int64_t unix_s;

    [[nodiscard]] int fromMonday() const { return (weekday + 6) % 7; }
    [[nodiscard]] int twelveHour() const { return hour % 12 == 0 ? 12 : hour % 12; }
};

int dayOfYear(std::chrono::sys_days date) {
    const std::chrono::year year = std::chrono::year_month_day(date).year();
    return static_cast<int>((date - std::chrono::sys_days(year / std::chrono::January / 1)).count());
}

std::optional<Moment> momentOf(const PromptClock& clock) {
    // Well within the years 1 to 9999.
    if (clock.unix_s < -62'000'000'000 || clock.unix_s > 253'000'000'000) return std::nullopt;
    const std::int64_t local = clock.unix_s + clock.utc_offset_s;
    const std::int64_t days = local / kDaySeconds - (local % kDaySeconds < 0 ? 1 : 0);
    const auto second = static_cast<int>(local - days * kDaySeconds);
    const std::chrono::sys_days date{std::chrono::days(days)};
    const std::chrono::year_month_day parts(date);
    const auto weekday = static_cast<int>(std::chrono::weekday(date).c_encoding());
    // A week belongs to the year of its Thursday.
    const std::chrono::sys_days thursday = date + std::chrono::days(3 - (weekday + 6) % 7);
    return Moment{.year = static_cast<int>(parts.year()),
                  .month = static_cast<int>(static_cast<unsigned>(parts.month())),
                  .day = static_cast<int>(static_cast<unsigned>(parts.day())),
                  .hour = second / 3600,
                  .minute = second / 60 % 60,
                  .second = second % 60,
                  .weekday = weekday,
                  .year_day = dayOfYear(date),
                  .week_year = static_cast<int>(std::chrono::year_month_day(thursday).year()),
                  .week = dayOfYear(thursday) / 7 + 1,
                  .unix_s = clock.unix_s};
}

// A number with its width and what fills it.
struct Field {
    std::int64_t value;
    std::size_t width;
    char fill;
};
std::optional<Field> fieldOf(char directive, const Moment& m) {
    switch (directive) {
        case 'C': return Field{m.year / 100, 2, '0'};
        case 'd': return Field{m.day, 2, '0'};
        case 'e': return Field{m.day, 2, ' '};
        case 'f': return Field{0, 6, '0'};  // the clock has whole seconds
        case 'g': return Field{m.week_year % 100, 2, '0'};
        case 'G': return Field{m.week_year, 1, '0'};
        case 'H': return Field{m.hour, 2, '0'};
        case 'I': return Field{m.twelveHour(), 2, '0'};
        case 'j': return Field{m.year_day + 1, 3, '0'};
        case 'k': return Field{m.hour, 2, ' '};
        case 'l': return Field{m.twelveHour(), 2, ' '};
        case 'm': return Field{m.month, 2, '0'};
        case 'M': return Field{m.minute, 2, '0'};
        case 's': return Field{m.unix_s, 1, '0'};
        case 'S': return Field{m.second, 2, '0'};
        case 'u': return Field{m.fromMonday() + 1, 1, '0'};
        case 'U': return Field{(m.year_day + 7 - m.weekday) / 7, 2, '0'};
        case 'V': return Field{m.week, 2, '0'};
        case 'w': return Field{m.weekday, 1, '0'};
        case 'W': return Field{(m.year_day + 7 - m.fromMonday()) / 7, 2, '0'};
        case 'y': return Field{m.year % 100, 2, '0'};
        case 'Y': return Field{m.year, 1, '0'};
        default: return std::nullopt;
    }
}

// Directives that stand for others.
std::string_view expansionOf(char directive) {
    switch (directive) {
        case 'c': return "%a %b %e %H:%M:%S %Y";
        case 'D':
        case 'x': return "%m/%d/%y";
        case 'F': return "%Y-%m-%d";
        case 'r': return "%I:%M:%S %p";
        case 'R': return "%H:%M";
        case 'T':
        case 'X': return "%H:%M:%S";
        default: return {};
    }
}

std::optional<std::string> wordOf(char directive, const Moment& m) {
    const std::string_view day = kDays[static_cast<std::size_t>(m.weekday)];
    const std::string_view month = kMonths[static_cast<std::size_t>(m.month - 1)];
    switch (directive) {
        case 'a': return std::string(day.substr(0, 3));
        case 'A': return std::string(day);
        case 'b':
        case 'h': return std::string(month.substr(0, 3));
        case 'B': return std::string(month);
        case 'n': return "\n";
        case 'p': return m.hour < 12 ? "AM" : "PM";
        case 'P': return m.hour < 12 ? "am" : "pm";
        case 't': return "\t";
        case 'z':
        case 'Z': return std::string();
        case '%': return "%";
        default: return std::nullopt;
    }
}

std::string lettersAs(std::string text, bool upper) {
    for (char& c : text) {
        if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

std::string formatted(std::string_view format, const Moment& moment);

std::optional<std::string> directiveText(char directive, char padding, char letters, const Moment& moment) {
    std::optional<std::string> text;
    if (const auto field = fieldOf(directive, moment)) {
        const std::string digits = std::to_string(field->value);
        const char fill = padding == '_' ? ' ' : padding == '0' ? '0' : field->fill;
        const bool short_of = padding != '-' && digits.size() < field->width;
        text = std::string(short_of ? field->width - digits.size() : 0, fill) + digits;
    } else if (const std::string_view expansion = expansionOf(directive); !expansion.empty()) {
        text = formatted(expansion, moment);
    } else {
        text = wordOf(directive, moment);
    }
    if (text && letters != 0) text = lettersAs(std::move(*text), letters == '^' || directive != 'p');
    return text;
}

std::string formatted(std::string_view format, const Moment& moment) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            out += format[i];
            continue;
        }
        std::size_t at = i + 1;
        char padding = 0, letters = 0;
        for (; at < format.size() && std::string_view("-_0^#").find(format[at]) != std::string_view::npos; ++at) {
            (format[at] == '^' || format[at] == '#' ? letters : padding) = format[at];
        }
        if (at < format.size() && (format[at] == 'E' || format[at] == 'O'))
            ++at;  // another way of counting, which English has not
        const auto text = at < format.size() ? directiveText(format[at], padding, letters, moment) : std::nullopt;
        if (text) {
            out += *text;
            i = at;
        } else {
            out += '%';
        }
    }
    return out;
}

}  // namespace

std::optional<std::string> formatTime(std::string_view format, const PromptClock& clock) {
    const auto moment = momentOf(clock);
    if (!moment) return std::nullopt;
    return formatted(format, *moment);
}

}  // namespace quibble::jinja
