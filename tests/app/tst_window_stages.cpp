// The window asks the engine for the stages of a token while a run goes on, of a stored run and of what a branch took
// over, and says in a sentence why there are none.
#include <QDockWidget>
#include <QPushButton>

#include "engine/run/token_stages.h"
#include "tests/app/window_fixture.h"
#include "views/inspector/more_rows.h"
#include "views/inspector/stages_model.h"
#include "views/inspector/stages_page.h"
#include "views/inspector/stages_table.h"

using namespace quibble;

class TestWindowStages : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
        Theme::instance().install(*qApp);
        w.open();
        QVERIFY(w.waitForModel());
        RunRequest request = w.parts().setup->request();
        request.penalty.strength = 2;
        request.sampler = {.temperature = 1, .top_k = 40, .top_p = 0.95, .min_p = 0.01};
        request.logits.push_back(parseMethodChoice("cyclic:amplitude=4,period=20,words=spaced").value());
        request.control.push_back(parseMethodChoice("budget:tokens=30").value());
        request.max_tokens = 120;
        w.parts().setup->show(request);
        inspector()->setPage(TokenInspector::Page::Stages);
        w.window().findChild<QDockWidget*>(QStringLiteral("token"))->raise();
    }

    // Also while tokens arrive; the answer is that of the engine alone.
    void theStagesOfARun() {
        w.parts().runs->actions()->run()->trigger();
        QVERIFY(w.waitForTokens(8));
        select(5);
        QVERIFY(w.waitForEnd());
        for (const int index : {5, 0, 12, 20}) {
            select(index);
            PrefixCache prefixes(std::size_t{16} << 20);
            ModelCache models;
            CpuDevice device(1);
            const auto alone = findStages(askForStages(w.trace(), w.document().positionOf(index), 12).value(), models,
                                          device, prefixes);
            QVERIFY(alone);
            const StageTable &shown = *table(), &computed = alone->table;
            QVERIFY(shown.ids == computed.ids && shown.texts == computed.texts);
            QVERIFY(shown.columns == computed.columns && shown.unchanged == computed.unchanged);
            QCOMPARE(shown.takes, w.trace().points()[static_cast<std::size_t>(index)].token.id);
        }
        inspector()->stages()->more()->allButton()->click();
        QVERIFY(waitUntil([this] { return table()->rows() == w.trace().provenance().vocab_size; }));
    }

    void injectedTokensHaveNone() {
        const auto& points = w.trace().points();
        const auto injected =
            std::find_if(points.begin(), points.end(), [](const TracePoint& point) { return point.token.injected; });
        QVERIFY(injected != points.end());
        w.document().selectToken(static_cast<int>(injected - points.begin()));
        QTRY_VERIFY2(inspector()->stages()->refusal().startsWith(QStringLiteral("Injected")),
                     qPrintable(inspector()->stages()->refusal()));
    }

    // The last question wins: whoever runs along the text sees the stages of the token where they stop.
    void theLastQuestionWins() {
        for (int index = 0; index < 25; ++index) w.document().selectToken(index);
        QVERIFY(waitForTable());
        QCOMPARE(table()->pos, w.document().positionOf(24));
    }

    // What a branch took over is asked of the run that it left.
    void aBranch() {
        const Position pos = w.document().positionOf(20);
        const TokenRecord left = w.trace().points()[20].token;
        QVERIFY(w.saved());
        w.parts().runs->branch(pos, left.top[0].id == left.id ? left.top[1].id : left.top[0].id);
        QVERIFY(w.waitForEnd() && w.saved());
        QCOMPARE(w.trace().request().branch.pos, pos);
        select(10);
        QCOMPARE(table()->takes, w.trace().points()[10].token.id);
        select(25);
        QCOMPARE(table()->takes, w.trace().points()[25].token.id);
    }

    // The page is shown again at the next start.
    void thePageIsRemembered() {
        w.close();
        w.open();
        QVERIFY(w.waitForModel());
        QCOMPARE(inspector()->page(), TokenInspector::Page::Stages);
        QTRY_VERIFY(w.document().size() > 25);  // the run that was shown last
        select(10);
    }

    void aModelThatIsGone() {
        RunRequest request;
        request.model_path = "nowhere/model.gguf";
        RunTrace gone(request);
        for (const TracePoint& point : w.trace().points()) gone.apply(point.token);
        w.parts().runs->showStored(std::move(gone), RunId{999});
        w.document().selectToken(3);
        QTRY_VERIFY2(inspector()->stages()->refusal().contains(QStringLiteral("nowhere/model.gguf")),
                     qPrintable(inspector()->stages()->refusal()));
    }

private:
    [[nodiscard]] TokenInspector* inspector() const { return w.parts().inspector; }
    [[nodiscard]] const StageTable* table() const { return inspector()->stages()->table()->stages()->table(); }
    [[nodiscard]] bool waitForTable() const {
        return waitUntil(
            [this] { return table() != nullptr && table()->pos == w.document().positionOf(w.document().current()); });
    }
    void select(int index) {
        w.document().selectToken(index);
        QVERIFY2(waitForTable(), qPrintable(inspector()->stages()->refusal()));
    }

    WindowFixture w;
};

QTEST_MAIN(TestWindowStages)
#include "tst_window_stages.moc"
