#include "engine/grading/exact.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace quibble {

namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

using MaybeRational = std::optional<Rational>;

constexpr int kMaxFactorial = 1000;
constexpr std::int64_t kMaxPower = 62;  // of rationals: 2^63 does not fit

MaybeRational rational(Wide top, Wide bottom) {
    if (bottom == 0) return std::nullopt;
    if (bottom < 0) top = -top, bottom = -bottom;
    Wide a = top < 0 ? -top : top, b = bottom;
    while (b != 0) a = std::exchange(b, a % b);
    if (a > 1) top /= a, bottom /= a;
    constexpr Wide kLimit = std::numeric_limits<std::int64_t>::max();
    if (top > kLimit || top < -kLimit || bottom > kLimit) return std::nullopt;
    return Rational{static_cast<std::int64_t>(top), static_cast<std::int64_t>(bottom)};
}

MaybeRational times(const Rational& a, const Rational& b) {
    return rational(Wide{a.top} * b.top, Wide{a.bottom} * b.bottom);
}
MaybeRational over(const Rational& a, const Rational& b) {
    return rational(Wide{a.top} * b.bottom, Wide{a.bottom} * b.top);
}

// The sum of two products of 63 bits each fits in 127 bits.
MaybeRational plus(const Rational& a, const Rational& b) {
    return rational(Wide{a.top} * b.bottom + Wide{b.top} * a.bottom, Wide{a.bottom} * b.bottom);
}

MaybeRational raised(Rational base, std::int64_t exponent) {
    if (base.top == 0) return exponent > 0 ? MaybeRational(Rational{}) : std::nullopt;
    if (base.bottom == 1 && (base.top == 1 || base.top == -1)) return Rational{exponent % 2 == 0 ? 1 : base.top, 1};
    if (exponent > kMaxPower || exponent < -kMaxPower) return std::nullopt;
    MaybeRational result = Rational{1, 1};
    for (std::int64_t i = 0; result && i < std::abs(exponent); ++i)
        result = exponent > 0 ? times(*result, base) : over(*result, base);
    return result;
}

MaybeRational ofLiteral(const Literal& literal) {
    if (literal.digits.size() > 18 || !literal.repeating.empty() || std::abs(literal.exponent) > 18)
        return std::nullopt;
    const Rational digits{std::strtoll(literal.digits.c_str(), nullptr, 10), 1};
    const MaybeRational power = raised({10, 1}, literal.exponent);
    return power ? times(digits, *power) : std::nullopt;
}

// The integer whose `degree`th power is `value`.
std::optional<std::int64_t> integerRoot(std::int64_t value, std::int64_t degree) {
    const bool negative = value < 0;
    if (negative && degree % 2 == 0) return std::nullopt;
    const auto guess =
        std::llround(std::pow(static_cast<long double>(std::abs(value)), 1.0L / static_cast<long double>(degree)));
    const MaybeRational back = raised({guess, 1}, degree);
    if (guess != 0 && (!back || back->top != std::abs(value))) return std::nullopt;
    return negative ? -guess : guess;
}

MaybeRational rootOf(const Rational& value, const Rational& degree) {
    if (!degree.isInteger() || degree.top < 1 || degree.top > kMaxPower) return std::nullopt;
    const auto top = integerRoot(value.top, degree.top), bottom = integerRoot(value.bottom, degree.top);
    return top && bottom ? rational(*top, *bottom) : std::nullopt;
}

MaybeRational powerOf(const Rational& base, const Rational& exponent) {
    if (exponent.isInteger()) return raised(base, exponent.top);
    if (base.top < 0) return std::nullopt;
    const MaybeRational root = rootOf(base, {exponent.bottom, 1});
    return root ? raised(*root, exponent.top) : std::nullopt;
}

MaybeRational factorial(const Rational& value) {
    if (!value.isInteger() || value.top < 0 || value.top > 20) return std::nullopt;
    std::int64_t product = 1;
    for (std::int64_t i = 2; i <= value.top; ++i) product *= i;
    return Rational{product, 1};
}

