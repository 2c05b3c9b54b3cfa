// What holds for every text: the time of a tokenizer grows with the length and not with its square, a stream never
// shows half a character, and a split rule that is not known is not guessed.
#include <algorithm>
#include <ctime>
#include <map>
#include <random>

#include "engine/text/detokenizer.h"
#include "engine/text/pre_tokenizer.h"
#include "tests/engine/text/golden_files.h"
#include "tests/engine/text/small_vocabulary.h"
#include "tests/support/sanitized.h"

using namespace quibble;

namespace {

// Seconds of this thread, which other programs do not lengthen.
template <typename Work>
double secondsOf(const Work& work) {
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double start = now();
    work();
    return now() - start;
}

// Time for twice the text over time for the text: 2 where it is linear, 4 where it is quadratic. The smallest of a few,
// since a cache that another program emptied makes one of them long.
template <typename Work>
double growth(const std::string& unit, std::size_t bytes, const Work& work) {
    std::string once;
    while (once.size() < bytes) once += unit;
    const std::string twice = once + once;
    double smallest = 1e9;
    for (int round = 0; round < 4 && smallest > 2.5; ++round) {
        const double half = secondsOf([&] { work(once); });
        smallest = std::min(smallest, secondsOf([&] { work(twice); }) / std::max(half, 1e-4));
    }
    return smallest;
}
constexpr double kLinear = 3;
constexpr std::size_t kHalf = testing::kSanitized ? std::size_t{1} << 15 : std::size_t{1} << 18;

struct Text {
    const char* name;
    const char* unit;
};
constexpr Text kTexts[] = {
    {"letters", "a"},
    {"capitals", "A"},
    {"letters without case", "\xe6\x97\xa5"},
    {"spaces", " "},
    {"newlines", "\n"},
    {"spaces and newlines", " \n"},
    {"digits", "7"},
    {"punctuation", "-"},
    {"slashes", "/"},
    {"apostrophes", "'"},
    {"contractions", "'s"},
    {"starts of specials", "<|im_start"},
    {"brackets", "<"},
    {"words", "The quick brown fox. "},
    {"camels", "aB"},
    {"not UTF-8", "\xff"},
    {"half not UTF-8", "a\xff"},
    {"combining marks", "\xcc\x81"},
    {"wide spaces", "\xe3\x80\x80"},
};

// How much of the bytes can be shown: everything but a proper beginning of a character at the end. Written from the
// table of well-formed sequences in the Unicode standard (3-7), which bounds the second byte by the first.
std::size_t showable(const std::string& bytes) {
    struct Row {
        unsigned first_low, first_high, second_low, second_high;
        std::size_t length;
    };
    static constexpr Row kRows[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                                    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                                    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto byte = [&](std::size_t i) {
            return static_cast<unsigned>(static_cast<unsigned char>(bytes[at + i]));
        };
        std::size_t matched = 1, length = 1;
        for (const Row& row : kRows) {
            if (byte(0) < row.first_low || byte(0) > row.first_high) continue;
            length = row.length;
            while (matched < length && at + matched < bytes.size()) {
                const unsigned low = matched == 1 ? row.second_low : 0x80, high = matched == 1 ? row.second_high : 0xBF;
                if (byte(matched) < low || byte(matched) > high) break;
                ++matched;
            }
        }
        if (matched < length && at + matched == bytes.size()) return at;  // more bytes may complete it
        at += matched == length ? length : 1;
    }
    return at;
}

}  // namespace

class TestTokenizerProperties : public QObject {
    Q_OBJECT

private slots:
    void encodingIsLinear_data() {
        QTest::addColumn<QString>("vocabulary");
        QTest::addColumn<QByteArray>("unit");
        for (const Text& text : kTexts)
            QTest::addRow("deepseek-r1-qwen: %s", text.name) << "deepseek-r1-qwen" << QByteArray(text.unit);
        for (const char* name : {"letters", "spaces", "words", "not UTF-8"}) {
            for (const Text& text : kTexts) {
                if (std::string_view(text.name) == name)
                    QTest::addRow("llama-spm: %s", name) << "llama-spm" << QByteArray(text.unit);
            }
        }
    }
    void encodingIsLinear() {
        QFETCH(QString, vocabulary);
        QFETCH(QByteArray, unit);
        static std::map<QString, std::shared_ptr<const Tokenizer>> loaded;
        if (test::vocabularyPath(vocabulary.toStdString()).empty())
            QSKIP("the vocabulary is not in the repository and ../shared/goldens is absent");
        auto& tokenizer = loaded[vocabulary];
        if (tokenizer == nullptr) tokenizer = test::loadTokenizer(vocabulary.toStdString());
        QVERIFY(tokenizer != nullptr);
        std::vector<TokenId> ids;
        const double ratio = growth(unit.toStdString(), kHalf, [&](const std::string& text) {
            ids = tokenizer->encode(text, {.parse_special = true});
        });
        QVERIFY2(ratio < kLinear, qPrintable(QString("twice the text takes %1 times as long").arg(ratio)));
        const std::string back = tokenizer->decode(ids);
        QVERIFY(back.size() >= 2 * kHalf && back.ends_with(unit.toStdString()));
    }

