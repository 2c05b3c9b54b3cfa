// Exports and imports go on beside the window: it handles events and paints meanwhile, the user can run, rename and
// close, and a file or a session is there whole or not at all. How long the turns of the event loop took is printed;
// what is asserted does not depend on the machine.
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <QFile>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>
#include <QToolButton>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/app/many_runs.h"
#include "tests/app/turn_meter.h"
#include "tests/app/window_fixture.h"
#include "tests/cli/cli_process.h"
#include "views/sessions/session_model.h"
#include "views/status/run_status_bar.h"

using namespace quibble;

namespace {

constexpr int kLongTokens = 25'000, kRuns = 2'000, kTokensOfRun = 5;

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray("not there");
}

// A file that takes 64 KiB and then no more, until somebody reads: whoever writes it is held up for as long as the test
// wants.
class SlowFile {
public:
    explicit SlowFile(const QString& path) {
        ::mkfifo(path.toUtf8().constData(), 0600);
        handle_ = ::open(path.toUtf8().constData(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    ~SlowFile() {
        let();
        reader_ = {};
        ::close(handle_);
    }
    // From now on it is read.
    void let() {
        if (reader_.joinable()) return;
        reader_ = std::jthread([handle = handle_](const std::stop_token& stop) {
            char buffer[65536];
            while (!stop.stop_requested()) {
                if (::read(handle, buffer, sizeof buffer) <= 0)
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }

private:
    int handle_ = -1;
    std::jthread reader_;
};

// Paints of a widget.
class PaintCounter : public QObject {
public:
    explicit PaintCounter(QWidget* widget) : widget_(widget) { widget->installEventFilter(this); }
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::Paint) ++paints_;
        return QObject::eventFilter(watched, event);
    }
    bool paintsAgain(int times) {
        const int wanted = paints_ + times;
        return waitUntil([&] {
            widget_->update();
            return paints_ >= wanted;
        });
    }

private:
    QWidget* widget_;
    int paints_ = 0;
};

}  // namespace

class TestWindowExports : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init();
    void aLongRunIsWrittenBesideTheWindow_data();
    void aLongRunIsWrittenBesideTheWindow();
    void theWindowWorksMeanwhile();
    void aRunThatGoesOnIsExportedAsItStood();
    void errorsAreShown();
    void closingWaitsOrCancels();
    void aSessionOfManyRuns();
    void cancellingAnImportLeavesNothing();
    void closingDuringAnImportLeavesNothing();
    void brokenSources();
    void theDatabaseStaysDuringAnImport();

private:
    void report(const char* what, const TurnMeter& meter) {
        qInfo("%s: longest turn %.1f ms of %d", what, meter.longestMs(), meter.turns());
    }
    [[nodiscard]] std::unique_ptr<TurnMeter> meter() {
        return std::make_unique<TurnMeter>([this] { return w.parts().sessions->store(); });
    }
    void openDatabase() {
        w.open();
        QVERIFY(w.waitForModel());
        QTest::qWait(100);
    }
    [[nodiscard]] QString exported(const char* name) const { return w.file(QString::fromLatin1(name)); }
    [[nodiscard]] std::int64_t count(const char* sql) const {
        return SQLite::Database(w.file(QStringLiteral("quibble.db")).toStdString(), SQLite::OPEN_READONLY)
            .execAndGet(sql)
            .getInt64();
    }
    [[nodiscard]] bool nothingHalfImported() const {
        return count("SELECT COUNT(*) FROM session WHERE deleted_ms < 0") == 0 &&
               count("SELECT COUNT(*) FROM run WHERE session NOT IN (SELECT id FROM session)") == 0 &&
               count("SELECT COUNT(*) FROM token WHERE run NOT IN (SELECT id FROM run)") == 0;
    }
    [[nodiscard]] QLabel* workLabel() const {
        for (QLabel* label : w.parts().status->findChildren<QLabel*>()) {
            if (label->accessibleDescription() == QStringLiteral("Files")) return label;
        }
        return nullptr;
    }
    WindowFixture w;
    RunId short_run_{}, long_run_{};
    SessionId long_session_{}, many_{};
};

// A session with one long run, and one with many short ones.
void TestWindowExports::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    short_run_ = w.document().run();
    const Position first = w.trace().firstPosition();
    w.close();
    SQLite::Database db(w.file(QStringLiteral("quibble.db")).toStdString(), SQLite::OPEN_READWRITE);
    db.exec("BEGIN");
    const auto session = [&](const std::string& name) {
        db.exec("INSERT INTO session (name, created_ms, updated_ms, opened_ms) VALUES ('" + name +
                "', 1000, 1000, 1000)");
        return SessionId{db.getLastInsertRowid()};
    };
    long_session_ = session("long");
    many_ = session("many");
    long_run_ = testing::addLongRun(db, long_session_, short_run_, first, kLongTokens);
    for (int i = 0; i < kRuns; ++i) testing::addLongRun(db, many_, short_run_, first, kTokensOfRun);
    db.exec("COMMIT");
}

void TestWindowExports::init() {
    openDatabase();
    w.parts().sessions->openRun(long_run_);
    QVERIFY(waitUntil([&] { return w.document().run() == long_run_; }));
    QTest::qWait(50);
}

void TestWindowExports::aLongRunIsWrittenBesideTheWindow_data() {
    QTest::addColumn<int>("format");
    QTest::addColumn<QString>("name");
    QTest::newRow("csv") << static_cast<int>(DataFormat::Csv) << QStringLiteral("csv");
    QTest::newRow("jsonl") << static_cast<int>(DataFormat::JsonLines) << QStringLiteral("jsonl");
}

void TestWindowExports::aLongRunIsWrittenBesideTheWindow() {
    QFETCH(int, format);
    QFETCH(QString, name);
    QCOMPARE(w.document().size(), kLongTokens);
    const QString path = exported("run.") + name;
    const auto turns = meter();
    QElapsedTimer clock;
    clock.start();
    w.window().exportDataTo(path, static_cast<DataFormat>(format));
    QVERIFY(w.parts().work->busy());  // the call came back, and the file is still to be written
    QVERIFY(w.waitForFiles());
    turns->end();
    qInfo("%d tokens, %lld bytes after %lld ms", kLongTokens, static_cast<long long>(QFileInfo(path).size()),
          static_cast<long long>(clock.elapsed()));
    report("export", *turns);
    QCOMPARE(w.banners(), QString());
    QVERIFY(!QFileInfo::exists(path + QStringLiteral(".part")));
    const auto cli =
        testing::runCli({QStringLiteral("export"), w.file(QStringLiteral("quibble.db")), QStringLiteral("--run"),
                         QString::number(raw(long_run_)), QStringLiteral("--format"), name});
    QVERIFY2(cli.status == 0, cli.err.constData());
    QVERIFY(cli.out.size() > 1'000'000);
    QVERIFY(contentOf(path) == cli.out);
}

void TestWindowExports::theWindowWorksMeanwhile() {
    const QString path = exported("slow.csv"), part = path + QStringLiteral(".part");
    {
        std::ofstream(path.toStdString()) << "mine";
        SlowFile slow(part);
        w.window().exportDataTo(path, DataFormat::Csv);
        QVERIFY(w.parts().work->busy());
        PaintCounter paints(w.parts().stream->stream()->viewport());
        QVERIFY(paints.paintsAgain(5));
        QVERIFY(w.parts().work->busy());
        QTRY_VERIFY(workLabel()->isVisible());
        QCOMPARE(w.parts().work->doing(), QStringLiteral("Exporting slow.csv"));
        // Runs, other runs and renames go on.
        w.parts().sessions->openRun(short_run_);
        QCOMPARE(w.document().run(), short_run_);
        QVERIFY(w.runToEnd());
        QVERIFY(w.saved());
        emit w.parts().browser->renameRunRequested(w.document().run(), QStringLiteral("made meanwhile"));
        QCOMPARE(QString::fromStdString(w.parts().sessions->store()->listedRun(w.document().run())->title),
                 QStringLiteral("made meanwhile"));
        w.parts().sessions->openRun(long_run_);
        QVERIFY(waitUntil([&] { return w.document().run() == long_run_; }));
        QVERIFY(w.parts().work->busy());
        // The button beside the text ends it.
        QToolButton* cancel = nullptr;
        for (QToolButton* button : w.parts().status->findChildren<QToolButton*>())
            cancel = button->toolTip().contains(QStringLiteral("slow.csv")) ? button : cancel;
        QVERIFY(cancel != nullptr && cancel->isVisible());
        cancel->click();
        slow.let();
        QVERIFY(w.waitForFiles());
    }
    QCOMPARE(w.banners(), QString());
    QVERIFY(!workLabel()->isVisible());
    QVERIFY(!QFileInfo::exists(part));
    QCOMPARE(contentOf(path), QByteArray("mine"));
}

// What the run looked like when it was asked for, although tokens arrive while it is written.
void TestWindowExports::aRunThatGoesOnIsExportedAsItStood() {
    QVERIFY2(w.runLong(), "no seed gives a long run");
    w.askForLongRun();
    w.parts().runs->setPace(200);
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForTokens(60));
    const QString path = exported("live.jsonl");
    const int tokens = w.document().size();
    w.window().exportDataTo(path, DataFormat::JsonLines);
    QVERIFY(w.waitForTokens(tokens + 20));
    QVERIFY(w.waitForFiles());
    QCOMPARE(contentOf(path).count('\n'), tokens + 2);
    w.parts().runs->stop();
    QVERIFY(w.waitForEnd());
    QVERIFY(w.saved());
    QVERIFY(w.document().size() > tokens);
}