MaybeRational binomial(const Rational& n, const Rational& k) {
    if (!n.isInteger() || !k.isInteger() || k.top < 0 || n.top < k.top || k.top > 60) return std::nullopt;
    MaybeRational result = Rational{1, 1};
    for (std::int64_t i = 0; result && i < k.top; ++i) {
        result = times(*result, {n.top - i, 1});
        if (result) result = over(*result, {i + 1, 1});
    }
    return result;
}

MaybeRational folded(const Node& node, MaybeRational (*join)(const Rational&, const Rational&), Rational start) {
    MaybeRational result = start;
    for (const Node& item : node.items) {
        const MaybeRational value = exactValue(item);
        if (!value) return std::nullopt;
        result = join(*result, *value);
        if (!result) return std::nullopt;
    }
    return result;
}

// ---- residues

constexpr std::uint64_t kPrimes[] = {(std::uint64_t{1} << 61) - 1, (std::uint64_t{1} << 63) - 25};

std::uint64_t timesModulo(std::uint64_t a, std::uint64_t b, std::uint64_t p) {
    return static_cast<std::uint64_t>(UnsignedWide{a} * b % p);
}

std::uint64_t powerModulo(std::uint64_t base, std::uint64_t exponent, std::uint64_t p) {
    std::uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1, base = timesModulo(base, base, p)) {
        if ((exponent & 1) != 0) result = timesModulo(result, base, p);
    }
    return result;
}

using MaybeResidue = std::optional<std::uint64_t>;

class ResidueEvaluator {
public:
    explicit ResidueEvaluator(unsigned round) : round_(round), p_(kPrimes[round % 2]) {}

    [[nodiscard]] MaybeResidue operator()(const Node& node) const {
        switch (node.kind) {
            case NodeKind::Number: return literal(node.number);
            case NodeKind::Symbol:
                return node.text == "i" ? std::nullopt : MaybeResidue(scrambled(node.text, round_) % p_);
            case NodeKind::Add: return folded(node.items, true);
            case NodeKind::Multiply: return folded(node.items, false);
            case NodeKind::Negate: return negated((*this)(node.items[0]));
            case NodeKind::Divide: return divided(node);
            case NodeKind::Power: return power(node);
            case NodeKind::Factorial: return factorial(node);
            case NodeKind::Binomial: return small(node);
            case NodeKind::Root: return small(node);
            case NodeKind::Absolute: return small(node);
            default: return std::nullopt;
        }
    }

private:
    [[nodiscard]] MaybeResidue negated(MaybeResidue value) const {
        return value ? MaybeResidue(*value == 0 ? 0 : p_ - *value) : value;
    }

    [[nodiscard]] MaybeResidue literal(const Literal& number) const {
        if (!number.repeating.empty()) return std::nullopt;
        std::uint64_t value = 0;
        for (const char c : number.digits)
            value = (timesModulo(value, 10, p_) + static_cast<std::uint64_t>(c - '0')) % p_;
        const std::uint64_t ten = powerModulo(10, static_cast<std::uint64_t>(std::abs(number.exponent)), p_);
        return number.exponent >= 0 ? timesModulo(value, ten, p_) : *residueQuotient(value, ten, round_);
    }

    [[nodiscard]] MaybeResidue folded(const std::vector<Node>& items, bool sum) const {
        std::uint64_t result = sum ? 0 : 1;
        for (const Node& item : items) {
            const MaybeResidue value = (*this)(item);
            if (!value) return std::nullopt;
            result = sum ? static_cast<std::uint64_t>((UnsignedWide{result} + *value) % p_)
                         : timesModulo(result, *value, p_);
        }
        return result;
    }

    [[nodiscard]] MaybeResidue divided(const Node& node) const {
        const MaybeResidue top = (*this)(node.items[0]), bottom = (*this)(node.items[1]);
        return top && bottom ? residueQuotient(*top, *bottom, round_) : std::nullopt;
    }

