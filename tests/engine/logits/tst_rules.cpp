// The rules of the slot logits by themselves: the exact values of the papers, the words they find, clones, parameters.
#include <QTest>

#include <cmath>
#include <numeric>

#include "engine/logits/logits_chain.h"
#include "engine/logits/loop_finder.h"
#include "engine/logits/marker_penalty.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const Tokenizer& tokenizer() {
    static const auto model = models().get(shippedModel(), {}).value();
    return *model->tokenizer();
}

std::unique_ptr<LogitsRule> rule(const std::string& text) {
    const MethodChoice choice = parseMethodChoice(text).value();
    auto method = findLogitsMethod(choice);
    if (!method) qFatal("%s", method.error().line().c_str());
    return (*method)->make({choice, &tokenizer()}).value();
}

std::vector<float> zeros() { return std::vector<float>(tokenizer().vocabSize()); }

// What the rule adds to the logit of a word at this step.
float added(const LogitsRule& one, const LogitsStep& step, TokenId id) {
    std::vector<float> logits = zeros();
    if (one.active(step)) one.apply(logits, step);
    return logits[static_cast<std::size_t>(id)];
}

TokenId spacedWord() {
    for (const char* word : {" wait", " Wait", " but", " But", " Alternatively"}) {
        if (const auto id = tokenizer().idOf(word)) return *id;
    }
    qFatal("the shipped vocabulary has no reflection word");
}

}  // namespace

class TestRules : public QObject {
    Q_OBJECT
private slots:
    // arXiv 2506.11077: 0, +A, 0, -A at t = 0, C/4, C/2, 3C/4; the wave starts upward.
    void theWaveIsThatOfThePaper() {
        const TokenId id = spacedWord();
        const auto wave = rule("cyclic:amplitude=1,period=600,words=spaced");
        const std::pair<int, float> wanted[] = {{0, 0.0F},   {75, 0.5F},   {150, 1.0F},  {225, 0.5F},
                                                {300, 0.0F}, {450, -1.0F}, {525, -0.5F}, {600, 0.0F}};
        for (const auto& [t, height] : wanted) {
            QCOMPARE(added(*wave, {.pos = 1000 + t, .generated = t, .thinking = true}, id), height);
            QCOMPARE(wave->active({.generated = t}), height != 0.0F);
        }
        double sum = 0;
        for (int t = 0; t < 600; ++t) sum += static_cast<double>(added(*wave, {.generated = t}, id));
        QVERIFY2(std::abs(sum) < 1e-4, qPrintable(QString::number(sum)));
        // It ends with the thought, and outside of its range.
        QCOMPARE(added(*wave, {.generated = 150, .thought = true}, id), 0.0F);
        QVERIFY(!wave->active({.generated = 150, .thought = true}));
        const auto ranged = rule("cyclic:amplitude=2,period=600,begin=100,end=151,words=spaced");
        QCOMPARE(added(*ranged, {.generated = 99}, id), 0.0F);
        QCOMPARE(added(*ranged, {.generated = 150}, id), 2.0F);
        QCOMPARE(added(*ranged, {.generated = 151}, id), 0.0F);
        // The phase is a share of the period.
        QCOMPARE(added(*rule("cyclic:amplitude=3,period=100,phase=0.25,words=spaced"), {.generated = 0}, id), 3.0F);
        // Only the words move.
        std::vector<float> logits = zeros();
        wave->apply(logits, {.generated = 150});
        const auto moved = std::count_if(logits.begin(), logits.end(), [](float z) { return z != 0; });
        QVERIFY(moved >= 1 && moved <= 10);
        for (int t = 0; t < 700; ++t) QVERIFY(!rule("cyclic:amplitude=0,words=spaced")->active({.generated = t}));
    }

    // The published method knows the bare words alone; " wait" is untouched.
    void thePublishedWordsAreBare() {
        const auto published = rule("cyclic:amplitude=5,period=4");
        std::vector<float> logits = zeros();
        if (published->active({.generated = 1})) published->apply(logits, {.generated = 1});
        for (const char* word : {" wait", " Wait", " but", " But", " Alternatively"}) {
            if (const auto id = tokenizer().idOf(word)) QCOMPARE(logits[static_cast<std::size_t>(*id)], 0.0F);
        }
        for (const char* word : {"wait", "Wait", "but", "But", "Alternatively"}) {
            if (const auto id = tokenizer().idOf(word)) QCOMPARE(logits[static_cast<std::size_t>(*id)], 5.0F);
        }
    }

