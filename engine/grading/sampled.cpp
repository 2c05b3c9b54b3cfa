#include "engine/grading/sampled.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <string_view>

#include "engine/grading/exact.h"

namespace quibble {

namespace {

using MaybeComplex = std::optional<Complex>;
using MaybeSample = std::optional<Sample>;

constexpr long double kHuge = 1e200L;
constexpr long double kRounding = 1e-18L;  // of one operation, generously

long double realOf(const Literal& literal) {
    long double value = 0;
    for (const char c : literal.digits) value = value * 10 + static_cast<long double>(c - '0');
    return value * std::pow(10.0L, static_cast<long double>(literal.exponent));
}

long double lengthOf(const Sample& s) { return std::abs(s.value); }

// ---- functions of one or two numbers

MaybeComplex inverse(Complex x) { return std::abs(x) < 1e-15L ? std::nullopt : MaybeComplex(Complex(1) / x); }

MaybeComplex functionOf(std::string_view name, Complex x) {
    if (name == "sin") return std::sin(x);
    if (name == "cos") return std::cos(x);
    if (name == "tan") return std::tan(x);
    if (name == "cot") return inverse(std::tan(x));
    if (name == "sec") return inverse(std::cos(x));
    if (name == "csc") return inverse(std::sin(x));
    if (name == "arcsin" || name == "asin") return std::asin(x);
    if (name == "arccos" || name == "acos") return std::acos(x);
    if (name == "arctan" || name == "atan") return std::atan(x);
    if (name == "sinh") return std::sinh(x);
    if (name == "cosh") return std::cosh(x);
    if (name == "tanh") return std::tanh(x);
    if (name == "exp") return std::exp(x);
    if ((name == "ln" || name == "log") && x != Complex(0)) return std::log(x);
    return std::nullopt;
}

MaybeComplex powerOf(Complex base, Complex exponent) {
    const bool whole =
        exponent.imag() == 0 && std::floor(exponent.real()) == exponent.real() && std::abs(exponent.real()) < 1e4L;
    if (base == Complex(0)) return exponent.real() > 0 ? MaybeComplex(Complex(0)) : std::nullopt;
    if (whole && base.imag() == 0) return Complex(std::pow(base.real(), exponent.real()));
    if (base.imag() == 0 && base.real() < 0) return std::nullopt;  // (-8)^{1/3} is -2 to some and complex to others
    return std::pow(base, exponent);
}

MaybeComplex rootOf(Complex radicand, Complex degree) {
    if (degree.imag() != 0 || degree.real() == 0) return std::nullopt;
    if (radicand == Complex(0)) return Complex(0);
    const long double n = degree.real();
    const bool odd = std::abs(std::fmod(n, 2.0L)) == 1;
    if (radicand.imag() == 0 && radicand.real() < 0 && odd) return Complex(-std::pow(-radicand.real(), 1 / n));
    if (n == 2) return std::sqrt(radicand.imag() == 0 ? Complex(radicand.real(), 0.0L) : radicand);
    return std::pow(radicand, 1 / n);
}

MaybeComplex logarithmOf(Complex x, Complex base) {
    if (x == Complex(0) || base == Complex(0) || base == Complex(1)) return std::nullopt;
    return std::log(x) / std::log(base);
}

MaybeComplex apply(const Node& node, Complex a, Complex b) {
    switch (node.kind) {
        case NodeKind::Power: return powerOf(a, b);
        case NodeKind::Root: return rootOf(a, b);
        case NodeKind::Function: return node.items.size() == 2 ? logarithmOf(a, b) : functionOf(node.text, a);
        default: return std::nullopt;
    }
}

// What an uncertain argument does to the value, from the slope there.
long double slopeTimesError(const Node& node, const Sample& a, const Sample& b, Complex value, bool second) {
    const Sample& moved = second ? b : a;
    const long double step = 1e-10L * (lengthOf(moved) + 1e-10L);
    const MaybeComplex beside = apply(node, second ? a.value : a.value + step, second ? b.value + step : b.value);
    return beside ? std::abs(*beside - value) / step * moved.error : kHuge;
}

class Sampler {
public:
    explicit Sampler(unsigned round) : round_(round) {}

    MaybeSample operator()(const Node& node) const {
        MaybeSample s = raw(node);
        if (s && s->value.imag() == 0) s->value.imag(0);  // -0 would pick the other side of a cut
        const bool finite =
            s && std::isfinite(s->value.real()) && std::isfinite(s->value.imag()) && std::isfinite(s->error);
        return finite && lengthOf(*s) <= kHuge ? s : std::nullopt;
    }

private:
    [[nodiscard]] MaybeSample raw(const Node& node) const {
        switch (node.kind) {
            case NodeKind::Number: return number(node.number);
            case NodeKind::Symbol: return symbol(node.text);
            case NodeKind::Add: return sum(node);
            case NodeKind::Multiply: return product(node);
            default: break;
        }
        if (node.items.empty() || node.items.size() > 2) return std::nullopt;
        const MaybeSample first = (*this)(node.items[0]);
        const MaybeSample second = node.items.size() == 2 ? (*this)(node.items[1]) : Sample{};
        if (!first || !second) return std::nullopt;
        switch (node.kind) {
            case NodeKind::Negate: return Sample{-first->value, first->error};
            case NodeKind::Absolute: return Sample{Complex(lengthOf(*first)), first->error};
            case NodeKind::Factorial: return factorial(*first);
            case NodeKind::Divide: return quotient(*first, *second);
            default: return applied(node, *first, *second);
        }
    }

