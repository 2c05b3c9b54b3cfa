// The measurements that text and tables can show: name, unit, colour map, and where the value stands in a TracePoint.
#pragma once

#include <array>

#include <QString>

#include "engine/values/run_trace.h"
#include "views/theme.h"

namespace quibble {

enum class Measure { None, Entropy, Kl, Varentropy, Logprob, Rank, MarkerMass };
inline constexpr std::array kMeasures{Measure::None,    Measure::Entropy, Measure::Kl,        Measure::Varentropy,
                                      Measure::Logprob, Measure::Rank,    Measure::MarkerMass};

enum class Unit { Nat, Bit };

/// Translated name: "entropy".
[[nodiscard]] QString measureLabel(Measure measure);
/// Stable name for settings: "entropy", "kl", "varentropy", "logprob", "rank", "marker_mass", "none".
[[nodiscard]] QString measureKey(Measure measure);
[[nodiscard]] Measure measureFromKey(const QString& key);  // unknown: Entropy
/// "nat", "bit", "nat²", "" for ranks and probabilities.
[[nodiscard]] QString measureUnit(Measure measure, Unit unit);
[[nodiscard]] Ramp measureRamp(Measure measure);
/// What the number means, one sentence with the formula; for tool tips and help.
[[nodiscard]] QString measureHelp(Measure measure);

/// The value in the unit shown; NaN when it has not been measured. Logprob is -ln q, so that more is more surprising.
[[nodiscard]] double measureValue(const TracePoint& point, Measure measure, Unit unit);
/// Digits that fit the measurement, in the user's locale; "pending" for a KL that has not arrived, "-" when not measured.
[[nodiscard]] QString measureText(const TracePoint& point, Measure measure, Unit unit);
[[nodiscard]] QString formatNumber(double value, int decimals);
/// A control that was moved while the run went on, as short as a label: "λ 2", "expert budget 5".
[[nodiscard]] QString controlText(const ControlChange& change);

/// Upper end of the colour scale of one measurement. It follows the bulk of the values (98 %) in steps of 1-2-5 and only grows while
/// a run goes on, so that colours do not flicker while tokens arrive.
class ColourScale {
public:
    void clear();
    void add(double value);
    [[nodiscard]] double upper() const { return upper_; }

private:
    static constexpr int kBins = 120;
    std::array<int, kBins> bins_{};
    int count_ = 0;
    double upper_ = 0;
};

}  // namespace quibble
