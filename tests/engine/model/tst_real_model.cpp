// A model that people really use, where there is one: the environment variable QUIBBLE_REAL_MODEL names its file, any
// dense model of a supported architecture and any stored type (docs/models.md says how to come by one). Without it
// every test here is skipped. Takes minutes and some gigabytes of memory.
#include <QTest>

#include <cmath>

#include "engine/run/replay.h"
#include "engine/values/reference_text.h"
#include "tests/engine/forward/reference_forward.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

// In units of the standard deviation of all logits. A 1.5 B model in Q4_K_M (28 layers, up to 8960 terms a sum) was
// measured at 2.3e-5 and 9.4e-7.
constexpr double kLargest = 1e-4, kRms = 4e-6;
constexpr std::size_t kPositions = 100;

constexpr const char* kText =
    "A farmer has 17 sheep, and all but 9 run away. How many are left? Let me think about this step by step. The "
    "phrase \"all but 9\" means that 9 of the sheep did not run "
    "away, so the number that is left does not depend on how many there were before. Wait, let me check that again: 17 "
    "- 8 = 9, and 8 is the number of sheep that ran "
    "away. Therefore the farmer has 9 sheep. Alternatively, one may count those that stay: there are nine of them. The "
    "answer is \\boxed{9}.";

RunRequest request(const std::string& path) {
    RunRequest r;
    r.model_path = path;
    r.reference.kind = ReferenceKind::None;
    r.prompt = "Tom has 57 coins. Then he gets 68 more and loses 19. How many coins does he have now?";
    r.max_tokens = 24;
    r.seed = 7;
    return r;
}

}  // namespace

class TestRealModel : public QObject {
    Q_OBJECT

    std::string path_;

private slots:
    void initTestCase() {
        path_ = qEnvironmentVariable("QUIBBLE_REAL_MODEL").toStdString();
        if (path_.empty()) QSKIP("QUIBBLE_REAL_MODEL names no model file: nothing to test");
    }

    void floatLogitsEqualTheDefinition() {
        LoadOptions options;
        options.packed = false;
        const auto model = models().get(path_, options);
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        std::vector<TokenId> tokens = (*model)->tokenizer()->encode(kText);
        QVERIFY2(tokens.size() >= kPositions, qPrintable(QString::number(tokens.size())));
        tokens.resize(kPositions);
        CpuDevice device(0);
        auto sequence = Sequence::create(*model, device, static_cast<Position>(kPositions), Arithmetic::F32);
        QVERIFY(sequence);
        const auto vocab = static_cast<std::size_t>((*model)->config().vocab_size);
        std::vector<float> logits(kPositions * vocab);
        QVERIFY((*sequence)->append(tokens, static_cast<std::int64_t>(kPositions), logits.data()));
        const ReferenceLogits wanted = referenceForward(*(*model)->file(), tokens);
        QCOMPARE(wanted.logits.size(), logits.size());
        double sum = 0, squares = 0, errors = 0, largest = 0;
        for (std::size_t i = 0; i < logits.size(); ++i) {
            sum += wanted.logits[i];
            squares += wanted.logits[i] * wanted.logits[i];
            const double error = std::abs(static_cast<double>(logits[i]) - wanted.logits[i]);
            errors += error * error;
            if (!(error <= largest)) largest = error;  // a NaN stays
        }
        const auto count = static_cast<double>(logits.size());
        const double sigma = std::sqrt(squares / count - sum / count * (sum / count)),
                     rms = std::sqrt(errors / count) / sigma;
        largest /= sigma;
        qInfo("%zu positions: max %.2e sigma, rms %.2e sigma, sigma %.2f", kPositions, largest, rms, sigma);
        QVERIFY2(largest <= kLargest && rms <= kRms,
                 qPrintable(QStringLiteral("max %1 sigma, rms %2 sigma").arg(largest).arg(rms)));
    }

    void textIsTheSameForAnyNumberOfThreads() {
        const RunTrace one = wholeRun(request(path_), 1).trace;
        QVERIFY(!one.points().empty());
        for (const int threads : {2, 3}) {
            const RunTrace other = wholeRun(request(path_), threads).trace;
            QCOMPARE(other.points().size(), one.points().size());
            for (std::size_t i = 0; i < one.points().size(); ++i) {
                QCOMPARE(other.points()[i].token.id, one.points()[i].token.id);
                QCOMPARE(other.points()[i].token.entropy, one.points()[i].token.entropy);
                QCOMPARE(other.points()[i].token.logprob, one.points()[i].token.logprob);
            }
        }
    }

    void aThreeBitRunReplays() {
        RunRequest r = request(path_);
        r.weight_quant = parseMethodChoice("rtn:bits=3,group=64").value();
        r.reference.kind = ReferenceKind::Unquantized;
        r.penalty.strength = 2;
        const RunTrace trace = wholeRun(r, 2).trace;
        QVERIFY(!trace.points().empty());
        const RunProvenance& p = trace.provenance();
        QVERIFY2(p.weight_format.starts_with("RTN 3 bit g64"), p.weight_format.c_str());
        QVERIFY2(referenceText(p).starts_with("stored weights, "), referenceText(p).c_str());
        if (!isFullPrecision(p.reference_format)) QCOMPARE(p.weight_format, "RTN 3 bit g64 of " + p.reference_format);
        double kl = 0;
        for (const TracePoint& point : trace.points()) {
            QVERIFY(point.hasReference());
            kl += static_cast<double>(point.reference.kl);
        }
        qInfo("%s against %s: mean KL %.4f nat, peak memory %.2f GB", p.weight_format.c_str(), referenceText(p).c_str(),
              kl / static_cast<double>(trace.points().size()), static_cast<double>(peakMemoryBytes()) * 1e-9);
        QVERIFY(kl > 0);
        CpuDevice device(1);
        const auto again = replayRun(trace, r, models(), device);
        QVERIFY2(again, again ? "" : again.error().line().c_str());
        QVERIFY(!again->difference);
        QCOMPARE(static_cast<std::size_t>(again->tokens), trace.points().size());
        QCOMPARE(again->references, again->tokens);
    }
};

QTEST_APPLESS_MAIN(TestRealModel)
#include "tst_real_model.moc"