    void aBanFindsItsWords() {
        const auto banned = [&](const std::string& text) {
            std::vector<float> logits = zeros();
            const auto ban = rule(text);
            if (ban->active({.thinking = true})) ban->apply(logits, {.thinking = true});
            std::vector<std::string> words;
            for (std::size_t i = 0; i < logits.size(); ++i) {
                if (logits[i] != 0) {
                    if (logits[i] != kBannedLogit) qFatal("a banned word has another logit");
                    words.emplace_back(tokenizer().tokenBytes(static_cast<TokenId>(i)));
                }
            }
            return words;
        };
        const auto holds = [](const std::vector<std::string>& words, const char* word) {
            return std::find(words.begin(), words.end(), word) != words.end();
        };
        const auto substring = banned("ban:words=\"wait, but\",except=\"\"");
        QVERIFY(!substring.empty());
        for (const std::string& word : substring) {
            std::string low;
            for (const char c : word) low += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            QVERIFY2(low.find("wait") != std::string::npos || low.find("but") != std::string::npos, word.c_str());
        }
        QVERIFY(holds(substring, " wait") && holds(substring, " But"));
        // A false hit of the substrings is kept by the exceptions, and no hit at all where words are whole.
        const auto spared = banned("ban:words=\"wait, but\",except=\" But\"");
        QVERIFY(!holds(spared, " But") && holds(spared, " wait"));
        QVERIFY(!holds(banned("ban:words=\"wai\",except=\"\",match=word"), " wait"));
        QVERIFY(holds(banned("ban:words=\"wai\",except=\"\""), " wait"));
        QVERIFY(holds(banned("ban:words=\"WAIT\",except=\"\",match=word"), " wait"));
        QVERIFY(banned("ban:words=\"\"").empty());
        QVERIFY(!rule("ban:words=\"\"")->active({}));
        const auto thinking = rule("ban:words=wait,only_thinking=1");
        QVERIFY(thinking->active({.thinking = true}) && !thinking->active({.thinking = false}));
    }

    // The words of the paper and the false hits that its list needs, in vocabularies of real models.
    void thePublishedWordsAreBannedAndFalseHitsAreNot_data() {
        QTest::addColumn<QString>("file");
        QTest::newRow("DeepSeek-R1, Qwen") << "vocab-deepseek-r1-qwen.gguf";
        QTest::newRow("GPT-2") << "vocab-gpt-2.gguf";
    }
    void thePublishedWordsAreBannedAndFalseHitsAreNot() {
        QFETCH(const QString, file);
        const auto opened = ModelFile::open(goldenDirectory() / "vocab" / file.toStdString());
        QVERIFY2(opened, opened ? "" : opened.error().line().c_str());
        const auto vocabulary = Tokenizer::fromFile(**opened);
        QVERIFY2(vocabulary, vocabulary ? "" : vocabulary.error().line().c_str());
        const Tokenizer& real = **vocabulary;
        const auto banned = [&](const std::string& text) {
            const MethodChoice choice = parseMethodChoice(text).value();
            std::vector<float> logits(real.vocabSize());
            (*findLogitsMethod(choice))->make({choice, &real}).value()->apply(logits, {});
            return logits;
        };
        const std::vector<float> shipped = banned("ban"), bare = banned("ban:except=\"\"");
        const auto is = [&](const std::vector<float>& logits, const std::string& word) {
            const auto id = real.idOf(word);
            return id && logits[static_cast<std::size_t>(*id)] == kBannedLogit;
        };
        for (const char* word : {" Wait", " wait", " Alternatively", " But", " but", " However", " Maybe", " Oh",
                                 " check", " another", " any", " again", " other", " now", " verify"}) {
            if (real.idOf(word)) QVERIFY2(is(shipped, word), word);
        }
        QVERIFY(is(shipped, " Wait") && is(shipped, " However") && is(shipped, " But"));
        int spared = 0;
        for (const char* word : {" Ohio",   " button",  " known",   " many",       " brother", " John",   " Sarah",
                                 " Noah",   " Idaho",   " ahead",   " Fahrenheit", " alcohol", " cohort", " prohibited",
                                 " canyon", " unknown", " company", " checkpoint", " Johnson", " mother", " know"}) {
            if (!real.idOf(word)) continue;
            QVERIFY2(is(bare, word), word);  // the substrings do hit it
            QVERIFY2(!is(shipped, word), word);
            ++spared;
        }
        QVERIFY2(spared >= 15, qPrintable(QString::number(spared)));
        // Not one of the marks.
        for (std::size_t i = 0; i < bare.size(); ++i) {
            if (real.isSpecial(static_cast<TokenId>(i))) QCOMPARE(bare[i], 0.0F);
        }
    }

