// Budgets, forced answers, refused ends and ended loops by themselves, token by token: the exact tests of their papers.
#include <QTest>

#include <cmath>

#include "engine/control/text_ends.h"
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

TokenId closingMark() { return closingOfThought(tokenizer()).value().front(); }

// What a rule adds to the logit of the end mark where a text stands.
float raised(const RuleStream& stream, bool thinking = true) {
    std::vector<float> logits(tokenizer().vocabSize());
    const LogitsStep step{.thinking = thinking, .thought_tokens = stream.thought_tokens};
    if (stream.rule->active(step)) stream.rule->apply(logits, step);
    const auto mark = static_cast<std::size_t>(closingMark());
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (i != mark && logits[i] != 0) qFatal("another logit than that of the end mark moved");
    }
    return logits[mark];
}

void sayTokens(RuleStream& stream, int count) {
    const TokenId word = tokenizer().encode("q").front();
    for (int i = 0; i < count; ++i) (void)stream.say(word);
}

}  // namespace

class TestBudget : public QObject {
    Q_OBJECT
private slots:
    void theCapIsExact() {
        for (const int budget : {0, 1, 2, 7, 40}) {
            RuleStream stream(control::kBudget, "budget:mode=hard,tokens=" + std::to_string(budget), tokenizer());
            sayTokens(stream, budget);
            QVERIFY(stream.acts.empty());
            sayTokens(stream, 1);
            QCOMPARE(stream.acts.size(), std::size_t{1});
            QCOMPARE(stream.thought_tokens, budget);
            QCOMPARE(stream.acts[0].second.tokens, closingOfThought(tokenizer()).value());
            QVERIFY(!stream.tracker.inside());
            sayTokens(stream, 5);  // the answer has no budget
            QCOMPARE(stream.acts.size(), std::size_t{1});
        }
    }
    // A thought that ends by itself with its last token is left alone.
    void aBudgetOfTheNaturalLengthChangesNothing() {
        const std::string thought = "So 12 + 7 = 19.</think>\nThe answer is 19.";
        const auto natural = std::ssize(tokenizer().encode("So 12 + 7 = 19.", {.continuation = true}));
        for (const auto& [budget, acts] : {std::pair{natural, false}, std::pair{natural - 1, true}}) {
            RuleStream stream(control::kBudget, "budget:tokens=" + std::to_string(budget), tokenizer());
            QCOMPARE(stream.say(thought), acts);
            if (!acts) QCOMPARE(stream.reply(), thought);
        }
    }
    void theMessageStandsBeforeTheMark() {
        RuleStream stream(control::kBudget, "budget:tokens=3", tokenizer());
        sayTokens(stream, 4);
        QCOMPARE(stream.reply(), std::string("qqq\n\nConsidering the limited time by the user, I have to give the "
                                             "solution based on the thinking directly now.\n</think>"));
        QCOMPARE(std::count(stream.text.begin(), stream.text.end(), closingMark()), 1);
    }
    void aCharacterIsNeverCut() {
        test::SmallVocabulary small;
        small.add("<think>", 3);
        small.add("</think>", 3);
        const auto vocabulary = small.load();
        QVERIFY2(vocabulary, vocabulary ? "" : vocabulary.error().line().c_str());
        const Tokenizer& bytes = **vocabulary;  // a euro sign is three tokens
        for (const int budget : {1, 2, 3, 4}) {
            RuleStream stream(control::kBudget, "budget:mode=hard,tokens=" + std::to_string(budget), bytes);
            QVERIFY(stream.say("a\u20AC\u20AC!"));
            const std::string said = budget == 1 ? "a" : "a\u20AC";
            QCOMPARE(stream.reply(), said + "</think>");
        }
        for (const int at : {2, 3}) {
            RuleStream stream(control::kForceAnswer, "force_answer:text=A,at=" + std::to_string(at), bytes);
            QVERIFY(stream.say("a\u20AC\u20AC!"));
            QCOMPARE(stream.reply(), std::string("a\u20AC\n</think>A"));
        }
    }
    void aSentenceMayComeToItsEnd() {
        const auto reply = [](const std::string& grace) {
            RuleStream stream(control::kBudget, "budget:tokens=2,mode=sentence,message=\"\",grace=" + grace,
                              tokenizer());
            (void)stream.say("It is 3.14 so. Then more.");
            return stream.reply();
        };
        QCOMPARE(reply("60"), std::string("It is 3.14 so.</think>"));
        const std::string cut = reply("1");
        QCOMPARE(std::ssize(tokenizer().encode(cut.substr(0, cut.find("</think>")), {.continuation = true})), 3);
    }
    // b(x) = B max(0, (x - x0) / (1 - x0))^p on the first token of the end.
    void theRampIsTheFormula() {
        for (const double power : {1.0, 2.0}) {
            RuleStream stream(control::kBudget, "budget:tokens=20,ramp=8,ramp_begin=0.5,ramp_power=" + paramText(power),
                              tokenizer());
            for (int used = 0; used <= 20; ++used) {
                const double x = used / 20.0;
                const double wanted = 8 * std::pow(std::max(0.0, (x - 0.5) / 0.5), power);
                QVERIFY2(std::abs(static_cast<double>(raised(stream)) - wanted) < 1e-5,
                         qPrintable(QString::number(used)));
                QCOMPARE(raised(stream, false), 0.0F);
                if (used < 20) sayTokens(stream, 1);
            }
            // The cap holds although the mark was not chosen.
            sayTokens(stream, 1);
            QCOMPARE(stream.acts.size(), std::size_t{1});
            QCOMPARE(stream.thought_tokens, 20);
        }
        RuleStream off(control::kBudget, "budget:tokens=20", tokenizer());
        sayTokens(off, 20);
        QVERIFY(!off.rule->active({.thinking = true, .thought_tokens = 20}));
    }
    // Where it is asked for, the mark rises at ends of sentences and lines alone.
    void theRampWaitsForEndsOfSentences() {
        RuleStream stream(control::kBudget, "budget:tokens=100,ramp=8,ramp_begin=0,ramp_at_ends=on", tokenizer());
        (void)stream.say("It is 3.14 so");
        QCOMPARE(raised(stream), 0.0F);
        (void)stream.say(".");
        QVERIFY(raised(stream) > 0);
        const auto clone = stream.rule->clone();
        (void)stream.say(" Then");
        QCOMPARE(raised(stream), 0.0F);
        QVERIFY(clone->active({.thinking = true, .thought_tokens = 50}));  // another continuation stands at the end
        (void)stream.say(" a line\n");
        QVERIFY(raised(stream) > 0);
        (void)stream.say("12");
        const std::vector<TokenId> reply = tokenizer().encode("It is so.");
        stream.rule->rewritten(reply);
        QVERIFY(raised(stream) > 0);
    }
    void aBudgetChangesLive() {
        RuleStream stream(control::kBudget, "budget:tokens=1000,mode=hard", tokenizer());
        sayTokens(stream, 10);
        QVERIFY(!stream.rule->setParam("tokens", -1) && !stream.rule->setParam("mode", "soft"));
        QVERIFY(stream.rule->setParam("tokens", 12));
        sayTokens(stream, 2);
        QVERIFY(stream.acts.empty());
        sayTokens(stream, 1);
        QCOMPARE(stream.acts.size(), std::size_t{1});
    }

