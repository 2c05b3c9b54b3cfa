// The log: levels, one line a fact, files that are replaced and bounded, and a program that goes on where none can be
// written.
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/state_folder.h"

using namespace quibble;

namespace {

std::string contentOf(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> textsAfter(std::uint64_t number) {
    std::vector<std::string> texts;
    for (const LogLine& line : logLinesAfter(number)) texts.push_back(line.text);
    return texts;
}

std::uint64_t lastNumber() {
    std::uint64_t last = 0;
    for (auto lines = logLinesAfter(0); !lines.empty(); lines = logLinesAfter(last)) last = lines.back().number;
    return last;
}

}  // namespace

class TestLog : public QObject {
    Q_OBJECT
private slots:
    void init() { start_ = lastNumber(); }
    void cleanup() {
        stopLog();
        startLog({});
    }

    void writesOneLineForEachFact() {
        startLog(setup());
        logInfo("a model\nwith a \x1b[31mname\x7f and \xff bytes");
        const std::string text = contentOf(folder() / "quibble.log");
        QCOMPARE(std::count(text.begin(), text.end(), '\n'), 1);
        QVERIFY(text.find("] info    a model with a  [31mname  and \xef\xbf\xbd bytes\n") != std::string::npos);
        QVERIFY(text.find("[" + std::to_string(::getpid()) + "]") != std::string::npos);
        QCOMPARE(textsAfter(start_), std::vector<std::string>{"a model with a  [31mname  and \xef\xbf\xbd bytes"});
    }

    void cutsWhatIsTooLong() {
        startLog(setup());
        std::string text(3999, 'x');
        text += "\u00e9";  // the limit is inside of it
        logInfo(text + std::string(100'000, 'y'));
        const auto texts = textsAfter(start_);
        QCOMPARE(texts.size(), std::size_t{1});
        QCOMPARE(QByteArray::fromStdString(texts.front()), QByteArray(3999, 'x') + " …");
    }

    void dropsWhatIsBelowTheLevel() {
        LogSetup wanted = setup();
        wanted.level = LogLevel::Warning;
        startLog(wanted);
        logDebug("one");
        logInfo("two");
        logWarning("three");
        logError("four");
        QCOMPARE(textsAfter(start_), (std::vector<std::string>{"three", "four"}));
        const std::string text = contentOf(folder() / "quibble.log");
        QVERIFY(text.find("one") == std::string::npos && text.find("two") == std::string::npos);
        QVERIFY(text.find("warning three\n") != std::string::npos && text.find("error   four\n") != std::string::npos);
    }

    void offWritesNothing() {
        LogSetup wanted = setup();
        wanted.level = LogLevel::Off;
        startLog(wanted);
        logError("never");
        QVERIFY(!std::filesystem::exists(folder() / "quibble.log"));
        QVERIFY(textsAfter(start_).empty());
    }

    void replacesFullFilesAndKeepsFew() {
        LogSetup wanted = setup();
        wanted.file_bytes = 2000;
        wanted.old_files = 2;
        startLog(wanted);
        for (int i = 0; i < 500; ++i) logInfo("line " + std::to_string(i));
        std::vector<std::string> names;
        std::uintmax_t bytes = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            names.push_back(entry.path().filename().string());
            bytes += entry.file_size();
            QVERIFY(entry.file_size() <= 2000);
            struct stat status {};
            QCOMPARE(::stat(entry.path().c_str(), &status), 0);
            QCOMPARE(status.st_mode & 0077U, 0U);  // paths and titles are nobody else's business
        }
        std::sort(names.begin(), names.end());
        QCOMPARE(names, (std::vector<std::string>{"quibble.1.log", "quibble.2.log", "quibble.log"}));
        QVERIFY(bytes > 3000);
        QVERIFY(contentOf(folder() / "quibble.log").find("line 499\n") != std::string::npos);
        QVERIFY(logState().trouble.empty());
    }

    void goesOnWhereNoFolderCanBeMade() {
        std::ofstream(folder() / "file") << "in the way";
        LogSetup wanted = setup();
        wanted.folder = folder() / "file" / "below";
        startLog(wanted);
        logInfo("still here");
        QVERIFY(logState().trouble.find("file/below") != std::string::npos);
        QCOMPARE(textsAfter(start_), std::vector<std::string>{"still here"});
    }

    void goesOnWhereTheFileIsNoFile() {
        std::filesystem::create_directories(folder() / "quibble.log");
        startLog(setup());
        logInfo("still here");
        QVERIFY(logState().trouble.find("quibble.log") != std::string::npos);
        QCOMPARE(textsAfter(start_), std::vector<std::string>{"still here"});
    }

    void goesOnWhenTheDiskIsFull() {
        if (!std::filesystem::exists("/dev/full")) QSKIP("this system has no /dev/full");
        std::filesystem::create_symlink("/dev/full", folder() / "quibble.log");
        startLog(setup());
        logInfo("first");
        logInfo("second");
        QVERIFY(!logState().trouble.empty());
        QCOMPARE(textsAfter(start_), (std::vector<std::string>{"first", "second"}));
    }

    void goesOnWhenTheFolderVanishesBeforeAFileIsReplaced() {
        LogSetup wanted = setup();
        wanted.folder = folder() / "gone";
        wanted.file_bytes = 500;
        startLog(wanted);
        logInfo("before");
        std::filesystem::remove_all(wanted.folder);
        std::ofstream(wanted.folder) << "a file where the folder was";
        for (int i = 0; i < 50; ++i) logInfo("after " + std::to_string(i));
        QVERIFY(!logState().trouble.empty());
        QCOMPARE(textsAfter(start_).size(), std::size_t{51});
    }

    void keepsTheLastLinesInMemory() {
        LogSetup wanted;
        wanted.kept_lines = 10;
        startLog(wanted);
        for (int i = 0; i < 25; ++i) logInfo(std::to_string(i));
        const auto lines = logLinesAfter(start_);
        QCOMPARE(lines.size(), std::size_t{10});
        QCOMPARE(lines.front().text, std::string("15"));
        QCOMPARE(logLinesAfter(lines[3].number, 2).front().text, std::string("19"));
        QCOMPARE(logLinesAfter(lines[3].number, 2).size(), std::size_t{2});
        QVERIFY(logLinesAfter(lines.back().number).empty());
    }

    void takesLinesOfManyThreads() {
        startLog(setup());
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([t] {
                for (int i = 0; i < 250; ++i)
                    logInfo("thread " + std::to_string(t) + " fact " + std::to_string(i) + " end");
            });
        }
        for (std::thread& thread : threads) thread.join();
        std::istringstream lines(contentOf(folder() / "quibble.log"));
        int whole = 0;
        for (std::string line; std::getline(lines, line);)
            whole += line.ends_with(" end") && line.find("info    thread ") != std::string::npos;
        QCOMPARE(whole, 1000);
        QCOMPARE(textsAfter(start_).size(), std::size_t{1000});
    }

