#include "engine/metrics/run_progress.h"

#include <algorithm>
#include <cmath>

namespace quibble {

namespace {

// Three blocks of the reference: the pace of a run that is scored live goes up and down with its blocks.
constexpr std::size_t kPaceTokens = 48;
constexpr std::size_t kLeastTokens = 4;

int currentLimit(const RunTrace& trace) {
    double limit = trace.request().max_tokens;
    for (const ControlChange& change : trace.controls()) {
        if (change.key == "max_tokens") limit = change.number();
    }
    const RunProvenance& p = trace.provenance();
    if (p.context > 0)
        limit = std::min(limit, static_cast<double>(p.context) - static_cast<double>(p.prompt_tokens.size()));
    return static_cast<int>(std::clamp(limit, 0.0, 1e9));
}

// Nanoseconds a token over the last ones; nothing while there are too few. An interval longer than all the others
// together is a pause and no pace.
std::optional<double> recentPace(const RunTrace& trace) {
    const auto& points = trace.points();
    const std::size_t taken_over = trace.request().branch.prefix.empty() ? 0 : trace.request().branch.prefix.size() - 1;
    std::size_t first = points.size();  // of the tokens that are looked at: the clock of a branch begins anew
    while (first > taken_over && points.size() - first < kPaceTokens) {
        if (first < points.size() && points[first - 1].token.time_ns > points[first].token.time_ns) break;
        --first;
    }
    if (points.size() - first < kLeastTokens) return std::nullopt;
    std::int64_t longest = 0, intervals = static_cast<std::int64_t>(points.size() - first) - 1;
    std::int64_t sum = points.back().token.time_ns - points[first].token.time_ns;
    for (std::size_t i = first + 1; i < points.size(); ++i)
        longest = std::max(longest, points[i].token.time_ns - points[i - 1].token.time_ns);
    if (intervals > 1 && longest > sum - longest) {
        sum -= longest;
        --intervals;
    }
    return static_cast<double>(sum) / static_cast<double>(intervals);
}

}  // namespace

RunProgress runProgress(const RunTrace& trace) {
    RunProgress progress{
        .tokens = static_cast<int>(trace.points().size()), .limit = currentLimit(trace), .seconds_left = {}};
    if (trace.finished() || progress.tokens >= progress.limit) return progress;
    if (const auto pace = recentPace(trace)) progress.seconds_left = *pace * 1e-9 * (progress.limit - progress.tokens);
    return progress;
}

RoundedTime roundedTime(double seconds) {
    constexpr double kLongest = 1e6 * 3600;
    const double whole = std::round(std::clamp(std::isfinite(seconds) ? seconds : 0.0, 0.0, kLongest));
    if (whole < 60) return {0, 0, static_cast<int>(whole)};
    const double minutes = std::round(whole / 60);
    return {static_cast<int>(minutes / 60), static_cast<int>(std::fmod(minutes, 60)), 0};
}

}  // namespace quibble