    void theEndIsRefusedSoManyTimes() {
        for (const int times : {0, 1, 2}) {
            RuleStream stream(control::kWaitInjection, "wait_injection:text=\" Wait\",times=" + std::to_string(times),
                              tokenizer());
            for (int i = 0; i < 4 && stream.tracker.inside(); ++i) (void)stream.say(" so</think>");
            QCOMPARE(static_cast<int>(stream.acts.size()), times);
            QCOMPARE(std::count(stream.text.begin(), stream.text.end(), closingMark()), 1);
            std::string wanted;
            for (int i = 0; i < times; ++i) wanted += " so Wait";
            QCOMPARE(stream.reply(), wanted + " so</think>");
        }
    }
    // One token at least stands behind the word (min_tokens of the published code).
    void theThoughtDoesNotEndRightBehindTheWord() {
        RuleStream stream(control::kWaitInjection, "wait_injection:times=2,text=\" Wait, is it\"", tokenizer());
        const LogitsStep thinking{.thinking = true};
        QVERIFY(!stream.rule->active(thinking));
        QVERIFY(stream.say("so</think>"));
        QVERIFY(stream.acts.back().second.tokens.size() > 1);
        QVERIFY(stream.rule->active(thinking));
        const auto copy = stream.rule->clone();
        std::vector<float> logits(tokenizer().vocabSize());
        copy->apply(logits, thinking);
        for (std::size_t i = 0; i < logits.size(); ++i) {
            const auto id = static_cast<TokenId>(i);
            const bool ends = id == closingMark() || tokenizer().isEndOfGeneration(id);
            QCOMPARE(logits[i], ends ? kBannedLogit : 0.0F);
        }
        // While the word is put into the text, and behind the next token, nothing is banned.
        copy->push(tokenizer().encode("q").front());
        QVERIFY(!copy->active(thinking) && stream.rule->active(thinking));
        auto* again = dynamic_cast<ControlRule*>(copy.get());
        const ControlAction second = again->decide(stream.stepOf(closingMark()));
        QCOMPARE(second.kind, ControlAction::Kind::Instead);
        for (std::size_t i = 0; i + 1 < second.tokens.size(); ++i) {
            copy->push(second.tokens[i]);
            QVERIFY(!copy->active(thinking));
        }
        copy->push(second.tokens.back());
        QVERIFY(copy->active(thinking));
    }

