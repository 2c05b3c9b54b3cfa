// The session browser: a valid tree from any rows, search, rename, delete with undo.
#include <QAbstractItemModelTester>
#include <QImage>
#include <QLineEdit>
#include <QPainter>
#include <QPushButton>
#include <QTreeView>

#include "tests/views/view_test.h"
#include "views/sessions/session_browser.h"
#include "views/sessions/session_model.h"

using namespace quibble;

class TestSessions : public QObject {
    Q_OBJECT

    static SessionItem session(int id, const QString& title) {
        return {SessionId{id}, kNoRun, kNoRun, title, QStringLiteral("today"), {}, false};
    }
    static SessionItem run(int session_id, int id, int parent, const QString& title) {
        return {SessionId{session_id}, RunId{id}, RunId{parent}, title, QStringLiteral("318 ✓ · 62 tok"), {}, false};
    }
    static std::vector<SessionItem> items() {
        return {run(1, 12, 11, QStringLiteral("branch")),   session(1, QStringLiteral("Apples")),
                run(1, 11, 0, QStringLiteral("RTN 3 bit")), run(1, 13, 12, QStringLiteral("branch of the branch")),
                session(2, QStringLiteral("Pears")),        run(2, 21, 0, QStringLiteral("F16"))};
    }

private slots:
    void treeOfRunsAndBranches() {
        SessionModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setItems(items());
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.sessionCount(), 2);
        const QModelIndex branch = model.indexOfRun(RunId{13});
        QCOMPARE(branch.parent().data().toString(), QStringLiteral("branch"));
        QCOMPARE(branch.parent().parent().data().toString(), QStringLiteral("RTN 3 bit"));
        QCOMPARE(branch.parent().parent().parent().data().toString(), QStringLiteral("Apples"));
        const QPersistentModelIndex root = model.indexOfRun(RunId{11});
        model.remove(SessionId{1}, RunId{12});
        QVERIFY(!model.indexOfRun(RunId{12}).isValid() && !model.indexOfRun(RunId{13}).isValid());
        model.put({run(1, 12, 11, QStringLiteral("branch")), run(1, 13, 12, QStringLiteral("branch of the branch"))});
        QCOMPARE(model.indexOfRun(RunId{13}).parent().data().toString(), QStringLiteral("branch"));
        QVERIFY(root.isValid() && QModelIndex(root) == model.indexOfRun(RunId{11}));
        model.setItems({session(2, QStringLiteral("Pears")), run(2, 21, 0, QStringLiteral("F16"))});
        QCOMPARE(model.size(), 2);
        QVERIFY(!root.isValid());
    }

    // Pages may come in any order; what stands where it stood is never taken out and put back.
    void pagesGrowTheTree() {
        SessionModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        QSignalSpy resets(&model, &QAbstractItemModel::modelReset),
            insertions(&model, &QAbstractItemModel::rowsInserted);
        const auto ordered = [](int id, int parent) {
            SessionItem item = run(1, id, parent, QStringLiteral("run %1").arg(id));
            item.order = id;
            return item;
        };
        std::vector<SessionItem> newest{session(1, QStringLiteral("s")), ordered(900, 100)};  // its parent comes later
        for (int id = 901; id < 1000; ++id) newest.push_back(ordered(id, 0));
        model.put(newest);
        QCOMPARE(insertions.count(), 2);
        const QPersistentModelIndex branch = model.indexOfRun(RunId{900});
        QVERIFY(branch.parent() == model.indexOfSession(SessionId{1}));
        std::vector<SessionItem> older;
        for (int id = 50; id < 150; ++id) older.push_back(ordered(id, 0));
        model.put(older);
        QCOMPARE(insertions.count(), 3);
        QVERIFY(branch.parent() == model.indexOfRun(RunId{100}));
        QCOMPARE(model.index(0, 0, model.indexOfSession(SessionId{1})).data().toString(), QStringLiteral("run 50"));
        model.put(older);  // nothing new
        QCOMPARE(insertions.count(), 3);
        SessionItem moved = ordered(50, 0);
        moved.order = 2000;
        model.put({moved});
        QCOMPARE(model.indexOfRun(RunId{50}).row(), model.rowCount(model.indexOfSession(SessionId{1})) - 1);
        QCOMPARE(resets.count(), 0);
    }

    void neighboursAreToldApart() {
        SessionModel model;
        model.put({session(1, QStringLiteral("s")), run(1, 1, 0, QStringLiteral("RTN 3 bit g64, λ 0")),
                   run(1, 2, 0, QStringLiteral("RTN 3 bit g64, λ 0, seed 7")),
                   run(1, 3, 0, QStringLiteral("F16, λ 0"))});
        const auto common = [&](int id) { return model.indexOfRun(RunId{id}).data(SessionModel::CommonRole).toInt(); };
        QCOMPARE(QStringLiteral("RTN 3 bit g64, λ 0, seed 7").mid(common(2)), QStringLiteral("seed 7"));
        QCOMPARE(QStringLiteral("RTN 3 bit g64, λ 0").mid(common(1)), QStringLiteral("λ 0"));
        QCOMPARE(common(3), 0);
    }

    void strangeRowsStayVisible() {
        SessionModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        // a ring, a parent that is missing, a run of no session, a parent in another session, a run that is its own
        // parent
        model.setItems({session(1, QStringLiteral("s")), run(1, 1, 2, QStringLiteral("a")),
                        run(1, 2, 1, QStringLiteral("b")), run(1, 3, 99, QStringLiteral("c")),
                        run(7, 4, 0, QStringLiteral("d")), run(7, 5, 1, QStringLiteral("e")),
                        run(1, 6, 6, QStringLiteral("f"))});
        for (int id = 1; id <= 6; ++id)
            QVERIFY2(model.indexOfRun(RunId{id}).isValid(), qPrintable(QString::number(id)));
    }

    void searchKeepsTheWayDown() {
        SessionBrowser browser;
        browser.setItems(items());
        browser.searchBox()->setText(QStringLiteral("of the BRANCH"));
        QCOMPARE(browser.tree()->model()->rowCount(), 1);
        browser.searchBox()->setText(QStringLiteral("nothing like this"));
        QCOMPARE(browser.tree()->model()->rowCount(), 0);
        browser.searchBox()->clear();
        QCOMPARE(browser.tree()->model()->rowCount(), 2);
    }

    void activatesByMouseAndKeyboard() {
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        browser.setItems(items());
        QSignalSpy runs(&browser, &SessionBrowser::runActivated), sessions(&browser, &SessionBrowser::sessionActivated);
        browser.select(SessionId{1}, RunId{11});
        QTest::keyClick(browser.tree(), Qt::Key_Down);
        QTest::keyClick(browser.tree(), Qt::Key_Return);
        QCOMPARE(runs.count(), 1);
        QCOMPARE(runs[0][0].value<RunId>(), RunId{12});
        const QModelIndex pears = browser.tree()->model()->index(1, 0);
        QTest::mouseClick(browser.tree()->viewport(), Qt::LeftButton, {}, browser.tree()->visualRect(pears).center());
        QCOMPARE(sessions.count(), 1);
        QVERIFY(!browser.tree()->isExpanded(pears));
        browser.setItems(items());  // a refresh keeps what was closed
        auto more = items();
        more.push_back(run(2, 22, 0, QStringLiteral("new")));
        browser.setItems(more);
        QVERIFY(!browser.tree()->isExpanded(browser.tree()->model()->index(1, 0)));
    }

    void renames_data() {
        QTest::addColumn<bool>("session");
        QTest::addColumn<int>("key");
        QTest::newRow("session, Return") << true << int(Qt::Key_Return);
        QTest::newRow("session, Enter") << true << int(Qt::Key_Enter);
        QTest::newRow("session, Tab") << true << int(Qt::Key_Tab);
        QTest::newRow("run, Return") << false << int(Qt::Key_Return);
        QTest::newRow("run, Tab") << false << int(Qt::Key_Tab);
    }
    // The name goes where it was typed, although rows come and change meanwhile, and the keys of the editor open
    // nothing.
    void renames() {
        QFETCH(bool, session);
        QFETCH(int, key);
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        QVERIFY(QTest::qWaitForWindowExposed(&browser));
        browser.setItems(items());
        QSignalSpy run_renamed(&browser, &SessionBrowser::renameRunRequested),
            session_renamed(&browser, &SessionBrowser::renameSessionRequested);
        QSignalSpy run_opened(&browser, &SessionBrowser::runActivated),
            session_opened(&browser, &SessionBrowser::sessionActivated);
        // What a controller does: the new name and other rows come back at once.
        const auto answer = [&](const QString& title) {
            auto changed = items();
            changed[session ? 1 : 2].title = title;
            changed.push_back(run(1, 77, 0, QStringLiteral("came meanwhile")));
            browser.setItems(changed);
            browser.setCurrentRun(RunId{77});
        };
        connect(&browser, &SessionBrowser::renameRunRequested, this,
                [&](RunId, const QString& title) { answer(title); });
        connect(&browser, &SessionBrowser::renameSessionRequested, this,
                [&](SessionId, const QString& title) { answer(title); });
        browser.select(SessionId{1}, session ? kNoRun : RunId{11});
        QTest::keyClick(browser.tree(), Qt::Key_F2);
        auto* editor = browser.tree()->viewport()->findChild<QLineEdit*>();
        QVERIFY(editor != nullptr);
        editor->setText(QStringLiteral("better"));
        browser.put(
            {run(1, 14, 0, QStringLiteral("new")), run(1, 11, 0, QStringLiteral("RTN 3 bit, changed meanwhile"))});
        QCOMPARE(editor->text(), QStringLiteral("better"));
        QTest::keyClicks(editor, QStringLiteral(" name"));
        QTest::keyClick(editor, static_cast<Qt::Key>(key));
        QTRY_COMPARE(session ? session_renamed.count() : run_renamed.count(), 1);
        QCOMPARE(session ? run_renamed.count() : session_renamed.count(), 0);
        QCOMPARE((session ? session_renamed : run_renamed)[0][1].toString(), QStringLiteral("better name"));
        if (session)
            QCOMPARE(session_renamed[0][0].value<SessionId>(), SessionId{1});
        else
            QCOMPARE(run_renamed[0][0].value<RunId>(), RunId{11});
        QTest::qWait(20);
        QCOMPARE(run_opened.count() + session_opened.count(), 0);
        QVERIFY(!browser.model()->setData(browser.model()->indexOfSession(SessionId{1}), QStringLiteral("   "),
                                          Qt::EditRole));
    }

    void whatIsSelectedIsHit() {
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        browser.setItems(items());
        QSignalSpy runs(&browser, &SessionBrowser::deleteRunRequested),
            sessions(&browser, &SessionBrowser::deleteSessionRequested);
        QSignalSpy opened(&browser, &SessionBrowser::sessionActivated);
        const QModelIndex apples = browser.tree()->model()->index(0, 0);
        QTest::mouseClick(browser.tree()->viewport(), Qt::LeftButton, {}, browser.tree()->visualRect(apples).center());
        QCOMPARE(opened.count(), 1);
        browser.setCurrentRun(RunId{12});  // the window shows a run of it
        QVERIFY(browser.selected() != nullptr && browser.selected()->run == kNoRun);
        QTest::keyClick(browser.tree(), Qt::Key_Delete);
        QCOMPARE(sessions.count(), 1);
        QCOMPARE(runs.count(), 0);
        browser.select(SessionId{1}, RunId{12});
        QTest::keyClick(browser.tree(), Qt::Key_Delete);
        QCOMPARE(runs.count(), 1);
        QCOMPARE(runs[0][0].value<RunId>(), RunId{12});
        browser.requestDelete(SessionId{1}, RunId{999});  // no such row
        QCOMPARE(runs.count(), 1);
        SessionItem earlier = run(1, -1, 0, QStringLiteral("40 earlier runs"));
        earlier.earlier = true;
        browser.put({earlier});
        QSignalSpy wanted(&browser, &SessionBrowser::earlierRunsRequested);
        browser.select(SessionId{1}, RunId{-1});
        QTest::keyClick(browser.tree(), Qt::Key_Delete);
        QTest::keyClick(browser.tree(), Qt::Key_F2);
        QVERIFY(browser.tree()->viewport()->findChild<QLineEdit*>() == nullptr);
        QTest::keyClick(browser.tree(), Qt::Key_Return);
        QCOMPARE(wanted.count(), 1);
        QCOMPARE(runs.count() + sessions.count(), 2);
    }

    void undoIsOffered() {
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        QSignalSpy undone(&browser, &SessionBrowser::undoRequested);
        browser.offerUndo(QStringLiteral("Apples"));
        auto* button = browser.findChild<QWidget*>(QStringLiteral("undoBar"))->findChild<QPushButton*>();
        QVERIFY(button != nullptr && button->isVisible());
        button->click();
        QCOMPARE(undone.count(), 1);
        browser.dismissUndo();
        QVERIFY(!button->isVisible());
    }

    // However narrow: state and tokens stand whole, and a title that does not fit begins where it differs.
    void theStatusIsNeverCutOff() {
        SessionBrowser browser;
        browser.setItems(items());
        SessionItem stopped = run(1, 11, 0, QStringLiteral("RTN 3 bit g64 symmetric, λ 0, seed 7, limit 1024"));
        stopped.subtitle = QStringLiteral("318 ✓ · 12 markers · Qwen2.5-Coder-1.5B-Instruct");
        stopped.status = QStringLiteral("1,024 tok · interrupted");
        SessionItem other = run(1, 15, 0, QStringLiteral("RTN 3 bit g64 symmetric, λ 0, seed 8, limit 1024"));
        browser.put({stopped, other});
        const auto picture = [&](const SessionItem& item) {
            browser.put({item});
            QStyleOptionViewItem option;
            option.rect = QRect(0, 0, 200, 60);
            option.widget = browser.tree();
            QImage image(option.rect.size(), QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            browser.tree()->itemDelegate()->paint(
                &painter, option, browser.tree()->model()->index(0, 0, browser.tree()->model()->index(0, 0)));
            return image;
        };
        QCOMPARE(browser.tree()->model()->index(0, 0, browser.tree()->model()->index(0, 0)).data().toString(),
                 stopped.title);
        const QImage whole = picture(stopped);
        SessionItem changed = stopped;
        changed.status = QStringLiteral("1,025 tok · interrupted");
        QVERIFY(picture(changed) != whole);  // its left end is in sight
        changed.status = QStringLiteral("1,024 tok · interrupteD");
        QVERIFY(picture(changed) != whole);  // and its right end
        changed = stopped;
        changed.title.replace(QStringLiteral("seed 7"), QStringLiteral("seed 9"));
        QVERIFY(picture(changed) != whole);  // and what tells the run from its neighbour
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestSessions)
#include "tst_sessions.moc"