void TestWindowExports::errorsAreShown() {
    const auto fails = [&](const QString& path, const char* reason) {
        w.window().exportDataTo(path, DataFormat::Csv);
        if (!w.waitForFiles()) return false;
        const bool told = w.banners().contains(QString::fromLatin1(reason));
        if (!told) qWarning("%s", qPrintable(w.banners()));
        w.parts().banners->clear(QStringLiteral("export"));
        return told && !QFileInfo::exists(path + QStringLiteral(".part"));
    };
    QVERIFY(fails(exported("no/such/folder/run.csv"), "cannot write"));
    QVERIFY(QDir().mkpath(exported("folder.csv")));
    QVERIFY(fails(exported("folder.csv"), "not an ordinary file"));
    // The end of the disk, in the midst of writing.
    QVERIFY(QFile::link(QStringLiteral("/dev/full"), exported("full.csv.part")));
    QVERIFY(fails(exported("full.csv"), "cannot write"));
    QVERIFY(!QFileInfo::exists(exported("full.csv")));
    w.window().exportSessionTo(long_session_, exported("no/such/folder/a.session"));
    QVERIFY(w.waitForFiles());
    QVERIFY2(w.banners().contains(QStringLiteral("a.session")), qPrintable(w.banners()));
    w.parts().banners->clear(QStringLiteral("export"));
}

