// The log in the real window, and what it shows of itself and this machine: errors and slow frames are logged, the log
// window filters, copies and follows, the self-test finds a planted fault.
#include <array>
#include <atomic>
#include <memory>

#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QTableView>

#include "app/diagnostics_dialog.h"
#include "app/quibble_application.h"
#include "engine/base/log.h"
#include "kernels/ops.h"
#include "tests/app/window_fixture.h"
#include "views/log/log_model.h"
#include "views/log/log_window.h"

using namespace quibble;

namespace {

std::vector<LogLine> linesAfter(std::uint64_t after) {
    std::vector<LogLine> all;
    for (auto some = logLinesAfter(after); !some.empty(); some = logLinesAfter(all.back().number))
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

QStringList textsWith(std::uint64_t after, const char* part) {
    QStringList texts;
    for (const LogLine& line : linesAfter(after)) {
        if (line.text.find(part) != std::string::npos) texts += QString::fromStdString(line.text);
    }
    return texts;
}

std::uint64_t lastNumber() {
    const auto all = linesAfter(0);
    return all.empty() ? 0 : all.back().number;
}

QString cell(const LogWindow* log, int row, int column) { return log->model()->index(row, column).data().toString(); }

// Blocks the thread while it handles an event.
class Sleeper : public QObject {
    Q_OBJECT
public:
    explicit Sleeper(int ms) : ms_(ms) {}
    bool event(QEvent* event) override {
        if (event->type() != QEvent::User) return QObject::event(event);
        QTest::qSleep(ms_);
        handled = true;
        return true;
    }
    bool handled = false;

private:
    int ms_;
};

// A table with one operation that is wrong.
kernels::Ops withWrongSum() {
    kernels::Ops table = *kernels::allOps()[0];
    table.isa = "planted";
    table.add = [](const float* a, const float* b, std::int64_t n, float* y) {
        kernels::allOps()[0]->add(a, b, n, y);
        y[0] += 1.0F;
    };
    return table;
}

}  // namespace

class TestWindowLog : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init() { start_ = lastNumber(); }
    void modelsRunsAndTheDatabaseAreLogged();
    void errorsThatAreShownAreLogged();
    void slowFramesAreLogged();
    void aLoopInsideOfAnEventIsNoSlowFrame();
    void logWindowShowsFiltersAndCopies();
    void logWindowFollows();
    void logWindowTakesManyLines();
    void logWindowInLightAndDark();
    void selfTestPassesAndIsCopied();
    void selfTestFindsAPlantedFault();
    void selfTestMayBeClosed();

private:
    LogWindow* openLog();
    WindowFixture w;
    std::uint64_t start_ = 0;
};

void TestWindowLog::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
}

LogWindow* TestWindowLog::openLog() {
    w.window().findChild<QAction*>(QStringLiteral("log"))->trigger();
    auto* log = w.window().findChild<LogWindow*>();
    // Portions come with each look at the log.
    (void)QTest::qWaitFor([&] { return log->model()->lastNumber() >= lastNumber(); }, kPatience);
    return log;
}

void TestWindowLog::modelsRunsAndTheDatabaseAreLogged() {
    QVERIFY(!textsWith(0, "database opened: ").isEmpty());
    QVERIFY(!textsWith(0, "model loaded: quibble-nano ").isEmpty());
    RunRequest request = w.parts().setup->request();
    request.prompt = "What is 1 + 2? zanzibarquux";
    w.parts().setup->show(request);
    QVERIFY(w.runToEnd());
    QCOMPARE(textsWith(start_, " begins: quibble-nano (").size(), 1);
    QCOMPARE(textsWith(start_, " ends: ").size(), 1);
    QVERIFY(textsWith(0, "zanzibarquux").isEmpty());
}

void TestWindowLog::errorsThatAreShownAreLogged() {
    w.window().openFile(w.file("nothing.txt"));
    const QStringList lines = textsWith(start_, "shown: nothing.txt is neither a model nor a session");
    QCOMPARE(lines.size(), 1);
    QVERIFY(w.banners().contains("nothing.txt"));
    w.window().openModel(w.file("missing.gguf").toStdString());
    QTRY_VERIFY(!textsWith(start_, "model not loaded: ").isEmpty());
}

void TestWindowLog::slowFramesAreLogged() {
    Sleeper quick(1), slow(120);
    const std::uint64_t before = lastNumber();
    QCoreApplication::postEvent(&quick, new QEvent(QEvent::User));
    QTRY_VERIFY(quick.handled);
    QStringList lines;
    // At most one line a second: on a busy machine another slow frame may have had it.
    for (int attempt = 0; attempt < 10 && lines.isEmpty(); ++attempt) {
        QTest::qWait(1100);
        slow.handled = false;
        QCoreApplication::postEvent(&slow, new QEvent(QEvent::User));
        QTRY_VERIFY(slow.handled);
        lines = textsWith(before, "User of Sleeper");
    }
    QVERIFY(!lines.isEmpty());
    QVERIFY2(lines.first().startsWith("slow frame: "), qPrintable(lines.first()));
    QVERIFY2(lines.first().section(' ', 2, 2).toInt() >= 120, qPrintable(lines.first()));
}