    void hidesWhatIsQuotedOfAPrompt() {
        const std::string prompt = "Lea has 31 pages. She finds 2 books of 62 pages. How many?\n";
        hideInLog(prompt);
        startLog({});
        logError("cannot write /tmp/Lea has 31 pages. She finds.session: no space, 31 pages were lost");
        hideInLog("xyzzy");
        logError("the template says XYZZY and \"xyzzy\"");
        logError("cannot write Lea has 31 pages. She.csv");  // an earlier prompt is still one
        hideInLog("18");                                     // as good as any number
        logInfo("layer 18 is read");
        QCOMPARE(textsAfter(start_),
                 (std::vector<std::string>{"cannot write /tmp/[…].session: no space, 31 pages were lost",
                                           "the template says XYZZY and \"[…]\"", "cannot write […].csv",
                                           "layer 18 is read"}));
        LogSetup wanted;
        wanted.texts = true;
        startLog(wanted);
        hideInLog("xyzzy");
        logError("says \"xyzzy\"");
        QCOMPARE(textsAfter(start_).back(), std::string("says \"xyzzy\""));
        hideInLog({});
    }

    void readsLevelsStrictly() {
        QCOMPARE(logSetup("debug", false)->level, LogLevel::Debug);
        QCOMPARE(logSetup("off", false)->level, LogLevel::Off);
        QVERIFY(logSetup("verbose", false).error().line().find("--log-level") != std::string::npos);
        ::setenv("QUIBBLE_LOG_LEVEL", "error", 1);
        QCOMPARE(logSetup("", false)->level, LogLevel::Error);
        QCOMPARE(logSetup("info", false)->level, LogLevel::Info);
        ::setenv("QUIBBLE_LOG_LEVEL", "loud", 1);
        QVERIFY(logSetup("", false).error().line().find("QUIBBLE_LOG_LEVEL") != std::string::npos);
        ::unsetenv("QUIBBLE_LOG_LEVEL");
        QVERIFY(!logSetup("", false)->texts);
        ::setenv("QUIBBLE_LOG_TEXTS", "1", 1);
        QVERIFY(logSetup("", false)->texts);
        ::unsetenv("QUIBBLE_LOG_TEXTS");
    }

    void findsTheStateFolder() {
        const QByteArray before = qgetenv("XDG_STATE_HOME"), home = qgetenv("HOME");
        ::setenv("HOME", "/nobody", 1);
        ::setenv("XDG_STATE_HOME", "/somewhere", 1);
        QCOMPARE(stateFolder().string(), std::string("/somewhere/quibble"));
        ::setenv("XDG_STATE_HOME", "relative", 1);
        QCOMPARE(stateFolder().string(), std::string("/nobody/.local/state/quibble"));
        qputenv("XDG_STATE_HOME", before);
        qputenv("HOME", home);
    }

private:
    [[nodiscard]] std::filesystem::path folder() {
        if (test_ != QTest::currentTestFunction()) {
            test_ = QTest::currentTestFunction();
            folder_ = std::make_unique<QTemporaryDir>();
        }
        return folder_->path().toStdString();
    }
    [[nodiscard]] LogSetup setup() {
        LogSetup wanted;
        wanted.folder = folder();
        return wanted;
    }

    QString test_;
    std::unique_ptr<QTemporaryDir> folder_;
    std::uint64_t start_ = 0;
};

QTEST_GUILESS_MAIN(TestLog)
#include "tst_log.moc"
