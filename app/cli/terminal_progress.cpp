#include "app/cli/terminal_progress.h"

#include <utility>

#include <unistd.h>

#include "engine/metrics/run_progress.h"

namespace quibble::cli {

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
    : weights_(std::move(weights)), text_on_terminal_(text_streams && ::isatty(STDOUT_FILENO) == 1) {}

void TerminalProgress::show(const RunTrace& trace) {
    if (trace.finished() || (text_on_terminal_ && !trace.points().empty())) return clear();
    if (!line_.due()) return;
    std::string line = progressLine(trace);
    if (line.empty()) return clear();
    if (trace.state() == RunState::Loading && !weights_.empty()) line += ", the weights take " + weights_;
    line_.show(line);
}

}  // namespace quibble::cli
