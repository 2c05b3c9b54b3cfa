// The window on a database with 5,000 runs, and one run of 20,000 tokens: lists come in pages, and nothing is read on
// the window's thread that takes longer than a frame. What is asserted is how many rows one turn of the event loop
// reads; times are printed.
#include <QAbstractProxyModel>
#include <QLineEdit>
#include <QTreeView>

#include <SQLiteCpp/SQLiteCpp.h>

#include "app/session_list.h"
#include "tests/app/many_runs.h"
#include "tests/app/turn_meter.h"
#include "tests/app/window_fixture.h"
#include "views/sessions/session_model.h"

using namespace quibble;

namespace {

constexpr int kRuns = 5000, kSessions = 300, kLongTokens = 20000;
// A page of runs with the session's own rows and one short run; a page of sessions; the stems of what a search found.
constexpr std::int64_t kMostRows = 2500;

}  // namespace

class TestWindowMany : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void startReadsAPage();
    void scrollingAndOpening();
    void searchFindsWhatHasNotBeenRead();
    void aLongRunIsReadBesideTheWindow();
    void changingRowsTouchesOnlyThem();

private:
    void report(const char* what) {
        meter_->end();
        qInfo("%s: longest turn %.1f ms, at most %lld rows in one", what, meter_->longestMs(),
              static_cast<long long>(meter_->mostRows()));
        QVERIFY2(meter_->mostRows() <= kMostRows, qPrintable(QString::number(meter_->mostRows())));
        meter_->restart();
    }
    [[nodiscard]] SessionBrowser& browser() const { return *w.parts().browser; }
    WindowFixture w;
    std::unique_ptr<TurnMeter> meter_;
    RunId long_run_{}, first_{};
    SessionId big_{};
};

// One real run, copied with SQL: half of the runs in one session, the others in many.
void TestWindowMany::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    meter_ = std::make_unique<TurnMeter>([this] { return w.parts().sessions->store(); });
    QVERIFY(w.waitForModel());
    report("start without runs, for comparison");
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    report("a first run, for comparison");
    meter_.reset();
    first_ = w.document().run();
    big_ = w.parts().sessions->currentSession();
    const Position prompt = w.trace().firstPosition();
    w.close();
    SQLite::Database db(w.file(QStringLiteral("quibble.db")).toStdString(), SQLite::OPEN_READWRITE);
    db.exec("BEGIN");
    db.exec("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(kSessions) +
            ") INSERT INTO session (name, created_ms, updated_ms, opened_ms) SELECT 'session ' || i, 1000000 + i, "
            "1000000 + i, 1000 + i FROM n");
    const std::string columns = testing::kCopiedOfRun;
    db.exec("WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(kRuns) +
            ") INSERT INTO run (session, title, prompt, " + columns + ") SELECT CASE WHEN i % 2 = 0 THEN " +
            std::to_string(raw(big_)) + " ELSE 2 + i % " + std::to_string(kSessions) +
            " END, 'run number ' || i, 'question ' || i || ' about ' || prompt, " + columns +
            " FROM n, run WHERE run.id = " + std::to_string(raw(first_)));
    long_run_ = testing::addLongRun(db, big_, first_, prompt, kLongTokens);
    db.exec("UPDATE session SET opened_ms = (SELECT MAX(opened_ms) + 1 FROM session) WHERE id = " +
            std::to_string(raw(big_)));
    db.exec("COMMIT");
}

void TestWindowMany::startReadsAPage() {
    QElapsedTimer clock;
    clock.start();
    w.open();
    const auto began = clock.elapsed();
    meter_ = std::make_unique<TurnMeter>([this] { return w.parts().sessions->store(); });
    const std::int64_t read = w.parts().sessions->store()->rowsRead();
    qInfo("the window stands after %lld ms and %lld rows", static_cast<long long>(began), static_cast<long long>(read));
    QVERIFY2(read <= kMostRows, qPrintable(QString::number(read)));
    QVERIFY(browser().model()->sessionCount() >= SessionList::kSessionPage &&
            browser().model()->sessionCount() < kSessions);
    // The last run is the long one: it comes when it has been read.
    QVERIFY(waitUntil([&] { return w.document().run() == long_run_; }));
    QCOMPARE(w.document().size(), kLongTokens);
    QVERIFY(browser().model()->indexOfRun(long_run_).isValid());
    QTRY_VERIFY(browser().model()->size() > SessionList::kSessionPage + SessionList::kRunPage);
    QVERIFY(browser().model()->size() < 1000);
    QVERIFY(w.waitForModel());
    report("start");
}

