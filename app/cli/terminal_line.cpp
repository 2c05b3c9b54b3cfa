#include "app/cli/terminal_line.h"

#include <cstdio>

#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/metrics/run_progress.h"

namespace quibble::cli {

namespace {

constexpr std::int64_t kIntervalNs = 250'000'000;
constexpr const char* kEraseLine = "\r\033[K";

}  // namespace

TerminalLine::TerminalLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

bool TerminalLine::due() const { return terminal_ && (!shown_ || nowNs() - last_ns_ >= kIntervalNs); }

void TerminalLine::show(const std::string& line) {
    if (!due()) return;
    std::fprintf(stderr, "%s%s", kEraseLine, line.c_str());
    std::fflush(stderr);
    shown_ = true;
    last_ns_ = nowNs();
}

void TerminalLine::clear() {
    if (!shown_) return;
    std::fputs(kEraseLine, stderr);
    std::fflush(stderr);
    shown_ = false;
}

std::string timeLeftText(double seconds) {
    const RoundedTime left = roundedTime(seconds);
    if (left.hours > 0) return std::to_string(left.hours) + " h " + std::to_string(left.minutes) + " min left";
    return left.minutes > 0 ? std::to_string(left.minutes) + " min left" : std::to_string(left.seconds) + " s left";
}

}  // namespace quibble::cli
