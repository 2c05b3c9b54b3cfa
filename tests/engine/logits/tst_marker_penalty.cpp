// The exact tests 1-3 of the overthinking-marker penalty (arXiv 2606.00206) on the shipped model's tokenizer and on
// logits.
#include <QTest>

#include <cmath>
#include <cstring>
#include <random>

#include "engine/logits/marker_penalty.h"
#include "engine/run/distribution.h"
#include "kernels/ops.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

class TestMarkerPenalty : public QObject {
    Q_OBJECT
    std::shared_ptr<const ModelFile> file_;
    std::shared_ptr<const Tokenizer> tokenizer_;

    std::vector<float> randomLogits() const {
        std::mt19937 random(5);
        std::vector<float> logits(tokenizer_->vocabSize());
        for (float& z : logits) z = static_cast<float>(static_cast<double>(random()) / 4294967296.0 * 12 - 6);
        return logits;
    }

private slots:
    void initTestCase() {
        auto file = ModelFile::open(shippedModel());
        QVERIFY2(file, file ? "" : file.error().line().c_str());
        file_ = *file;
        auto tokenizer = Tokenizer::fromFile(*file_);
        QVERIFY2(tokenizer, tokenizer ? "" : tokenizer.error().line().c_str());
        tokenizer_ = *tokenizer;
    }
    void everyMarkerMovesByLambdaAndNothingElse() {
        auto penalty = MarkerPenalty::create({.strength = 2}, *tokenizer_);
        QVERIFY(penalty);
        QVERIFY(penalty->markers().ids.size() >= 40);
        const std::vector<float> before = randomLogits();
        std::vector<float> after = before;
        penalty->apply(after);
        for (std::size_t i = 0; i < before.size(); ++i) {
            if (penalty->isMarker(static_cast<TokenId>(i)))
                QCOMPARE(after[i], before[i] - 2.0F);
            else
                QVERIFY(std::memcmp(&after[i], &before[i], sizeof(float)) == 0);
        }
    }
    void massFollowsTheClosedForm() {
        auto penalty = MarkerPenalty::create({}, *tokenizer_);
        const std::vector<float> before = randomLogits();
        kernels::LogitStats stats;
        for (const double temperature : {1.0, 0.6}) {
            for (const double lambda : {-2.0, 0.5, 2.0, 8.0}) {
                QVERIFY(penalty->setStrength(lambda));
                std::vector<float> after = before;
                penalty->apply(after);
                const auto massAt = [&](std::vector<float> logits) {
                    for (float& z : logits) z = static_cast<float>(static_cast<double>(z) / temperature);
                    kernels::ops().logitStats(logits.data(), static_cast<std::int64_t>(logits.size()), &stats);
                    return massOf(logits, stats.log_sum_exp, penalty->markers().ids);
                };
                const double m = massAt(before), factor = std::exp(-lambda / temperature);
                QVERIFY(std::abs(massAt(after) - m * factor / (1 - m + m * factor)) < 1e-5);
            }
        }
    }
    void zeroStrengthIsInactive() {
        auto penalty = MarkerPenalty::create({.strength = 0}, *tokenizer_);
        QVERIFY(!penalty->active(true));
        QVERIFY(penalty->setStrength(1));
        QVERIFY(penalty->active(true) && penalty->active(false));
        penalty->setOnlyThinking(true);
        QVERIFY(penalty->active(true) && !penalty->active(false));
    }
    void wordsSwitchOffAndOn() {
        auto penalty = MarkerPenalty::create({.strength = 1, .disabled_words = {" wait"}}, *tokenizer_);
        const TokenId wait = *tokenizer_->idOf(" wait");
        const std::vector<float> zeros(tokenizer_->vocabSize());
        std::vector<float> logits = zeros;
        penalty->apply(logits);
        QCOMPARE(logits[static_cast<std::size_t>(wait)], 0.0F);
        QVERIFY(penalty->isMarker(wait));  // still counted
        QVERIFY(penalty->setWordEnabled(" wait", true));
        penalty->apply(logits);
        QCOMPARE(logits[static_cast<std::size_t>(wait)], -1.0F);
        const auto unknown = penalty->setWordEnabled(" banana", false);
        QVERIFY(!unknown);
        QVERIFY(unknown.error().what.find("banana") != std::string::npos);
    }
    void entriesWithoutEffectAreNamed() {
        const auto noteOf = [&](double strength, std::vector<std::string> words) {
            return MarkerPenalty::create({.strength = strength, .set_name = "mine", .words = std::move(words)},
                                         *tokenizer_)
                ->note();
        };
        QCOMPARE(noteOf(2, {" wait"}), std::string());
        QCOMPARE(noteOf(0, {"zzqqzz"}), std::string());
        QCOMPARE(noteOf(2, {"zzqqzz", "qqzzqq"}),
                 std::string("the penalty changes nothing: no entry of mine is one token of this vocabulary"));
        const std::string some = noteOf(-1, {" wait", "zzqqzz"});
        QVERIFY2(some.starts_with("without effect of the 2 entries of mine: zzqqzz: splits into "), some.c_str());
    }
    void faultsAreNamed() {
        QVERIFY(!MarkerPenalty::create({.set_name = "no such set"}, *tokenizer_));
        QVERIFY(!MarkerPenalty::create({.strength = 1e9}, *tokenizer_));
        // A word that is to be switched off and is no entry would leave the penalty as it is.
        for (const char* word : {"wait", " Wiat", ""}) {
            const auto unknown = MarkerPenalty::create({.strength = 1, .disabled_words = {word}}, *tokenizer_);
            QVERIFY(!unknown);
            QCOMPARE(unknown.error().code, ErrorCode::NotFound);
            QVERIFY(unknown.error().what.find(std::string("\"") + word + "\"") != std::string::npos);
        }
        auto as_in_a_file = MarkerPenalty::create({.strength = 1, .disabled_words = {"_wait"}}, *tokenizer_);
        std::vector<float> logits(tokenizer_->vocabSize());
        as_in_a_file->apply(logits);
        QCOMPARE(logits[static_cast<std::size_t>(*tokenizer_->idOf(" wait"))], 0.0F);
        QVERIFY(!MarkerPenalty::create({.strength = std::nan("")}, *tokenizer_));
    }
};

QTEST_APPLESS_MAIN(TestMarkerPenalty)
#include "tst_marker_penalty.moc"
