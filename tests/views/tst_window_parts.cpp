// What the window is made of besides the panels: cards, status bar, command palette, shortcut sheet.
#include <QAction>
#include <QLabel>
#include <QLineEdit>
#include <QMainWindow>
#include <QMenuBar>
#include <QTreeWidget>

#include "tests/views/view_test.h"
#include "views/card.h"
#include "views/command_palette.h"
#include "views/shortcut_sheet.h"
#include "views/status/run_status_bar.h"
#include "views/tables/token_table.h"

using namespace quibble;

class TestWindowParts : public QObject {
    Q_OBJECT

    struct Window : QMainWindow {
        int runs = 0;
        QAction *run, *stop;
        Window() {
            resize(800, 600);
            QMenu* menu = menuBar()->addMenu(QStringLiteral("&Run"));
            run = menu->addAction(QStringLiteral("&Start run"), QKeySequence(QStringLiteral("F5")), this,
                                  [this] { ++runs; });
            stop = menu->addAction(QStringLiteral("Stop"), this, [] {});
            stop->setEnabled(false);
            menu->addSeparator();
            menu->addAction(QStringLiteral("Reset layout"), this, [] {});
        }
    };

private slots:
    void cardsShowTitleAndFigures() {
        RunDocument document;
        Window window;
        auto* dock = new CardDock(QStringLiteral("table"), new TokenTable(&document));
        window.addDockWidget(Qt::LeftDockWidgetArea, dock);
        window.show();
        testing::loadRun(document, {.tokens = 50});
        QCOMPARE(dock->windowTitle(), QStringLiteral("Table"));
        QStringList texts;
        for (const QLabel* label : dock->titleBarWidget()->findChildren<QLabel*>())
            texts << label->text() << label->accessibleName();
        QVERIFY(texts.contains(QStringLiteral("Table")));
        QVERIFY(texts.join(QLatin1Char(' ')).contains(QString::number(document.size())));
        const QByteArray state = window.saveState(1);
        QVERIFY(window.restoreState(state, 1));
        QVERIFY(!window.restoreState(state, 2));
    }

    void statusBarTellsTheState() {
        RunDocument document;
        RunStatusBar bar(&document);
        QCOMPARE(bar.stateText(), QStringLiteral("ready"));
        testing::loadRun(document, {.tokens = 50, .finished = false});
        QCOMPARE(bar.stateText(), QStringLiteral("running"));
        document.apply({RunId{1}, {RunEvent(StateChanged{RunState::Paused})}});
        QCOMPARE(bar.stateText(), QStringLiteral("paused"));
        RunFinished failed;
        failed.reason = FinishReason::Failed;
        failed.message = "out of memory";
        document.apply({RunId{1}, {RunEvent(failed)}});
        QVERIFY(bar.stateText().contains(QStringLiteral("out of memory")));
        StatusFigures figures;
        figures.tokens_per_second = 1840;
        figures.with_reference = true;
        figures.saved_seconds_ago = 0.2;
        bar.setStatus(figures);
        QString text;
        for (const QLabel* label : bar.findChildren<QLabel*>()) text += label->text() + QLatin1Char('\n');
        for (const char* part : {"quibble-nano 3.3 M", "3.25 bits/weight", "AVX-512, 2 threads",
                                 "1,840 tok/s with reference", "context", "saved 0.2 s ago"}) {
            QVERIFY2(text.contains(QLatin1String(part)), part);
        }
        figures.paced = true;  // then it is the pace that is seen, not the engine's speed
        figures.tokens_per_second = 30;
        bar.setStatus(figures);
        text.clear();
        for (const QLabel* label : bar.findChildren<QLabel*>()) text += label->text() + QLatin1Char('\n');
        QVERIFY2(text.contains(QStringLiteral("held back to 30.0 tok/s")), qPrintable(text));
        bar.showError({ErrorCode::Io, "The disk is full", "Free some space"});
        text.clear();
        for (const QLabel* label : bar.findChildren<QLabel*>()) text += label->text();
        QVERIFY(text.contains(QStringLiteral("The disk is full. Free some space")));
        bar.clearError();
    }

    void paletteFindsAndTriggers() {
        Window window;
        window.show();
        CommandPalette palette(&window);
        palette.open();
        QCOMPARE(palette.count(), 3);
        QCOMPARE(palette.textOf(2), QStringLiteral("Stop"));  // what cannot be done comes last
        QTest::keyClicks(palette.edit(), QStringLiteral("run sta"));
        QCOMPARE(palette.count(), 1);
        QCOMPARE(palette.textOf(0), QStringLiteral("Start run"));
        QTest::keyClick(palette.edit(), Qt::Key_Return);
        QCOMPARE(window.runs, 1);
        QVERIFY(!palette.isVisible());
        palette.open();
        palette.edit()->setText(QStringLiteral("stop"));
        QTest::keyClick(palette.edit(), Qt::Key_Return);  // disabled: stays open
        QVERIFY(palette.isVisible());
    }

    void sheetListsShortcuts() {
        Window window;
        ShortcutSheet sheet(&window);
        sheet.open();
        QVERIFY(!sheet.tree()->findItems(QStringLiteral("Start run"), Qt::MatchExactly | Qt::MatchRecursive).isEmpty());
        QVERIFY(!sheet.tree()->findItems(QStringLiteral("N, P"), Qt::MatchExactly | Qt::MatchRecursive, 1).isEmpty());
        sheet.findChild<QLineEdit*>()->setText(QStringLiteral("marker"));
        int visible = 0;
        for (int i = 0; i < sheet.tree()->topLevelItemCount(); ++i) {
            for (int j = 0; j < sheet.tree()->topLevelItem(i)->childCount(); ++j)
                visible += sheet.tree()->topLevelItem(i)->child(j)->isHidden() ? 0 : 1;
        }
        QCOMPARE(visible, 1);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestWindowParts)
#include "tst_window_parts.moc"
