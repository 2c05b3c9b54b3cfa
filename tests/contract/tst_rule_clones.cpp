// A rule of the slots logits and control that is cloned goes on as its origin would, and neither moves the other:
// drafted paths and branches rest on that.
#include <QTest>

#include <algorithm>
#include <random>

#include "engine/control/control_method.h"
#include "engine/model/model.h"
#include "tests/contract/every_method.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const Tokenizer& tokenizer() {
    static const auto model = Model::load(shippedModel(), {}).value();
    return *model->tokenizer();
}

// A text as a run would tell a rule of it: thoughts and answers, with stretches that repeat, so that every rule finds
// something to do.
class Story {
public:
    explicit Story(std::uint32_t seed) : random_(seed) {
        std::vector<TokenId> words =
            tokenizer().encode("Wait. But 3 + 4 = 7, so the answer is 7.\n\nAlternatively", {});
        for (int i = 0; i < 120; ++i) {
            const bool repeats = i % 60 > 12;
            ids_.push_back(repeats ? ids_[static_cast<std::size_t>(i) - 10]
                                   : words[i == 3 ? 0 : random_() % words.size()]);
        }
    }
    [[nodiscard]] int size() const { return static_cast<int>(ids_.size()); }
    [[nodiscard]] TokenId at(int i) const { return ids_[static_cast<std::size_t>(i)]; }
    [[nodiscard]] static bool thinking(int i) { return i < 80; }

    [[nodiscard]] LogitsStep logitsStep(int i) const {
        LogitsStep step;
        step.pos = static_cast<Position>(i);
        step.generated = i;
        step.thinking = thinking(i);
        step.thought = !thinking(i);
        step.thought_tokens = std::min(i, 80);
        step.second = second();
        return step;
    }
    [[nodiscard]] ControlStep controlStep(int i) const {
        ControlStep step;
        step.candidate = at(i);
        step.text = std::span(ids_).first(static_cast<std::size_t>(i));
        step.generated = i;
        step.thought_tokens = std::min(i, 80);
        step.thinking = thinking(i);
        step.closes_thought = i == 79;
        step.ends_turn = i == 119;
        step.probe = &prober();
        return step;
    }

private:
    // What the same reply has behind another prompt.
    [[nodiscard]] static std::span<const float> second() {
        static const std::vector<float> kLogits = [] {
            std::vector<float> logits(static_cast<std::size_t>(tokenizer().vocabSize()));
            for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 7);
            return logits;
        }();
        return kLogits;
    }
    // Whoever asks on trial is told the same answer with certainty.
    [[nodiscard]] static const Prober& prober() {
        static const Prober kProber = [](std::span<const TokenId>, int max_new,
                                         const std::function<bool(TokenId)>& enough) {
            ProbeResult told;
            told.entropy = 0.5;
            for (const TokenId id : tokenizer().encode("{7}\n")) {
                if (std::ssize(told.tokens) == max_new) break;
                told.tokens.push_back(id);
                told.probabilities.push_back(1);
                if (enough && enough(id)) break;
            }
            return std::optional(std::move(told));
        };
        return kProber;
    }

    std::mt19937 random_;
    std::vector<TokenId> ids_;
};

struct Answer {
    bool active = false;
    std::vector<float> logits;
    ControlAction action;

    bool operator==(const Answer& other) const {
        return active == other.active && logits == other.logits && action.kind == other.action.kind &&
               action.tokens == other.action.tokens && action.why == other.action.why &&
               action.found == other.action.found;
    }
};

// One step: what the rule makes of the logits and of the token, which is then appended.
Answer step(LogitsRule& rule, const Story& story, int i) {
    Answer answer;
    answer.active = rule.active(story.logitsStep(i));
    answer.logits.assign(static_cast<std::size_t>(tokenizer().vocabSize()), 0.0F);
    if (answer.active) rule.apply(answer.logits, story.logitsStep(i));
    if (auto* control = dynamic_cast<ControlRule*>(&rule)) answer.action = control->decide(story.controlStep(i));
    rule.push(story.at(i));
    return answer;
}

