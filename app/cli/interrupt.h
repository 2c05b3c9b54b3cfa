// Ctrl+C and SIGTERM as a stop token: the first one asks a command to end with what it has done, the second one ends
// the program.
#pragma once

#include <stop_token>
#include <thread>

namespace quibble::cli {

class Interrupt {
public:
    Interrupt();
    /// The signals do again what they did before.
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
    [[nodiscard]] bool asked() const { return source_.stop_requested(); }

private:
    std::stop_source source_;
    std::jthread watcher_;
};

}  // namespace quibble::cli
