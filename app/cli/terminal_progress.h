// One line on a terminal that says how far a run is: loading, prompt, "123 of 512 tokens, 2 min left". Written over
// itself on standard error, and only where that is a terminal. Where the text of the run streams to a terminal as well,
// the line goes as soon as the text comes.
#pragma once

#include <string>

#include "app/cli/terminal_line.h"
#include "engine/values/run_trace.h"

namespace quibble::cli {

class TerminalProgress {
public:
    /// text_streams: the run's text goes to standard output. weights: what they take in memory, said while they are
    /// loaded; may be empty.
    TerminalProgress(bool text_streams, std::string weights);
    /// Writes the line anew, a few times a second.
    void show(const RunTrace& trace);
    /// Takes the line away, so that something else can be written.
    void clear() { line_.clear(); }

private:
    TerminalLine line_;
    std::string weights_;
    bool text_on_terminal_;
};

/// "loading 40 %", "reading the prompt 20 %", "123 of 512 tokens, 2 min left"; empty where a run has nothing to say.
[[nodiscard]] std::string progressLine(const RunTrace& trace);

}  // namespace quibble::cli
