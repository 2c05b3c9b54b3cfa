// The exact tests of context-aware decoding: off, equal contexts, the formula, and what other rules made of the logits.
#include <QTest>

#include <cstring>
#include <random>

#include "engine/logits/logits_chain.h"

using namespace quibble;

namespace {

std::unique_ptr<LogitsRule> rule(const std::string& choice) {
    return logits::kContrast.make({parseMethodChoice(choice).value(), nullptr}).value();
}

std::vector<float> randomLogits(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<float> logits(721);
    for (float& z : logits) z = static_cast<float>(static_cast<double>(random()) / 4294967296.0 * 40 - 20);
    return logits;
}

bool sameBits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

class TestContrast : public QObject {
    Q_OBJECT
private slots:
    void offIsNeverActive() {
        const std::vector<float> second = randomLogits(2);
        LogitsStep step;
        QVERIFY(!rule("contrast:alpha=1,prompt=Why")->active(step));  // a draft has no second context
        step.second = second;
        QVERIFY(rule("contrast:alpha=1,prompt=Why")->active(step));
        QVERIFY(!rule("contrast:alpha=0,prompt=Why")->active(step));
    }
    void equalContextsChangeNoBit() {
        const std::vector<float> before = randomLogits(1);
        for (const char* alpha : {"0.15", "0.5", "1", "3.3", "10"}) {
            std::vector<float> after = before;
            LogitsStep step;
            step.second = before;
            rule(std::string("contrast:prompt=Why,alpha=") + alpha)->apply(after, step);
            QVERIFY(sameBits(after, before));
        }
    }
    void theFormulaHolds() {
        const std::vector<float> with = randomLogits(1), second = randomLogits(2);
        std::vector<float> after = with;
        LogitsStep step;
        step.second = second;
        rule("contrast:alpha=0.5,prompt=Why")->apply(after, step);
        for (std::size_t i = 0; i < with.size(); ++i) {
            const double z = 1.5 * static_cast<double>(with[i]) - 0.5 * static_cast<double>(second[i]);
            QVERIFY(std::abs(static_cast<double>(after[i]) - z) < 1e-5);
        }
    }
    void bannedTokensStayBanned() {
        std::vector<float> logits{1, kBannedLogit, 2};
        const std::vector<float> second{1, -2e9F, 2};
        LogitsStep step;
        step.second = second;
        rule("contrast:alpha=10,prompt=Why")->apply(logits, step);
        QCOMPARE(logits[1], kBannedLogit);
    }
    void logitsOfAnotherSizeAreNotRead() {
        std::vector<float> logits = randomLogits(1);
        const std::vector<float> before = logits, second(3);
        LogitsStep step;
        step.second = second;
        rule("contrast:alpha=1,prompt=Why")->apply(logits, step);
        QVERIFY(sameBits(logits, before));
    }
    void aSecondPromptIsNeeded() {
        for (const char* choice : {"contrast", "contrast:prompt=\" \\n\""}) {
            const auto made = logits::kContrast.make({parseMethodChoice(choice).value(), nullptr});
            QVERIFY(!made);
            QVERIFY2(made.error().what.find("second prompt") != std::string::npos, made.error().what.c_str());
        }
        QVERIFY(logits::kContrast.second_prompt != nullptr);
        QCOMPARE(parseMethodChoice("contrast:prompt=Why").value().textOf(*logits::kContrast.second_prompt),
                 std::string("Why"));
    }
    void alphaChangesLiveAndThePromptDoesNot() {
        auto changing = rule("contrast:alpha=0,prompt=Why");
        const std::vector<float> second = randomLogits(2);
        LogitsStep step;
        step.second = second;
        QVERIFY(changing->setParam("alpha", 2));
        QVERIFY(changing->active(step));
        QVERIFY(!changing->setParam("alpha", -1));
        QVERIFY(!changing->setParam("beta", 1));
        QVERIFY(!changing->setParam("prompt", "How"));
        const auto copy = changing->clone();
        QVERIFY(copy->setParam("alpha", 0));
        QVERIFY(changing->active(step) && !copy->active(step));
    }
};

QTEST_APPLESS_MAIN(TestContrast)
#include "tst_contrast.moc"
