#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "train/rng.h"

namespace quibble::train {

/// One number of a program: a constant of the problem (step < 0) or the result of an earlier step.
struct Operand {
    int value = 0;
    int step = -1;
};

/// One arithmetic step, op is '+', '-' or 'x'.
struct ProgramStep {
    Operand left;
    char op = '+';
    Operand right;
};

/// A problem as text and as the program that solves it. All true intermediate values lie in 1..999.
struct Problem {
    std::string text;
    std::vector<ProgramStep> program;
    int answer = 0;
};

/// A chain of thought: the text between "<think>\n" and "\n</think>".
struct Chain {
    std::string text;
    /// Byte ranges [first, second) of planted slips. They carry no loss: the model learns to notice errors, not to make
    /// them.
    std::vector<std::pair<std::size_t, std::size_t>> slips;
    int final_value = 0;
    int doubts = 0;  ///< how often a step or the chain was doubted
};

/// How a chain hesitates. Rates are probabilities for each step.
struct ChainStyle {
    double slip = 0.06;           ///< a step is written down wrong
    double slip_in_check = 0.03;  ///< a part of a recheck is wrong
    double doubt_wrong = 0.95;
    double doubt_easy = 0.15;
    double doubt_medium = 0.42;
    double doubt_hard = 0.65;
    double doubt_again = 0.08;  ///< an agreed result is doubted once more
};

/// Which problems: number of steps and size of numbers.
struct ProblemRange {
    int min_steps = 2;
    int max_steps = 6;
    int max_value = 999;
};

/// left op right for op '+', '-' or 'x'.
int applyOperator(int left, char op, int right);

enum class Hardness { kEasy, kMedium, kHard };

/// By carries, borrows and products: what makes a step worth a second look.
Hardness hardnessOf(int left, char op, int right);

/// Draws a problem: an expression or a short story.
Problem makeProblem(Rng& rng, const ProblemRange& range);

/// Draws a chain of thought that ends at the right answer (wrong ones are drawn again).
Chain makeChain(Rng& rng, const Problem& problem, const ChainStyle& style);

/// Reads the committed answer "The answer is N." of a generated text; -1 when there is none.
int readAnswer(const std::string& text);

/// Stream numbers below this are training data, from here on held-out problems.
inline constexpr std::uint64_t kHeldOutStream = 1ULL << 40U;

}  // namespace quibble::train
