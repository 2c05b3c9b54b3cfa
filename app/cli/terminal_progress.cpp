#include "app/cli/terminal_progress.h"

#include <cstdio>
#include <utility>

#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/metrics/run_progress.h"

namespace quibble::cli {

namespace {

constexpr std::int64_t kProgressIntervalNs = 250'000'000;
constexpr const char* kEraseLine = "\r\033[K";

std::string timeLeftText(double seconds) {
    const RoundedTime left = roundedTime(seconds);
    if (left.hours > 0) return std::to_string(left.hours) + " h " + std::to_string(left.minutes) + " min left";
    return left.minutes > 0 ? std::to_string(left.minutes) + " min left" : std::to_string(left.seconds) + " s left";
}

}  // namespace

std::string progressLine(const RunTrace& trace) {
    const Progress& part = trace.progress();
    const std::string percent = part.total > 0 ? " " + std::to_string(100 * part.done / part.total) + " %" : "";
    if (trace.state() == RunState::Loading) return "loading" + percent;
    if (trace.state() == RunState::Prefilling) return "reading the prompt" + percent;
    if (trace.state() != RunState::Running) return {};
    const RunProgress progress = runProgress(trace);
    const std::string count = std::to_string(progress.tokens) + " of " + std::to_string(progress.limit) + " tokens";
    return progress.seconds_left ? count + ", " + timeLeftText(*progress.seconds_left) : count;
}

TerminalProgress::TerminalProgress(bool text_streams, std::string weights)
    : weights_(std::move(weights)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      text_on_terminal_(text_streams && ::isatty(STDOUT_FILENO) == 1) {}

void TerminalProgress::show(const RunTrace& trace) {
    if (!terminal_) return;
    if (trace.finished() || (text_on_terminal_ && !trace.points().empty())) return clear();
    if (shown_ && nowNs() - last_ns_ < kProgressIntervalNs) return;
    std::string line = progressLine(trace);
    if (line.empty()) return clear();
    if (trace.state() == RunState::Loading && !weights_.empty()) line += ", the weights take " + weights_;
    std::fprintf(stderr, "%s%s", kEraseLine, line.c_str());
    std::fflush(stderr);
    shown_ = true;
    last_ns_ = nowNs();
}

void TerminalProgress::clear() {
    if (!shown_) return;
    std::fputs(kEraseLine, stderr);
    std::fflush(stderr);
    shown_ = false;
}

}  // namespace quibble::cli
