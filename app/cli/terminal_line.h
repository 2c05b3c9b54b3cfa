// One line on a terminal that is written over itself, on standard error, a few times a second; where standard error is
// no terminal, nothing is written.
#pragma once

#include <cstdint>
#include <string>

namespace quibble::cli {

class TerminalLine {
public:
    TerminalLine();
    ~TerminalLine() { clear(); }
    TerminalLine(const TerminalLine&) = delete;
    TerminalLine& operator=(const TerminalLine&) = delete;

    /// Whether a line that came now would be written.
    [[nodiscard]] bool due() const;
    void show(const std::string& line);
    /// Takes the line away, so that something else can be written.
    void clear();

private:
    bool terminal_, shown_ = false;
    std::int64_t last_ns_ = 0;
};

/// "2 min left"
[[nodiscard]] std::string timeLeftText(double seconds);

}  // namespace quibble::cli
