// Approximate values of expressions with roots, pi and functions, at points that the names of their letters choose.
#pragma once

#include <complex>
#include <optional>

#include "engine/grading/expression.h"

namespace quibble {

using Complex = std::complex<long double>;

struct Sample {
    Complex value;
    long double error = 0;  // bound of what rounding did to it, to first order
};

/// Rounds below kPositiveRounds give every letter a positive number, those below kMixedRounds a negative one, later
/// ones either.
inline constexpr unsigned kPositiveRounds = 6, kMixedRounds = 8, kSampleRounds = 12;

/// Empty: not defined there, too large, or no rule. Even roots and powers are principal values; odd roots of real
/// numbers are real.
[[nodiscard]] std::optional<Sample> sampleOf(const Node& node, unsigned round);

/// Equal: no further apart than rounding explains. Apart: by more than a part in 10^9 and by far more than rounding
/// explains. What lies between, or was rounded too much to tell, is Near.
enum class Closeness { Equal, Near, Apart };
[[nodiscard]] Closeness compareSamples(const Sample& a, const Sample& b);

/// Letters that stand for any number: neither pi, e, i nor infinity.
[[nodiscard]] bool hasLetters(const Node& node);

/// A logarithm without a base: some write 10 and some e. It gets a base of its own, which no number has.
[[nodiscard]] bool hasBareLogarithm(const Node& node);

}  // namespace quibble
