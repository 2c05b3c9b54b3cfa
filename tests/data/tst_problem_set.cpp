#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <sstream>

#include "data/problems/problem_set.h"

using namespace quibble;

namespace {
Result<ProblemSet> readText(const std::string& text) {
    std::istringstream in(text);
    return ProblemSet::read(in, "set.jsonl");
}
}  // namespace

class TestProblemSet : public QObject {
    Q_OBJECT
private slots:
    void reads() {
        const auto set = readText(
            "{\"id\": \"a-1\", \"text\": \"What is 1 + 1?\", \"answer\": \"2\", \"steps\": 1}\r\n\n"
            "{\"id\": \"a-2\", \"text\": \"\\u20ac\", \"answer\": -7, \"more\": [1]}");
        QVERIFY(set.has_value());
        QCOMPARE(set->problems().size(), std::size_t(2));
        QVERIFY(set->problems()[0] == (Problem{"a-1", "What is 1 + 1?", "2", 1}));
        QVERIFY(set->problems()[1] == (Problem{"a-2", "\xE2\x82\xAC", "-7", 0}));
        QVERIFY(set->find("a-2").value() == set->problems()[1]);
        const auto missing = set->find("a-3");
        QVERIFY(!missing && missing.error().code == ErrorCode::NotFound);
        QVERIFY(missing.error().line().find("a-3") != std::string::npos);
        QVERIFY(readText("").value().problems().empty());
        QVERIFY(!readText("").value().find("x"));
    }

    // As other people's files write answers: numbers, worked solutions.
    void answers() {
        const auto set = readText(
            "{\"id\": \"a\", \"text\": \"t\", \"answer\": 42.0}\n"
            "{\"id\": \"b\", \"text\": \"t\", \"answer\": \"6 * 7 = <<6*7=42>>42\\n#### 42\"}\n"
            "{\"id\": \"c\", \"text\": \"t\", \"answer\": \"so \\\\boxed{\\\\frac{1}{2}}\"}\n"
            "{\"id\": \"d\", \"text\": \"t\", \"answer\": 0.5}");
        QVERIFY2(set.has_value(), set ? "" : set.error().line().c_str());
        QCOMPARE(set->problems()[0].answer, std::string("42.0"));
        QCOMPARE(set->problems()[1].answer, std::string("42"));
        QCOMPARE(set->problems()[2].answer, std::string("\\frac{1}{2}"));
        QCOMPARE(set->problems()[3].answer, std::string("0.5"));
    }

    void faults_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("says");
        const QByteArray good = "{\"id\":\"a\",\"text\":\"t\",\"answer\":\"1\"}\n";
        QTest::newRow("not JSON") << good + "{\"id\":" << QByteArray("line 2 is not JSON");
        QTest::newRow("bytes") << QByteArray("{\"id\":\"\xff\"}") << QByteArray("line 1 is not JSON");
        QTest::newRow("zero byte") << QByteArray("{\0}", 3) << QByteArray("line 1 is not JSON");
        QTest::newRow("array") << QByteArray("\n\n[1]") << QByteArray("line 3 is not a JSON object");
        QTest::newRow("no answer") << QByteArray("{\"id\":\"a\",\"text\":\"t\"}") << QByteArray("lacks \"answer\"");
        QTest::newRow("number as text") << QByteArray("{\"id\":\"a\",\"text\":5,\"answer\":\"1\"}")
                                        << QByteArray("\"text\" that is not a text");
        QTest::newRow("answer as a list") << QByteArray("{\"id\":\"a\",\"text\":\"t\",\"answer\":[1]}")
                                          << QByteArray("\"answer\" that is not a text");
        QTest::newRow("nothing behind the mark")
            << QByteArray("{\"id\":\"a\",\"text\":\"t\",\"answer\":\"6 #### \"}") << QByteArray("nothing behind the");
        QTest::newRow("empty id") << QByteArray("{\"id\":\"\",\"text\":\"t\",\"answer\":\"1\"}")
                                  << QByteArray("empty \"id\"");
        QTest::newRow("odd id") << QByteArray("{\"id\":\"a b\",\"text\":\"t\",\"answer\":\"1\"}")
                                << QByteArray("other characters");
        QTest::newRow("twice") << good + good << QByteArray("line 2 repeats the id \"a\"");
        QTest::newRow("steps") << QByteArray("{\"id\":\"a\",\"text\":\"t\",\"answer\":\"1\",\"steps\":-1}")
                               << QByteArray("\"steps\"");
        QTest::newRow("huge steps")
            << QByteArray("{\"id\":\"a\",\"text\":\"t\",\"answer\":\"1\",\"steps\":99999999999999999999}")
            << QByteArray("\"steps\"");
        QTest::newRow("long line") << QByteArray(2 << 20, 'x') << QByteArray("longer than 1 MiB");
        QTest::newRow("deep") << QByteArray(500000, '[') << QByteArray("is not JSON");
        QTest::newRow("too much") << QByteArray(65 << 20, '\n') << QByteArray("64 MiB");
    }
    void faults() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, says);
        const auto set = readText(text.toStdString());
        QVERIFY(!set && set.error().code == ErrorCode::FileCorrupt);
        QVERIFY2(set.error().what.find(says.toStdString()) != std::string::npos, set.error().line().c_str());
        QVERIFY(set.error().what.find("set.jsonl, line ") == 0);
    }

    void files() {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.filePath("easy.jsonl").toStdString();
        std::ofstream(path) << "{\"id\":\"a\",\"text\":\"t\",\"answer\":\"1\"}";
        QCOMPARE(ProblemSet::load(path).value().name(), std::string("easy"));
        QVERIFY(ProblemSet::load(path.parent_path() / "none.jsonl").error().code == ErrorCode::NotFound);
        QVERIFY(ProblemSet::load(path.parent_path()).error().code == ErrorCode::NotFound);
    }

    // Every set that ships loads.
    void shippedSets() {
        const QDir folder(QUIBBLE_SOURCE_DIR "/data/problems");
        const QStringList names = folder.entryList({"*.jsonl"});
        QVERIFY(!names.isEmpty());
        for (const QString& name : names) {
            const auto set = ProblemSet::load(folder.filePath(name).toStdString());
            QVERIFY2(set.has_value(), set ? "" : set.error().line().c_str());
            QVERIFY(!set->problems().empty());
        }
    }
};

QTEST_APPLESS_MAIN(TestProblemSet)
#include "tst_problem_set.moc"