void TestWindowLog::aLoopInsideOfAnEventIsNoSlowFrame() {
    const std::uint64_t before = lastNumber();
    constexpr int kOpenMs = 1500;  // longer than a busy machine holds up an event
    QObject context;
    bool done = false;
    // As a menu or a modal dialog: the loop inside goes on handing out events.
    QTimer::singleShot(0, &context, [&] {
        QEventLoop loop;
        QTimer::singleShot(kOpenMs, &loop, &QEventLoop::quit);
        loop.exec();
        done = true;
    });
    QTRY_VERIFY(done);
    for (const QString& line : textsWith(before, "slow frame: ")) {
        QVERIFY2(line.section(' ', 2, 2).toInt() < kOpenMs, qPrintable(line));
    }
}

void TestWindowLog::logWindowShowsFiltersAndCopies() {
    logDebug("not recorded at this level");
    logInfo("an ordinary fact about Zebras");
    logWarning("something odd about zebras");
    logError("something wrong");
    LogWindow* log = openLog();
    QVERIFY(log->isVisible());
    const int all = log->model()->rowCount();
    QVERIFY(all >= 3);
    QCOMPARE(cell(log, all - 1, LogModel::Text), QString("something wrong"));
    QCOMPARE(cell(log, all - 1, LogModel::Level), QString("error"));
    QCOMPARE(cell(log, all - 2, LogModel::Text), QString("something odd about zebras"));
    log->filterEdit()->setText("zebra");
    QCOMPARE(log->model()->rowCount(), 2);
    log->levelBox()->setCurrentIndex(2);  // warning and above
    QCOMPARE(log->model()->rowCount(), 1);
    log->copyButton()->click();
    const QString copied = QGuiApplication::clipboard()->text();
    QVERIFY2(copied.endsWith(" warning something odd about zebras\n") && copied.startsWith("20"), qPrintable(copied));
    log->filterEdit()->clear();
    log->levelBox()->setCurrentIndex(0);
    QVERIFY(log->model()->rowCount() >= all);
    // The keyboard: select the last two rows, copy.
    log->table()->setFocus();
    log->table()->selectRow(log->model()->rowCount() - 1);
    QTest::keyClick(log->table(), Qt::Key_Up, Qt::ShiftModifier);
    QTest::keyClick(log->table(), Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QGuiApplication::clipboard()->text().count('\n'), 2);
    QVERIFY(QGuiApplication::clipboard()->text().contains("error   something wrong"));
    QCOMPARE(log->details()->toPlainText(), QString("something odd about zebras"));
    QTest::keyClick(log, Qt::Key_Escape);
    QVERIFY(!log->isVisible());
}

void TestWindowLog::logWindowFollows() {
    LogWindow* log = openLog();
    for (int i = 0; i < 200; ++i) logInfo("filling " + std::to_string(i));
    QTRY_COMPARE(cell(log, log->model()->rowCount() - 1, LogModel::Text), QString("filling 199"));
    QScrollBar* bar = log->table()->verticalScrollBar();
    QTRY_COMPARE(bar->value(), bar->maximum());
    bar->setValue(0);  // reading above: new lines do not pull the view away
    logInfo("one more");
    QTRY_COMPARE(cell(log, log->model()->rowCount() - 1, LogModel::Text), QString("one more"));
    QCOMPARE(bar->value(), 0);
    log->hide();
}

