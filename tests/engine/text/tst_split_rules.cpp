// The split rules against the regular expressions in published tokenizer.json files, as PCRE2 reads them, on random
// text.
#include <random>

#include <QTest>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/file/safetensors/split_rules.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/utf8.h"

using namespace quibble;

namespace {

// Every match, and what lies between two of them.
std::vector<std::string> matches(std::string_view pattern, const std::string& text) {
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                     PCRE2_UTF | PCRE2_UCP, &error, &place, nullptr);
    if (code == nullptr) return {"the pattern does not compile"};
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    std::vector<std::string> found;
    std::size_t at = 0;
    while (at < text.size() && pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                           PCRE2_NOTEMPTY, data, nullptr) >= 0) {
        const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
        if (ends[0] > at) found.push_back(text.substr(at, ends[0] - at));
        found.push_back(text.substr(ends[0], ends[1] - ends[0]));
        at = ends[1];
    }
    if (at < text.size()) found.push_back(text.substr(at));
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return found;
}

// Each expression cuts the pieces that the one before made.
std::vector<std::string> pieces(const PublishedSplitRule& rule, const std::string& text) {
    std::vector<std::string> all{text};
    for (const std::string_view pattern : rule.patterns) {
        std::vector<std::string> finer;
        for (const std::string& piece : all) {
            for (std::string& part : matches(pattern, piece)) finer.push_back(std::move(part));
        }
        all = std::move(finer);
    }
    return all;
}

// Characters that the rules tell apart: letters of both cases and of none, title case, modifiers, marks, digits, number
// signs, every kind of white space but U+180E (which PCRE2 takes for one and Unicode does not), line ends, apostrophes,
// slashes, symbols, emoji. With the long s, which is a case of s, and the sign of Kelvin, a case of a letter that no
// rule names.
std::string randomText(std::mt19937& random) {
    static constexpr char32_t kLetters[] = {
        U'a',      U'b',      U'Z',      U'S',      U's',      U't',          U'T',      U'l',
        U'L',      U'r',      U'e',      U'v',      U'm',      U'D',          U'\u00e9', U'\u00c9',
        U'\u01c5', U'\u02b0', U'\u0301', U'\u65e5', U'\u05d0', U'\u0633',     U'\u0939', U'\u094d',
        U'0',      U'7',      U'\u0664', U'\u00bd', U'\u2167', U' ',          U' ',      U' ',
        U'\t',     U'\n',     U'\n',     U'\r',     U'\u00a0', U'\u2003',     U'\u3000', char32_t{0x85},
        U'\u2028', U'\'',     U'\'',     U'\'',     U'\u017f', U'\u212a',     U'/',      U'/',
        U'.',      U'-',      U'_',      U'\u2019', U'\u20ac', U'\U0001F600', U'\u200d'};
    std::string text;
    const std::size_t length = random() % 40;
    for (std::size_t i = 0; i < length; ++i) {
        const char32_t letter = kLetters[random() % std::size(kLetters)];
        const std::size_t times = random() % 8 == 0 ? 1 + random() % 6 : 1;
        for (std::size_t t = 0; t < times; ++t) utf8Append(text, letter);
    }
    return text;
}

}  // namespace

class TestSplitRules : public QObject {
    Q_OBJECT
private slots:
    void publishedExpressions_data() {
        QTest::addColumn<int>("index");
        for (int i = 0; i < static_cast<int>(publishedSplitRules().size()); ++i)
            QTest::newRow(publishedSplitRules()[static_cast<std::size_t>(i)].name.data()) << i;
    }
    void publishedExpressions() {
        QFETCH(int, index);
        const PublishedSplitRule& rule = publishedSplitRules()[static_cast<std::size_t>(index)];
        const auto splitter = PreTokenizer::byName(rule.name).value();
        std::mt19937 random(20261121);
        for (int round = 0; round < 3000; ++round) {
            const std::string text = randomText(random);
            const auto split = splitter->split(text);
            const std::vector<std::string> mine(split.begin(), split.end());
            QVERIFY2(mine == pieces(rule, text),
                     qPrintable(QString("round %1: %2").arg(round).arg(QString::fromStdString(text))));
        }
    }
    void longS() {
        using Pieces = std::vector<std::string_view>;
        for (const char* name : {"qwen2", "deepseek-r1-qwen", "llama-bpe"}) {
            const auto splitter = PreTokenizer::byName(name).value();
            QCOMPARE(splitter->split("it'\u017f a"), (Pieces{"it", "'\u017f", " a"}));
            QCOMPARE(splitter->split("it'\u017fo"), (Pieces{"it", "'\u017f", "o"}));
        }
        QCOMPARE(PreTokenizer::byName("gpt-4o").value()->split("it'\u017f a"), (Pieces{"it'\u017f", " a"}));
        QCOMPARE(PreTokenizer::byName("gpt-2").value()->split("it'\u017f a"),
                 (Pieces{"it", "'", "\u017f", " a"}));  // its rule knows small letters only
    }
};

QTEST_APPLESS_MAIN(TestSplitRules)
#include "tst_split_rules.moc"
