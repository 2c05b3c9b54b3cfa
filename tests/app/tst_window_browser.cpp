// The session browser of the real window: renaming, every combination of selecting, deleting and undoing, which session
// a run joins.
#include <array>
#include <set>

#include <QAbstractProxyModel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeView>

#include "tests/app/window_fixture.h"
#include "views/sessions/session_model.h"

using namespace quibble;

class TestWindowBrowser : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void renames_data();
    void renames();
    void deletesWhatIsSelected_data();
    void deletesWhatIsSelected();
    void deletionsComeBackInTurn();
    void anEmptySessionKeepsItsPrompt();
    void differentSettingsAreToldApart();
    void savedTimeIsTheWriters();

private:
    [[nodiscard]] SessionBrowser& browser() const { return *w.parts().browser; }
    [[nodiscard]] const Store& store() const { return *w.parts().sessions->store(); }
    [[nodiscard]] bool listed(RunId run) const { return browser().model()->indexOfRun(run).isValid(); }
    void click(const QModelIndex& source) const {
        auto* filter = qobject_cast<QAbstractProxyModel*>(browser().tree()->model());
        const QModelIndex index = filter->mapFromSource(source);
        browser().tree()->scrollTo(index);
        QTest::mouseClick(browser().tree()->viewport(), Qt::LeftButton, {},
                          browser().tree()->visualRect(index).center());
    }
    WindowFixture w;
    SessionId session_{};
    RunId root_{}, branch_{}, other_{};
};

void TestWindowBrowser::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    root_ = w.document().run();
    session_ = w.parts().sessions->currentSession();
    const TokenRecord record = w.trace().points()[2].token;
    w.parts().runs->branch(record.pos, record.top.back().id);
    QVERIFY(w.waitForEnd());
    QVERIFY(w.saved());
    branch_ = w.document().run();
    QVERIFY(branch_ != root_);
    // One blank, and the token in quotes.
    const std::string title = store().runSummary(branch_)->title;
    QVERIFY2(title.find("branch at 2 “") == 0 && title.find("  ") == std::string::npos, title.c_str());
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    other_ = w.document().run();
    QTRY_VERIFY(listed(root_) && listed(branch_) && listed(other_));
    QTRY_VERIFY(!browser().model()->item(browser().model()->indexOfRun(other_))->running);
}

void TestWindowBrowser::renames_data() {
    QTest::addColumn<bool>("session");
    QTest::addColumn<int>("key");
    for (const bool session : {true, false}) {
        for (const int key : {int(Qt::Key_Return), int(Qt::Key_Enter), int(Qt::Key_Tab)}) {
            QTest::newRow(qPrintable(QStringLiteral("%1 %2").arg(session ? "session" : "run").arg(key)))
                << session << key;
        }
    }
}

void TestWindowBrowser::renames() {
    QFETCH(bool, session);
    QFETCH(int, key);
    const QString name = QStringLiteral("name %1").arg(key);
    const RunId shown = w.document().run();
    browser().tree()->setFocus();
    browser().select(session_, session ? kNoRun : root_);
    QTest::keyClick(browser().tree(), Qt::Key_F2);
    auto* editor = browser().tree()->viewport()->findChild<QLineEdit*>();
    QVERIFY(editor != nullptr);
    editor->selectAll();
    QTest::keyClicks(editor, name);
    QTest::keyClick(editor, static_cast<Qt::Key>(key));
    const auto stored = [&] {
        return session ? store().sessionSummary(session_)->name : store().runSummary(root_)->title;
    };
    QTRY_COMPARE(QString::fromStdString(stored()), name);
    QTest::qWait(50);
    const QModelIndex row =
        session ? browser().model()->indexOfSession(session_) : browser().model()->indexOfRun(root_);
    QCOMPARE(row.data().toString(), name);
    QCOMPARE(w.document().run(), shown);  // the key belonged to the editor
    QCOMPARE(w.banners(), QString());
    QVERIFY(browser().tree()->viewport()->findChild<QLineEdit*>() == nullptr);  // Tab does not go on to the next name
}

void TestWindowBrowser::deletesWhatIsSelected_data() {
    QTest::addColumn<int>("chosen");  // 0 session, 1 root, 2 branch, 3 other
    QTest::addColumn<int>("shown");   // a run
    QTest::addColumn<bool>("by_button");
    for (int chosen = 0; chosen < 4; ++chosen) {
        for (int shown = 1; shown < 4; ++shown) {
            for (const bool by_button : {false, true}) {
                QTest::newRow(qPrintable(QStringLiteral("select %1, show %2, undo by %3")
                                             .arg(chosen)
                                             .arg(shown)
                                             .arg(by_button ? "button" : "key")))
                    << chosen << shown << by_button;
            }
        }
    }
}

