// The expert map counts what the tokens used, and a cell leads to the tokens that used it.
#include <QTemporaryDir>

#include "tests/support/lens_events.h"
#include "tests/support/turn_counter.h"
#include "tests/views/view_test.h"
#include "views/experts/expert_map.h"
#include "views/experts/experts_view.h"

using namespace quibble;

class TestExperts : public QObject {
    Q_OBJECT

    static RunTrace mixture(int tokens, const testing::ExpertShape& shape) {
        const testing::DraftShape drafts;
        return testing::withLenses(testing::makeTrace({.tokens = tokens}), &drafts, &shape);
    }
    static bool uses(const RunDocument& document, int token, int layer, int expert) {
        const TokenExperts* own = document.trace().expertsAt(document.positionOf(token));
        for (int slot = 0; own != nullptr && slot < own->per_token; ++slot) {
            if (own->ids[static_cast<std::size_t>(layer * own->per_token + slot)] == expert) return true;
        }
        return false;
    }

private slots:
    void aDenseModelSaysSo() {
        RunDocument document;
        ExpertsView view(&document);
        view.show();
        QVERIFY(view.isEmpty());
        testing::loadRun(document, {.tokens = 40});
        QVERIFY(view.isEmpty());
        QVERIFY2(view.emptyText().contains(QStringLiteral("dense")), qPrintable(view.emptyText()));
    }

    // A budget for all passes drops in the prompt too: the figure speaks of both, as the chart by layer counts both.
    void droppedMassSpeaksOfThePromptToo() {
        const RunTrace whole = mixture(120, {.layers = 4, .experts = 8, .per_token = 2, .budget = 4});
        RunTrace trace(whole.request());
        trace.apply(whole.provenance());
        for (const auto& [id, bytes] : whole.texts()) trace.apply(TokenText{id, bytes});
        for (const TracePoint& point : whole.points()) trace.apply(point.token);
        TokenExperts own = *whole.expertsAt(whole.points()[3].token.pos);
        own.dropped_mass.assign(static_cast<std::size_t>(own.layers), 0.02F);
        own.pos = 1;  // of the prompt
        trace.apply(own);
        own.dropped_mass.assign(static_cast<std::size_t>(own.layers), 0.0F);
        for (const TracePoint& point : whole.points()) {
            own.pos = point.token.pos;
            trace.apply(own);
        }
        RunDocument document;
        ExpertsView view(&document);
        view.resize(1000, 500);
        view.show();
        document.setTrace(std::move(trace), RunId{1});
        const auto figure = std::find_if(view.deckFigures().begin(), view.deckFigures().end(), [](const FigureView* f) {
            return f->figureName() == QStringLiteral("expert-dropped");
        });
        QCOMPARE((*figure)->figures(), QStringLiteral("none in the text · prompt 2.0 %"));
    }

    void cellsLeadToTokens_data() {
        QTest::addColumn<int>("layers");
        QTest::addColumn<int>("experts");
        QTest::newRow("4 x 8") << 4 << 8;
        QTest::newRow("48 x 128") << 48 << 128;
    }
    void cellsLeadToTokens() {
        QFETCH(int, layers);
        QFETCH(int, experts);
        RunDocument document;
        ExpertsView view(&document);
        view.resize(1000, 500);
        view.show();
        document.setTrace(mixture(150, {.layers = layers, .experts = experts, .per_token = 2}), RunId{1});
        QVERIFY(!view.isEmpty());
        view.showFigure(0);
        QCoreApplication::processEvents();
        ExpertMap* map = view.map();
        const TokenExperts* own = document.trace().expertsAt(document.positionOf(10));
        const int layer = layers - 1, expert = own->ids[static_cast<std::size_t>(layer) * 2];
        QVERIFY(QRectF(map->rect()).contains(map->cellRect(layers - 1, experts - 1)));
        const QPoint at = map->cellRect(layer, expert).center().toPoint();
        QTest::mouseClick(map, Qt::LeftButton, {}, at);
        QCOMPARE(map->layer(), layer);
        QCOMPARE(map->expert(), expert);
        const int first = document.current();
        QVERIFY(first >= 0 && uses(document, first, layer, expert));
        QTest::keyClick(map, Qt::Key_Return);
        QVERIFY(uses(document, document.current(), layer, expert));
        QVERIFY(map->tipAt(at).contains(QString::number(expert)));
        QTest::keyClick(map, Qt::Key_Up);
        QCOMPARE(map->layer(), layer - 1);
    }

    void scopeOfOneTokenCountsItsExperts() {
        RunDocument document;
        ExpertsView view(&document);
        view.resize(900, 450);
        view.show();
        document.setTrace(mixture(100, {.budget = 6}), RunId{1});
        document.selectToken(20);
        view.setScope(ExpertsView::Scope::Token);
        qlonglong sum = 0;
        const QAbstractItemModel* table = view.map()->table();
        for (int row = 0; row < table->rowCount(); ++row) sum += table->index(row, 2).data(Qt::EditRole).toLongLong();
        QCOMPARE(sum, 4 * 2);
        QTemporaryDir folder;
        for (FigureView* figure : view.deckFigures()) {
            QVERIFY(figure->table()->columnCount() > 1);
            const QString path = folder.filePath(figure->figureName() + QStringLiteral(".svg"));
            FigureOptions options;
            options.format = FigureFormat::Svg;
            options.size = QSize(600, 300);
            QVERIFY(figure->exportFigure(path, options).has_value());
        }
    }

    // Counting goes over all tokens and layers: neither a token that is chosen nor a batch that comes may do it.
    void aLongRunIsNotCountedAtEveryFrame() {
        RunDocument document;
        ExpertsView view(&document);
        view.resize(1000, 500);
        view.show();
        document.setTrace(mixture(100000, {.layers = 8, .experts = 32, .per_token = 4}), RunId{1});
        QCoreApplication::processEvents();
        const int counted = view.timesRefreshed();
        QVERIFY(counted > 0);
        testing::TurnCounter turn;
        for (int i = 1; i <= 20; ++i) {
            turn.restart();
            document.selectToken(i * 4000);
            QCoreApplication::processEvents();
            QCOMPARE(turn.paintsOf(view.map()), 1);
        }
        QCOMPARE(view.timesRefreshed(), counted);
        EventBatch batch;
        batch.events.emplace_back(*document.trace().expertsAt(document.positionOf(document.size() - 1)));
        for (int i = 0; i < 20; ++i) document.apply(batch);
        QCOMPARE(view.timesRefreshed(), counted);
        QTRY_COMPARE(view.timesRefreshed(), counted + 1);  // once for all of them
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestExperts)
#include "tst_experts_view.moc"
