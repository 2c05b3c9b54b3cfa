#include "views/measure.h"

#include <algorithm>
#include <cmath>

#include <QCoreApplication>
#include <QLocale>

#include "engine/metrics/run_progress.h"

namespace quibble {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("Measure", text); }

// Bins of the colour scale: kBins steps of a tenth of a decade, from 1e-6 up.
constexpr double kLowest = 1e-6;
constexpr double kBinsPerDecade = 10;
constexpr double kBulk = 0.98;
constexpr int kLeastExponent = -3;  // of a number that is written out: 0.00123

double niceCeiling(double value) {
    const double power = std::pow(10.0, std::floor(std::log10(value)));
    for (const double step : {1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0}) {
        if (value <= step * power * 1.0000001) return step * power;
    }
    return 10 * power;
}

}  // namespace

QString measureLabel(Measure measure) {
    switch (measure) {
        case Measure::None: return tr("none");
        case Measure::Entropy: return tr("entropy");
        case Measure::Kl: return tr("KL");
        case Measure::Varentropy: return tr("varentropy");
        case Measure::Logprob: return tr("surprise");
        case Measure::Rank: return tr("rank");
        case Measure::MarkerMass: return tr("marker mass");
    }
    return {};
}

QString measureKey(Measure measure) {
    switch (measure) {
        case Measure::None: return QStringLiteral("none");
        case Measure::Entropy: return QStringLiteral("entropy");
        case Measure::Kl: return QStringLiteral("kl");
        case Measure::Varentropy: return QStringLiteral("varentropy");
        case Measure::Logprob: return QStringLiteral("logprob");
        case Measure::Rank: return QStringLiteral("rank");
        case Measure::MarkerMass: return QStringLiteral("marker_mass");
    }
    return QStringLiteral("none");
}

Measure measureFromKey(const QString& key) {
    for (const Measure measure : kMeasures) {
        if (measureKey(measure) == key) return measure;
    }
    return Measure::Entropy;
}

QString measureUnit(Measure measure, Unit unit) {
    switch (measure) {
        case Measure::Entropy:
        case Measure::Kl:
        case Measure::Logprob: return unit == Unit::Nat ? tr("nat") : tr("bit");
        case Measure::Varentropy: return unit == Unit::Nat ? tr("nat²") : tr("bit²");
        case Measure::None:
        case Measure::Rank:
        case Measure::MarkerMass: return {};
    }
    return {};
}

Ramp measureRamp(Measure measure) {
    switch (measure) {
        case Measure::Kl: return Ramp::Cool;
        case Measure::Rank: return Ramp::Grey;
        default: return Ramp::Warm;
    }
}

QString measureHelp(Measure measure) {
    switch (measure) {
        case Measure::None: return tr("The text is not coloured.");
        case Measure::Entropy:
            return tr(
                "Entropy of the next-token distribution of the quantized model: H(q) = −Σ q ln q, at temperature 1, "
                "before the penalty.");
        case Measure::Kl:
            return tr(
                "How far quantization moved the distribution: KL(p‖q) = Σ p (ln p − ln q) over the whole vocabulary; p "
                "is the "
                "reference, q the quantized model, both on the same text.");
        case Measure::Varentropy:
            return tr("Variance of −ln q under q: whether the uncertainty is spread over many tokens or between few.");
        case Measure::Logprob:
            return tr("Surprise of the token that stands here: −ln q(token), at temperature 1, before the penalty.");
        case Measure::Rank: return tr("Rank of the token that stands here: 1 is the most probable.");
        case Measure::MarkerMass:
            return tr(
                "Probability that the quantized model gives to all hesitation markers together, before the penalty.");
    }
    return {};
}

double measureValue(const TracePoint& point, Measure measure, Unit unit) {
    const double factor = unit == Unit::Bit ? kBitsPerNat : 1.0;
    switch (measure) {
        case Measure::None: return std::nan("");
        case Measure::Entropy: return static_cast<double>(point.token.entropy) * factor;
        case Measure::Kl: return point.hasReference() ? static_cast<double>(point.reference.kl) * factor : std::nan("");
        case Measure::Varentropy: return static_cast<double>(point.token.varentropy) * factor * factor;
        case Measure::Logprob: return std::max(0.0, -static_cast<double>(point.token.logprob)) * factor;
        case Measure::Rank: return point.token.rank > 0 ? point.token.rank : std::nan("");
        case Measure::MarkerMass: return static_cast<double>(point.token.marker_mass);
    }
    return std::nan("");
}

