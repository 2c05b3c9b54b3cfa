// The exact tests of DEER, EAT and stable answers, with probes that the test answers.
#include <QTest>

#include <cmath>

#include "engine/control/formulas.h"
#include "engine/control/text_ends.h"
#include "tests/engine/control/rule_stream.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const Tokenizer& tokenizer() {
    static const auto file = ModelFile::open(shippedModel()).value();
    static const auto loaded = Tokenizer::fromFile(*file).value();
    return *loaded;
}

ProbeResult said(std::string_view text, std::vector<double> probabilities = {}) {
    return {tokenizer().encode(text, {.parse_special = true, .continuation = true}), std::move(probabilities), 0};
}

std::function<ProbeResult(int)> entropies(std::vector<double> bits) {
    return [bits = std::move(bits)](int n) {
        return ProbeResult{{}, {}, bits[std::min(static_cast<std::size_t>(n), bits.size()) - 1] / kBitsPerNat};
    };
}

bool near(double a, double b, double by = 1e-12) { return std::abs(a - b) <= by; }

}  // namespace

class TestEarlyStop : public QObject {
    Q_OBJECT
private slots:
    void confidenceLeavesTheFirstTokenOut() {
        const std::vector<double> p{0.1, 0.9, 0.8};
        QVERIFY(near(answerConfidence(p, ConfidenceMean::Arithmetic), 0.85));
        QVERIFY(near(answerConfidence(p, ConfidenceMean::Geometric), 0.8485281374, 1e-9));
        QVERIFY(near(answerConfidence(p, ConfidenceMean::Minimum), 0.8));
        QCOMPARE(answerConfidence(std::vector{1.0}, ConfidenceMean::Arithmetic), 0.0);  // no division by zero
        QCOMPARE(answerConfidence({}, ConfidenceMean::Geometric), 0.0);
    }
    void deerEndsTheThoughtWhenSure() {
        RuleStream stream(control::kDeer, "deer", tokenizer());
        stream.answer = [](int n) { return said("{7}", {0.2, n < 3 ? 0.9 : 0.97, n < 3 ? 0.9 : 0.97}); };
        QVERIFY(stream.say("It is 7. Wait, is it? Yes. Wait, yes. Wait, no."));
        QCOMPARE(stream.probes, 3);
        QCOMPARE(stream.probed, std::string("\n**Final Answer**\n\\boxed"));
        // The word is not said; of the probe nothing stands in the text.
        QCOMPARE(stream.reply(), std::string("It is 7. Wait, is it? Yes. Wait, yes.\n</think>\n\n"));
        QCOMPARE(stream.acts.size(), std::size_t{1});
        QVERIFY2(stream.acts[0].second.why.find("0.97") != std::string::npos, stream.acts[0].second.why.c_str());
        QVERIFY(!stream.tracker.inside());
        QVERIFY(!stream.say("Wait, the answer is 7."));  // an answer is left alone
        QCOMPARE(stream.probes, 3);
    }
    void deerThresholds_data() {
        QTest::addColumn<QString>("choice");
        QTest::addColumn<int>("probes");
        QTest::addColumn<bool>("acts");
        QTest::newRow("1 is never exceeded") << "deer:threshold=1" << 4 << false;
        QTest::newRow("below 0 the first will do") << "deer:threshold=-1" << 1 << true;
        QTest::newRow("greater, not equal") << "deer:threshold=0.75" << 4 << false;
        QTest::newRow("so many probes and no more") << "deer:threshold=1,probes=2" << 2 << false;
        QTest::newRow("no probes") << "deer:threshold=-1,probes=0" << 0 << false;
        QTest::newRow("another word") << "deer:threshold=-1,word=But" << 1 << true;
        QTest::newRow("not closed counts as 0") << "deer:threshold=0,closed=on" << 4 << false;
        QTest::newRow("a probe may be short") << "deer:threshold=0,length=2" << 1 << true;
    }
    void deerThresholds() {
        QFETCH(const QString, choice);
        QFETCH(const int, probes);
        QFETCH(const bool, acts);
        RuleStream stream(control::kDeer, choice.toStdString(), tokenizer());
        stream.answer = [](int) { return said("7}", {0.5, 0.75}); };
        QCOMPARE(stream.say("So 7. Wait. Wait. Wait. Wait. But no."), acts);
        QCOMPARE(stream.probes, probes);
        if (!acts) QCOMPARE(stream.reply(), std::string("So 7. Wait. Wait. Wait. Wait. But no."));
    }
    void deerKnowsNothingFromOneToken() {
        RuleStream stream(control::kDeer, "deer:threshold=0", tokenizer());
        stream.answer = [](int) { return ProbeResult{{tokenizer().encode("7").front()}, {1.0}, 0}; };
        QVERIFY(!stream.say("So 7. Wait. Wait."));
        QCOMPARE(stream.probes, 2);
    }
    void deerProbesEndWhereTheyAreSaid() {
        std::size_t length = 0;
        const auto probeOf = [&](const char* choice, const char* answer) {
            RuleStream stream(control::kDeer, choice, tokenizer());
            stream.answer = [&](int) { return said(answer); };
            const Prober inner = stream.prober;
            stream.prober = [&](std::span<const TokenId> appended, int max_new, const auto& enough) {
                auto result = inner(appended, max_new, enough);
                length = result->tokens.size();
                return result;
            };
            return stream.say("7. Wait");
        };
        QVERIFY(probeOf("deer", "{7} and more"));
        QCOMPARE(length, said("{7}").tokens.size());
        QVERIFY(probeOf("deer:closed=on", "{7}\n</think> and more"));
        QCOMPARE(length, said("{7}\n</think>").tokens.size());
        QVERIFY(probeOf("deer", "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9"));
        QCOMPARE(length, std::size_t{20});
    }
    void deerRefusesAWordThatNoTokenHolds() {
        const auto rule =
            control::kDeer.make({parseMethodChoice("deer:word=\"Wait, let me check\"").value(), &tokenizer()});
        QVERIFY(!rule);
        QCOMPARE(rule.error().code, ErrorCode::InvalidArgument);
        QVERIFY(rule.error().what.find("Wait, let me check") != std::string::npos);
        RuleStream stream(control::kDeer, "deer", tokenizer());
        QVERIFY(!stream.rule->setParam("word", "Wait, let me check"));
        QVERIFY(!stream.rule->setParam("threshold", 1.5));
        QVERIFY(stream.rule->setParam("threshold", -1));
        stream.answer = [](int) { return said("7"); };
        QVERIFY(stream.say("Wait"));
    }
    void deerFailedProbesDecideNothing() {
        RuleStream stream(control::kDeer, "deer:threshold=-1", tokenizer());
        stream.answer = [](int) { return said("7"); };
        stream.prober = [](std::span<const TokenId>, int, const std::function<bool(TokenId)>&) {
            return std::optional<ProbeResult>{};
        };
        QVERIFY(!stream.say("Wait. Wait."));
    }

