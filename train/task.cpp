#include "train/task.h"

#include <algorithm>
#include <array>

namespace quibble::train {
namespace {

struct Things {
    const char* many;
    const char* box;
};
constexpr std::array<Things, 10> kThings{{{"coins", "bags"},
                                          {"apples", "boxes"},
                                          {"pages", "books"},
                                          {"stamps", "packs"},
                                          {"marbles", "bags"},
                                          {"cards", "packs"},
                                          {"eggs", "boxes"},
                                          {"beads", "bags"},
                                          {"shells", "jars"},
                                          {"nuts", "jars"}}};
struct Person {
    const char* name;
    bool female;
};
constexpr std::array<Person, 12> kPeople{{{"Mia", true},
                                          {"Tom", false},
                                          {"Ana", true},
                                          {"Ben", false},
                                          {"Eva", true},
                                          {"Leo", false},
                                          {"Ida", true},
                                          {"Max", false},
                                          {"Zoe", true},
                                          {"Sam", false},
                                          {"Lea", true},
                                          {"Jon", false}}};

enum class Kind { kAdd, kSub, kMul, kAddProduct, kSubProduct };

/// One event of a story or one term of an expression; factor is used by the product kinds and kMul.
struct Event {
    Kind kind = Kind::kAdd;
    int amount = 0;
    int factor = 0;
};

/// A number for a sum: mostly two digits, sometimes three.
int drawAmount(Rng& rng, int max) {
    if (max > 120 && rng.chance(0.25)) return rng.between(100, max);
    return max < 12 ? rng.between(1, max) : rng.between(11, max < 99 ? max : 99);
}

/// Tries one event at the running value; false when it does not fit the range.
bool drawEvent(Rng& rng, int value, int steps_left, int max_value, Event& event) {
    const int roll = rng.below(100);
    if (roll < 26) {
        if (value + 11 > max_value) return false;
        event = {Kind::kAdd, drawAmount(rng, std::min(max_value - value, 500)), 0};
    } else if (roll < 58) {
        if (value < 13) return false;
        event = {Kind::kSub, drawAmount(rng, value - 1), 0};
    } else if (roll < 76) {
        const int factor = rng.between(2, 9);
        if (value < 3 || value * factor > max_value) return false;
        if (value > 150 && !rng.chance(0.25)) return false;  // long products are the hardest facts: few of them
        event = {Kind::kMul, 0, factor};
    } else {
        if (steps_left < 2) return false;
        const int factor = rng.between(2, 9);
        const int amount = rng.between(4, 89);
        const bool add = rng.chance(0.6);
        if (add ? value + factor * amount > max_value : value - factor * amount < 1) return false;
        event = {add ? Kind::kAddProduct : Kind::kSubProduct, amount, factor};
    }
    return true;
}

int apply(int value, const Event& event) {
    switch (event.kind) {
        case Kind::kAdd: return value + event.amount;
        case Kind::kSub: return value - event.amount;
        case Kind::kMul: return value * event.factor;
        case Kind::kAddProduct: return value + event.amount * event.factor;
        case Kind::kSubProduct: return value - event.amount * event.factor;
    }
    return value;
}

std::vector<ProgramStep> programOf(int start, const std::vector<Event>& events) {
    std::vector<ProgramStep> steps;
    Operand running{start, -1};
    for (const Event& event : events) {
        const bool product = event.kind == Kind::kAddProduct || event.kind == Kind::kSubProduct;
        Operand right{event.kind == Kind::kMul ? event.factor : event.amount, -1};
        if (product) {
            steps.push_back({{event.amount, -1}, 'x', {event.factor, -1}});
            right = {0, static_cast<int>(steps.size()) - 1};
        }
        const bool minus = event.kind == Kind::kSub || event.kind == Kind::kSubProduct;
        steps.push_back({running, event.kind == Kind::kMul ? 'x' : (minus ? '-' : '+'), right});
        running = {0, static_cast<int>(steps.size()) - 1};
    }
    return steps;
}

std::string expressionOf(Rng& rng, int start, const std::vector<Event>& events) {
    std::string s = std::to_string(start);
    bool compound = false;
    for (const Event& event : events) {
        const std::string product = std::to_string(event.amount) + " x " + std::to_string(event.factor);
        switch (event.kind) {
            case Kind::kAdd: s += " + " + std::to_string(event.amount); break;
            case Kind::kSub: s += " - " + std::to_string(event.amount); break;
            case Kind::kMul: s = (compound ? "(" + s + ")" : s) + " x " + std::to_string(event.factor); break;
            case Kind::kAddProduct: s += " + " + product; break;
            case Kind::kSubProduct: s += " - " + product; break;
        }
        compound = true;
    }
    switch (rng.below(3)) {
        case 0: return "Compute " + s + ".";
        case 1: return "What is " + s + "?";
        default: return "Work out " + s + ".";
    }
}

std::string sentenceOf(Rng& rng, const Event& event, const Person& person, const Things& things) {
    const std::string she = person.female ? "She" : "He";
    const std::string her = person.female ? "her" : "him";
    const std::string amount = std::to_string(event.amount);
    const std::string factor = std::to_string(event.factor);
    const std::string boxes = things.box;
    const int roll = rng.below(3);
    switch (event.kind) {
        case Kind::kAdd:
            if (roll == 0) return she + " finds " + amount + " more.";
            if (roll == 1) return she + " buys " + amount + " more.";
            return "A friend gives " + her + " " + amount + " more.";
        case Kind::kSub:
            if (roll == 0) return she + " loses " + amount + ".";
            if (roll == 1) return she + " gives " + amount + " away.";
            return she + " sells " + amount + " of them.";
        case Kind::kMul:
            if (event.factor == 2 && roll == 0) return "Then the number doubles.";
            if (roll == 1)
                return "Then " + std::string(person.female ? "she" : "he") + " has " + factor + " times as many.";
            return "The number grows " + factor + " times.";
        case Kind::kAddProduct:
            if (roll == 0) return she + " buys " + factor + " " + boxes + " with " + amount + " in each.";
            if (roll == 1) return she + " gets " + amount + " from each of " + factor + " friends.";
            return she + " finds " + factor + " " + boxes + " of " + amount + ".";
        case Kind::kSubProduct:
            if (roll == 0) return she + " gives " + amount + " to each of " + factor + " friends.";
            if (roll == 1) return she + " sells " + factor + " " + boxes + " of " + amount + ".";
            return she + " loses " + factor + " " + boxes + " with " + amount + " in each.";
    }
    return {};
}

std::string storyOf(Rng& rng, int start, const std::vector<Event>& events) {
    const Person& person = kPeople[static_cast<std::size_t>(rng.below(static_cast<int>(kPeople.size())))];
    const Things& things = kThings[static_cast<std::size_t>(rng.below(static_cast<int>(kThings.size())))];
    std::string s = std::string(person.name) + " has " + std::to_string(start) + " " + things.many + ".";
    for (const Event& event : events) s += " " + sentenceOf(rng, event, person, things);
    s += " How many " + std::string(things.many);
    return s + (rng.chance(0.5) ? " does " + std::string(person.name) + " have now?" : " are there now?");
}

}  // namespace

int applyOperator(int left, char op, int right) {
    return op == '+' ? left + right : op == '-' ? left - right : left * right;
}

Hardness hardnessOf(int left, char op, int right) {
    if (op == 'x') {
        if (left < 10 && right < 10) return left * right < 30 ? Hardness::kEasy : Hardness::kMedium;
        bool carries = false;
        for (int rest = left; rest > 0; rest /= 10) carries = carries || (rest % 10) * right > 9;
        return carries ? Hardness::kHard : Hardness::kMedium;
    }
    int count = 0;
    int carry = 0;
    for (int a = left, b = right; a > 0 || b > 0; a /= 10, b /= 10) {
        const int digit = op == '+' ? a % 10 + b % 10 + carry : a % 10 - b % 10 - carry;
        carry = digit > 9 || digit < 0 ? 1 : 0;
        count += carry;
    }
    return count == 0 ? Hardness::kEasy : count == 1 ? Hardness::kMedium : Hardness::kHard;
}

Problem makeProblem(Rng& rng, const ProblemRange& range) {
    Problem problem;
    // The smaller of two draws: long problems are there, short ones are more common.
    const int wanted =
        std::min(rng.between(range.min_steps, range.max_steps), rng.between(range.min_steps, range.max_steps));
    const int start = drawAmount(rng, std::min(range.max_value / 2, 400));
    std::vector<Event> events;
    int value = start;
    int steps = 0;
    while (steps < wanted) {
        Event event;
        if (!drawEvent(rng, value, wanted - steps, range.max_value, event)) continue;
        value = apply(value, event);
        events.push_back(event);
        steps += event.kind == Kind::kAddProduct || event.kind == Kind::kSubProduct ? 2 : 1;
    }
    problem.program = programOf(start, events);
    problem.text = rng.chance(0.5) ? expressionOf(rng, start, events) : storyOf(rng, start, events);
    problem.answer = value;
    return problem;
}

int readAnswer(const std::string& text) {
    const std::string key = "</think>\nThe answer is ";
    const std::size_t at = text.rfind(key);
    if (at == std::string::npos) return -1;
    std::size_t i = at + key.size();
    int value = 0;
    int digits = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && digits < 6; ++i, ++digits)
        value = value * 10 + (text[i] - '0');
    return digits > 0 && i < text.size() && text[i] == '.' ? value : -1;
}

}  // namespace quibble::train
