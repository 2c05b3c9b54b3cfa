// Programmer errors: a broken contract ends the run, not the window. ContractError is caught once per thread
// (run loop, store writer, application notify); no other exception is thrown by our code.
#pragma once

#include <stdexcept>
#include <string>

namespace quibble {

class ContractError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

[[noreturn]] inline void contractBroken(const char* condition, const char* why, const char* file, int line) {
    throw ContractError(std::string(file) + ":" + std::to_string(line) + ": " + why + " (" + condition + ")");
}

}  // namespace quibble

#define QUIBBLE_CHECK(condition, why) \
    ((condition) ? void(0) : ::quibble::contractBroken(#condition, why, __FILE__, __LINE__))