    void eatTakesTheVarianceFromTheUpdatedMean() {
        EntropyTrend trend;
        const auto is = [&](double m, double v) { return near(trend.mean, m) && near(trend.variance, v); };
        trend.add(1, 0.1);
        QVERIFY(is(1, 0));
        trend.add(0, 0.1);
        QVERIFY(is(0.9, 0.081));
        trend.add(0, 0.1);
        QVERIFY(is(0.81, 0.13851));
    }
    void eatStopsAtTheWarmUpWhenNothingChanges() {
        RuleStream stream(control::kEat, "eat:warm_up=5", tokenizer());
        stream.answer = entropies({3.0});
        std::string text;
        for (int i = 0; i < 9; ++i) text += "a\n\n";
        QVERIFY(stream.say(text));
        QCOMPARE(stream.probes, 5);  // the first variance is 0, and would do without a warm-up
        QCOMPARE(stream.probed, std::string("\n</think>\n"));
        QCOMPARE(stream.reply(), std::string("a\n\na\n\na\n\na\n\na\n\n\n</think>\n"));
        QVERIFY2(stream.acts[0].second.why.find("at 3 bit") != std::string::npos, stream.acts[0].second.why.c_str());
    }
    void eatWaitsUntilTheVarianceIsSmall() {
        // In bits, v is 0.13851 at the third probe; in nats it would be 0.0665.
        for (const auto& [limit, acts] : {std::pair{"0.1", false}, std::pair{"0.13", false}, std::pair{"0.14", true}}) {
            RuleStream stream(control::kEat, std::string("eat:warm_up=3,limit=") + limit, tokenizer());
            stream.answer = entropies({1, 0, 0});
            QCOMPARE(stream.say("a\n\nb\n\nc\n\nd"), acts);
            QCOMPARE(stream.probes, 3);
        }
        RuleStream uniform(control::kEat, "eat:warm_up=1", tokenizer());
        const auto v = static_cast<double>(tokenizer().vocabSize());
        uniform.answer = [&](int) { return ProbeResult{{}, {}, std::log(v)}; };
        QVERIFY(uniform.say("a\n\nb"));
        const std::string mean = "at " + paramText(std::round(std::log2(v) * 1e3) / 1e3) + " bit";
        QVERIFY2(uniform.acts[0].second.why.find(mean) != std::string::npos, uniform.acts[0].second.why.c_str());
    }
    void eatIsOffAtLimitZero() {
        RuleStream stream(control::kEat, "eat:warm_up=1,limit=0", tokenizer());
        stream.answer = entropies({3.0});
        QVERIFY(!stream.say("a\n\na\n\na\n\na"));
        QCOMPARE(stream.probes, 0);
    }
    void eatProbesOncePerBlankLine() {
        const auto probes = [](const char* text) {
            RuleStream stream(control::kEat, "eat:warm_up=1000", tokenizer());
            stream.answer = entropies({1.0});
            (void)stream.say(text);
            return stream.probes;
        };
        QCOMPARE(probes("a\nb\nc"), 0);
        QCOMPARE(probes("a\n\nb"), 1);
        QCOMPARE(probes("a\n\n\n\n\nb c d"), 1);
        QCOMPARE(probes("\n\na\n\nb"), 2);
        QCOMPARE(probes("a\n\n"), 0);               // nothing was said behind it yet
        QCOMPARE(probes("a\n\n</think>\n\nb"), 0);  // the thought ends by itself; an answer is left alone
    }

