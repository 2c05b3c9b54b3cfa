// The tree of a round stands where it should, says why its nodes fell, and follows the selection both ways.
#include <QLabel>
#include <QPushButton>
#include <QTemporaryDir>

#include "tests/support/lens_events.h"
#include "tests/views/view_test.h"
#include "views/inspector/token_inspector.h"
#include "views/run_setup/decoding_panel.h"
#include "views/speculation/draft_text.h"
#include "views/speculation/draft_tree_canvas.h"
#include "views/speculation/draft_tree_view.h"
#include "views/speculation/speculation_view.h"
#include "views/token_stream/origin_mark.h"

#include <QComboBox>
#include <QSlider>

using namespace quibble;

class TestSpeculation : public QObject {
    Q_OBJECT

    static RunTrace drafted(int tokens, const testing::DraftShape& shape) {
        return testing::withLenses(testing::makeTrace({.tokens = tokens}), &shape, nullptr);
    }

private slots:
    void noTwoBoxesMeet_data() {
        QTest::addColumn<QVector<int>>("widths");
        QTest::newRow("chain of 16") << QVector<int>(16, 1);
        QTest::newRow("tree") << QVector<int>{4, 2, 2, 2};
        QTest::newRow("64 nodes") << QVector<int>{6, 3, 2, 2};
        QTest::newRow("nothing") << QVector<int>{};
    }
    void noTwoBoxesMeet() {
        QFETCH(QVector<int>, widths);
        testing::DraftShape shape;
        shape.widths.assign(widths.begin(), widths.end());
        const RunTrace trace = drafted(80, shape);
        for (const DraftRound& round : trace.draftRounds()) {
            const DraftTreeLayout layout = layoutDraftTree(round);
            QCOMPARE(layout.places.size(), round.nodes.size() + 1 + (round.added == kNoToken ? 0 : 1));
            for (const QSizeF room : {QSizeF(320, 200), QSizeF(1400, 900)}) {
                const DraftTreeGeometry geometry(layout, room, 1);
                for (std::size_t a = 0; a < layout.places.size(); ++a) {
                    const QRectF box = geometry.box(layout.places[a]);
                    QVERIFY(QRectF(QPointF(0, 0), geometry.size()).contains(box));
                    if (layout.places[a].on_path) QCOMPARE(layout.places[a].row, 0);
                    for (std::size_t b = a + 1; b < layout.places.size(); ++b)
                        QVERIFY(!box.intersects(geometry.box(layout.places[b])));
                }
            }
        }
    }

    void aDamagedTreeIsDrawnAllTheSame() {
        DraftRound round;
        round.nodes = {{5, 1}, {-7, 2}, {2, 3}};  // parents that are no earlier node
        round.path = {9, -3};
        round.added = 4;
        const DraftTreeLayout layout = layoutDraftTree(round);
        for (std::size_t i = 1; i < layout.places.size(); ++i) QCOMPARE(layout.places[i].column, 1);
    }

    void reasonsAreSaid() {
        RunDocument document;
        document.setTrace(testing::makeTrace({.tokens = 40}), RunId{1});
        DraftRound round;
        round.pos = document.positionOf(3);
        round.nodes = {{-1, 100, 0.4F, 0.12F, 0.3F, 0.62F, DraftFate::Rejected},
                       {-1, 101, 0.3F, kNotMeasured, kNotMeasured, kNotMeasured, DraftFate::Ignored}};
        round.added = 102;
        round.corrected = true;
        const QString verdict = draftNodeVerdict(document, round, 0);
        QVERIFY2(verdict.contains(formatNumber(0.3, 2)) && verdict.contains(formatNumber(0.62, 2)),
                 qPrintable(verdict));
        QCOMPARE(takenInstead(round, 0), 102);
        QVERIFY(draftNodeSentence(document, round, 0).contains(document.tokenLabel(102)));
        QVERIFY(draftNodeSentence(document, round, 1).contains(QStringLiteral("not tested")));
        round.nodes[0].draw = kNotMeasured;  // a rule that draws nothing
        QVERIFY(draftNodeVerdict(document, round, 0).contains(document.tokenLabel(102)));
    }