void TestWindowExports::closingWaitsOrCancels() {
    const auto question = [&] { return w.window().findChild<QMessageBox*>(QStringLiteral("fileWorkQuestion")); };
    const QString path = exported("closing.csv");
    {
        SlowFile slow(path + QStringLiteral(".part"));
        w.window().exportDataTo(path, DataFormat::Csv);
        QVERIFY(!w.window().close());
        QTRY_VERIFY(question() != nullptr);
        QVERIFY2(question()->text().contains(QStringLiteral("closing.csv")), qPrintable(question()->text()));
        question()->findChild<QPushButton*>(QStringLiteral("keepOpen"))->click();
        QTRY_VERIFY(question() == nullptr);
        QVERIFY(w.window().isVisible() && w.parts().work->busy());
        QVERIFY(!w.window().close());
        QTRY_VERIFY(question() != nullptr);
        question()->findChild<QPushButton*>(QStringLiteral("cancelWork"))->click();
        slow.let();
        QTRY_VERIFY_WITH_TIMEOUT(!w.window().isVisible(), kPatience);
    }
    QVERIFY(!QFileInfo::exists(path) && !QFileInfo::exists(path + QStringLiteral(".part")));
    // Without an answer it closes when the file is whole.
    init();
    w.window().exportDataTo(path, DataFormat::JsonLines);
    QVERIFY(!w.window().close());
    QTRY_VERIFY_WITH_TIMEOUT(!w.window().isVisible(), kPatience);
    QCOMPARE(contentOf(path).count('\n'), kLongTokens + 2);
    // A window that is destroyed takes its work along.
    init();
    QVERIFY(QFile::remove(path));
    w.window().exportDataTo(path, DataFormat::JsonLines);
    w.close();
    QVERIFY(!QFileInfo::exists(path) && !QFileInfo::exists(path + QStringLiteral(".part")));
}