void TestWindowMany::scrollingAndOpening() {
    for (int pages = 0; pages < 5 && browser().model()->canFetchMore({}); ++pages) {
        browser().model()->fetchMore({});  // what the view does at the end of its list
        QTest::qWait(1);
    }
    QCOMPARE(browser().model()->sessionCount(), kSessions + 1);
    for (int i = 3; i < 23; i += 2) {  // those that have runs
        auto* filter = qobject_cast<QAbstractProxyModel*>(browser().tree()->model());
        browser().tree()->expand(filter->mapFromSource(browser().model()->indexOfSession(SessionId{i})));
        QTRY_VERIFY(browser().model()->rowCount(browser().model()->indexOfSession(SessionId{i})) > 0);
    }
    // Older runs, page by page, up to the first one.
    const auto earlier = [&] { return browser().model()->indexOfRun(earlierRow(big_)); };
    QVERIFY(earlier().isValid());
    int pages = 0;
    for (; earlier().isValid() && pages < 100; ++pages) {
        emit browser().earlierRunsRequested(big_);
        QTest::qWait(1);
    }
    QVERIFY2(pages >= kRuns / 2 / SessionList::kRunPage - 2, qPrintable(QString::number(pages)));
    QVERIFY(browser().model()->indexOfRun(first_).isValid());
    QCOMPARE(browser().model()->rowCount(browser().model()->indexOfSession(big_)), kRuns / 2 + 2);
    report("lists");
}

void TestWindowMany::searchFindsWhatHasNotBeenRead() {
    meter_.reset();
    w.open();
    meter_ = std::make_unique<TurnMeter>([this] { return w.parts().sessions->store(); });
    QVERIFY(w.waitForModel());
    const auto found = [&] {
        for (int row = 0; row < browser().tree()->model()->rowCount(); ++row) {
            const QModelIndex session = browser().tree()->model()->index(row, 0);
            for (int run = 0; run < browser().tree()->model()->rowCount(session); ++run) {
                if (browser().tree()->model()->index(run, 0, session).data().toString() ==
                    QStringLiteral("run number 42"))
                    return true;
            }
        }
        return false;
    };
    QVERIFY(!found());
    report("opening once more");
    QTest::qWait(300);  // the first paint and what follows it
    meter_->restart();
    browser().searchBox()->setText(QStringLiteral("question 42 about"));  // only its prompt says so
    QTRY_VERIFY_WITH_TIMEOUT(found(), kPatience);
    browser().searchBox()->clear();
    report("search");
}

void TestWindowMany::aLongRunIsReadBesideTheWindow() {
    w.parts().sessions->openRun(first_);
    QCOMPARE(w.document().run(), first_);  // short: at once
    meter_->restart();
    w.parts().sessions->openRun(long_run_);
    QCOMPARE(w.document().run(), first_);
    QVERIFY(waitUntil([&] { return w.document().run() == long_run_; }));
    QCOMPARE(w.document().size(), kLongTokens);
    meter_->end();
    QVERIFY2(meter_->mostRows() < 300, qPrintable(QString::number(meter_->mostRows())));  // none of its tokens
    report("a run of 20,000 tokens");
    // Whoever asks for another one meanwhile gets that.
    w.parts().sessions->openRun(long_run_);
    w.parts().sessions->openRun(first_);
    QTest::qWait(500);
    QCOMPARE(w.document().run(), first_);
}

void TestWindowMany::changingRowsTouchesOnlyThem() {
    meter_->restart();
    emit browser().renameRunRequested(long_run_, QStringLiteral("longer"));
    QCOMPARE(browser().model()->indexOfRun(long_run_).data().toString(), QStringLiteral("longer"));
    browser().requestDelete(big_, long_run_);
    QVERIFY(!browser().model()->indexOfRun(long_run_).isValid());
    w.parts().sessions->undoAction()->trigger();
    QVERIFY(browser().model()->indexOfRun(long_run_).isValid());
    w.parts().sessions->openRun(first_);
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    meter_->end();
    QVERIFY2(meter_->mostRows() < 400, qPrintable(QString::number(meter_->mostRows())));
    report("renaming, deleting, running");
}

QTEST_MAIN(TestWindowMany)
#include "tst_window_many.moc"
