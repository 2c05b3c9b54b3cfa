// Exact values of expressions. Small ones are rationals. Of any size they are residues modulo two large primes: what is
// equal is equal in every residue, and what differs differs in both for all but about one choice of points in 10^18.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/grading/expression.h"

namespace quibble {

/// Numerator and denominator in 64 bits, in lowest terms, denominator positive.
struct Rational {
    std::int64_t top = 0, bottom = 1;
    bool operator==(const Rational&) const = default;
    [[nodiscard]] bool isInteger() const { return bottom == 1; }
};

/// The value when it is a rational that fits; roots of squares included. Empty: it is not, or does not fit.
[[nodiscard]] std::optional<Rational> exactValue(const Node& node);

/// Letters (pi among them) become numbers that depend on the name and on `round` alone; rounds use two primes by turns.
/// Empty: the expression is no rational function, or divides by zero there.
[[nodiscard]] std::optional<std::uint64_t> residueOf(const Node& node, unsigned round);

/// a * b^-1 in the prime field of the round; empty: b is 0.
[[nodiscard]] std::optional<std::uint64_t> residueQuotient(std::uint64_t a, std::uint64_t b, unsigned round);

/// A number that depends on the name and the round alone.
[[nodiscard]] std::uint64_t scrambled(std::string_view name, unsigned round);

}  // namespace quibble
