#include "engine/grading/compare.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <optional>

#include "engine/grading/characters.h"

namespace quibble {

namespace {

// What one comparison of two answers may still cost, in nodes that are looked at: sets in sets would cost more with
// every level.
constexpr std::int64_t kMaxWork = 300'000;
thread_local std::int64_t work_left = kMaxWork;

std::int64_t countNodes(const Node& node) {
    std::int64_t count = 1;
    for (const Node& item : node.items) count += countNodes(item);
    return count;
}

bool hasPlusMinus(const Node& node) {
    return node.kind == NodeKind::PlusMinus || std::any_of(node.items.begin(), node.items.end(), hasPlusMinus);
}

void chooseSign(Node& node, bool upper) {
    for (Node& item : node.items) chooseSign(item, upper);
    if (node.kind != NodeKind::PlusMinus) return;
    const bool minus = (node.text == "-") == upper;
    Node chosen = minus ? makeNode(NodeKind::Negate, std::move(node.items)) : std::move(node.items.front());
    node = std::move(chosen);
}

// "1 \pm \sqrt{2}" is two values; all signs of one element go together.
Node expanded(const Node& node) {
    if (node.kind != NodeKind::List && node.kind != NodeKind::Set && node.kind != NodeKind::Union) {
        std::vector<Node> both{node, node};
        chooseSign(both[0], true);
        chooseSign(both[1], false);
        return makeNode(NodeKind::List, std::move(both));
    }
    Node all = makeNode(node.kind, {}, node.text);
    for (const Node& item : node.items) {
        if (!hasPlusMinus(item)) {
            all.items.push_back(item);
            continue;
        }
        Node two = expanded(item);
        std::move(two.items.begin(), two.items.end(), std::back_inserter(all.items));
    }
    return all;
}

const Node& withoutShell(const Node& node) {
    static const Node kReals = [] {
        Node low = makeNode(NodeKind::Negate, {makeNode(NodeKind::Symbol, {}, "inf")});
        return makeNode(NodeKind::Tuple, {std::move(low), makeNode(NodeKind::Symbol, {}, "inf")}, "()");
    }();
    if (node.kind == NodeKind::Symbol && node.text == "reals") return kReals;
    const bool shell = (node.kind == NodeKind::Set || node.kind == NodeKind::List) && node.items.size() == 1;
    return shell ? withoutShell(node.items.front()) : node;
}

bool containsPi(const Node& node) {
    return (node.kind == NodeKind::Symbol && node.text == "pi") ||
           std::any_of(node.items.begin(), node.items.end(), containsPi);
}

// A percentage as a part of one.
Node hundredth(const Node& node) {
    Node result = node;
    if (node.kind == NodeKind::Number) {
        result.number.exponent -= 2;
        result.number.decimal = true;
        return result;
    }
    if (node.kind == NodeKind::Negate) return makeNode(NodeKind::Negate, {hundredth(node.items[0])});
    return makeNode(NodeKind::Divide, {std::move(result), makeInteger(100)});
}

bool hasInnerUnit(const Node& node) {
    return std::any_of(node.items.begin(), node.items.end(),
                       [](const Node& item) { return item.percent || !item.unit.empty() || hasInnerUnit(item); });
}

Grade compareQuantities(const Node& a, const Node& b) {
    if (hasInnerUnit(a) || hasInnerUnit(b)) return notGradable("arithmetic with units has no rule");
    if (!a.unit.empty() && !b.unit.empty() && a.unit != b.unit)
        return notGradable("the units differ: " + a.unit + " and " + b.unit);
    const Grade plain = compareValues(a, b);
    if (plain.isRight()) return plain;
    if (a.percent != b.percent) {
        const Grade part = a.percent ? compareValues(hundredth(a), b) : compareValues(a, hundredth(b));
        return part.isRight() || plain.verdict == Verdict::Wrong ? part : plain;
    }
    const bool one_in_degrees = (a.unit == "degree") != (b.unit == "degree");
    if (one_in_degrees && containsPi(a.unit == "degree" ? b : a)) {
        const auto radians = [](const Node& degrees) {
            Node pi = makeNode(NodeKind::Symbol, {}, "pi");
            return makeNode(NodeKind::Divide,
                            {makeNode(NodeKind::Multiply, {degrees, std::move(pi)}), makeInteger(180)});
        };
        return a.unit == "degree" ? compareValues(radians(a), b) : compareValues(a, radians(b));
    }
    return plain;
}

bool isSymbolOf(const Node& node, char letter) {
    return node.kind == NodeKind::Symbol && node.text.size() == 1 &&
           std::toupper(static_cast<unsigned char>(node.text[0])) == letter;
}

// One of the two is the letter of a multiple-choice answer.
Grade compareChoice(const Reading& choice, const Reading& other) {
    if (other.choice != 0)
        return choice.choice == other.choice ? right("the letters are equal") : wrong("the letters differ");
    const bool letter_alone = choice.fault.empty() && isSymbolOf(choice.value, choice.choice);
    if (!other.fault.empty()) {
        const bool same_words = !letter_alone && choice.words == other.words;
        return same_words ? right("the words are equal") : notGradable("the letter of a choice is compared with words");
    }
    if (isSymbolOf(other.value, choice.choice)) return right("the letters are equal");
    if (!letter_alone) {
        if (!choice.fault.empty()) return notGradable("the letter of a choice is compared with a value");
        return compareNodes(choice.value, other.value);
    }
    const Grade grade = compareNodes(choice.value, other.value);
    const bool letters = other.value.kind == NodeKind::Symbol || isCollection(other.value);
    return letters || grade.isRight() ? grade : notGradable("the letter of a choice is compared with a value");
}

bool isOneWord(const std::string& words) {
    return words.size() > 1 && std::all_of(words.begin(), words.end(),
                                           [](char c) { return isLetter(c) || static_cast<unsigned char>(c) >= 0x80; });
}

// "yes" and "true" may say the same; so may "no" and "none".
bool isVague(const std::string& word) {
    static constexpr std::array<const char*, 8> kWords = {"yes",  "no",      "true",      "false",
                                                          "none", "correct", "incorrect", "neither"};
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

Grade compareWords(const Reading& a, const Reading& b) {
    if (a.words == b.words) return right("the words are equal");
    if (!isOneWord(a.words) || !isOneWord(b.words)) return notGradable("only equal words can be compared");
    const auto opposite = [&](const char* x, const char* y) {
        return (a.words == x && b.words == y) || (a.words == y && b.words == x);
    };
    if (opposite("yes", "no") || opposite("true", "false") || opposite("correct", "incorrect"))
        return wrong("the words differ");
    if (isVague(a.words) || isVague(b.words)) return notGradable("only equal words can be compared");
    const auto parting = std::mismatch(a.words.begin(), a.words.end(), b.words.begin(), b.words.end());
    const auto common = static_cast<std::size_t>(parting.first - a.words.begin());
    if (common >= 4 && common + 2 >= std::min(a.words.size(), b.words.size()))
        return notGradable("the words have the same stem");
    return wrong("the words differ");
}

// Words that say that there is no value.
bool deniesValue(const std::string& words) {
    static constexpr std::array<const char*, 8> kWords = {"no solution",      "no solutions",     "none",
                                                          "does not exist",   "undefined",        "dne",
                                                          "no real solution", "no real solutions"};
    return std::find(kWords.begin(), kWords.end(), words) != kWords.end();
}

}  // namespace

Grade compareNodes(const Node& outer_a, const Node& outer_b) {
    work_left -= countNodes(outer_a) + countNodes(outer_b);
    if (work_left < 0) return notGradable("comparing them takes too long");
    const Node &a = withoutShell(outer_a), &b = withoutShell(outer_b);
    if (hasPlusMinus(a)) return compareNodes(expanded(a), b);
    if (hasPlusMinus(b)) return compareNodes(a, expanded(b));
    const bool relation = a.kind == NodeKind::Relation || b.kind == NodeKind::Relation;
    if (relation || isInequalityList(a) || isInequalityList(b)) return compareRelations(a, b);
    if (isCollection(a) || isCollection(b)) return compareCollections(a, b);
    return compareQuantities(a, b);
}

Grade compareReadings(const Reading& a, const Reading& b) {
    work_left = kMaxWork;
    if (a.choice != 0) return compareChoice(a, b);
    if (b.choice != 0) return compareChoice(b, a);
    if (a.fault.empty() && b.fault.empty()) {
        const Grade grade = compareNodes(a.value, b.value);
        const bool same_word = a.words == b.words && isOneWord(a.words) && a.words.size() > 2;
        return !grade.isRight() && same_word ? right("the words are equal") : grade;
    }
    if (!a.fault.empty() && !b.fault.empty() && !a.words.empty() && !b.words.empty()) return compareWords(a, b);
    if (a.words == b.words && isOneWord(a.words) && a.words.size() > 2)
        return right("the words are equal");  // "Odd" reads as O*d*d
    const Reading& unread = a.fault.empty() ? b : a;
    if (deniesValue(unread.words)) return wrong("one says that there is no value");
    return notGradable("one of the two cannot be read: " + unread.fault);
}

}  // namespace quibble
