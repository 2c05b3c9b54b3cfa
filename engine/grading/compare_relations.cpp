#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "engine/grading/compare.h"
#include "engine/grading/exact.h"
#include "engine/grading/sampled.h"

namespace quibble {

namespace {

constexpr unsigned kRatioRounds = 8;
constexpr int kMaxDegree = 1000;

bool isInequality(const Node& node) {
    return node.kind == NodeKind::Relation && node.text.find_first_not_of("<>LG") == std::string::npos;
}

bool isLetterSymbol(const Node& node) { return node.kind == NodeKind::Symbol && hasLetters(node); }

Node infinity(bool negative) {
    Node node = makeNode(NodeKind::Symbol, {}, "inf");
    return negative ? makeNode(NodeKind::Negate, {std::move(node)}) : node;
}

struct Region {
    std::string letter;
    Node interval;
};

// "x < 5", "5 > x" and "1 < x <= 2" as intervals.
std::optional<Region> regionOf(const Node& node) {
    if (!isInequality(node) || node.items.size() > 3) return std::nullopt;
    const bool chain = node.items.size() == 3;
    const bool letter_first = !chain && isLetterSymbol(node.items[0]);
    const Node& letter = node.items[letter_first ? 0 : 1];
    if (!isLetterSymbol(letter)) return std::nullopt;
    for (const Node& item : node.items) {
        if (&item != &letter && hasLetters(item)) return std::nullopt;
    }
    const auto rises = [](char sign) { return sign == '<' || sign == 'L'; };
    const auto closed = [](char sign) { return sign == 'L' || sign == 'G'; };
    const char first = node.text.front(), last = node.text.back();
    if (chain) {
        if (rises(first) != rises(last)) return std::nullopt;
        const char low = rises(first) ? first : last, high = rises(first) ? last : first;
        const Node& from = node.items[rises(first) ? 0 : 2];
        const Node& to = node.items[rises(first) ? 2 : 0];
        const std::string brackets{closed(low) ? '[' : '(', closed(high) ? ']' : ')'};
        return Region{letter.text, makeNode(NodeKind::Tuple, {from, to}, brackets)};
    }
    const Node& bound = node.items[letter_first ? 1 : 0];
    const bool above = rises(first) == letter_first;  // the bound is the upper end
    if (above)
        return Region{letter.text, makeNode(NodeKind::Tuple, {infinity(true), bound}, closed(first) ? "(]" : "()")};
    return Region{letter.text, makeNode(NodeKind::Tuple, {bound, infinity(false)}, closed(first) ? "[)" : "()")};
}

// "x < 1 or x > 3" as a union of intervals.
std::optional<Region> regionOfList(const Node& node) {
    if (node.kind != NodeKind::List || node.text != "or") return regionOf(node);
    Region all{{}, makeNode(NodeKind::Union, {})};
    for (const Node& item : node.items) {
        auto region = regionOf(item);
        if (!region || (!all.letter.empty() && all.letter != region->letter)) return std::nullopt;
        all.letter = region->letter;
        all.interval.items.push_back(std::move(region->interval));
    }
    return all;
}

Node differenceOf(const Node& relation) {
    return makeNode(NodeKind::Add, {relation.items[0], makeNode(NodeKind::Negate, {relation.items[1]})});
}

// The degree as it is written; -1: it is no polynomial.
int degreeOf(const Node& node) {
    if (!hasLetters(node)) return 0;
    int degree = node.kind == NodeKind::Symbol ? 1 : 0;
    switch (node.kind) {
        case NodeKind::Symbol: return 1;
        case NodeKind::Add:
        case NodeKind::Negate:
        case NodeKind::Multiply:
            for (const Node& item : node.items) {
                const int part = degreeOf(item);
                if (part < 0 || degree > kMaxDegree) return -1;
                degree = node.kind == NodeKind::Multiply ? degree + part : std::max(degree, part);
            }
            return degree;
        case NodeKind::Divide: return hasLetters(node.items[1]) ? -1 : degreeOf(node.items[0]);
        case NodeKind::Power: {
            const auto exponent = exactValue(node.items[1]);
            const int base = degreeOf(node.items[0]);
            const bool fits = exponent && exponent->isInteger() && exponent->top >= 0 && exponent->top <= kMaxDegree &&
                              base >= 0 && base <= kMaxDegree;
            return fits ? base * static_cast<int>(exponent->top) : -1;
        }
        default: return -1;
    }
}

enum class Proportion { Constant, Varies, Unknown };

Proportion exactProportion(const Node& a, const Node& b) {
    std::optional<std::uint64_t> ratio[2];
    int defined = 0;
    for (unsigned round = 0; round < kRatioRounds; ++round) {
        const auto x = residueOf(a, round), y = residueOf(b, round);
        if (!x || !y || (*x == 0 && *y == 0)) continue;
        if (*x == 0 || *y == 0) return Proportion::Varies;
        const auto quotient = residueQuotient(*x, *y, round);
        auto& seen = ratio[round % 2];
        if (seen && quotient != seen) return Proportion::Varies;
        seen = quotient;
        ++defined;
    }
    return defined >= static_cast<int>(kRatioRounds) / 2 ? Proportion::Constant : Proportion::Unknown;
}

// Also says whether the ratio is positive.
Proportion sampledProportion(const Node& a, const Node& b, bool& positive) {
    std::optional<Sample> ratio;
    int defined = 0;
    Proportion proportion = Proportion::Constant;
    for (unsigned round = 0; round < kSampleRounds; ++round) {
        const auto x = sampleOf(a, round), y = sampleOf(b, round);
        if (!x || !y || std::abs(x->value) < 1e-9L || std::abs(y->value) < 1e-9L) continue;
        const Complex quotient = x->value / y->value;
        const long double error =
            (x->error + std::abs(quotient) * y->error) / std::abs(y->value) + 1e-18L * std::abs(quotient);
        const Sample sample{quotient, error};
        if (!ratio) ratio = sample;
        ++defined;
        if (compareSamples(*ratio, sample) == Closeness::Apart) return Proportion::Varies;
        if (compareSamples(*ratio, sample) == Closeness::Near) proportion = Proportion::Unknown;
    }
    if (defined < 3 || std::abs(ratio->value.imag()) > 1e-9L * std::abs(ratio->value)) return Proportion::Unknown;
    positive = ratio->value.real() > 0;
    return proportion;
}

// Both have two sides and the same kind of sign; a common factor does not matter.
Grade compareTwoSided(const Node& a, const Node& b) {
    const bool inequality = isInequality(a);
    if (inequality != isInequality(b) || (!inequality && a.text != b.text))
        return notGradable("the signs of the relations differ");
    Node left = differenceOf(a), right_side = differenceOf(b);
    const auto falls = [](const Node& n) { return n.text == ">" || n.text == "G"; };
    if (falls(a)) left = makeNode(NodeKind::Negate, {std::move(left)});
    if (falls(b)) right_side = makeNode(NodeKind::Negate, {std::move(right_side)});
    bool positive = false;
    const Proportion sampled = sampledProportion(left, right_side, positive);
    const Proportion exact = exactProportion(left, right_side);
    const Proportion proportion = exact == Proportion::Unknown ? sampled : exact;
    if (proportion == Proportion::Constant) {
        if (!inequality) return right("the equations are equal but for a factor");
        if (sampled != Proportion::Constant) return notGradable("the inequalities cannot be computed");
        const auto strict = [](const Node& n) { return n.text == "<" || n.text == ">"; };
        const bool same = positive && strict(a) == strict(b);
        return same ? right("the inequalities are equal but for a factor") : wrong("the inequalities differ");
    }
    const int degree_a = degreeOf(left), degree_b = degreeOf(right_side);
    const bool polynomials = proportion == Proportion::Varies && degree_a > 0 && degree_a == degree_b;
    return polynomials ? wrong("the relations differ")
                       : notGradable("no rule decides whether these relations say the same");
}

bool onlyEquals(const Node& node) { return node.text.find_first_not_of("=A") == std::string::npos; }

// What a relation gives as a value: "x = 5", "3 + 4 = 7", "x \in [1, 2]". nullptr: it is a relation.
const Node* valueIn(const Node& node) {
    if (node.text == "E" && isLetterSymbol(node.items[0])) return &node.items[1];
    if (!onlyEquals(node)) return nullptr;
    const bool point = node.items.size() == 2 && node.items[0].kind == NodeKind::Tuple &&
                       std::all_of(node.items[0].items.begin(), node.items[0].items.end(), isLetterSymbol);
    if (point) return &node.items[1];  // (x, y) = (2, 3)
    const bool turned =
        node.items.size() == 2 && !node.named && isLetterSymbol(node.items[1]) && !hasLetters(node.items[0]);
    if (turned) return &node.items[0];                                                     // 5 = x
    const bool about = node.text.back() == 'A' && (node.items.size() > 2 || !node.named);  // \sqrt{2} \approx 1.41
    const Node* value = about ? &node.items[node.items.size() - 2] : &node.items.back();
    for (std::size_t i = node.named ? 1 : 0; i + 1 < node.items.size(); ++i) {
        const Node& item = node.items[i];
        if (&item == value) break;
        if (hasLetters(item) || !compareNodes(item, *value).isRight()) return nullptr;
    }
    return value;
}

Grade compareNamed(const Node& a, const Node& b) {
    const Node *value_a = valueIn(a), *value_b = valueIn(b);
    if (value_a == nullptr || value_b == nullptr) return notGradable("an equation of more than two sides has no rule");
    const Grade values = compareNodes(*value_a, *value_b);
    if (a.items[0].text == b.items[0].text) return values;
    if (values.isRight()) return notGradable("the values are equal, but the names in front of them differ");
    if (a.items.size() == 2 && b.items.size() == 2 && a.text == b.text) return compareTwoSided(a, b);
    return values;
}

}  // namespace

bool isInequalityList(const Node& node) { return node.kind == NodeKind::List && regionOfList(node).has_value(); }

Grade compareRelations(const Node& a, const Node& b) {
    const auto region_a = regionOfList(a), region_b = regionOfList(b);
    if (region_a && region_b) {
        const Grade grade = compareNodes(region_a->interval, region_b->interval);
        if (region_a->letter == region_b->letter || !grade.isRight()) return grade;
        return notGradable("the inequalities are equal but for the names of their letters");
    }
    if (region_a && isCollection(b)) return compareNodes(region_a->interval, b);
    if (region_b && isCollection(a)) return compareNodes(a, region_b->interval);
    if (a.kind == NodeKind::Relation && b.kind == NodeKind::Relation) {
        if (a.named && b.named) return compareNamed(a, b);
        if (a.items.size() == 2 && b.items.size() == 2 && a.text != "E" && b.text != "E") return compareTwoSided(a, b);
        const Node *value_a = valueIn(a), *value_b = valueIn(b);
        if (value_a != nullptr && value_b != nullptr) return compareNodes(*value_a, *value_b);
        return notGradable("relations of more than two sides have no rule");
    }
    const Node& relation = a.kind == NodeKind::Relation ? a : b;
    const Node& other = a.kind == NodeKind::Relation ? b : a;
    if (relation.kind != NodeKind::Relation) return notGradable("inequalities are compared with something else");
    if (const Node* value = valueIn(relation)) return compareNodes(*value, other);
    return notGradable("an equation or inequality is compared with a value");
}

}  // namespace quibble
