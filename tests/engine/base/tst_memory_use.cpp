// What a process may still occupy, from the files of the system; sizes as people read them.
#include <QTemporaryDir>
#include <QTest>

#include <fstream>

#include "engine/base/memory_use.h"

using namespace quibble;

namespace {

struct FakeSystem {
    QTemporaryDir directory;
    MemoryFiles files{directory.path().toStdString() + "/proc", directory.path().toStdString() + "/cgroup"};

    FakeSystem() {
        put(files.proc / "meminfo",
            "MemTotal:       16000000 kB\nMemFree:  100 kB\nMemAvailable:    8000000 kB\nBuffers: 5 kB\n");
    }
    static void put(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    [[nodiscard]] std::int64_t available() const { return availableMemoryBytes(files).value_or(-1); }
};

}  // namespace

class TestMemoryUse : public QObject {
    Q_OBJECT
private slots:
    void ofTheMachine() {
        FakeSystem system;
        QCOMPARE(system.available(), std::int64_t{8000000} * 1024);
        FakeSystem::put(system.files.proc / "self" / "cgroup", "0::/user.slice\n");  // no group has a limit
        FakeSystem::put(system.files.cgroup / "user.slice" / "memory.max", "max\n");
        FakeSystem::put(system.files.cgroup / "user.slice" / "memory.current", "5000\n");
        QCOMPARE(system.available(), std::int64_t{8000000} * 1024);
        std::filesystem::remove(system.files.proc / "meminfo");
        QVERIFY(!availableMemoryBytes(system.files));
    }
    void ofTheTightestGroup() {
        FakeSystem system;
        FakeSystem::put(system.files.proc / "self" / "cgroup", "0::/a/b\n");
        FakeSystem::put(system.files.cgroup / "a" / "b" / "memory.max", "max\n");
        FakeSystem::put(system.files.cgroup / "a" / "b" / "memory.current", "3000000\n");
        FakeSystem::put(system.files.cgroup / "a" / "memory.max", "4000000\n");
        FakeSystem::put(system.files.cgroup / "a" / "memory.current", "3500000\n");
        QCOMPARE(system.available(), std::int64_t{500000});
        // Cached files can be dropped.
        FakeSystem::put(system.files.cgroup / "a" / "memory.stat",
                        "anon 100\nfile 9\ninactive_file 70000\nactive_file 20000\n");
        QCOMPARE(system.available(), std::int64_t{590000});
        // A container sees its own group as the mount.
        FakeSystem::put(system.files.proc / "self" / "cgroup", "0::/elsewhere\n");
        FakeSystem::put(system.files.cgroup / "memory.max", "1000\n");
        FakeSystem::put(system.files.cgroup / "memory.current", "1200\n");
        QCOMPARE(system.available(), std::int64_t{0});
    }
    void ofGroupsOfTheFirstVersion() {
        FakeSystem system;
        FakeSystem::put(system.files.proc / "self" / "cgroup", "12:cpu,cpuacct:/x\n7:memory:/x\n");
        FakeSystem::put(system.files.cgroup / "memory" / "x" / "memory.limit_in_bytes", "2000000\n");
        FakeSystem::put(system.files.cgroup / "memory" / "x" / "memory.usage_in_bytes", "1500000\n");
        FakeSystem::put(system.files.cgroup / "memory" / "x" / "memory.stat",
                        "inactive_file 1\ntotal_inactive_file 1000\ntotal_active_file 500\n");
        QCOMPARE(system.available(), std::int64_t{501500});
    }
    void ofThisMachine() {
        const auto here = availableMemoryBytes();
        QVERIFY(here && *here > (1 << 20));
        QVERIFY(peakMemoryBytes() > (1 << 20));
    }
    void asPeopleReadIt() {
        QCOMPARE(bytesText(0), std::string("0 B"));
        QCOMPARE(bytesText(999), std::string("999 B"));
        QCOMPARE(bytesText(1000), std::string("1.00 kB"));
        QCOMPARE(bytesText(12'345), std::string("12.3 kB"));
        QCOMPARE(bytesText(999'600), std::string("1.00 MB"));
        QCOMPARE(bytesText(830'000'000), std::string("830 MB"));
        QCOMPARE(bytesText(1'250'000'000), std::string("1.25 GB"));
    }
};

QTEST_APPLESS_MAIN(TestMemoryUse)
#include "tst_memory_use.moc"
