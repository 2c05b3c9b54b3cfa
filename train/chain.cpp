#include <array>

#include "train/task.h"

namespace quibble::train {
namespace {

template <std::size_t N>
std::string pick(Rng& rng, const std::array<const char*, N>& options) {
    return options[static_cast<std::size_t>(rng.below(static_cast<int>(N)))];
}

/// Writes one chain. Values are what the chain believes, which differs from the truth after a slip.
class ChainWriter {
public:
    ChainWriter(Rng& rng, const Problem& problem, const ChainStyle& style)
        : rng_(rng), problem_(problem), style_(style) {}

    /// False when the chain left the allowed range or ended wrong.
    bool write(Chain& out) {
        const std::size_t count = problem_.program.size();
        values_.assign(count, 0);
        for (std::size_t i = 0; i < count && ok_; ++i) writeStep(i);
        if (!ok_) return false;
        checkWhole();
        if (!ok_ || values_.back() != problem_.answer) return false;
        closeThought();
        chain_.final_value = values_.back();
        out = std::move(chain_);
        return true;
    }

private:
    void say(const std::string& text) { chain_.text += text; }
    void sayResult(int value, int truth) {
        const std::size_t begin = chain_.text.size();
        chain_.text += std::to_string(value);
        if (value != truth) chain_.slips.emplace_back(begin, chain_.text.size());
        if (value < 0 || value > 1999) ok_ = false;
    }

    int slipped(int truth) {
        static constexpr std::array<int, 8> kOffsets{1, -1, 10, -10, 2, -2, 100, -100};
        for (;;) {
            const int value = truth + kOffsets[static_cast<std::size_t>(rng_.below(truth >= 100 ? 8 : 6))];
            if (value >= 0) return value;
        }
    }

    /// Writes "a op b = r" and returns r.
    int equation(int left, char op, int right, double slip_rate) {
        const int truth = applyOperator(left, op, right);
        if (truth < 0) {
            ok_ = false;
            return 0;
        }
        const int value = rng_.chance(slip_rate) ? slipped(truth) : truth;
        say(std::to_string(left) + " " + op + " " + std::to_string(right) + " = ");
        sayResult(value, truth);
        return value;
    }

    int valueOf(const Operand& operand) const {
        return operand.step < 0 ? operand.value : values_[static_cast<std::size_t>(operand.step)];
    }

    void connect(std::size_t index) {
        if (index == 0) {
            say(pick(rng_, std::array<const char*, 4>{"First, ", "Start: ", "First ", "So "}));
            return;
        }
        const bool newline = rng_.chance(0.25);
        say(newline ? "\n" : " ");
        say(pick(rng_, std::array<const char*, 5>{"Then ", "Next, ", "Now ", "So ", "Next "}));
    }

    void writeStep(std::size_t index) {
        const ProgramStep& step = problem_.program[index];
        const int left = valueOf(step.left);
        const int right = valueOf(step.right);
        if (applyOperator(left, step.op, right) < 0) {
            ok_ = false;
            return;
        }
        connect(index);
        const int truth = applyOperator(left, step.op, right);
        int value = equation(left, step.op, right, style_.slip);
        say(".");
        const Hardness hardness = hardnessOf(left, step.op, right);
        const double rate = value != truth                  ? style_.doubt_wrong
                            : hardness == Hardness::kEasy   ? style_.doubt_easy
                            : hardness == Hardness::kMedium ? style_.doubt_medium
                                                            : style_.doubt_hard;
        bool doubt = ok_ && rng_.chance(rate);
        while (doubt && ok_) {
            value = settle(left, step.op, right, value);
            doubt = rng_.chance(value != truth ? 0.5 : style_.doubt_again);
        }
        values_[index] = value;
    }

    /// Doubts a result and recomputes it until two results in a row agree.
    int settle(int left, char op, int right, int first) {
        ++chain_.doubts;
        openDoubt(first);
        int before = first;
        for (int round = 0; round < 4 && ok_; ++round) {
            const int value = recompute(left, op, right, before, round == 0);
            say(".");
            if (value == before) {
                confirm(value, round > 0);
                return value;
            }
            contradict(before);
            before = value;
        }
        ok_ = false;
        return before;
    }

    void lead(double newline_rate) { say(rng_.chance(newline_rate) ? "\n" : " "); }

    void openDoubt(int value) {
        const std::string v = std::to_string(value);
        lead(0.22);
        const int roll = rng_.below(100);
        if (roll < 38) {
            say(pick(rng_, std::array<const char*, 5>{"Wait, is that right? ",
                                                      "Wait, let me check: ", "Wait, maybe I slipped. ",
                                                      "Wait, that might be wrong. ", "Wait. "}));
        } else if (roll < 58) {
            say(pick(rng_, std::array<const char*, 5>{"Hmm, let me check: ", "Hmm, maybe not. ", "Hmm, I am unsure. ",
                                                      "Hmm, that could be wrong. ", "Hmm. "}));
        } else if (roll < 80) {
            say(pick(rng_,
                     std::array<const char*, 5>{"But let me check that: ", "But is it? ", "But maybe that is wrong. ",
                                                "But I might be wrong. ", "But let me recheck: "}));
        } else if (roll < 90) {
            say(pick(rng_,
                     std::array<const char*, 3>{"Alternatively, ", "Alternatively: ", "Alternatively, another way: "}));
        } else if (roll < 95) {
            say(rng_.chance(0.5) ? "However, I could be wrong: " : "However, let me check: ");
        } else if (rng_.chance(0.5)) {
            say("Or is it? ");
        } else {
            say("Is it actually " + v + "? ");
        }
    }