std::vector<Answer> stepsFrom(LogitsRule& rule, const Story& story, int begin) {
    std::vector<Answer> answers;
    for (int i = begin; i < story.size(); ++i) answers.push_back(step(rule, story, i));
    return answers;
}

// With what is small in this text, so that a rule that waits for hundreds of tokens has acted.
MethodChoice quickChoice(const MethodHead& method) {
    MethodChoice choice = plainChoice(method);
    for (const ParamSpec& spec : method.params) {
        if (spec.unit == "probes") {
            choice.params.emplace_back(std::string(spec.key), spec.low);
        } else if (spec.isNumber() && spec.fallback > 30 && spec.low <= 30) {
            choice.params.emplace_back(std::string(spec.key), 30);
        }
    }
    return choice;
}

std::unique_ptr<LogitsRule> make(const MethodHead* method) {
    const LogitsSetup setup{quickChoice(*method), &tokenizer()};
    for (const LogitsMethod* rule : logitsMethods()) {
        if (rule == method) return rule->make(setup).value();
    }
    for (const ControlMethod* rule : controlMethods()) {
        if (rule == method) return rule->make(setup).value();
    }
    return nullptr;
}

void addRules() {
    addMethodColumns();
    for (const MethodSlot& slot : methodSlots()) {
        if (slot.key != "logits" && slot.key != "control") continue;
        for (const MethodHead* method : slot.methods)
            QTest::addRow("%s", rowName(slot, *method).c_str()) << &slot << method;
    }
}

}  // namespace

class TestRuleClones : public QObject {
    Q_OBJECT
private slots:
    void aCloneGoesOnAsItsOrigin_data() { addRules(); }
    void aCloneGoesOnAsItsOrigin() {
        QFETCH(const MethodHead*, method);
        const Story story(1), other(2);
        for (const int begin : {0, 1, 17, 39, 60, 85}) {
            const auto origin = make(method);
            QVERIFY(origin != nullptr);
            for (int i = 0; i < begin; ++i) step(*origin, story, i);
            const auto clone = origin->clone(), wanderer = origin->clone();
            stepsFrom(*wanderer, other, begin);  // follows another text, which concerns nobody else
            const auto expected = stepsFrom(*origin, story, begin);
            QVERIFY(stepsFrom(*clone, story, begin) == expected);
        }
    }

    // In this text every rule does something; without that the test above says nothing.
    void everyRuleActs_data() { addRules(); }
    void everyRuleActs() {
        QFETCH(const MethodHead*, method);
        const auto rule = make(method);
        bool acted = false;
        for (const Answer& answer : stepsFrom(*rule, Story(1), 0))
            acted = acted || answer.active || answer.action.kind != ControlAction::Kind::Accept;
        QVERIFY(acted);
    }

    // Numbers can be changed while a run goes on: each for itself.
    void aChangeStaysWithItsRule_data() { addRules(); }
    void aChangeStaysWithItsRule() {
        QFETCH(const MethodHead*, method);
        const Story story(1);
        const auto untouched = make(method), origin = make(method);
        const auto clone = origin->clone();
        for (const ParamSpec& spec : method->params) {
            if (spec.needed) continue;  // read before the run starts
            for (const ParamValue& value : goodValues(spec)) {
                const auto changed = clone->setParam(spec.key, value);
                QVERIFY2(changed, changed ? "" : changed.error().line().c_str());
            }
            for (const ParamValue& value : badValues(spec))
                QVERIFY2(!clone->setParam(spec.key, value), spec.key.data());
        }
        QVERIFY(!clone->setParam("no_such_parameter", 1));
        QVERIFY(stepsFrom(*origin, story, 0) == stepsFrom(*untouched, story, 0));
    }
};

QTEST_APPLESS_MAIN(TestRuleClones)
#include "tst_rule_clones.moc"
