// A file that is written under another name first and takes its place when it is whole: what was there before stays
// until then.
#pragma once

#include <filesystem>
#include <system_error>

#include "engine/values/result.h"

namespace quibble {

/// Whether a new file may take this place: a device, a pipe or a folder is never replaced. Errors: InvalidArgument.
[[nodiscard]] inline Result<void> checkReplaceable(const std::filesystem::path& target) {
    std::error_code error;
    const auto status = std::filesystem::status(target, error);
    if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) return {};
    return fail(ErrorCode::InvalidArgument, target.string() + " is not an ordinary file, so it is not replaced",
                "Choose another name");
}

/// Renames the whole file `part` to `target`; removes `part` when that fails. Errors: InvalidArgument, Io.
[[nodiscard]] inline Result<void> moveIntoPlace(const std::filesystem::path& part,
                                                const std::filesystem::path& target) {
    std::error_code error, ignored;
    auto allowed = checkReplaceable(target);
    if (allowed) std::filesystem::rename(part, target, error);
    if (allowed && !error) return {};
    std::filesystem::remove(part, ignored);
    if (!allowed) return allowed;
    return fail(ErrorCode::Io, "cannot replace " + target.string() + ": " + error.message(), "Choose another place");
}

}  // namespace quibble
