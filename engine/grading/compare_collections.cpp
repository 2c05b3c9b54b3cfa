#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/grading/compare.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxUnordered = 40;  // elements of a set: each is compared with each

bool isOrdered(const Node& node) { return node.kind == NodeKind::Tuple || node.kind == NodeKind::Matrix; }

Grade inOrder(const std::vector<Node>& a, const std::vector<Node>& b) {
    if (a.size() != b.size()) return wrong("the numbers of elements differ");
    Grade undecided = right("the elements are equal");
    for (std::size_t i = 0; i < a.size(); ++i) {
        Grade grade = compareNodes(a[i], b[i]);
        if (grade.verdict == Verdict::Wrong) return wrong("element " + std::to_string(i + 1) + " differs");
        if (grade.verdict == Verdict::NotGradable) undecided = std::move(grade);
    }
    return undecided;
}

std::vector<const Node*> withoutRepeats(const std::vector<Node>& items) {
    std::vector<const Node*> kept;
    for (const Node& item : items) {
        const bool seen = std::any_of(kept.begin(), kept.end(),
                                      [&](const Node* other) { return compareNodes(item, *other).isRight(); });
        if (!seen) kept.push_back(&item);
    }
    return kept;
}

// Verdicts of each element of one side against each of the other.
using Verdicts = std::vector<std::vector<Verdict>>;

// One more element of the left side gets a partner, if need be by giving others another one.
bool findPartner(const Verdicts& verdicts, Verdict enough, std::size_t left, std::vector<int>& partner,
                 std::vector<bool>& asked) {
    for (std::size_t right_side = 0; right_side < partner.size(); ++right_side) {
        const Verdict verdict = verdicts[left][right_side];
        const bool fits = verdict == Verdict::Right || verdict == enough;
        if (!fits || asked[right_side]) continue;
        asked[right_side] = true;
        const int other = partner[right_side];
        if (other >= 0 && !findPartner(verdicts, enough, static_cast<std::size_t>(other), partner, asked)) continue;
        partner[right_side] = static_cast<int>(left);
        return true;
    }
    return false;
}

// Every element has a partner of its own that is equal to it, or, with NotGradable, that may be.
bool allMatched(const Verdicts& verdicts, Verdict enough) {
    std::vector<int> partner(verdicts.size(), -1);
    for (std::size_t left = 0; left < verdicts.size(); ++left) {
        std::vector<bool> asked(verdicts.size(), false);
        if (!findPartner(verdicts, enough, left, partner, asked)) return false;
    }
    return true;
}

Grade matched(const std::vector<const Node*>& a, const std::vector<const Node*>& b) {
    if (a.size() != b.size()) return wrong("the numbers of elements differ");
    Verdicts verdicts(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (const Node* other : b) verdicts[i].push_back(compareNodes(*a[i], *other).verdict);
    }
    if (allMatched(verdicts, Verdict::Right)) return right("the elements are equal");
    const bool open = allMatched(verdicts, Verdict::NotGradable);
    return open ? notGradable("elements cannot be compared") : wrong("the elements differ");
}

std::vector<const Node*> pointers(const std::vector<Node>& items) {
    std::vector<const Node*> all;
    all.reserve(items.size());
    for (const Node& item : items) all.push_back(&item);
    return all;
}

Grade inAnyOrder(const Node& a, const Node& b) {
    if (a.items.size() > kMaxUnordered || b.items.size() > kMaxUnordered)
        return notGradable("a set has too many elements");
    const Grade distinct = matched(withoutRepeats(a.items), withoutRepeats(b.items));
    const bool lists = a.kind == NodeKind::List && b.kind == NodeKind::List;
    if (!lists || !distinct.isRight()) return distinct;
    if (matched(pointers(a.items), pointers(b.items)).isRight()) return distinct;
    return notGradable("the same elements are repeated differently");
}

// "[[1, 2], [3, 4]]" is a matrix.
bool isNested(const Node& node) {
    if (node.kind != NodeKind::Tuple || node.items.size() < 2) return false;
    const std::size_t width = node.items.front().items.size();
    return std::all_of(node.items.begin(), node.items.end(),
                       [&](const Node& row) { return row.kind == NodeKind::Tuple && row.items.size() == width; });
}

// The elements of a matrix with one row or one column.
std::optional<std::vector<Node>> vectorOf(const Node& node) {
    if (node.kind == NodeKind::Tuple) return node.items;
    if (node.kind != NodeKind::Matrix) return std::nullopt;
    if (node.items.size() == 1) return node.items.front().items;
    std::vector<Node> column;
    for (const Node& row : node.items) {
        if (row.items.size() != 1) return std::nullopt;
        column.push_back(row.items.front());
    }
    return column;
}