    void theAnswerIsForcedOnce() {
        RuleStream stream(control::kForceAnswer, "force_answer:at=3", tokenizer());
        sayTokens(stream, 4);
        QCOMPARE(stream.reply(), std::string("qqq\n</think>\nFinal Answer:"));
        sayTokens(stream, 4);
        QCOMPARE(stream.acts.size(), std::size_t{1});
        // Behind a line end there is no second one.
        RuleStream line(control::kForceAnswer, "force_answer:at=2", tokenizer());
        (void)line.say("q\nq");
        QCOMPARE(line.reply(), std::string("q\n</think>\nFinal Answer:"));
        // An answer that has begun is left alone.
        RuleStream late(control::kForceAnswer, "force_answer:at=4", tokenizer());
        QVERIFY(!late.say("q</think>q q q q q"));
        // Now: a place that was passed.
        RuleStream now(control::kForceAnswer, "force_answer:at=1000", tokenizer());
        sayTokens(now, 5);
        QVERIFY(now.rule->setParam("at", 0));
        sayTokens(now, 1);
        QCOMPARE(now.reply(), std::string("qqqqq\n</think>\nFinal Answer:"));
    }

    void aLoopEndsAndItsLimitsChangeLive() {
        RuleStream stream(control::kLoopEnd, "loop_end:times=4,length=2", tokenizer());
        const std::vector<TokenId> pair{tokenizer().encode("q").front(), tokenizer().encode("7").front()};
        for (int i = 0; i < 3; ++i) {
            for (const TokenId id : pair) QCOMPARE(stream.say(id).kind, ControlAction::Kind::Accept);
        }
        QCOMPARE(stream.say(pair[0]).kind, ControlAction::Kind::Accept);
        QVERIFY(!stream.rule->setParam("times", 1) && !stream.rule->setParam("depth", 2));
        const auto other = stream.rule->clone();
        QVERIFY(other->setParam("times", 3));
        QCOMPARE(dynamic_cast<ControlRule*>(other.get())->decide(stream.stepOf(pair[1])).kind,
                 ControlAction::Kind::End);
        QVERIFY(stream.rule->setParam("times", 5));
        QCOMPARE(stream.say(pair[1]).kind, ControlAction::Kind::Accept);
        QVERIFY(stream.rule->setParam("times", 4));
        QCOMPARE(stream.say(pair[0]).kind, ControlAction::Kind::End);
    }

    void modelsWithoutAnEndOfThoughtAreRefused() {
        const auto vocabulary = test::SmallVocabulary().load();
        QVERIFY(vocabulary);
        for (const ControlMethod* method :
             {&control::kBudget, &control::kForceAnswer, &control::kWaitInjection, &control::kDeer}) {
            const auto rule = method->make({{std::string(method->id), {{"word", "a"}}}, vocabulary->get()});
            QVERIFY2(!rule, std::string(method->id).c_str());
            QCOMPARE(rule.error().code, ErrorCode::Unsupported);
            QVERIFY(!rule.error().hint.empty());
        }
    }
    void everyParameterSaysItsRange() {
        for (const ControlMethod* method :
             {&control::kBudget, &control::kForceAnswer, &control::kLoopEnd, &control::kWaitInjection,
              &control::kConciseHint, &control::kDeer, &control::kEat, &control::kKStable}) {
            QVERIFY(!method->label.empty() && !method->source.empty() && !method->help.empty());
            QVERIFY(checkParams({std::string(method->id), {}}, method->params));
            QVERIFY(!checkParams({std::string(method->id), {{"nonsense", 1}}}, method->params));
            const auto rule = method->make({{std::string(method->id), {}}, &tokenizer()});
            QVERIFY2(rule, rule ? "" : rule.error().line().c_str());
            for (const ParamSpec& spec : method->params) {
                QVERIFY(!spec.label.empty() && !spec.help.empty());
                if (spec.isNumber()) QVERIFY(spec.fallback >= spec.low && spec.fallback <= spec.high);
                QVERIFY(!checkParams({std::string(method->id), {{std::string(spec.key), 1e300}}}, method->params));
                QVERIFY2(!(*rule)->setParam(spec.key, 1e300), std::string(spec.key).c_str());
            }
        }
        const auto nobody = findControlMethod({"telepathy", {}});
        QVERIFY(!nobody && nobody.error().hint.starts_with("Known are: budget"));
    }
};

QTEST_APPLESS_MAIN(TestBudget)
#include "tst_budget.moc"