void TestWindowLog::logWindowTakesManyLines() {
    const auto write = [](int first, int last) {
        for (int i = first; i < last; ++i)
            logInfo("line " + std::to_string(i) + " of very many, with a text that is about as long as such lines are");
    };
    write(0, 60'000);
    LogWindow* log = openLog();
    write(60'000, 120'000);
    QTRY_COMPARE_WITH_TIMEOUT(log->model()->lastNumber(), lastNumber(), kPatience);
    QVERIFY(log->model()->totalLines() >= 100'000);
    QVERIFY(log->model()->totalLines() <= 103'000);
    QCOMPARE(cell(log, log->model()->rowCount() - 1, LogModel::Text).left(12), QString("line 119999 "));
    const auto first = log->model()->toText(0, 0);
    QVERIFY2(first.contains(" line "), qPrintable(first));
    log->filterEdit()->setText("LINE 119999 ");
    QCOMPARE(log->model()->rowCount(), 1);
    QElapsedTimer clock;
    clock.start();
    log->filterEdit()->setText("such lines are");
    qInfo("filtering %lld lines took %lld ms", static_cast<long long>(log->model()->totalLines()),
          static_cast<long long>(clock.elapsed()));
    QCOMPARE(log->model()->rowCount(), static_cast<int>(log->model()->totalLines()));
    log->filterEdit()->clear();
    log->hide();
}

void TestWindowLog::logWindowInLightAndDark() {
    logError("a line in red");
    LogWindow* log = openLog();
    const QModelIndex last = log->model()->index(log->model()->rowCount() - 1, LogModel::Text);
    for (const ThemeMode mode : {ThemeMode::Dark, ThemeMode::Light}) {
        Theme::instance().setMode(mode);
        const auto ink = last.data(Qt::ForegroundRole).value<QColor>();
        QCOMPARE(ink, Theme::instance().colors().bad);
        QVERIFY(Theme::contrast(ink, log->table()->palette().color(QPalette::Base)) >= 4.5);
        QVERIFY(Theme::contrast(log->table()->palette().color(QPalette::Text),
                                log->table()->palette().color(QPalette::Base)) >= 4.5);
    }
    log->hide();
}

void TestWindowLog::selfTestPassesAndIsCopied() {
    w.window().findChild<QAction*>(QStringLiteral("about"))->trigger();
    auto* dialog = w.window().findChild<DiagnosticsDialog*>();
    QVERIFY(dialog != nullptr && dialog->isVisible());
    dialog->testButton()->click();
    QVERIFY(dialog->testing() && !dialog->testButton()->isEnabled());
    QTRY_VERIFY_WITH_TIMEOUT(!dialog->testing(), kPatience);
    QVERIFY2(dialog->verdict()->text().contains("checks passed"), qPrintable(dialog->verdict()->text()));
    dialog->copyButton()->click();
    const QString text = QGuiApplication::clipboard()->text();
    for (const char* part : {"Program", "Compiler", "Qt", "SQLite", "Kernels in use", "Memory", "Database",
                             "quibble.db", "Self-test of the kernels", "portable attention", "checks passed"}) {
        QVERIFY2(text.contains(QLatin1String(part)), part);
    }
    QVERIFY(!textsWith(start_, "self-test with seed ").isEmpty());
    dialog->close();
}

void TestWindowLog::selfTestFindsAPlantedFault() {
    const kernels::Ops wrong = withWrongSum();
    const std::array<const kernels::Ops*, 2> tables{kernels::allOps()[0], &wrong};
    DiagnosticsDialog dialog({"quibble", {}, {}}, tables, nullptr);
    dialog.show();
    dialog.testButton()->click();
    QTRY_VERIFY_WITH_TIMEOUT(!dialog.testing(), kPatience);
    QVERIFY2(dialog.verdict()->text().startsWith("1 of "), qPrintable(dialog.verdict()->text()));
    QVERIFY(dialog.text().contains("planted add"));
    QCOMPARE(dialog.text().count("WRONG"), 1);
    QVERIFY(!textsWith(start_, "1 of 26 checks failed").isEmpty() ||
            !textsWith(start_, "1 of 27 checks failed").isEmpty() ||
            !textsWith(start_, "1 of 28 checks failed").isEmpty());
}

void TestWindowLog::selfTestMayBeClosed() {
    // The first table holds the check up until the dialog is being closed; the second one must never be reached.
    static std::atomic<int> first = 0, second = 0;
    static const auto plain = kernels::allOps()[0]->add;
    std::array<kernels::Ops, 2> planted{*kernels::allOps()[0], *kernels::allOps()[0]};
    planted[0].add = [](const float* a, const float* b, std::int64_t n, float* y) {
        ++first;
        QThread::msleep(20);
        plain(a, b, n, y);
    };
    planted[1].add = [](const float* a, const float* b, std::int64_t n, float* y) {
        ++second;
        plain(a, b, n, y);
    };
    const std::array<const kernels::Ops*, 2> tables{&planted[0], &planted[1]};
    const std::uint64_t before = lastNumber();
    auto dialog = std::make_unique<DiagnosticsDialog>(FrontEnd{"quibble", {}, {}}, tables, nullptr);
    dialog->show();
    dialog->testButton()->click();
    QTRY_VERIFY_WITH_TIMEOUT(first > 0, kPatience);
    dialog.reset();  // waits for no more than one operation
    QCOMPARE(second.load(), 0);
    QTest::qWait(10);
    QVERIFY(textsWith(before, "self-test with seed ").isEmpty());
}

int main(int argc, char** argv) {
    QuibbleApplication app(argc, argv);  // whose notify() is what is tested
    TestWindowLog test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_window_log.moc"
