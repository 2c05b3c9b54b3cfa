// The measurements that text and tables can show: name, unit, colour map, and where the value stands in a TracePoint.
#pragma once

#include <algorithm>
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
/// Three significant digits, in the user's locale; "pending" for a KL that has not arrived, "-" when not measured.
[[nodiscard]] QString measureText(const TracePoint& point, Measure measure, Unit unit);
/// What an axis and a colour scale reach at least: below it there is nothing to tell apart, and noise must not look
/// like a finding.
[[nodiscard]] double measureFloor(Measure measure, Unit unit);

// One formatter for each kind of number, in the user's locale. NaN is a dash.
/// Measurements and probabilities, which may be as small as 1e-9: "12.3", "0.0123", "1.23e-5"; 0 is "0".
[[nodiscard]] QString formatSignificant(double value, int digits = 3);
/// A share of 1: "37 %", "2.1 %", "0.040 %".
[[nodiscard]] QString formatPercent(double share);
/// Tokens a second: "6.10 tok/s", "1,010 tok/s".
[[nodiscard]] QString formatSpeed(double tokens_per_second);
/// "2 min left".
[[nodiscard]] QString formatTimeLeft(double seconds);
/// With a fixed number of decimals: for what is compared in one column, settings and times.
[[nodiscard]] QString formatNumber(double value, int decimals);
/// A control that was moved while the run went on, as short as a label: "λ 2", "expert budget 5".
[[nodiscard]] QString controlText(const ControlChange& change);

/// Upper end of the colour scale of one measurement. It follows the bulk of the values (98 %) in steps of 1-2-5 and
/// only grows while a run goes on, so that colours do not flicker while tokens arrive. It does not follow them below
/// the floor.
class ColourScale {
public:
    void clear(double floor = 0);
    void add(double value);
    [[nodiscard]] double upper() const { return count_ == 0 ? 0.0 : std::max(upper_, floor_); }

private:
    static constexpr int kBins = 120;
    std::array<int, kBins> bins_{};
    int count_ = 0;
    double upper_ = 0, floor_ = 0;
};

}  // namespace quibble