void TestWindowBrowser::deletesWhatIsSelected() {
    QFETCH(int, chosen);
    QFETCH(int, shown);
    QFETCH(bool, by_button);
    const std::array<RunId, 4> runs{kNoRun, root_, branch_, other_};
    w.parts().sessions->openRun(runs[static_cast<std::size_t>(shown)]);
    // A session is chosen by a click, which shows a run of it; a run by the keyboard, which shows nothing else.
    if (chosen == 0)
        click(browser().model()->indexOfSession(session_));
    else
        browser().select(session_, runs[static_cast<std::size_t>(chosen)]);
    QVERIFY(browser().selected() != nullptr);
    QCOMPARE(browser().selected()->run, runs[static_cast<std::size_t>(chosen)]);
    const RunId before = w.document().run();
    QTest::keyClick(browser().tree(), Qt::Key_Delete);
    const std::array<bool, 4> gone{chosen == 0, chosen <= 1, chosen <= 2, chosen == 0 || chosen == 3};
    for (std::size_t i = 1; i < 4; ++i) {
        const bool lost = i == 2 ? chosen <= 2 : gone[i];
        QCOMPARE(listed(runs[i]), !lost);
        QCOMPARE(store().listedRun(runs[i]).has_value(), !lost);
        if (before == runs[i]) QCOMPARE(w.document().run() == before, !lost);
    }
    if (by_button)
        browser().findChild<QWidget*>(QStringLiteral("undoBar"))->findChild<QPushButton*>()->click();
    else
        w.parts().sessions->undoAction()->trigger();
    QTRY_VERIFY(browser().model()->indexOfSession(session_).isValid());
    if (chosen == 0) w.parts().sessions->openRun(root_);
    for (std::size_t i = 1; i < 4; ++i) {
        QVERIFY(store().listedRun(runs[i]).has_value());
        if (chosen == 0 && !listed(runs[i]))
            w.parts().sessions->runChanged(runs[i]);  // its rows are read when it is opened
        QVERIFY(listed(runs[i]));
    }
    QVERIFY(browser().model()->indexOfRun(branch_).parent() == browser().model()->indexOfRun(root_));
    QVERIFY(!browser().findChild<QWidget*>(QStringLiteral("undoBar"))->isVisible());
    QCOMPARE(w.banners(), QString());
}

void TestWindowBrowser::deletionsComeBackInTurn() {
    browser().requestDelete(session_, branch_);
    browser().requestDelete(session_, other_);
    browser().requestDelete(session_, root_);
    QVERIFY(!listed(root_) && !listed(branch_) && !listed(other_));
    QCOMPARE(w.document().run(), kNoRun);
    QAction* undo = w.parts().sessions->undoAction();
    undo->trigger();
    QVERIFY(listed(root_) && !listed(branch_) && !listed(other_));
    undo->trigger();
    QVERIFY(listed(root_) && !listed(branch_) && listed(other_));
    undo->trigger();
    QVERIFY(listed(root_) && listed(branch_) && listed(other_));
    QVERIFY(!undo->isEnabled());
}

void TestWindowBrowser::anEmptySessionKeepsItsPrompt() {
    const auto ask = [&](const char* prompt) {
        w.parts().prompt->showFreePrompt(QString::fromLatin1(prompt));
        w.parts().runs->setupChanged();
        return w.runToEnd() && w.saved();
    };
    w.parts().sessions->newSession();
    QVERIFY(ask("Compute 2 + 2."));
    const SessionId first = w.parts().sessions->currentSession();
    browser().requestDelete(first, w.document().run());  // the session is empty now
    QVERIFY(ask("Compute 3 + 3."));
    QVERIFY(w.parts().sessions->currentSession() != first);
    QCOMPARE(w.parts().sessions->sessionName(w.parts().sessions->currentSession()), QStringLiteral("Compute 3 + 3."));
    // One that the user has named takes anything.
    w.parts().sessions->newSession();
    const SessionId own = w.parts().sessions->currentSession();
    emit browser().renameSessionRequested(own, QStringLiteral("Homework"));
    QVERIFY(ask("Compute 4 + 4."));
    QCOMPARE(w.parts().sessions->currentSession(), own);
    QVERIFY(ask("Compute 5 + 5."));
    QCOMPARE(w.parts().sessions->currentSession(), own);
    QCOMPARE(w.parts().sessions->sessionName(own), QStringLiteral("Homework"));
}

void TestWindowBrowser::differentSettingsAreToldApart() {
    RunRequest request = w.parts().setup->request();
    std::set<QString> titles;
    const auto title = [&] {
        if (!w.runToEnd() || !w.saved()) return QString();
        return QString::fromStdString(store().runSummary(w.document().run())->title);
    };
    titles.insert(title());
    request.seed += 5;
    w.parts().setup->show(request);
    titles.insert(title());
    request.sampler.top_k = 7;
    w.parts().setup->show(request);
    titles.insert(title());
    request.max_tokens = 9;
    w.parts().setup->show(request);
    titles.insert(title());
    QCOMPARE(titles.size(), std::size_t(4));
    const auto* row = browser().model()->item(browser().model()->indexOfRun(w.document().run()));
    QVERIFY(row != nullptr);
    QTRY_VERIFY2(row->status.contains(QStringLiteral("tok")), qPrintable(row->status));
}

void TestWindowBrowser::savedTimeIsTheWriters() {
    QVERIFY2(w.runLong(), "no seed gives a long run");
    w.askForLongRun();
    w.parts().runs->setPace(4);  // slower than the writer, which has always written what there is
    double worst = 0, before = 0;
    int told = 0, renewed = 0;
    connect(w.parts().runs, &RunController::statusChanged, this, [&](const StatusFigures& status) {
        if (!w.parts().runs->live() || !status.saved_seconds_ago) return;
        worst = std::max(worst, *status.saved_seconds_ago);
        if (*status.saved_seconds_ago < before) ++renewed;
        before = *status.saved_seconds_ago;
        ++told;
    });
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForTokens(12));
    QVERIFY(told > 5);
    qInfo("%d times told, at most %.2f s ago", told, worst);
    // Each commit makes the time short again. It used to grow for as long as tokens came.
    QVERIFY2(renewed > 2, qPrintable(QString::number(renewed)));
    w.parts().runs->stop();
    QVERIFY(w.waitForEnd());
    w.parts().runs->setPace(0);
}

QTEST_MAIN(TestWindowBrowser)
#include "tst_window_browser.moc"