QString formatSignificant(double value, int digits) {
    if (std::isnan(value)) return QStringLiteral("–");
    if (value == 0) return QStringLiteral("0");
    const double size = std::fabs(value);
    int exponent = static_cast<int>(std::floor(std::log10(size)));
    // 9.996 with three digits is 10.0.
    if (std::round(size * std::pow(10.0, digits - 1 - exponent)) >= std::pow(10.0, digits)) ++exponent;
    if (exponent >= kLeastExponent) return QLocale().toString(value, 'f', std::max(0, digits - 1 - exponent));
    return QStringLiteral("%1e%2%3").arg(QLocale().toString(value * std::pow(10.0, -exponent), 'f', digits - 1),
                                         QLocale().negativeSign(), QLocale().toString(-exponent));
}

QString formatPercent(double share) {
    const double percent = share * 100;
    const QString number = std::fabs(percent) >= 9.95 ? formatNumber(percent, 0) : formatSignificant(percent, 2);
    return tr("%1 %").arg(number);
}

QString formatSpeed(double tokens_per_second) { return tr("%1 tok/s").arg(formatSignificant(tokens_per_second)); }

QString formatTimeLeft(double seconds) {
    const RoundedTime left = roundedTime(seconds);
    if (left.hours > 0) return tr("%1 h %2 min left").arg(left.hours).arg(left.minutes);
    return left.minutes > 0 ? tr("%1 min left").arg(left.minutes) : tr("%1 s left").arg(left.seconds);
}

QString controlText(const ControlChange& change) {
    const QString key = QString::fromStdString(change.key);
    const auto* words = std::get_if<std::string>(&change.value);
    const QString value =
        words != nullptr ? QString::fromStdString(*words) : QLocale().toString(change.number(), 'g', 6);
    const bool on = change.number() != 0;
    if (key == QLatin1String("penalty")) return QStringLiteral("λ ") + value;
    if (key == QLatin1String("penalty.only_thinking")) return on ? tr("λ only in thinking") : tr("λ everywhere");
    if (key == QLatin1String("temperature")) return QStringLiteral("T ") + value;
    if (key == QLatin1String("max_tokens")) return tr("limit %1").arg(value);
    if (key.startsWith(QLatin1String("word:")))
        return key.mid(5).trimmed() + (on ? QStringLiteral(" +") : QStringLiteral(" −"));
    QString name = key;
    name.replace(QLatin1String("experts:"), tr("expert ")).replace(QLatin1String("draft:"), tr("draft "));
    return name.replace(QLatin1Char('_'), QLatin1Char('-')) + QLatin1Char(' ') + value;  // "top-k 40"
}

QString formatNumber(double value, int decimals) { return QLocale().toString(value, 'f', decimals); }

QString measureText(const TracePoint& point, Measure measure, Unit unit) {
    const double value = measureValue(point, measure, unit);
    if (measure == Measure::Kl && !point.hasReference()) return tr("pending");
    if (std::isnan(value)) return QStringLiteral("–");
    if (measure == Measure::Rank) return QLocale().toString(point.token.rank);
    return formatSignificant(value);
}

double measureFloor(Measure measure, Unit unit) {
    const double factor = unit == Unit::Bit ? kBitsPerNat : 1.0;
    switch (measure) {
        case Measure::Entropy:
        case Measure::Logprob: return 0.05 * factor;
        case Measure::Varentropy: return 0.05 * factor * factor;
        case Measure::Kl: return 0.001 * factor;
        case Measure::Rank: return 2;
        case Measure::MarkerMass: return 0.01;
        case Measure::None: break;
    }
    return 0;
}

void ColourScale::clear(double floor) {
    floor_ = floor;
    bins_.fill(0);
    count_ = 0;
    upper_ = 0;
}

void ColourScale::add(double value) {
    if (!std::isfinite(value)) return;
    const double place = value <= kLowest ? 0.0 : std::floor(std::log10(value / kLowest) * kBinsPerDecade) + 1;
    ++bins_[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)))];
    ++count_;
    if (value <= upper_) return;
    // Only a value above the scale can move it: walk down from the top until more than the tail is passed.
    const int tail = static_cast<int>(count_ * (1 - kBulk));
    int passed = 0;
    for (int bin = kBins - 1; bin > 0; --bin) {
        passed += bins_[static_cast<std::size_t>(bin)];
        if (passed > tail) {
            upper_ = std::max(upper_, niceCeiling(kLowest * std::pow(10.0, bin / kBinsPerDecade)));
            return;
        }
    }
}

}  // namespace quibble