    // What is banned stays unlikely at every temperature and behind every other rule.
    void noBannedTokenIsSampled() {
        Sampler sampler;
        LogitsChain chain;
        chain.add(rule("ban:words=\"wait, but\",except=\"\""));
        chain.add(rule("cyclic:amplitude=20,period=4,words=spaced"));
        std::vector<float> raw = zeros(), storage;
        const std::vector<float> mask = [&] {
            std::vector<float> out = zeros();
            chain.apply(out, {}, 1);
            return out;
        }();
        for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = mask[i] != 0 ? 30.0F : 0.0F;  // the model wants them
        const auto logits = chain.applied(raw, {.generated = 1}, storage);
        for (const double temperature : {0.0, 0.6, 1.0, 2.0}) {
            for (Position pos = 0; pos < 200; ++pos) {
                const TokenId id = sampler.choose(logits, {temperature, 0, 1, 0}, 11, pos);
                QCOMPARE(mask[static_cast<std::size_t>(id)], 0.0F);
            }
        }
    }

    // The odds of the words against the rest change by exp(d / T).
    void theWaveChangesTheOddsByItsHeight() {
        const TokenId id = spacedWord();
        const auto wave = rule("cyclic:amplitude=3,period=100,words=spaced");
        const auto rest = static_cast<TokenId>(tokenizer().encode("q").front());
        for (const double temperature : {0.6, 1.0}) {
            for (const std::int64_t t : {10, 25, 60, 75}) {
                std::vector<float> plain = zeros();
                for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<float>(i % 7);
                std::vector<float> waved = plain;
                wave->apply(waved, {.generated = t});
                const auto odds = [&](const std::vector<float>& z) {
                    return std::exp(static_cast<double>(z[static_cast<std::size_t>(id)]) / temperature) /
                           std::exp(static_cast<double>(z[static_cast<std::size_t>(rest)]) / temperature);
                };
                const double u = static_cast<double>(t) / 100;
                const double d = 3 * (u <= 0.25 ? 4 * u : u <= 0.75 ? 2 - 4 * u : 4 * u - 4);
                const double wanted = std::exp(d / temperature), got = odds(waved) / odds(plain);
                QVERIFY2(std::abs(got / wanted - 1) < 1e-5, qPrintable(QString::number(got / wanted, 'g', 12)));
            }
        }
    }

    void aLoopIsFound() {
        LoopFinder finder(3, 16, 3);
        const auto push = [&](std::initializer_list<TokenId> ids) {
            for (const TokenId id : ids) finder.push(id);
        };
        push({9, 9, 1, 2, 3, 1, 2, 3, 1, 2});
        QCOMPARE(finder.period(), 0);  // the third time is not whole
        finder.push(3);
        QCOMPARE(finder.period(), 3);
        QCOMPARE(finder.continuations(), std::vector<TokenId>{1});
        finder.push(7);
        QCOMPARE(finder.period(), 0);
        QVERIFY(finder.continuations().empty());
        // One token over and over is a loop of the shortest stretch.
        for (int i = 0; i < 8; ++i) finder.push(5);
        QCOMPARE(finder.period(), 0);
        finder.push(5);
        QCOMPARE(finder.period(), 3);
        // However long the text is.
        LoopFinder endless(2, 16, 2);
        for (int i = 0; i < 5000; ++i) endless.push(i);
        QCOMPARE(endless.period(), 0);
        for (const TokenId id : {4, 6, 8, 4, 6, 8}) endless.push(id);
        QCOMPARE(endless.period(), 3);
        QCOMPARE(endless.continuations(), std::vector<TokenId>{4});
    }