    // Each rule by itself. None falls back to taking the rest in one piece, as it does when a match meets its limit.
    void splittingIsLinear_data() {
        QTest::addColumn<QString>("rule");
        for (const char* rule : {"gpt-2", "qwen2", "llama-bpe", "gpt-4o", "deepseek-coder"})
            QTest::newRow(rule) << rule;
    }
    void splittingIsLinear() {
        QFETCH(QString, rule);
        const auto splitter = PreTokenizer::byName(rule.toStdString()).value();
        for (const Text& text : kTexts) {
            std::vector<std::string_view> pieces;
            const double ratio = growth(text.unit, kHalf / (testing::kSanitized ? 2 : 16), [&](const std::string& all) {
                pieces = splitter->split(all);
                for (std::string_view& piece : pieces) piece = piece.substr(0, 1);  // the text goes away
            });
            QVERIFY2(ratio < kLinear,
                     qPrintable(QString("%1: %2 times as long for twice the text").arg(text.name).arg(ratio)));
        }
        // A word behind a long run of anything is still a piece of its own.
        for (const Text& text : kTexts) {
            std::string all;
            while (all.size() < kHalf / 2) all += text.unit;
            all += "\n b";
            const auto pieces = splitter->split(all);
            QVERIFY2(pieces.size() >= 2 && pieces.back() == " b", text.name);
        }
    }

    // A vocabulary of all bytes and of all kinds of pieces of characters, any ids in any order: whatever the stream has
    // shown ends between two characters or in bytes that can never become one, and nothing that could be shown is held
    // back.
    void streamsShowWholeCharacters() {
        test::SmallVocabulary vocabulary;
        std::mt19937 random(20261121);
        for (int i = 0; i < 400; ++i) {
            std::string bytes;
            const std::size_t length = 2 + random() % 4;
            while (bytes.size() < length) {
                if (random() % 3 == 0)
                    bytes += static_cast<char>(random() % 256);
                else
                    utf8Append(bytes,
                               static_cast<char32_t>(random() % 2 == 0 ? random() % 0x800 : random() % 0x110000));
            }
            bytes.resize(length);  // cut anywhere
            const std::string written = test::SmallVocabulary::written(bytes);
            if (std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), written) == vocabulary.tokens.end())
                vocabulary.add(bytes);
        }
        const auto tokenizer = vocabulary.load().value();
        const auto count = static_cast<unsigned>(tokenizer->vocabSize());
        for (int round = 0; round < 4000; ++round) {
            StreamingDetokenizer stream(tokenizer);
            std::string all, shown;
            for (unsigned i = 0, length = 1 + static_cast<unsigned>(random()) % 20; i < length; ++i) {
                // Single bytes of multi-byte characters half of the time.
                const auto id = static_cast<TokenId>(random() % 2 == 0 ? 128 + random() % 128 : random() % count);
                all += tokenizer->tokenBytes(id);
                shown += stream.push(id);
                QVERIFY2(shown == all.substr(0, showable(all)), QByteArray::fromStdString(all).toHex().constData());
                QVERIFY(all.size() - shown.size() <= 3);
            }
            QCOMPARE(shown + stream.finish(), all);
        }
    }

    void otherPreTokenizersAreRefused_data() {
        QTest::addColumn<QByteArray>("name");
        // Names that files of other models carry, and what nobody wrote.
        for (const char* name :
             {"default",   "deepseek-llm", "deepseek-v3", "falcon",    "falcon3",     "command-r", "tekken", "smollm",
              "starcoder", "refact",       "mpt",         "stablelm2", "chatglm-bpe", "bloom",     "viking", "jais",
              "poro-chat", "exaone",       "gpt-4",       "QWEN2",     " qwen2",      "qwen2 ",    "\xff"}) {
            QTest::newRow(name) << QByteArray(name);
        }
        QTest::newRow("very long") << QByteArray(1 << 20, 'q');
        QTest::newRow("a zero in it") << QByteArray("qwen2\0x", 7);
    }
    void otherPreTokenizersAreRefused() {
        QFETCH(QByteArray, name);
        test::SmallVocabulary vocabulary;
        vocabulary.pre = name.toStdString();
        const auto loaded = vocabulary.load();
        QVERIFY(!loaded.has_value());
        QVERIFY(loaded.error().code == ErrorCode::Unsupported);
        const std::string line = loaded.error().line();
        QVERIFY2(line.find("is not known") != std::string::npos && line.find("llama-bpe") != std::string::npos &&
                     line.size() < 1000,
                 line.c_str());
    }
};

QTEST_APPLESS_MAIN(TestTokenizerProperties)
#include "tst_tokenizer_properties.moc"
