// kernels/dispatch.cpp for the fuzz targets: the scalar reference alone. It reads what every other table reads, needs
// no instruction set and no extension of one compiler.
#include "engine/base/log.h"
#include "kernels/ops.h"
#include "kernels/reference/reference.h"

#include <array>

namespace quibble::kernels {

std::span<const Ops* const> allOps() {
    static constexpr std::array<const Ops*, 1> kTables{&reference::kOps};
    return kTables;
}

const Ops& ops() { return reference::kOps; }
IsaChoice selectIsa(std::string_view /*forced*/) { return {&reference::kOps, {}}; }
IsaChoice isaFromEnvironment() { return {&reference::kOps, {}}; }
std::string whyNoMatmulBf16(const Ops& table) { return table.matmulBf16 != nullptr ? "" : "there is none"; }

}  // namespace quibble::kernels

// The log needs a library that is not compiled for fuzzing; here it drops its lines.
void quibble::logLine(LogLevel /*level*/, std::string_view /*text*/) noexcept {}