    void threeEqualAnswersStop() {
        RuleStream stream(control::kKStable, "k_stable:k=3", tokenizer());
        const std::vector<std::string> answers{" 5", " 5", " 7", " 7.0", " 7"};
        stream.answer = [&](int n) { return said(answers[static_cast<std::size_t>(n) - 1] + "\nso"); };
        QVERIFY(stream.say("One. Two. Three. Four. Five. Six."));
        QCOMPARE(stream.probes, 5);
        QCOMPARE(stream.probed, std::string("\n</think>\n\nFinal answer:"));
        QCOMPARE(stream.reply(), std::string("One. Two. Three. Four. Five.\n</think>\n\n"));
        QVERIFY2(stream.acts[0].second.why.ends_with("3 times in a row the answer was 7"),
                 stream.acts[0].second.why.c_str());
    }
    void aMissingAnswerBreaksTheRow() {
        RuleStream stream(control::kKStable, "k_stable:k=2", tokenizer());
        const std::vector<std::string> answers{" 7", " \n", " 7", " 7"};
        stream.answer = [&](int n) { return said(answers[static_cast<std::size_t>(n) - 1]); };
        QVERIFY(stream.say("One. Two. Three. Four. Five. Six."));
        QCOMPARE(stream.probes, 4);
    }
    void answersAreAskedForOnceASentence() {
        RuleStream stream(control::kKStable, "k_stable:k=100", tokenizer());
        stream.answer = [](int) { return said(" 7\n"); };
        QVERIFY(!stream.say("One.\n\n \n Two is 3.14 or so. Three"));
        QCOMPARE(stream.probes, 2);
        RuleStream off(control::kKStable, "k_stable:k=0", tokenizer());
        off.answer = stream.answer;
        QVERIFY(!off.say("One. Two. Three."));
        QCOMPARE(off.probes, 0);
    }

    void aCloneLeavesItsOriginalAlone() {
        for (const ControlMethod* method : {&control::kEat, &control::kKStable, &control::kDeer}) {
            const std::string choice = method == &control::kEat       ? "eat:warm_up=3"
                                       : method == &control::kKStable ? "k_stable:k=3"
                                                                      : "deer:threshold=1,probes=3";
            const auto run = [&](bool cloned) {
                RuleStream stream(*method, choice, tokenizer());
                stream.answer = [](int) { return said(" 7\n"); };
                (void)stream.say("A.\n\nWait. B.\n\nWait");
                if (cloned) {
                    const auto copy = stream.rule->clone();
                    auto* rule = dynamic_cast<ControlRule*>(copy.get());
                    for (const TokenId id : tokenizer().encode(" no.\n\nWait.\n\nWait.\n\nWait.\n\n")) {
                        (void)rule->decide(stream.stepOf(id));
                        rule->push(id);
                    }
                    stream.probes = 0;
                }
                const int before = cloned ? 0 : stream.probes;
                (void)stream.say(". C.\n\nWait. D.\n\nWait. E.\n\nWait.");
                return std::pair{stream.reply(), stream.probes - before};
            };
            QCOMPARE(run(true), run(false));
        }
    }
    void theEndStandsWhereTheTextSaysSo() {
        const std::vector<TokenId> closing = closingOfThought(tokenizer()).value();
        const auto text = [&](const char* words) {
            return tokenizer().decode(encodeWithEnd(tokenizer(), words, closing));
        };
        QCOMPARE(text("a{end}b"), std::string("a</think>b"));
        QCOMPARE(text("{end}"), std::string("</think>"));
        QCOMPARE(text("a"), std::string("a</think>"));
        QCOMPARE(text("{end}a{end}"), std::string("</think>a</think>"));
        // The mark is the token, whatever stands beside it.
        const std::vector<TokenId> ids = encodeWithEnd(tokenizer(), "a\n{end}\n", closing);
        QCOMPARE(std::count(ids.begin(), ids.end(), closing.front()), 1);
    }
};

QTEST_APPLESS_MAIN(TestEarlyStop)
#include "tst_early_stop.moc"