    // Limits may change at any place of a long text: it is as if they had held from the first token on.
    void limitsOfALoopChangeLikeOnesThatAlwaysHeld() {
        LoopFinder changed(20, 64, 9), strict(2, 64, 3);
        std::uint32_t random = 7;
        for (int i = 0; i < 4000; ++i) {
            random = random * 1664525U + 1013904223U;
            const auto id = static_cast<TokenId>(i % 400 < 120 ? i % 5 : static_cast<int>(random >> 30U));
            changed.push(id);
            strict.push(id);
            LoopFinder now = changed;
            now.setLimits(2, 3);
            QCOMPARE(now.period(), strict.period());
            QCOMPARE(now.continuations(), strict.continuations());
        }
    }

    void aLoopIsBroken() {
        const auto stop = rule("loop_stop:times=2,length=2");
        for (const TokenId id : {7, 8, 7}) stop->push(id);
        QVERIFY(!stop->active({}));
        stop->push(8);
        QCOMPARE(added(*stop, {}, 7), kBannedLogit);
        QCOMPARE(added(*stop, {}, 8), 0.0F);
        // A clone goes on by itself.
        const auto other = stop->clone();
        other->push(3);
        QVERIFY(!other->active({}));
        QCOMPARE(added(*stop, {}, 7), kBannedLogit);
        // Stricter parameters look at the text that is there.
        QVERIFY(stop->setParam("times", 3));
        QVERIFY(!stop->active({}));
        QVERIFY(stop->setParam("length", 3) && stop->setParam("length", 2));
        QVERIFY(stop->setParam("times", 2));
        QCOMPARE(added(*stop, {}, 7), kBannedLogit);
        QVERIFY(!stop->setParam("times", 1) && !stop->setParam("times", "often") && !stop->setParam("depth", 2));
        QCOMPARE(added(*stop, {}, 7), kBannedLogit);
    }

    void aChainActsInOrderAndClones() {
        const TokenId id = spacedWord();
        LogitsChain chain;
        chain.add(rule("cyclic:amplitude=2,period=4,words=spaced"));
        chain.add(rule("ban:words=\"\""));
        chain.add(rule("loop_stop:times=2,length=1"));
        std::vector<float> storage;
        const std::vector<float> raw = zeros();
        QVERIFY(!chain.active({.generated = 0}));
        QCOMPARE(chain.applied(raw, {.generated = 0}, storage).data(), raw.data());  // nothing is copied
        QCOMPARE(chain.applied(raw, {.generated = 1}, storage)[static_cast<std::size_t>(id)], 2.0F);
        LogitsChain copy = chain.clone();
        copy.push(id);
        copy.push(id);
        QCOMPARE(copy.applied(raw, {.generated = 1}, storage)[static_cast<std::size_t>(id)], kBannedLogit);
        QCOMPARE(chain.applied(raw, {.generated = 1}, storage)[static_cast<std::size_t>(id)], 2.0F);
        std::vector<float> first = raw;
        copy.apply(first, {.generated = 1}, 1);
        QCOMPARE(first[static_cast<std::size_t>(id)], 2.0F);
    }

    void everyParameterSaysItsRange() {
        for (const LogitsMethod* method : logitsMethods()) {
            QVERIFY(!method->label.empty() && !method->source.empty() && !method->help.empty());
            QVERIFY(checkParams({std::string(method->id), {}}, method->params));
            const auto unknown = findLogitsMethod({std::string(method->id), {{"nonsense", 1}}});
            QVERIFY(!unknown && unknown.error().what.find("nonsense") != std::string::npos);
            for (const ParamSpec& spec : method->params) {
                QVERIFY(!spec.label.empty() && !spec.help.empty());
                if (spec.isNumber()) QVERIFY(spec.fallback >= spec.low && spec.fallback <= spec.high);
                QVERIFY(!findLogitsMethod({std::string(method->id), {{std::string(spec.key), 1e300}}}));
            }
        }
        const auto nobody = findLogitsMethod({"telepathy", {}});
        QVERIFY(!nobody && nobody.error().hint == "Known are: ban, cyclic, loop_stop, contrast");
    }
};

QTEST_GUILESS_MAIN(TestRules)
#include "tst_rules.moc"