    void followsTheSelectionBothWays() {
        RunDocument document;
        SpeculationView view(&document);
        view.resize(900, 420);
        view.show();
        QVERIFY(view.isEmpty());
        QVERIFY(!view.emptyText().isEmpty());
        QSignalSpy asked(&view, &FigureDeck::emptyActionRequested);
        view.emptyButton()->click();
        QCOMPARE(asked.count(), 1);
        document.setTrace(drafted(120, {}), RunId{1});
        QVERIFY(!view.isEmpty());
        const auto& rounds = document.trace().draftRounds();
        DraftTreeView* tree = view.tree();
        QCOMPARE(tree->roundIndex(), static_cast<int>(rounds.size()) - 1);  // nothing is chosen: the latest
        document.selectToken(document.indexAt(rounds[4].pos));
        QCOMPARE(tree->roundIndex(), 4);
        QCOMPARE(tree->tokenOf(tree->canvas()->cursor()), document.current());
        QTest::keyClick(tree->canvas(), Qt::Key_PageDown);
        QCOMPARE(tree->roundIndex(), 5);
        QCOMPARE(document.current(), document.indexAt(rounds[5].pos));
        const int on_path = tree->layoutOfTree().placeOf(
            rounds[5].path.empty() ? static_cast<int>(rounds[5].nodes.size()) : rounds[5].path.back());
        const QPoint at = tree->canvas()->placeRect(on_path).center();
        QTest::mouseClick(tree->canvas()->viewport(), Qt::LeftButton, {}, at);
        QCOMPARE(document.current(), tree->tokenOf(on_path));
        QVERIFY(!tree->explanation().isEmpty());
        QTest::keyClick(tree->canvas(), Qt::Key_Left);
        QCOMPARE(tree->canvas()->cursor(), tree->layoutOfTree().places[static_cast<std::size_t>(on_path)].parent);
        QTest::keyClick(tree->canvas(), Qt::Key_Escape);
        QCOMPARE(tree->roundIndex(), static_cast<int>(rounds.size()) - 1);
        QCOMPARE(view.numbers().rounds, static_cast<std::int64_t>(rounds.size()));
    }

    void everyFigureHasATableAndAnExport() {
        RunDocument document;
        SpeculationView view(&document);
        view.resize(1000, 500);
        view.show();
        document.setTrace(drafted(200, {.widths = {3, 2, 1}}), RunId{1});
        QTemporaryDir folder;
        for (FigureView* figure : view.deckFigures()) {
            QVERIFY2(figure->table()->rowCount() > 0, qPrintable(figure->title()));
            for (const QString& ending : {QStringLiteral("png"), QStringLiteral("svg"), QStringLiteral("pdf")}) {
                const QString path = folder.filePath(figure->figureName() + QLatin1Char('.') + ending);
                FigureOptions options;
                options.format = figureFormatOf(path).value();
                options.size = QSize(600, 300);
                QVERIFY(figure->exportFigure(path, options).has_value());
                QVERIFY(QFileInfo(path).size() > 500);
            }
        }
        view.showTable(true);
        QVERIFY(view.tableShown());
    }

    // Sums go over all rounds: a token that is chosen lays out the tree of its round, and nothing else.
    void aLongRunIsNotSummedAtEveryFrame() {
        RunDocument document;
        SpeculationView view(&document);
        view.resize(1000, 500);
        view.show();
        document.setTrace(drafted(100000, {.widths = {4, 2, 2, 2}}), RunId{1});
        QCoreApplication::processEvents();
        const auto& rounds = document.trace().draftRounds();
        const int summed = view.timesRefreshed();
        QVERIFY(summed > 0);
        const QSignalSpy laid_out(view.tree(), &DraftTreeView::roundChanged);
        constexpr int kChosen = 20;
        for (int i = 0; i < kChosen; ++i) {
            const DraftRound& round = rounds[static_cast<std::size_t>(i) * 100 + 50];
            document.selectToken(document.indexAt(round.pos));
            QCOMPARE(view.tree()->roundIndex(), i * 100 + 50);
            document.setHovered(document.indexAt(round.pos));
        }
        QCOMPARE(laid_out.size(), kChosen);
        QCOMPARE(view.timesRefreshed(), summed);
        QTRY_COMPARE(view.timesRefreshed(), summed + 1);  // once for all of them
    }