Grade compareOrdered(const Node& a, const Node& b) {
    const bool matrices = a.kind == NodeKind::Matrix && b.kind == NodeKind::Matrix;
    const bool nested = (a.kind == NodeKind::Matrix && isNested(b)) || (b.kind == NodeKind::Matrix && isNested(a));
    if (matrices || nested) {
        if (a.items.size() == b.items.size()) return inOrder(a.items, b.items);
        const auto vector_a = vectorOf(a), vector_b = vectorOf(b);
        const bool turned = vector_a && vector_b && inOrder(*vector_a, *vector_b).isRight();
        return turned ? notGradable("a row is compared with a column") : wrong("the sizes of the matrices differ");
    }
    const auto vector_a = vectorOf(a), vector_b = vectorOf(b);
    if (!vector_a || !vector_b) return wrong("a matrix is compared with a tuple");
    const Grade grade = inOrder(*vector_a, *vector_b);
    const bool ends_count = vector_a->size() == 2 && a.kind == NodeKind::Tuple && b.kind == NodeKind::Tuple;
    if (grade.isRight() && ends_count && a.text != b.text) return wrong("one includes an end that the other excludes");
    return grade;
}

// "1, 2" beside (1, 2).
Grade compareLoose(const Node& loose, const Node& ordered) {
    const auto elements = vectorOf(ordered);
    if (!elements) return wrong("a list is compared with a matrix");
    const Grade grade = inOrder(loose.items, *elements);
    if (grade.isRight()) return loose.kind == NodeKind::List ? grade : notGradable("a set is compared with a tuple");
    if (loose.items.size() > kMaxUnordered || grade.verdict == Verdict::NotGradable) return grade;
    const bool same = matched(pointers(loose.items), pointers(*elements)).isRight();
    return same ? notGradable("the elements are equal but for their order") : grade;
}

void collectUnits(const Node& node, std::set<std::string>& units) {
    if (!node.unit.empty()) units.insert(node.unit);
    for (const Node& item : node.items) collectUnits(item, units);
}

// "3 dollars and 50 cents" beside one number, or several quantities beside one.
bool haveUnits(const Node& a, const Node& b) {
    std::set<std::string> units_a, units_b;
    collectUnits(a, units_a);
    collectUnits(b, units_b);
    return units_a.size() > 1 || units_b.size() > 1 || (!units_a.empty() && !units_b.empty());
}

bool isCapital(const Node& node) {
    return node.kind == NodeKind::Symbol && node.text.size() == 1 && node.text[0] >= 'A' && node.text[0] <= 'Z';
}

// "ABC" beside "A, B, C".
bool mayBeLetters(const Node& list, const Node& word) {
    const auto capitals = [](const Node& node) { return std::all_of(node.items.begin(), node.items.end(), isCapital); };
    return list.kind == NodeKind::List && word.kind == NodeKind::Multiply && capitals(list) && capitals(word);
}

// "3/4 or 0.75" beside 0.75.
bool saysItTwice(const Node& list, const Node& value) {
    return list.kind == NodeKind::List && std::all_of(list.items.begin(), list.items.end(), [&](const Node& item) {
               return compareNodes(item, value).isRight();
           });
}

bool hasSymbols(const Node& node) {
    return node.kind == NodeKind::Symbol ? node.text != "pi"
                                         : std::any_of(node.items.begin(), node.items.end(), hasSymbols);
}

// "0,5" beside 0.5.
bool mayBeDecimalComma(const Node& list, const Node& value) {
    return list.kind == NodeKind::List && list.items.size() == 2 && list.items[0].kind == NodeKind::Number &&
           list.items[0].number.dubious && !isCollection(value);
}

}  // namespace

Grade compareCollections(const Node& a, const Node& b) {
    if (!isCollection(a) || !isCollection(b)) {
        if (mayBeDecimalComma(a, b) || mayBeDecimalComma(b, a))
            return notGradable("a comma between digits may be a decimal point");
        if (mayBeLetters(a, b) || mayBeLetters(b, a))
            return notGradable("letters that follow one another may be a list");
        if (saysItTwice(a, b) || saysItTwice(b, a)) return right("each of the values is equal");
        const Node& single = isCollection(a) ? b : a;
        const bool matrix = a.kind == NodeKind::Matrix || b.kind == NodeKind::Matrix;  // the letter may name it
        if (hasSymbols(single) && (matrix || single.kind != NodeKind::Symbol))
            return notGradable("several values are compared with an expression");
        if (haveUnits(a, b)) return notGradable("several quantities are compared with one");
        return wrong("several values are compared with one");
    }
    if (isOrdered(a) && isOrdered(b)) return compareOrdered(a, b);
    if (isOrdered(a) || isOrdered(b)) {
        const Node& ordered = isOrdered(a) ? a : b;
        const Node& loose = isOrdered(a) ? b : a;
        return loose.kind == NodeKind::Union ? wrong("an interval is compared with several")
                                             : compareLoose(loose, ordered);
    }
    return inAnyOrder(a, b);
}

}  // namespace quibble