void TestWindowExports::aSessionOfManyRuns() {
    const QString path = exported("many.session");
    auto turns = meter();
    w.window().exportSessionTo(many_, path);
    QVERIFY(w.parts().work->busy());
    QVERIFY(w.waitForFiles());
    QCOMPARE(w.banners(), QString());
    turns->end();
    report("export of a session", *turns);
    QVERIFY(QFileInfo::exists(path));
    const std::int64_t sessions = count("SELECT COUNT(*) FROM session"), runs = count("SELECT COUNT(*) FROM run");
    turns->restart();
    QElapsedTimer clock;
    clock.start();
    w.window().openFile(path);
    QVERIFY(w.parts().work->busy());
    QCOMPARE(count("SELECT COUNT(*) FROM session"), sessions);
    // The window writes meanwhile, whenever it wants.
    double longest_rename_ms = 0;
    int renames = 0;
    while (w.parts().work->busy() && clock.elapsed() < kPatience) {
        QElapsedTimer one;
        one.start();
        emit w.parts().browser->renameRunRequested(short_run_, QStringLiteral("name %1").arg(++renames));
        longest_rename_ms = std::max(longest_rename_ms, static_cast<double>(one.nsecsElapsed()) / 1e6);
        QTest::qWait(5);
    }
    QVERIFY(!w.parts().work->busy());
    turns->end();
    qInfo("import of %d runs after %lld ms; %d renames meanwhile, the longest %.1f ms", kRuns,
          static_cast<long long>(clock.elapsed()), renames, longest_rename_ms);
    report("import of a session", *turns);
    QVERIFY(renames > 2);
    QCOMPARE(w.banners(), QString());
    QCOMPARE(count("SELECT COUNT(*) FROM session"), sessions + 1);
    QCOMPARE(count("SELECT COUNT(*) FROM run"), runs + kRuns);
    QVERIFY(nothingHalfImported());
    const SessionId session = w.parts().sessions->currentSession();
    QVERIFY(session != many_ && session != long_session_);
    const auto summary = w.parts().sessions->store()->sessionSummary(session);
    QVERIFY(summary.has_value());
    QCOMPARE(summary->runs, std::int64_t(kRuns));
    QCOMPARE(summary->tokens, std::int64_t(kRuns * kTokensOfRun));
    QVERIFY(w.parts().browser->model()->indexOfSession(session).isValid());
    // Its newest run is shown, unless somebody has asked for another one meanwhile.
    QTRY_VERIFY_WITH_TIMEOUT(w.document().run() != long_run_, kPatience);
    w.window().openFile(path);
    w.parts().sessions->openRun(short_run_);
    QVERIFY(w.waitForFiles());
    QTest::qWait(50);
    QCOMPARE(w.document().run(), short_run_);
    QCOMPARE(count("SELECT COUNT(*) FROM session"), sessions + 2);
}

