// The note that a window is open: found after a process that was killed, not after one that closed, and not while it
// lives.
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/open_note.h"

using namespace quibble;

namespace {

// A process that leaves its note and waits to be killed.
class Window {
public:
    explicit Window(const std::filesystem::path& folder) {
        int ready[2];
        if (::pipe(ready) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            const OpenNote note(folder);
            (void)::write(ready[1], "x", 1);
            for (;;) ::pause();
        }
        char byte = 0;
        (void)::read(ready[0], &byte, 1);
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Window() { kill(); }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_ = -1;
};

int notesIn(const std::filesystem::path& folder) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        count += entry.path().extension() == ".open" ? 1 : 0;
    return count;
}

}  // namespace

class TestOpenNote : public QObject {
    Q_OBJECT
private slots:
    void saysNothingAfterAGoodEnd() {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString() + "/state";
        {
            const OpenNote first(path);
            QVERIFY(first.left().empty());
            QCOMPARE(notesIn(path), 1);
        }
        QCOMPARE(notesIn(path), 0);
        QVERIFY(OpenNote(path).left().empty());
    }

    void findsWhatWasKilledOnce() {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        Window one(path), other(path);
        {
            const OpenNote beside(path);
            QVERIFY(beside.left().empty());  // they live
            QCOMPARE(notesIn(path), 3);
        }
        one.kill();
        {
            const OpenNote after(path);
            QCOMPARE(after.left().size(), std::size_t{1});
            const std::string& line = after.left().front();
            QVERIFY2(line.find("did not close in good order: Quibble ") != std::string::npos &&
                         line.find(", begun 2") != std::string::npos && line.find(", last seen 2") != std::string::npos,
                     line.c_str());
        }
        QVERIFY(OpenNote(path).left().empty());  // said once
        QCOMPARE(notesIn(path), 1);              // of the other window
    }

    void takesAnyFileThere() {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.path().toStdString();
        std::ofstream(path / "window-1.open") << std::string(10'000, '\xff');
        std::ofstream(path / "window-2.open");
        std::filesystem::create_directory(path / "window-3.open");
        std::filesystem::create_symlink(path / "elsewhere", path / "window-4.open");
        std::ofstream(path / "other.open") << "not ours";
        const OpenNote note(path);
        QCOMPARE(note.left().size(), std::size_t{2});
        for (const std::string& line : note.left()) QVERIFY(line.size() < 1000);
        QVERIFY(std::filesystem::exists(path / "other.open") && std::filesystem::exists(path / "window-3.open"));
    }

    void doesWithoutAFolder() {
        QVERIFY(OpenNote({}).left().empty());
        QVERIFY(OpenNote("/dev/null/state").left().empty());
    }
};

QTEST_GUILESS_MAIN(TestOpenNote)
#include "tst_open_note.moc"