    [[nodiscard]] MaybeResidue power(const Node& node) const {
        if (const auto value = exactValue(node)) return ofRational(*value);
        const auto exponent = exactValue(node.items[1]);
        const MaybeResidue base = (*this)(node.items[0]);
        if (!base || !exponent || !exponent->isInteger()) return std::nullopt;
        if (*base == 0 && exponent->top <= 0) return std::nullopt;
        const std::uint64_t raised = powerModulo(*base, static_cast<std::uint64_t>(std::abs(exponent->top)), p_);
        return exponent->top >= 0 ? raised : residueQuotient(1, raised, round_);
    }

    [[nodiscard]] MaybeResidue factorial(const Node& node) const {
        const auto value = exactValue(node.items[0]);
        if (!value || !value->isInteger() || value->top < 0 || value->top > kMaxFactorial) return std::nullopt;
        std::uint64_t product = 1;
        for (std::int64_t i = 2; i <= value->top; ++i)
            product = timesModulo(product, static_cast<std::uint64_t>(i), p_);
        return product;
    }

    [[nodiscard]] MaybeResidue small(const Node& node) const {
        const auto value = exactValue(node);
        return value ? ofRational(*value) : std::nullopt;
    }

    [[nodiscard]] MaybeResidue ofRational(const Rational& value) const {
        const std::uint64_t top = static_cast<std::uint64_t>(std::abs(value.top)) % p_;
        const MaybeResidue quotient = residueQuotient(top, static_cast<std::uint64_t>(value.bottom) % p_, round_);
        return value.top < 0 ? negated(quotient) : quotient;
    }

    unsigned round_;
    std::uint64_t p_;
};

MaybeRational ofOne(NodeKind kind, const Rational& value) {
    switch (kind) {
        case NodeKind::Negate: return Rational{-value.top, value.bottom};
        case NodeKind::Absolute: return Rational{std::abs(value.top), value.bottom};
        case NodeKind::Factorial: return factorial(value);
        default: return std::nullopt;
    }
}

MaybeRational ofTwo(NodeKind kind, const Rational& first, const Rational& second) {
    switch (kind) {
        case NodeKind::Divide: return over(first, second);
        case NodeKind::Power: return powerOf(first, second);
        case NodeKind::Root: return rootOf(first, second);
        case NodeKind::Binomial: return binomial(first, second);
        default: return std::nullopt;
    }
}

}  // namespace

std::optional<Rational> exactValue(const Node& node) {
    if (!node.items.empty() && (node.kind == NodeKind::Add || node.kind == NodeKind::Multiply)) {
        return node.kind == NodeKind::Add ? folded(node, plus, {0, 1}) : folded(node, times, {1, 1});
    }
    if (node.kind == NodeKind::Number) return ofLiteral(node.number);
    if (node.items.empty() || node.items.size() > 2) return std::nullopt;
    const MaybeRational first = exactValue(node.items[0]);
    if (!first) return std::nullopt;
    if (node.items.size() == 1) return ofOne(node.kind, *first);
    const MaybeRational second = exactValue(node.items[1]);
    return second ? ofTwo(node.kind, *first, *second) : std::nullopt;
}

std::optional<std::uint64_t> residueOf(const Node& node, unsigned round) { return ResidueEvaluator(round)(node); }

std::optional<std::uint64_t> residueQuotient(std::uint64_t a, std::uint64_t b, unsigned round) {
    const std::uint64_t p = kPrimes[round % 2];
    if (b % p == 0) return std::nullopt;
    return timesModulo(a, powerModulo(b % p, p - 2, p), p);
}

std::uint64_t scrambled(std::string_view name, unsigned round) {
    std::uint64_t h = 0x9E3779B97F4A7C15u * (round + 1);
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0xBF58476D1CE4E5B9u;
    h ^= h >> 31;
    h *= 0x94D049BB133111EBu;
    return h ^ (h >> 29);
}

}  // namespace quibble
