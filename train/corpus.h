#pragma once

#include <cstdint>
#include <vector>

#include "train/bpe_trainer.h"
#include "train/task.h"

namespace quibble::train {

/// The 50 words of arXiv 2606.00206, Table 8, without their leading space.
const std::vector<std::string>& publishedMarkers();

/// How the tokenizer was made: merges learned on the generator's text, at most 768 entries, every published marker one
/// token with its leading space.
ToyTokenizer learnNanoTokenizer();

/// The tokenizer of the shipped models: the fixed merges of nano_merges.inc.
ToyTokenizer makeNanoTokenizer();

/// One training document. learned[i] says whether predicting ids[i] carries loss.
struct Document {
    std::vector<int> ids;
    std::vector<char> learned;
};

/// Prompt tokens up to and with "<|assistant|><think>\n".
std::vector<int> promptIds(const ToyTokenizer& tokenizer, const std::string& question);

/// Draws the document of a stream number; progress in [0, 1] widens the range of problems (curriculum).
Document makeDocument(const ToyTokenizer& tokenizer, std::uint64_t seed, std::uint64_t stream, double progress);

}  // namespace quibble::train
