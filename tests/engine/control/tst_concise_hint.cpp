// The exact tests of ConciseHint: intervals, where the hint is put, and that everything else of the text stays.
#include <QTest>

#include <cmath>

#include "engine/control/formulas.h"
#include "engine/logits/logits_chain.h"
#include "tests/engine/control/rule_stream.h"
#include "tests/engine/text/small_vocabulary.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const Tokenizer& tokenizer() {
    static const auto file = ModelFile::open(shippedModel()).value();
    static const auto loaded = Tokenizer::fromFile(*file).value();
    return *loaded;
}

std::string without(std::string text, std::string_view part) {
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
        text.erase(at, part.size());
    return text;
}

std::string manySentences(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "So 12 + 7 = 19, then 19 x 3 = 57. ";
    return text;
}

}  // namespace

class TestConciseHint : public QObject {
    Q_OBJECT
private slots:
    void intervalsGrowWithTheText() {
        const std::int64_t lengths[] = {0, 128, 500, 1000, 4000, 4480}, taus[] = {128, 153, 228, 328, 928, 1024};
        for (std::size_t i = 0; i < 6; ++i) QCOMPARE(hintInterval(lengths[i], 128, 0.2, 1024), taus[i]);
        QCOMPARE(hintInterval(1000000, 128, 0.2, 1024), std::int64_t{1024});
    }
    void theHintMovesBackInItsChunk() {
        const std::int64_t used[] = {128, 138, 228, 640, 948};
        const double shares[] = {0, 0.009765625, 0.09765625, 0.5, 0.8};
        for (std::size_t i = 0; i < 5; ++i) QCOMPARE(hintShare(used[i], 128, 1024), shares[i]);
        QCOMPARE(hintShare(5, 128, 1024), 0.0);
    }
    void hintsStandInsideTheChunkAndNothingIsLost() {
        constexpr std::string_view kHint = "[short!]";
        RuleStream stream(control::kConciseHint, "concise_hint:hint=\"[short!]\"", tokenizer(),
                          "a prompt of some tokens");
        const std::string text = manySentences(60);
        std::size_t chunk_begin = stream.prompt_tokens;
        std::int64_t interval = 128;
        std::vector<std::int64_t> chunks;
        for (const TokenId id : tokenizer().encode(text)) {
            const std::size_t here = stream.text.size();
            const ControlAction action = stream.say(id);
            if (action.kind == ControlAction::Kind::Accept) continue;
            QCOMPARE(action.kind, ControlAction::Kind::Rewrite);
            chunks.push_back(static_cast<std::int64_t>(here + 1 - chunk_begin));
            QCOMPARE(chunks.back(), interval);
            QVERIFY(static_cast<std::size_t>(action.at) >= chunk_begin);
            // Inside: the tail of the chunk stands behind the hint, and is what it was.
            QVERIFY(action.kept > 0 && action.kept < action.tokens.size());
            QCOMPARE(static_cast<std::size_t>(action.at) + action.kept +
                         (action.tokens.size() - action.kept -
                          tokenizer().encode(kHint, {.parse_special = true, .continuation = true}).size()),
                     here + 1);
            // The interval counts prompt and hints.
            chunk_begin = stream.text.size();
            interval = hintInterval(static_cast<std::int64_t>(stream.text.size()), 128, 0.2, 1024);
        }
        QVERIFY(chunks.size() >= 3);
        QVERIFY(chunks[1] > chunks[0] && chunks[2] > chunks[1]);
        QCOMPARE(without(stream.reply(), kHint), text);
        // The first hint stands behind the first point or comma that a space follows.
        QVERIFY2(stream.reply().starts_with("So 12 + 7 = 19,[short!] then"), stream.reply().substr(0, 60).c_str());
    }
    void laterHintsStandFurtherBack() {
        // The second interval is the longest, 1024 tokens, whose hint stands behind four fifths of the characters.
        RuleStream stream(control::kConciseHint, "concise_hint:alpha=8,beta=10,hint=\"[short!]\"", tokenizer(),
                          manySentences(10));
        std::string before;
        for (const TokenId id : tokenizer().encode(manySentences(160))) {
            if (stream.acts.size() == 1 && before.empty()) before = stream.reply();
            (void)stream.say(id);
            if (stream.acts.size() == 2) break;
        }
        QCOMPARE(stream.acts.size(), std::size_t{2});
        const std::string chunk = stream.reply().substr(before.size());
        const std::size_t hint = chunk.find("[short!]"), chars = chunk.size() - std::string("[short!]").size();
        const auto start = static_cast<std::size_t>(0.8 * static_cast<double>(chars - 1));
        QVERIFY2(hint > start && hint < start + 30, qPrintable(QString::number(hint)));
        QVERIFY(chunk[hint - 1] == '.' || chunk[hint - 1] == ',');
    }
    void withoutAPlaceThereIsNoHint() {
        RuleStream stream(control::kConciseHint, "concise_hint:alpha=4,hint=\"[short!]\"", tokenizer());
        QVERIFY(!stream.say("one two three four five six seven eight nine ten 3.14 and 1,318"));
        QVERIFY(stream.say(" Then 7. And 8. And 9. And 10. And 11. And 12. And 13."));
    }
    void anAnswerIsLeftAlone() {
        RuleStream stream(control::kConciseHint, "concise_hint:alpha=4,beta=0,hint=\"[short!]\"", tokenizer());
        QVERIFY(!stream.say("</think>\nThe answer is 7. And 8, and 9. And so on, and so on."));
        RuleStream off(control::kConciseHint, "concise_hint:alpha=4,beta=0,hints=0", tokenizer());
        QVERIFY(!off.say(manySentences(3)));
        RuleStream one(control::kConciseHint, "concise_hint:alpha=4,beta=0,hints=1,hint=\"[short!]\"", tokenizer());
        for (const TokenId id : tokenizer().encode(manySentences(5))) (void)one.say(id);
        QCOMPARE(one.acts.size(), std::size_t{1});
    }
    void aTokenThatHoldsThePlaceIsCut() {
        test::SmallVocabulary small;
        small.add("<think>", 3);
        const TokenId closing = small.add("</think>", 3), user = small.add("<|im_start|>", 3);
        const TokenId both = small.merge(".", " ");
        const auto vocabulary = small.load();
        QVERIFY2(vocabulary, vocabulary ? "" : vocabulary.error().line().c_str());
        const Tokenizer& letters = **vocabulary;
        QCOMPARE(letters.idOf("</think>").value(), closing);
        RuleStream stream(control::kConciseHint, "concise_hint:alpha=4,hint=\"<|im_start|>h\"", letters);
        for (const TokenId id : {letters.idOf("a").value(), both, letters.idOf("b").value()}) (void)stream.say(id);
        QVERIFY(stream.acts.empty());
        const ControlAction action = stream.say(letters.idOf("c").value());
        QCOMPARE(action.kind, ControlAction::Kind::Rewrite);
        QCOMPARE(action.at, 1);
        QCOMPARE(action.kept, std::size_t{2});
        QCOMPARE(stream.reply(), std::string("a.<|im_start|>h bc"));
        // A control token in the hint is one token, not its letters.
        QCOMPARE(std::count(action.tokens.begin(), action.tokens.end(), user), 1);
    }
    void foreignMarksAreNamed() {
        RuleStream stream(control::kConciseHint, "concise_hint", tokenizer());
        QVERIFY(!stream.rule->note().empty());
        QVERIFY(stream.rule->setParam("hint", "Be concise."));
        QVERIFY(stream.rule->note().empty());
        QVERIFY(!stream.rule->setParam("beta", -1));
        QVERIFY(!stream.rule->setParam("gamma", 1));
    }
    void modelsWithoutAnEndOfThoughtAreRefused() {
        const auto vocabulary = test::SmallVocabulary().load();
        QVERIFY(vocabulary);
        for (const ControlMethod* method : {&control::kConciseHint, &control::kEat, &control::kKStable}) {
            const auto rule = method->make({{std::string(method->id), {}}, vocabulary->get()});
            QVERIFY(!rule);
            QCOMPARE(rule.error().code, ErrorCode::Unsupported);
            QVERIFY(!rule.error().hint.empty());
        }
    }
    // Rules that remember the text follow when a part of it is taken back.
    void loopsAreFoundAgainInARewrittenText() {
        const std::vector<TokenId> loop{5, 6, 7, 8}, other{9, 9, 4, 5};
        LogitsChain rewritten, fresh;
        for (LogitsChain* chain : {&rewritten, &fresh}) {
            chain->add(
                logits::kLoopStop.make({parseMethodChoice("loop_stop:length=4,times=2").value(), nullptr}).value());
        }
        std::vector<TokenId> reply;
        for (int i = 0; i < 2; ++i) reply.insert(reply.end(), loop.begin(), loop.end());
        for (const TokenId id : reply) rewritten.push(id);
        QVERIFY(rewritten.active({}));
        reply.resize(5);
        rewritten.rewritten(reply);
        for (const TokenId id : reply) fresh.push(id);
        QVERIFY(!rewritten.active({}));
        for (const TokenId id : {6, 7, 8}) {
            rewritten.push(id);
            fresh.push(id);
            QCOMPARE(rewritten.active({}), fresh.active({}));
        }
        QVERIFY(fresh.active({}));

        RuleStream stream(control::kLoopEnd, "loop_end:length=4,times=2", tokenizer());
        for (const TokenId id : loop) (void)stream.say(id);
        stream.rule->rewritten(other);
        stream.text = other;
        for (std::size_t i = 0; i + 1 < other.size(); ++i)
            QCOMPARE(stream.say(other[i]).kind, ControlAction::Kind::Accept);
        QCOMPARE(stream.say(other.back()).kind, ControlAction::Kind::End);
    }
};

QTEST_APPLESS_MAIN(TestConciseHint)
#include "tst_concise_hint.moc"
