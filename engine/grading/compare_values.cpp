#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grading/compare.h"
#include "engine/grading/exact.h"
#include "engine/grading/sampled.h"

namespace quibble {

namespace {

constexpr unsigned kExactRounds = 8;
constexpr std::size_t kDigitsOfRounding = 4;    // a decimal with as many digits may stand for a root or a fraction
constexpr std::size_t kDigitsOfDecimals = 6;    // two decimals with as many digits may be rounded differently
constexpr std::size_t kDigitsOfComputers = 15;  // a decimal with as many digits was printed by a computer
constexpr long double kErrorOfComputers = 1e-12L;
constexpr int kEnoughPoints = 3;

// Empty: one of them is no rational function, or is defined nowhere.
std::optional<bool> exactlyEqual(const Node& a, const Node& b) {
    unsigned defined = 0;
    for (unsigned round = 0; round < kExactRounds; ++round) {
        const auto x = residueOf(a, round), y = residueOf(b, round);
        if (!x || !y) continue;
        if (*x != *y) return false;
        ++defined;
    }
    return defined >= kExactRounds / 2 ? std::optional(true) : std::nullopt;
}

struct Decimal {
    std::size_t digits = 0;  // significant ones
    long double unit = 0;    // of the last digit
};

// "3.14", "-3.14" and "3.14\cdot10^5".
std::optional<Decimal> decimalOf(const Node& node) {
    if (node.kind == NodeKind::Negate) return decimalOf(node.items[0]);
    if (node.kind == NodeKind::Number && node.number.decimal) {
        return Decimal{node.number.digits.size(), std::pow(10.0L, static_cast<long double>(node.number.exponent))};
    }
    if (node.kind != NodeKind::Multiply || node.items.size() != 2 || node.items[1].kind != NodeKind::Power)
        return std::nullopt;
    auto decimal = decimalOf(node.items[0]);
    const auto base = exactValue(node.items[1].items[0]);
    const auto power = sampleOf(node.items[1], 0);
    if (!decimal || !power || base != Rational{10, 1}) return std::nullopt;
    decimal->unit *= std::abs(power->value);
    return decimal;
}

Grade compareDecimals(const Decimal& a, const Decimal& b, long double difference, long double size) {
    const Decimal& coarse = a.unit >= b.unit ? a : b;
    if (coarse.digits >= kDigitsOfDecimals && difference < coarse.unit * 1.0000001L)
        return right("they agree to the digits given");
    const bool computed = std::max(a.digits, b.digits) >= kDigitsOfComputers && difference <= kErrorOfComputers * size;
    return computed ? right("they agree but for a computer's rounding") : wrong("the values differ");
}

Grade compareWithDecimal(const Decimal& decimal, const Node& exact, long double difference, long double size) {
    if (decimal.digits >= kDigitsOfComputers && difference <= kErrorOfComputers * size)
        return right("they agree but for a computer's rounding");
    const auto value = exactValue(exact);
    if (value && value->isInteger()) return wrong("the values differ");
    if (decimal.digits >= kDigitsOfRounding && difference < decimal.unit * 1.0000001L)
        return right("the decimal is the value rounded");
    const bool rounded = (decimal.digits > 1 || decimal.unit < 0.011L) && difference <= decimal.unit * 0.5000001L;
    return rounded ? notGradable("the decimal may be the value rounded to fewer than four digits")
                   : wrong("the values differ");
}

// "18!" beside 18.
bool mayBeExclamation(const Node& factorial, const Node& value) {
    return factorial.kind == NodeKind::Factorial && exactlyEqual(factorial.items[0], value).value_or(false);
}

// Two constants that are not equal: a decimal may stand for a value that it does not equal.
Grade compareUnequal(const Node& a, const Node& b) {
    if (mayBeExclamation(a, b) || mayBeExclamation(b, a)) return notGradable("an exclamation mark may be no factorial");
    const auto decimal_a = decimalOf(a), decimal_b = decimalOf(b);
    const auto value_a = sampleOf(a, 0), value_b = sampleOf(b, 0);
    if ((!decimal_a && !decimal_b) || !value_a || !value_b) return wrong("the values differ");
    const long double difference = std::abs(value_a->value - value_b->value);
    const long double size = std::max(std::abs(value_a->value), std::abs(value_b->value));
    if (decimal_a && decimal_b) return compareDecimals(*decimal_a, *decimal_b, difference, size);
    return decimal_a ? compareWithDecimal(*decimal_a, b, difference, size)
                     : compareWithDecimal(*decimal_b, a, difference, size);
}

Grade compareConstants(const Node& a, const Node& b) {
    const auto value_a = sampleOf(a, 0), value_b = sampleOf(b, 0);
    if (!value_a || !value_b) return notGradable("a value cannot be computed");
    switch (compareSamples(*value_a, *value_b)) {
        case Closeness::Equal: return right("the values are equal to 12 digits");
        case Closeness::Apart: return compareUnequal(a, b);
        case Closeness::Near: break;
    }
    const Grade grade = compareUnequal(a, b);
    return grade.isRight() ? grade : notGradable("the values are too close to tell whether they are equal");
}

Grade compareByPoints(const Node& a, const Node& b) {
    int equal = 0, near = 0, equal_positive = 0;
    bool apart = false;
    for (unsigned round = 0; round < kSampleRounds; ++round) {
        const auto x = sampleOf(a, round), y = sampleOf(b, round);
        if (!x || !y) continue;
        const Closeness closeness = compareSamples(*x, *y);
        const bool positive = round < kPositiveRounds;
        if (closeness == Closeness::Apart && positive) return wrong("the expressions differ");
        apart = apart || closeness == Closeness::Apart;
        near += closeness == Closeness::Near ? 1 : 0;
        equal += closeness == Closeness::Equal ? 1 : 0;
        equal_positive += closeness == Closeness::Equal && positive ? 1 : 0;
    }
    if (apart && equal_positive == 0) return wrong("the expressions differ");
    if (apart) return notGradable("the expressions are equal for positive letters only");
    if (near > 0) return notGradable("the expressions are too close to tell whether they are equal");
    return equal >= kEnoughPoints ? right("the expressions are equal at all points tried")
                                  : notGradable("an expression cannot be computed");
}

void collectLetters(const Node& node, std::set<std::string>& names) {
    if (node.kind == NodeKind::Symbol && hasLetters(node)) names.insert(node.text);
    for (const Node& item : node.items) collectLetters(item, names);
}

void rename(Node& node, const std::vector<std::string>& from, const std::vector<std::string>& to) {
    const auto found = node.kind == NodeKind::Symbol ? std::find(from.begin(), from.end(), node.text) : from.end();
    if (found != from.end()) node.text = to[static_cast<std::size_t>(found - from.begin())];
    for (Node& item : node.items) rename(item, from, to);
}

// A letter that is the sign of a unit becomes 1.
void dropUnitLetters(Node& node) {
    static const std::set<std::string> kUnits = {"m", "g", "s", "h", "L", "l", "J", "N", "W", "V", "A", "K", "C", "F"};
    if (node.kind == NodeKind::Symbol && kUnits.count(node.text) > 0) node = makeInteger(1);
    for (Node& item : node.items) dropUnitLetters(item);
}

// "5 m" and "5 m/s" beside 5: the letters may be a unit.
bool mayBeUnit(const Node& product, const Node& value) {
    const bool shaped = product.kind == NodeKind::Multiply || product.kind == NodeKind::Divide;
    if (!shaped || !hasLetters(product) || hasLetters(value)) return false;
    Node number = product;
    dropUnitLetters(number);
    return !hasLetters(number) && exactlyEqual(number, value).value_or(false);
}

// "IV" beside 4.
bool mayBeRoman(const Node& letters, const Node& value) {
    const auto roman = [](const Node& n) {
        return n.kind == NodeKind::Symbol && n.text.size() == 1 &&
               std::string_view("IVXLCDM").find(n.text[0]) != std::string_view::npos;
    };
    return letters.kind == NodeKind::Multiply && !hasLetters(value) &&
           std::all_of(letters.items.begin(), letters.items.end(), roman);
}

bool sameButForCase(const Node& a, const Node& b) {
    const bool single =
        a.kind == NodeKind::Symbol && b.kind == NodeKind::Symbol && a.text.size() == 1 && b.text.size() == 1;
    return single && (a.text[0] ^ b.text[0]) == ('a' ^ 'A');
}

// Two expressions with letters that differ: they may only name things differently.
Grade compareNames(const Node& a, const Node& b) {
    if (mayBeRoman(a, b) || mayBeRoman(b, a)) return notGradable("the letters may be a Roman numeral");
    if (sameButForCase(a, b)) return notGradable("the letters are equal but for upper case");
    if (mayBeUnit(a, b) || mayBeUnit(b, a)) return notGradable("a letter behind the number may be a unit");
    std::set<std::string> letters_a, letters_b;
    collectLetters(a, letters_a);
    collectLetters(b, letters_b);
    const bool bare = a.kind == NodeKind::Symbol || b.kind == NodeKind::Symbol;
    if (bare || letters_a == letters_b || letters_a.size() != letters_b.size()) return wrong("the expressions differ");
    Node renamed = b;
    rename(renamed, {letters_b.begin(), letters_b.end()}, {letters_a.begin(), letters_a.end()});
    const bool same = exactlyEqual(a, renamed).value_or(false) || compareByPoints(a, renamed).isRight();
    return same ? notGradable("the expressions are equal but for the names of their letters")
                : wrong("the expressions differ");
}

bool containsBased(const Node& node) {
    return node.kind == NodeKind::Based || std::any_of(node.items.begin(), node.items.end(), containsBased);
}

// "1010_2": equal digits in the same base, or in a base that one of them leaves out.
Grade compareBased(const Node& a, const Node& b) {
    if (a.kind != NodeKind::Based && b.kind != NodeKind::Based)
        return notGradable("arithmetic with numbers in a base has no rule");
    const bool both = a.kind == b.kind;
    const Node& digits_a = a.kind == NodeKind::Based ? a.items[0] : a;
    const Node& digits_b = b.kind == NodeKind::Based ? b.items[0] : b;
    const bool same_digits = compareValues(digits_a, digits_b).isRight();
    if (!both)
        return same_digits ? right("the digits are equal") : notGradable("only one of the numbers names its base");
    const bool same_base = compareValues(a.items[1], b.items[1]).isRight();
    if (same_base) return same_digits ? right("digits and base are equal") : wrong("the digits differ");
    return notGradable("the bases differ");
}

}  // namespace

Grade compareValues(const Node& a, const Node& b) {
    if (containsBased(a) || containsBased(b)) return compareBased(a, b);
    const bool letters = hasLetters(a) || hasLetters(b);
    const auto exact = exactlyEqual(a, b);
    if (exact == true) return right("the values are equal");
    if (exact == false) return letters ? compareNames(a, b) : compareUnequal(a, b);
    Grade grade = letters ? compareByPoints(a, b) : compareConstants(a, b);
    if (grade.verdict != Verdict::Wrong) return grade;
    if (hasBareLogarithm(a) || hasBareLogarithm(b)) return notGradable("a logarithm lacks its base");
    return letters ? compareNames(a, b) : grade;
}

}  // namespace quibble
