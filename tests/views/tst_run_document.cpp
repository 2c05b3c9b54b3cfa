// One run, one selection: what the document tells and how it keeps both valid.
#include "engine/metrics/summary.h"
#include "tests/views/view_test.h"
#include "views/token_stream/token_navigation.h"

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
            const int before = static_cast<int>(applied.count()),
                      before_reference = static_cast<int>(referenced.count());
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
        QCOMPARE(measureValue(point, Measure::MarkerMass, Unit::Bit),
                 measureValue(point, Measure::MarkerMass, Unit::Nat));
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

    void numbersKeepTheirDigits_data() {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("text");
        const struct {
            double value;
            const char* text;
        } rows[] = {{0, "0"},           {1, "1.00"},           {0.5, "0.500"},        {12.34, "12.3"},
                    {0.0123, "0.0123"}, {0.00123, "0.00123"},  {0.000123, "1.23e-4"}, {1.2e-9, "1.20e-9"},
                    {0.9996, "1.00"},   {9.996, "10.0"},       {99.96, "100"},        {1010.4, "1,010"},
                    {-0.25, "-0.250"},  {9.999e-4, "0.00100"}, {9.999e-5, "1.00e-4"}};
        for (const auto& row : rows) QTest::newRow(row.text) << row.value << QString::fromUtf8(row.text);
        QTest::newRow("not measured") << std::nan("") << QStringLiteral("–");
    }
    void numbersKeepTheirDigits() {
        QFETCH(double, value);
        QFETCH(QString, text);
        QCOMPARE(formatSignificant(value), text);
    }

    void sharesAndSpeeds() {
        QCOMPARE(formatPercent(0), QStringLiteral("0 %"));
        QCOMPARE(formatPercent(0.371), QStringLiteral("37 %"));
        QCOMPARE(formatPercent(0.0214), QStringLiteral("2.1 %"));
        QCOMPARE(formatPercent(0.0004), QStringLiteral("0.040 %"));
        QCOMPARE(formatPercent(1), QStringLiteral("100 %"));
        QCOMPARE(formatSpeed(6.1), QStringLiteral("6.10 tok/s"));
        QCOMPARE(formatSpeed(1010.4), QStringLiteral("1,010 tok/s"));
    }

    void aSmallKlIsNotZero() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 60});
        TracePoint point = document.trace().points()[5];
        point.reference.kl = 0.000213F;
        QCOMPARE(measureText(point, Measure::Kl, Unit::Nat), QStringLiteral("2.13e-4"));
    }

    // The noise of a run that is sure of everything is not painted as if it meant something.
    void aSureRunIsPale() {
        RunTrace trace = testing::makeTrace({.tokens = 20});
        RunTrace sure(trace.request());
        for (TracePoint point : trace.points()) {
            point.token.entropy = 4e-5F;
            point.token.logprob = -2e-5F;
            point.token.marker_mass = 1e-6F;
            sure.apply(point.token);
        }
        RunDocument document;
        document.setTrace(std::move(sure), RunId{1});
        for (const Measure measure : {Measure::Entropy, Measure::Logprob, Measure::MarkerMass, Measure::Rank}) {
            for (const Unit unit : {Unit::Nat, Unit::Bit}) {
                document.setUnit(unit);
                QVERIFY(document.scaleUpper(measure) >= measureFloor(measure, unit));
                if (measure != Measure::Rank) QVERIFY(document.scalePosition(3, measure) < 0.01);
            }
        }
        QCOMPARE(document.scaleUpper(Measure::Kl), 0.0);  // nothing measured
    }

    // A marker that the user put there is not the model's: it is neither counted nor marked as one, anywhere.
    void anInjectedMarkerIsNoSign() {
        TokenRecord token;
        token.marker = true;
        QVERIFY(token.sampledMarker());
        token.injected = true;
        QVERIFY(!token.sampledMarker());
        RunTrace trace = testing::makeTrace({.tokens = 120});
        RunTrace forced(trace.request());
        int markers = 0;
        for (TracePoint point : trace.points()) {
            markers += point.token.marker ? 1 : 0;
            point.token.injected = point.token.marker;
            forced.apply(point.token);
        }
        QVERIFY(markers > 0);
        QCOMPARE(nextMarker(trace, -1, false) >= 0, true);
        QCOMPARE(nextMarker(forced, -1, false), -1);
        QCOMPARE(summarize(forced).markers, std::int64_t{0});
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