    static Sample rounded(Complex value, long double error) { return {value, error + kRounding * std::abs(value)}; }

    static Sample number(const Literal& literal) {
        const bool exact = literal.exponent == 0 && literal.digits.size() <= 18;
        return exact ? Sample{Complex(realOf(literal)), 0} : rounded(Complex(realOf(literal)), 0);
    }

    [[nodiscard]] MaybeSample symbol(std::string_view name) const {
        if (name == "pi") return rounded(Complex(std::numbers::pi_v<long double>), 0);
        if (name == "e") return rounded(Complex(std::numbers::e_v<long double>), 0);
        if (name == "i") return Sample{Complex(0, 1), 0};
        if (name == "inf" || name == "emptyset") return std::nullopt;
        const std::uint64_t bits = scrambled(name, round_);
        const long double size = 0.3L + static_cast<long double>(bits % 1000003) / 1000003.0L * 2.5L;
        const bool negative = round_ >= kPositiveRounds && (round_ < kMixedRounds || (bits >> 40) % 2 == 0);
        return Sample{Complex(negative ? -size : size), 0};
    }

    [[nodiscard]] MaybeSample sum(const Node& node) const {
        Sample result;
        long double lengths = 0;
        for (const Node& item : node.items) {
            const MaybeSample s = (*this)(item);
            if (!s) return std::nullopt;
            result.value += s->value;
            result.error += s->error;
            lengths += lengthOf(*s);
        }
        result.error += kRounding * lengths;
        return result;
    }

    [[nodiscard]] MaybeSample product(const Node& node) const {
        Sample result{Complex(1), 0};
        for (const Node& item : node.items) {
            const MaybeSample s = (*this)(item);
            if (!s) return std::nullopt;
            result = rounded(result.value * s->value, lengthOf(result) * s->error + lengthOf(*s) * result.error);
        }
        return result;
    }

    static MaybeSample quotient(const Sample& a, const Sample& b) {
        if (lengthOf(b) <= 10 * b.error || b.value == Complex(0)) return std::nullopt;
        const Complex value = a.value / b.value;
        return rounded(value, (a.error + std::abs(value) * b.error) / lengthOf(b));
    }

    static MaybeSample factorial(const Sample& s) {
        const long double x = s.value.real();
        if (s.value.imag() != 0 || x < 0 || x >= 100 || std::floor(x) != x) return std::nullopt;
        return rounded(Complex(std::tgamma(x + 1)), std::tgamma(x + 1) * 1e-15L);
    }

    [[nodiscard]] MaybeSample applied(const Node& node, const Sample& a, const Sample& b) const {
        MaybeComplex value = apply(node, a.value, b.value);
        if (!value) return std::nullopt;
        long double error = 4 * kRounding * std::abs(*value);
        if (a.error > 0) error += slopeTimesError(node, a, b, *value, false);
        if (node.items.size() == 2 && b.error > 0) error += slopeTimesError(node, a, b, *value, true);
        if (node.kind == NodeKind::Function && node.items.size() == 1 && node.text == "log") {
            const long double base = 1.1L + static_cast<long double>(scrambled("log", round_) % 1000) / 1000.0L;
            return rounded(*value / base, error);
        }
        return rounded(*value, error);
    }

    unsigned round_;
};

}  // namespace

std::optional<Sample> sampleOf(const Node& node, unsigned round) { return Sampler(round)(node); }

Closeness compareSamples(const Sample& a, const Sample& b) {
    const long double difference = std::abs(a.value - b.value);
    const long double size = std::max(std::abs(a.value), std::abs(b.value));
    const long double error = a.error + b.error;
    if (difference <= 10 * error) return error <= 1e-12L * std::max(size, 1.0L) ? Closeness::Equal : Closeness::Near;
    return difference > 1e-9L * size && difference > 1000 * error ? Closeness::Apart : Closeness::Near;
}

bool hasLetters(const Node& node) {
    if (node.kind == NodeKind::Symbol)
        return node.text != "pi" && node.text != "e" && node.text != "i" && node.text != "inf" &&
               node.text != "emptyset";
    return std::any_of(node.items.begin(), node.items.end(), hasLetters);
}

bool hasBareLogarithm(const Node& node) {
    if (node.kind == NodeKind::Function && node.text == "log" && node.items.size() == 1) return true;
    return std::any_of(node.items.begin(), node.items.end(), hasBareLogarithm);
}

}  // namespace quibble
