// Figures in the real window: which one an export offers, what stands below it, and what a run without a reference
// shows.
#include "tests/app/window_fixture.h"

#include <QComboBox>
#include <QDockWidget>
#include <QMenu>
#include <QPushButton>

#include "app/data_export.h"
#include "app/run_facts.h"
#include "tests/support/lens_events.h"
#include "tests/support/run_builder.h"
#include "views/experts/experts_view.h"
#include "views/plots/export_dialog.h"
#include "views/speculation/draft_tree_view.h"
#include "views/speculation/speculation_view.h"

using namespace quibble;

class TestWindowFigures : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void exportBeginsWithTheFigureInView_data();
    void exportBeginsWithTheFigureInView();
    void theTabInFrontShowsTheNewRun();
    void withoutAReferenceThereIsAWayToOne();
    void theFooterNamesTheReference();
    void theRangeIsNumberedAsThePlotIs();

private:
    void showDrafted(std::uint64_t seed) const {
        const testing::DraftShape tree{.widths = {3, 2, 1}};
        const testing::ExpertShape experts{.layers = 4, .experts = 8, .per_token = 2, .budget = 5};
        w.parts().runs->showStored(
            testing::withLenses(testing::makeTrace({.tokens = 160, .seed = seed}), &tree, &experts),
            RunId{777 + static_cast<std::int64_t>(seed)});
    }
    void trigger(const char* name) const { w.window().findChild<QAction*>(QLatin1String(name))->trigger(); }

    WindowFixture w;
};

void TestWindowFigures::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
    w.window().activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&w.window()));
}

void TestWindowFigures::exportBeginsWithTheFigureInView_data() {
    QTest::addColumn<QByteArray>("action");
    QTest::addColumn<QString>("title");
    QTest::newRow("traces") << QByteArray("showTraces") << QStringLiteral("Traces");
    QTest::newRow("speculation") << QByteArray("showSpeculation") << QStringLiteral("Draft tree");
    QTest::newRow("experts") << QByteArray("showExperts") << QStringLiteral("Experts chosen");
}

void TestWindowFigures::exportBeginsWithTheFigureInView() {
    QFETCH(QByteArray, action);
    QFETCH(QString, title);
    showDrafted(3);
    trigger(action.constData());
    QCoreApplication::processEvents();
    for (const bool focus_in_text : {false, true}) {
        if (focus_in_text) w.parts().stream->stream()->setFocus();
        trigger("exportFigure");
        auto* dialog = w.window().findChild<ExportDialog*>();
        QVERIFY(dialog != nullptr);
        QVERIFY2(dialog->options().title.startsWith(title), qPrintable(dialog->options().title));
        delete dialog;
    }
}

// The tab that comes forward was behind another while the run changed.
void TestWindowFigures::theTabInFrontShowsTheNewRun() {
    w.parts().runs->showStored(testing::makeTrace({.tokens = 300, .seed = 5}), RunId{801});
    trigger("showTraces");
    QTest::qWait(300);
    trigger("showSpeculation");
    QCoreApplication::processEvents();
    w.parts().runs->showStored(testing::makeTrace({.tokens = 120, .seed = 15}), RunId{802});
    QTest::qWait(300);
    trigger("showTraces");
    QCoreApplication::processEvents();
    const QImage shown = w.parts().traces->plotWidget()->grab().toImage();
    w.parts().traces->replotNow();
    QCOMPARE(shown, w.parts().traces->plotWidget()->grab().toImage());
}

void TestWindowFigures::withoutAReferenceThereIsAWayToOne() {
    trigger("showTraces");
    w.parts().runs->showStored(testing::makeTrace({.tokens = 120, .seed = 5}), RunId{803});
    const auto find = [this]() -> QPushButton* {
        for (QPushButton* button : w.parts().traces->headerWidget()->findChildren<QPushButton*>()) {
            if (button->isVisible() && button->text().contains(QStringLiteral("reference"))) return button;
        }
        return nullptr;
    };
    QVERIFY(find() == nullptr);
    w.parts().runs->showStored(testing::makeTrace({.tokens = 120, .seed = 5, .reference = false}), RunId{804});
    QCoreApplication::processEvents();
    QVERIFY(find() != nullptr);
    find()->click();
    auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
    QVERIFY(menu != nullptr);
    QVERIFY(menu->actions().size() >= 3);
    menu->close();
}

void TestWindowFigures::theFooterNamesTheReference() {
    RunRequest request = testing::makeRequest({});
    request.reference = {.kind = ReferenceKind::File, .path = "/models/full-precision-F16.gguf"};
    RunTrace trace(request);
    for (const RunEvent& event : testing::makeEvents({})) trace.apply(event);
    QVERIFY(!trace.provenance().reference_name.empty());
    QVERIFY2(provenanceLine(trace).contains(QStringLiteral("full-precision-F16.gguf")),
             qPrintable(provenanceLine(trace)));
}

void TestWindowFigures::theRangeIsNumberedAsThePlotIs() {
    w.parts().runs->showStored(testing::makeTrace({.tokens = 120, .seed = 5}), RunId{805});
    w.document().setSelection({40, 50}, 40);
    DataExportDialog dialog(w.document(), &w.window());
    bool found = false;
    for (const QComboBox* box : dialog.findChildren<QComboBox*>())
        found = found || box->findText(QStringLiteral("Selected tokens 40 to 49")) >= 0;
    QVERIFY(found);
}

QTEST_MAIN(TestWindowFigures)
#include "tst_window_figures.moc"