    void inspectorSaysWhereATokenCameFrom() {
        RunDocument document;
        document.setTrace(drafted(80, {}), RunId{1});
        TokenInspector inspector(&document);
        inspector.show();
        const auto& rounds = document.trace().draftRounds();
        const auto some =
            std::find_if(rounds.begin(), rounds.end(), [](const DraftRound& round) { return round.accepted() > 0; });
        QVERIFY(some != rounds.end());
        document.selectToken(document.indexAt(some->pos));
        QString text;
        for (const QLabel* label : inspector.findChildren<QLabel*>()) text += label->text() + QLatin1Char('\n');
        QVERIFY2(text.contains(tokenOriginLabel(TokenOrigin::Accepted)), qPrintable(text));
    }

    void decodingPanelFillsARequest() {
        static const ParamSpec kLength[] = {{"length", "Draft length", "tokens", 1, 32, 1, 4, "Tokens drafted"}};
        static const ParamSpec kBudget[] = {{"budget", "Budget", "experts", 1, 4096, 1, 4, "Experts a layer"}};
        RunDocument document;
        DecodingPanel panel(&document);
        panel.setDraftMethods(
            {{"chain", "Chain", "A smaller model", {kLength[0]}, true, 1}, {"ngram", "Look-up", {}, {}, true, 0}});
        panel.setVerifyMethods({{"match", "Match", {}, {}, true, 0}, {"typical", "Typical", {}, {}, false, 0}});
        panel.setExpertMethods(
            {{"observe", "Observe", {}, {}, true, 0}, {"moe_spec", "MoE-Spec", {}, {kBudget[0]}, false, 0}});
        panel.setProposedDrafts(QStringLiteral("models/draft.gguf"), {});
        RunRequest request;
        panel.fill(request);
        QCOMPARE(request.draft, DraftSettings{});
        QCOMPARE(request.experts.id, std::string("observe"));
        panel.draftChooser()->setChoice({"chain", {{"length", 7}}});
        panel.fill(request);
        QCOMPARE(request.draft.method, (MethodChoice{"chain", {{"length", 7}}}));
        QCOMPARE(request.draft.path, std::string("models/draft.gguf"));
        QCOMPARE(request.draft.verify.id, std::string("match"));
        panel.verifyChooser()->setChoice({"typical", {}});
        QVERIFY(panel.verifyChooser()->note().contains(QStringLiteral("Lossy")));
        panel.setExperts(16, 2);
        panel.expertChooser()->setChoice({"moe_spec", {{"budget", 8}}});
        RunRequest shown;
        panel.fill(shown);
        DecodingPanel other(&document);
        QSignalSpy changed(&panel, &DecodingPanel::changed);
        QSignalSpy control(&panel, &DecodingPanel::controlChanged);
        panel.setRequest(shown);
        QCOMPARE(changed.count(), 0);
        panel.budgetSlider()->setValue(6);  // nothing runs that could be told
        QCOMPARE(control.count(), 0);
        QCOMPARE(changed.count(), 1);
        document.start(shown, RunId{1});
        document.apply({RunId{1}, {StateChanged{RunState::Running}}});
        panel.budgetSlider()->setValue(5);
        QCOMPARE(control.count(), 1);
        QCOMPARE(control[0][0].toString(), QStringLiteral("experts:budget"));
        QCOMPARE(control[0][1].toDouble(), 5.0);
        panel.fill(request);
        QCOMPARE(request.experts, (MethodChoice{"moe_spec", {{"budget", 5}}}));
        panel.setRequest(shown);
        panel.fill(request);
        QCOMPARE(request.experts, shown.experts);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestSpeculation)
#include "tst_speculation_view.moc"