    /// A second computation, by another route where there is one.
    int recompute(int left, char op, int right, int before, bool may_invert) {
        const double slip = style_.slip_in_check;
        const int roll = rng_.below(100);
        if (op == '-' && may_invert && roll < 25) {
            const int sum = equation(before, '+', right, slip);
            if (sum == left) return before;
            say(", not " + std::to_string(left) + ". ");
            say(pick(rng_, std::array<const char*, 3>{"So ", "Again: ", "Then "}));
            return equation(left, op, right, slip);
        }
        if (op == '+' && roll < 30) return equation(right, op, left, slip);
        const int split_number = op == 'x' ? left : right;
        const int unit = split_number >= 100 ? 100 : 10;
        if (split_number < 10 || split_number % unit == 0 || roll >= 80) return equation(left, op, right, slip);
        const int high = split_number / unit * unit;
        const int low = split_number % unit;
        if (op == 'x') {
            const int a = equation(high, op, right, slip);
            say(", ");
            const int b = equation(low, op, right, slip);
            say(", ");
            return equation(a, '+', b, slip);
        }
        const int a = equation(left, op, high, slip);
        say(", ");
        return equation(a, op, low, slip);
    }

    void confirm(int value, bool after_conflict) {
        const std::string v = std::to_string(value);
        if (after_conflict) {
            const int roll = rng_.below(4);
            say(roll == 0   ? " So it is " + v + "."
                : roll == 1 ? " Yes, " + v + "."
                : roll == 2 ? " Twice " + v + ", good."
                            : " OK, " + v + ".");
            return;
        }
        switch (rng_.below(6)) {
            case 0: say(" So it is still " + v + "."); break;
            case 1: say(" Yes, " + v + "."); break;
            case 2: say(" Same, good."); break;
            case 3: say(" OK, still " + v + "."); break;
            case 4: say(" Good, " + v + " again."); break;
            default: say(" Right."); break;
        }
    }

    void contradict(int before) {
        const std::string v = std::to_string(before);
        lead(0.15);
        switch (rng_.below(6)) {
            case 0: say("But before I had " + v + ". Again: "); break;
            case 1: say("Hmm, that is different: before I had " + v + ". Once more: "); break;
            case 2: say("However, before I had " + v + ". Let me retry: "); break;
            case 3: say("Wait, I had " + v + " before. One is a mistake: "); break;
            case 4: say("But I had " + v + ". Which is wrong? "); break;
            default: say("Wait, not " + v + "? Again: "); break;
        }
    }

    /// Recomputes the whole chain without stopping. Returns its result.
    int runThrough() {
        std::vector<int> values(values_.size(), 0);
        const auto get = [&](const Operand& o) {
            return o.step < 0 ? o.value : values[static_cast<std::size_t>(o.step)];
        };
        for (std::size_t i = 0; i < values.size() && ok_; ++i) {
            const ProgramStep& step = problem_.program[i];
            if (i > 0) say(", ");
            values[i] = equation(get(step.left), step.op, get(step.right), style_.slip_in_check);
        }
        say(".");
        return values.back();
    }

    void checkWhole() {
        const bool wrong = values_.back() != problem_.answer;
        const double rate = wrong ? 0.9 : 0.08 + 0.02 * static_cast<double>(values_.size()) + 0.06 * chain_.doubts;
        if (!rng_.chance(rate)) return;
        ++chain_.doubts;
        lead(0.3);
        say(pick(rng_,
                 std::array<const char*, 6>{"But let me check it all again: ", "Wait, let me start over: ",
                                            "Hmm, let me go through it again: ", "Alternatively, from the start: ",
                                            "But maybe I made a mistake. Again: ", "However, let me check it all: "}));
        int before = values_.back();
        for (int round = 0; round < 4 && ok_; ++round) {
            const int value = runThrough();
            if (!ok_) return;
            if (value == before) {
                confirm(value, round > 0);
                values_.back() = value;
                return;
            }
            contradict(before);
            before = value;
        }
        ok_ = false;
    }

    void closeThought() {
        const std::string v = std::to_string(values_.back());
        lead(0.5);
        switch (rng_.below(4)) {
            case 0: say("So the answer is " + v + "."); break;
            case 1: say("That gives " + v + "."); break;
            case 2: say("The answer is " + v + "."); break;
            default: say("Done: " + v + "."); break;
        }
    }

    Rng& rng_;
    const Problem& problem_;
    const ChainStyle& style_;
    std::vector<int> values_;
    Chain chain_;
    bool ok_ = true;
};

}  // namespace

Chain makeChain(Rng& rng, const Problem& problem, const ChainStyle& style) {
    Chain chain;
    while (!ChainWriter(rng, problem, style).write(chain)) chain = {};
    return chain;
}

}  // namespace quibble::train
