// The byte-level BPE of the shipped models, as the trainer applies it.
#include <QTest>

#include <set>

#include "train/corpus.h"

using namespace quibble::train;

namespace {

std::vector<std::string> pieces(std::string_view text) {
    std::vector<std::string> all;
    for (const std::string_view piece : splitQwen2(text)) all.emplace_back(piece);
    return all;
}

using Texts = std::vector<std::string>;

}  // namespace

class TestToyTokenizer : public QObject {
    Q_OBJECT

private slots:
    void splitsAsQwen2() {
        QCOMPARE(pieces("57 + 68 = 125.\nWait, is it?"), (Texts{"5", "7", " +", " ", "6", "8", " =", " ", "1", "2", "5",
                                                                ".\n", "Wait", ",", " is", " it", "?"}));
        QCOMPARE(pieces("a   b"), (Texts{"a", "  ", " b"}));
        QCOMPARE(pieces("a \n\n b "), (Texts{"a", " \n\n", " b", " "}));
        QCOMPARE(pieces("I'm SHE'LL 'x"), (Texts{"I", "'m", " SHE", "'LL", " '", "x"}));
        QCOMPARE(pieces("x!!  \t"), (Texts{"x", "!!", "  \t"}));
    }

    void gpt2AlphabetIsReversible() {
        std::set<std::string> seen;
        for (int b = 0; b < 256; ++b) seen.insert(gpt2Byte(static_cast<std::uint8_t>(b)));
        QCOMPARE(seen.size(), std::size_t{256});
        QCOMPARE(gpt2Byte('A'), std::string("A"));
        QCOMPARE(gpt2Byte(' '), std::string("\xC4\xA0"));   // U+0120
        QCOMPARE(gpt2Byte('\n'), std::string("\xC4\x8A"));  // U+010A
        QCOMPARE(gpt2Byte(0xE9), std::string("\xC3\xA9"));
    }

    void everyByteComesBack() {
        const ToyTokenizer tokenizer = makeNanoTokenizer();
        std::string text;
        for (int b = 0; b < 256; ++b) text += static_cast<char>(b);
        QCOMPARE(tokenizer.decode(tokenizer.encode(text)), text);
        for (std::uint64_t i = 0; i < 200; ++i) {
            Rng rng(6, i);
            const Problem problem = makeProblem(rng, {});
            const std::string chain = makeChain(rng, problem, {}).text;
            QCOMPARE(tokenizer.decode(tokenizer.encode(chain)), chain);
        }
    }

    void markersAreSingleTokens() {
        const ToyTokenizer tokenizer = makeNanoTokenizer();
        QCOMPARE(publishedMarkers().size(), std::size_t{50});
        for (const std::string& word : publishedMarkers())
            QCOMPARE(tokenizer.encode(" " + word).size(), std::size_t{1});
        for (const char* word : {"Wait", "But", "Hmm", "However", "Alternatively"}) {
            QCOMPARE(tokenizer.encode(word).size(), std::size_t{1});
            QVERIFY(tokenizer.encode(word) != tokenizer.encode(" " + std::string(word)));
        }
    }

    // The decision to doubt must fall at the marker, not hide in a token like ".\n".
    void lineBreaksStandAlone() {
        const ToyTokenizer tokenizer = makeNanoTokenizer();
        QCOMPARE(tokenizer.encode(".\n").size(), std::size_t{2});
        for (std::size_t id = 0; id < tokenizer.firstSpecial(); ++id) {
            const std::string& bytes = tokenizer.bytes(static_cast<int>(id));
            QVERIFY(bytes == "\n" || bytes.find('\n') == std::string::npos);
        }
    }

    void trainingFindsThePairs() {
        const ToyTokenizer tokenizer = ToyTokenizer::train({{"abab", 3}, {"abc", 2}}, {"<s>"}, 256 + 2 + 1);
        QCOMPARE(tokenizer.size(), std::size_t{259});
        QCOMPARE(tokenizer.bytes(256), std::string("ab"));
        QCOMPARE(tokenizer.bytes(257), std::string("abab"));
        QCOMPARE(tokenizer.encode("ababc"), (std::vector<int>{257, 'c'}));
        QCOMPARE(tokenizer.special("<s>"), 258);
        QCOMPARE(tokenizer.ggufMerges(), (Texts{"a b", "ab ab"}));
    }

    void documentsLearnOnlyTheThought() {
        const ToyTokenizer tokenizer = makeNanoTokenizer();
        for (std::uint64_t i = 0; i < 300; ++i) {
            const Document doc = makeDocument(tokenizer, 9, i, 1.0);
            QCOMPARE(doc.ids.size(), doc.learned.size());
            std::size_t first = 0;
            while (doc.learned[first] == 0) ++first;
            QCOMPARE(doc.ids[first - 2], tokenizer.special("<think>"));
            QCOMPARE(doc.ids.back(), tokenizer.special("<|end|>"));
            QVERIFY(doc.learned.back() != 0);
            for (std::size_t k = first; k < doc.ids.size();
                 ++k) {  // behind the prompt only digits of slips go unlearned
                const std::string& bytes = tokenizer.bytes(doc.ids[k]);
                if (doc.learned[k] == 0) QVERIFY(bytes.size() == 1 && bytes[0] >= '0' && bytes[0] <= '9');
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestToyTokenizer)
#include "tst_toy_tokenizer.moc"
