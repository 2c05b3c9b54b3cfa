// One run, one selection: what the document tells and how it keeps both valid.
#include "tests/views/view_test.h"

using namespace quibble;
using quibble::testing::RunSettings;

class TestRunDocument : public QObject {
    Q_OBJECT
private slots:
    void batchesGiveTheSameTraceAndOneSignalEach() {
        const RunSettings settings{.tokens = 200, .penalty = 2, .penalty_from = 50};
        RunDocument document;
        document.start(testing::makeRequest(settings), RunId{5});
        QCOMPARE(document.run(), RunId{5});
        QSignalSpy applied(&document, &RunDocument::applied), referenced(&document, &RunDocument::referenceAdvanced);
        QSignalSpy finished(&document, &RunDocument::finished), controls(&document, &RunDocument::controlsChanged);
        int next = 0;
        for (const EventBatch& batch : testing::makeBatches(settings, 37)) {
            const int before = static_cast<int>(applied.count()), before_reference = static_cast<int>(referenced.count());
            document.apply(batch);
            QVERIFY(applied.count() <= before + 1);
            QVERIFY(referenced.count() <= before_reference + 1);
            if (applied.count() == before) continue;
            QCOMPARE(applied.last()[0].toInt(), next);
            next = applied.last()[1].toInt();
        }
        QCOMPARE(next, document.size());
        QCOMPARE(finished.count(), 1);
        QCOMPARE(controls.count(), 1);
        QVERIFY(!document.live());
        QCOMPARE(document.referenceLag(), 0);
        const RunTrace whole = testing::makeTrace(settings);
        QCOMPARE(document.trace().points().size(), whole.points().size());
        for (std::size_t i = 0; i < whole.points().size(); ++i) {
            QVERIFY(document.trace().points()[i].token == whole.points()[i].token);
            QVERIFY(document.trace().points()[i].reference == whole.points()[i].reference);
        }
    }

    void referenceRangeCoversWhatArrived() {
        RunDocument document;
        const RunSettings settings{.tokens = 100};
        document.start(testing::makeRequest(settings));
        QList<bool> got;
        connect(&document, &RunDocument::referenceAdvanced, this, [&](int first, int last) {
            for (int i = first; i < last; ++i) {
                while (got.size() <= i) got.append(false);
                got[i] = true;
            }
        });
        for (const EventBatch& batch : testing::makeBatches(settings, 11)) document.apply(batch);
        QCOMPARE(static_cast<int>(got.size()), document.size());
        QVERIFY(!got.contains(false));
    }

    void selectionIsClamped() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 50});
        QSignalSpy changed(&document, &RunDocument::selectionChanged);
        document.setSelection({10, 20}, 15);
        QCOMPARE(document.selection(), (TokenRange{10, 20}));
        QCOMPARE(document.current(), 15);
        document.setSelection({10, 20}, 15);
        QCOMPARE(changed.count(), 1);
        document.setSelection({-5, 1000000}, 1000000);
        QCOMPARE(document.selection(), (TokenRange{0, document.size()}));
        QCOMPARE(document.current(), document.size() - 1);
        document.setSelection({30, 10}, 3);
        QCOMPARE(document.current(), -1);
        QVERIFY(document.selection().empty());
        document.setHovered(99999);
        QCOMPARE(document.hovered(), -1);
        document.selectToken(3);
        document.start(RunRequest{});
        QCOMPARE(document.current(), -1);
    }

    void unitsScaleTheValues() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 300});
        const TracePoint& point = document.trace().points()[10];
        const double nat = measureValue(point, Measure::Entropy, Unit::Nat);
        QVERIFY(std::abs(measureValue(point, Measure::Entropy, Unit::Bit) - nat * 1.4426950408889634) < 1e-9);
        QCOMPARE(measureValue(point, Measure::MarkerMass, Unit::Bit), measureValue(point, Measure::MarkerMass, Unit::Nat));
        const double upper = document.scaleUpper(Measure::Entropy);
        QVERIFY(upper > 0);
        document.setUnit(Unit::Bit);
        QVERIFY(document.scaleUpper(Measure::Entropy) >= upper);
        for (int i = 0; i < document.size(); ++i) {
            const double position = document.scalePosition(i, Measure::Entropy);
            QVERIFY(position >= 0 && position <= 1);
        }
    }

    void pendingKlSaysSo() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 60, .unscored = 20, .finished = false});
        const TracePoint& last = document.trace().points().back();
        QVERIFY(document.referenceLag() >= 20);
        QVERIFY(document.live());
        QCOMPARE(measureText(last, Measure::Kl, Unit::Nat), QStringLiteral("pending"));
        QVERIFY(std::isnan(document.scalePosition(document.size() - 1, Measure::Kl)));
    }

    void colourScaleGrowsInSteps() {
        ColourScale scale;
        QCOMPARE(scale.upper(), 0.0);
        double before = 0;
        for (int i = 1; i <= 1000; ++i) {
            scale.add(0.001 * i);
            QVERIFY(scale.upper() >= before);
            before = scale.upper();
        }
        QCOMPARE(scale.upper(), 1.0);
        for (int i = 0; i < 5; ++i) scale.add(1e6);  // half a percent: outliers do not set the scale
        QVERIFY(scale.upper() <= 2.0);
        scale.add(std::nan(""));
        scale.add(std::numeric_limits<double>::infinity());
        QVERIFY(scale.upper() <= 2.0);
        scale.clear();
        QCOMPARE(scale.upper(), 0.0);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestRunDocument)
#include "tst_run_document.moc"
