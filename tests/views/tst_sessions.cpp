// The session browser: a valid tree from any rows, search, rename, delete with undo.
#include <QAbstractItemModelTester>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeView>

#include "tests/views/view_test.h"
#include "views/sessions/session_browser.h"
#include "views/sessions/session_model.h"

using namespace quibble;

class TestSessions : public QObject {
    Q_OBJECT

    static SessionItem session(int id, const QString& title) { return {SessionId{id}, kNoRun, kNoRun, title, QStringLiteral("today"), {}, false}; }
    static SessionItem run(int session_id, int id, int parent, const QString& title) {
        return {SessionId{session_id}, RunId{id}, RunId{parent}, title, QStringLiteral("318 ✓ · 62 tok"), {}, false};
    }
    static std::vector<SessionItem> items() {
        return {run(1, 12, 11, QStringLiteral("branch")), session(1, QStringLiteral("Apples")), run(1, 11, 0, QStringLiteral("RTN 3 bit")),
                run(1, 13, 12, QStringLiteral("branch of the branch")), session(2, QStringLiteral("Pears")), run(2, 21, 0, QStringLiteral("F16"))};
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
        model.setHidden(SessionId{1}, RunId{12});
        QVERIFY(!model.indexOfRun(RunId{13}).isValid());
        model.setHidden(kNoSession, kNoRun);
        QVERIFY(model.indexOfRun(RunId{13}).isValid());
    }

    void strangeRowsStayVisible() {
        SessionModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        // a ring, a parent that is missing, a run of no session, a parent in another session, a run that is its own parent
        model.setItems({session(1, QStringLiteral("s")), run(1, 1, 2, QStringLiteral("a")), run(1, 2, 1, QStringLiteral("b")),
                        run(1, 3, 99, QStringLiteral("c")), run(7, 4, 0, QStringLiteral("d")), run(7, 5, 1, QStringLiteral("e")),
                        run(1, 6, 6, QStringLiteral("f"))});
        for (int id = 1; id <= 6; ++id) QVERIFY2(model.indexOfRun(RunId{id}).isValid(), qPrintable(QString::number(id)));
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
        browser.setCurrentRun(RunId{11});
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

    void renamesInPlace() {
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        browser.setItems(items());
        QSignalSpy run_renamed(&browser, &SessionBrowser::renameRunRequested), session_renamed(&browser, &SessionBrowser::renameSessionRequested);
        browser.setCurrentRun(RunId{11});
        QTest::keyClick(browser.tree(), Qt::Key_F2);
        auto* editor = browser.tree()->viewport()->findChild<QLineEdit*>();
        QVERIFY(editor != nullptr);
        editor->setText(QStringLiteral("better name"));
        QTest::keyClick(editor, Qt::Key_Return);
        QTRY_COMPARE(run_renamed.count(), 1);
        QCOMPARE(run_renamed[0][0].value<RunId>(), RunId{11});
        QCOMPARE(run_renamed[0][1].toString(), QStringLiteral("better name"));
        SessionModel* model = browser.model();
        QVERIFY(!model->setData(model->indexOfSession(SessionId{1}), QStringLiteral("   "), Qt::EditRole));
        QVERIFY(model->setData(model->indexOfSession(SessionId{1}), QStringLiteral("Oranges"), Qt::EditRole));
        QCOMPARE(session_renamed.count(), 1);
    }

    void deleteCanBeUndone() {
        SessionBrowser browser;
        browser.resize(260, 500);
        browser.show();
        browser.setItems(items());
        QSignalSpy runs(&browser, &SessionBrowser::deleteRunRequested), sessions(&browser, &SessionBrowser::deleteSessionRequested);
        browser.setCurrentRun(RunId{11});
        QTest::keyClick(browser.tree(), Qt::Key_Delete);
        QVERIFY(!browser.model()->indexOfRun(RunId{11}).isValid());
        QCOMPARE(runs.count(), 0);
        QTest::keyClick(browser.tree(), Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(browser.model()->indexOfRun(RunId{11}).isValid());
        browser.requestDelete(SessionId{1}, RunId{11});
        browser.requestDelete(SessionId{2}, kNoRun);  // another deletion settles the first
        QCOMPARE(runs.count(), 1);
        QCOMPARE(runs[0][0].value<RunId>(), RunId{11});
        browser.commitDelete();
        QCOMPARE(sessions.count(), 1);
        browser.commitDelete();
        QCOMPARE(sessions.count(), 1);
        browser.requestDelete(SessionId{1}, RunId{999});  // no such row
        browser.commitDelete();
        QCOMPARE(runs.count(), 1);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestSessions)
#include "tst_sessions.moc"
