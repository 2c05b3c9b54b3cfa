#include "train/corpus.h"

namespace quibble::train {
namespace {

const std::vector<std::string> kSpecials{"<|user|>", "<|assistant|>", "<|end|>", "<think>", "</think>"};

}  // namespace

const std::vector<std::string>& publishedMarkers() {
    static const std::vector<std::string> words{
        "perhaps",       "maybe",         "wait",    "Wait",    "actually", "hold",      "Hmm",         "hmm",
        "Alternatively", "alternatively", "However", "however", "instead",  "Instead",   "But",         "but",
        "though",        "although",      "yet",     "rather",  "unless",   "otherwise", "nonetheless", "nevertheless",
        "regardless",    "still",         "anyway",  "Or",      "or",       "either",    "whether",     "uncertain",
        "unsure",        "possibly",      "might",   "could",   "another",  "different", "reconsider",  "rethink",
        "backtrack",     "retry",         "recheck", "revisit", "doubt",    "confused",  "wrong",       "mistake",
        "error",         "incorrect"};
    return words;
}

ToyTokenizer learnNanoTokenizer() {
    constexpr std::uint64_t kForced = 1ULL << 32U;  // merged before anything the text asks for
    constexpr std::uint64_t kTokenizerSeed = 20251;
    std::unordered_map<std::string, std::uint64_t> pieces;
    const ChainStyle style;
    for (std::uint64_t i = 0; i < 20000; ++i) {
        Rng rng(kTokenizerSeed, i);
        const Problem problem = makeProblem(rng, {});
        const Chain chain = makeChain(rng, problem, style);
        for (const std::string& text : {problem.text, "\n" + chain.text + "\n", std::string("\nThe answer is 1.")}) {
            for (const std::string_view piece : splitQwen2(text)) ++pieces[std::string(piece)];
        }
    }
    for (const std::string& word : publishedMarkers()) pieces[" " + word] += kForced;
    for (const char* word :
         {"Wait", "Hmm", "But", "However", "Alternatively", "Or", "Maybe", "Perhaps", "Actually", "Instead"})
        pieces[word] += kForced;
    return ToyTokenizer::train(pieces, kSpecials, 768);
}

ToyTokenizer makeNanoTokenizer() {
    static constexpr std::pair<int, int> kMerges[] = {
#include "train/nano_merges.inc"
    };
    return ToyTokenizer::fromMerges(kMerges, kSpecials);
}

std::vector<int> promptIds(const ToyTokenizer& tokenizer, const std::string& question) {
    std::vector<int> ids{tokenizer.special("<|user|>")};
    const auto add = [&](const std::vector<int>& more) { ids.insert(ids.end(), more.begin(), more.end()); };
    add(tokenizer.encode(question));
    add({tokenizer.special("<|end|>"), tokenizer.special("<|assistant|>"), tokenizer.special("<think>")});
    add(tokenizer.encode("\n"));
    return ids;
}

Document makeDocument(const ToyTokenizer& tokenizer, std::uint64_t seed, std::uint64_t stream, double progress) {
    Rng rng(seed, stream);
    ProblemRange range;
    // The first tenth starts with short problems of small numbers, and fades into the full range.
    if (rng.unit() > progress * 10.0) range = {1, 3, 99};
    const Problem problem = makeProblem(rng, range);
    const Chain chain = makeChain(rng, problem, {});
    Document doc;
    doc.ids = promptIds(tokenizer, problem.text);
    doc.learned.assign(doc.ids.size(), 0);
    const auto add = [&](const std::vector<int>& more) {
        doc.ids.insert(doc.ids.end(), more.begin(), more.end());
        doc.learned.resize(doc.ids.size(), 1);
    };
    std::size_t at = 0;
    std::size_t slip = 0;
    for (const int id : tokenizer.encode(chain.text)) {
        while (slip < chain.slips.size() && chain.slips[slip].second <= at) ++slip;
        const bool planted = slip < chain.slips.size() && at >= chain.slips[slip].first;
        doc.ids.push_back(id);
        doc.learned.push_back(planted ? 0 : 1);
        at += tokenizer.bytes(id).size();
    }
    add(tokenizer.encode("\n"));
    add({tokenizer.special("</think>")});
    add(tokenizer.encode("\nThe answer is " + std::to_string(problem.answer) + "."));
    add({tokenizer.special("<|end|>")});
    return doc;
}

}  // namespace quibble::train
