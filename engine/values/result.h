// Errors of the world (a file, memory, a setting) as values. Programmer errors are QUIBBLE_CHECK (check.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace quibble {

enum class ErrorCode {
    InvalidArgument,  // a setting or a command line that makes no sense
    NotFound,         // a file, a run, a problem that is not there
    FileCorrupt,      // a file whose content contradicts itself or its size
    Unsupported,      // well-formed, but nothing here can run it
    OutOfMemory,
    DoesNotFit,  // would take more memory than is free; whoever insists may go on without that check
    Io,          // reading or writing failed
    Busy,        // somebody else holds the resource
    Cancelled,
};

/// What went wrong, where, and what the user can do about it.
struct Error {
    ErrorCode code = ErrorCode::InvalidArgument;
    std::string what;  // one sentence, names the thing and the place: "tensor blk.3.ffn_up is 12 bytes short"
    std::string hint;  // what to do; may be empty

    /// One line for a status bar or standard error.
    [[nodiscard]] std::string line() const { return hint.empty() ? what : what + ". " + hint; }
};

template <typename T>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorCode::Io, "...", "...")` from any function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string what, std::string hint = {}) {
    return tl::unexpected<Error>(Error{code, std::move(what), std::move(hint)});
}

}  // namespace quibble