void TestWindowExports::cancellingAnImportLeavesNothing() {
    const QString path = exported("many.session");
    QVERIFY(QFileInfo::exists(path));
    const std::int64_t sessions = count("SELECT COUNT(*) FROM session"), runs = count("SELECT COUNT(*) FROM run"),
                       tokens = count("SELECT COUNT(*) FROM token");
    const auto unchanged = [&] {
        return count("SELECT COUNT(*) FROM session") == sessions && count("SELECT COUNT(*) FROM run") == runs &&
               count("SELECT COUNT(*) FROM token") == tokens && nothingHalfImported();
    };
    w.window().openFile(path);
    w.parts().work->cancelAction()->trigger();  // while it is checked
    QVERIFY(w.waitForFiles());
    QVERIFY(unchanged());
    QCOMPARE(w.banners(), QString());
    w.window().openFile(path);
    QVERIFY(waitUntil([&] { return !nothingHalfImported() || !w.parts().work->busy(); }));  // while it is written
    QVERIFY(w.parts().work->busy());
    w.parts().work->cancelAction()->trigger();
    QVERIFY(w.waitForFiles());
    QVERIFY(unchanged());
    QCOMPARE(w.banners(), QString());
    QCOMPARE(w.document().run(), long_run_);
}

void TestWindowExports::closingDuringAnImportLeavesNothing() {
    const std::int64_t sessions = count("SELECT COUNT(*) FROM session"), runs = count("SELECT COUNT(*) FROM run");
    w.window().openFile(exported("many.session"));
    QVERIFY(waitUntil([&] { return !nothingHalfImported() || !w.parts().work->busy(); }));
    QVERIFY(w.parts().work->busy());
    w.close();
    openDatabase();
    QCOMPARE(count("SELECT COUNT(*) FROM session"), sessions);
    QCOMPARE(count("SELECT COUNT(*) FROM run"), runs);
    QVERIFY(nothingHalfImported());
}

void TestWindowExports::brokenSources() {
    const std::int64_t sessions = count("SELECT COUNT(*) FROM session");
    QVERIFY(QFile::copy(exported("many.session"), exported("half.session")));
    QFile half(exported("half.session"));
    QVERIFY(half.resize(half.size() / 2));
    QVERIFY(QFile::copy(exported("many.session"), exported("tampered.session")));
    SQLite::Database(exported("tampered.session").toStdString(), SQLite::OPEN_READWRITE)
        .exec("UPDATE token SET top = x'010203' WHERE run = (SELECT MAX(id) FROM run)");
    for (const char* name : {"half.session", "tampered.session", "missing.session"}) {
        w.parts().sessions->importSession(toPath(exported(name)));
        QVERIFY(w.waitForFiles());
        QVERIFY2(w.banners().contains(QString::fromLatin1(name)), qPrintable(w.banners()));
        w.parts().banners->clear(QStringLiteral("session"));
        QCOMPARE(w.document().run(), long_run_);
    }
    QCOMPARE(count("SELECT COUNT(*) FROM session"), sessions);
    QVERIFY(nothingHalfImported());
}

void TestWindowExports::theDatabaseStaysDuringAnImport() {
    const auto before = w.parts().sessions->store()->path();
    w.window().openFile(exported("many.session"));
    w.window().useDatabase(toPath(exported("other.db")));
    QCOMPARE(w.parts().sessions->store()->path(), before);
    QVERIFY2(w.banners().contains(QStringLiteral("being imported")), qPrintable(w.banners()));
    w.parts().work->cancelAction()->trigger();
    QVERIFY(w.waitForFiles());
    w.window().useDatabase(toPath(exported("other.db")));
    QCOMPARE(w.parts().sessions->store()->path(), toPath(exported("other.db")));
    QCOMPARE(w.banners(), QString());
    w.window().useDatabase(before);  // its lock went with the import
    QVERIFY(w.parts().sessions->blocked().isEmpty());
}

QTEST_MAIN(TestWindowExports)
#include "tst_window_exports.moc"
