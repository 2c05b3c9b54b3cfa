// The tuning of one model on this machine: pinned by the user, or measured on the model's own weights when a sequence
// begins.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/device/tuning.h"

namespace quibble {

class CpuDevice;
class Model;

/// Safe to use from several threads.
class ModelTuning {
public:
    explicit ModelTuning(const std::optional<Tuning>& pinned);

    [[nodiscard]] Tuning current() const;
    /// "measured 2 times, the last two alike", "measured once; not settled", "pinned by QUIBBLE_TUNE", "of the
    /// processor's family (AMD)".
    [[nodiscard]] std::string source() const;
    /// The last measurement; empty where there was none.
    [[nodiscard]] std::vector<TuningChoice> choices() const;

    /// Measures for some milliseconds on all threads of the device unless that is done. One measurement can be spoilt
    /// by a neighbour on the machine, so a choice stands only when two in a row agree; until then each new sequence
    /// measures again, up to a limit. Models that fit the caches of a processor are not measured: their weights need no
    /// fetching.
    void settle(const Model& model, CpuDevice& device, std::size_t smallest_bytes = kSmallestBytes);

    /// Of weights of one kind of codes: more than last-level caches hold.
    static constexpr std::size_t kSmallestBytes = std::size_t{96} << 20;

private:
    mutable std::mutex mutex_;
    std::mutex measuring_;
    Tuning tuning_;
    bool pinned_ = false;
    bool settled_ = false;
    bool too_small_ = false;
    int measurements_ = 0;
    int threads_ = 0;  // of the device that was measured
    std::vector<TuningChoice> choices_;
};

}  // namespace quibble
