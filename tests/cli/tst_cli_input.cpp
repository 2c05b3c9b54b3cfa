// What quibble-cli takes from its options, from files and from standard input, and what it refuses before it starts.
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const QString kModel = QString::fromStdString(shippedModel().string());

}  // namespace

class TestCliInput : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString file(const char* name) const { return folder_.filePath(name); }
    QString written(const char* name, const QByteArray& bytes) const {
        QFile out(file(name));
        if (!out.open(QIODevice::WriteOnly) || out.write(bytes) != bytes.size()) qFatal("cannot write %s", name);
        return out.fileName();
    }

private slots:
    void initTestCase() { QVERIFY2(!cliProgram().isEmpty(), "QUIBBLE_CLI names no program"); }
    void numbersThatDoNotFitAreErrors_data() {
        QTest::addColumn<QStringList>("command");
        QTest::addColumn<QString>("option");
        QTest::addColumn<QStringList>("refused");
        const QStringList run{"run", kModel, "--prompt", "x"}, eval{"eval", kModel, "--problems", "no.jsonl"},
            bench{"bench", kModel};
        const QStringList whole{"x", "", "1.5", "1e3", "0x10", "1 ", "18446744073709551616", "99999999999999999999"},
            natural = whole + QStringList{"-1", "-5"};
        const QStringList real{"x", "", "nan", "inf", "1e999", "1,5", "0.5x"};
        for (const QStringList& command : {run, eval}) {
            for (const char* option :
                 {"--seed", "--max-tokens", "--context", "--threads", "--block", "--alternatives", "--top-k"})
                QTest::addRow("%s %s", qPrintable(command[0]), option) << command << QString(option) << natural;
            for (const char* option : {"--penalty", "--temperature", "--top-p", "--min-p"})
                QTest::addRow("%s %s", qPrintable(command[0]), option) << command << QString(option) << real;
        }
        QTest::newRow("int") << run << "--max-tokens" << QStringList{"2147483648", "0"};
        QTest::newRow("threads") << run << "--threads" << QStringList{"257"};
        QTest::newRow("block") << run << "--block" << QStringList{"0", "65"};
        QTest::newRow("limit") << eval << "--limit" << natural;
        for (const char* option : {"--prefill", "--decode", "--depth", "--threads", "--repeats", "--problems"})
            QTest::addRow("bench %s", option) << bench << QString(option) << natural;
        QTest::newRow("blocks") << bench << "--blocks" << QStringList{"0", "65", "2,x", "2,-1"};
        QTest::newRow("temperatures") << bench << "--temperatures"
                                      << QStringList{"x", "nan", "1e999", "-0.5", "101", "0,nan", "0.5x"};
        QTest::newRow("chunk") << QStringList{"logits", kModel, "--tokens", "t", "--out", "o"} << "--chunk" << natural;
        QTest::newRow("replayed run") << QStringList{"replay", "no.db"} << "--run"
                                      << natural + QStringList{"0", "9223372036854775808"};
        QTest::newRow("exported run") << QStringList{"export", "no.db"} << "--run" << natural + QStringList{"0"};
        QTest::newRow("session") << QStringList{"export", "no.db"} << "--session" << natural + QStringList{"0"};
        QTest::newRow("seed of weights") << QStringList{"synth", "--shape", "x", "--out", "y"} << "--seed" << natural;
        for (const char* command : {"diagnose", "selftest"})
            QTest::newRow(command) << QStringList{command} << "--seed" << natural;
        QTest::newRow("layers") << QStringList{"synth", "--shape", "x", "--out", "y"} << "--layers" << natural;
    }
    void numbersThatDoNotFitAreErrors() {
        QFETCH(QStringList, command);
        QFETCH(QString, option);
        QFETCH(QStringList, refused);
        for (const QString& number : refused) {
            const CliResult result = runCli(command + QStringList{option, number});
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.startsWith("quibble-cli: " + option.toUtf8()),
                     (number.toUtf8() + ": " + result.err).constData());
            QVERIFY2(result.err.count('\n') == 1 && result.out.isEmpty(), result.err.constData());
        }
    }
    void theLargestSeedIsThatSeed() {
        const QString db = file("seeds.db");
        for (const char* seed : {"18446744073709551615", "010", "+3"}) {
            QCOMPARE(runCli({"run", kModel, "--prompt", "3+4", "--max-tokens", "2", "--seed", seed, "--db", db}).status,
                     0);
        }
        const char* const stored[] = {"18446744073709551615", "10", "3"};
        for (int run = 1; run <= 3; ++run) {
            const CliResult csv = runCli({"export", db, "--run", QString::number(run), "--format", "csv"});
            QVERIFY2(csv.out.contains(QByteArray("# request.seed: ") + stored[run - 1] + '\n'),
                     csv.out.left(400).constData());
        }
    }
    void methodsSayWhatDoesNotFit_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("said");
        QTest::newRow("twice") << QStringList{"--draft", "ngram:length=3,length=4"} << "length is given more than once";
        QTest::newRow("of none") << QStringList{"--quant", "none:bits=3"}
                                 << "none has no parameter \"bits\". It takes none";
        QTest::newRow("range") << QStringList{"--draft", "tree:nodes=0"}
                               << "tree: nodes=0 is out of range. Use 1 to 63, whole numbers";
        QTest::newRow("budget") << QStringList{"--experts", "frequent:budget=99"}
                                << "a budget of 99 experts is more than the 8";
        QTest::newRow("budget twice") << QStringList{"--experts", "moe_spec:budget=4,budget=5"}
                                      << "budget is given more than once";
        QTest::newRow("rule without a draft")
            << QStringList{"--verify", "nobody"} << "no verify rule is called \"nobody\". Known are: match, ";
        QTest::newRow("switch") << QStringList{"--experts", "moe_spec:truncate=2"} << "Use on or off";
        QTest::newRow("clock") << QStringList{"--clock", "2026-02-30T00:00:00"} << "is no date and time";
        QTest::newRow("clock with more") << QStringList{"--clock", "2026-02-20T00:00:00Z"} << "is no date and time";
    }
    void methodsSayWhatDoesNotFit() {
        QFETCH(QStringList, options);
        QFETCH(QString, said);
        const QString moe = QFileInfo(kModel).path() + "/quibble-nano-moe.gguf",
                      draft = QFileInfo(kModel).path() + "/quibble-nano-draft.gguf";
        const CliResult result = runCli(QStringList{"run", moe, "--prompt", "3+4", "--draft-model", draft} + options);
        QCOMPARE(result.status, 1);
        QVERIFY2(result.err.contains(said.toUtf8()), result.err.constData());
    }
    void switchesOfEverySlotAreWords() {
        const QString moe = QFileInfo(kModel).path() + "/quibble-nano-moe.gguf", db = file("switches.db");
        const CliResult run = runCli({"run", moe, "--prompt", "3+4", "--max-tokens", "3", "--draft", "ngram", "--quant",
                                      "rtn:bits=4,symmetric=off", "--experts", "moe_spec:budget=4,all_passes=on",
                                      "--logits", "ban:words=x,only_thinking=on", "--db", db});
        QVERIFY2(run.status == 0, run.err.constData());
        const CliResult exported = runCli({"export", db, "--run", "1", "--format", "jsonl"});
        const QJsonObject request = jsonLines(exported.out).front()["request"].toObject();
        QCOMPARE(request["weight_quant"]["params"]["symmetric"].toDouble(-1), 0.0);
        QCOMPARE(request["experts"]["params"]["all_passes"].toDouble(-1), 1.0);
        QCOMPARE(request["logits"].toArray().first().toString(), QString("ban:words=x,only_thinking=1"));
    }
    void aPromptComesFromAFileOrStandardInput() {
        const auto promptOf = [](const CliResult& result) {
            return jsonLines(result.out).front()["request"].toObject()["prompt"].toString();
        };
        const QString db = file("prompts.db");
        const QByteArray text = "Tom has 5 coins.\n\tThen caf\xC3\xA9 = 3?";
        const std::pair<QStringList, QByteArray> given[] = {
            {{"--prompt", QString::fromUtf8(text)}, {}},
            {{"--prompt-file", written("plain.txt", text)}, {}},
            {{"--prompt-file", written("editor.txt", text + '\n')}, {}},
            {{"--prompt-file", written("windows.txt", "\xEF\xBB\xBF" + text + "\r\n")}, {}},
            {{"--prompt-file", "-"}, text + '\n'}};
        QByteArray first;
        for (int i = 0; i < 5; ++i) {
            const CliResult run =
                runCli(QStringList{"run", kModel, "--max-tokens", "4", "--db", db} + given[i].first, given[i].second);
            QVERIFY2(run.status == 0, run.err.constData());
            if (first.isEmpty()) first = run.out;
            QCOMPARE(run.out, first);
            QCOMPARE(promptOf(runCli({"export", db, "--run", QString::number(i + 1)})), QString::fromUtf8(text));
        }
        // Only one line end is the editor's.
        QCOMPARE(runCli({"run", kModel, "--max-tokens", "1", "--db", db, "--prompt-file", "-"}, "a\n\n").status, 0);
        QCOMPARE(promptOf(runCli({"export", db, "--run", "6"})), QString("a\n"));
        const QString model = QString::fromStdString((goldenDirectory() / "vocab" / "vocab-gpt-2.gguf").string());
        QCOMPARE(runCli({"tokenize", model, "--prompt-file", written("hello.txt", "Hello world")}).out,
                 QByteArray("15496 995\n"));
    }
    // The arguments of a program end at 128 kB a piece; a file does not.
    void aLongPromptIsReadWhole() {
        const QByteArray text = QByteArray("Tom has 57 coins. ").repeated(40'000);
        for (const QStringList& source :
             {QStringList{"--prompt-file", written("long.txt", text)}, QStringList{"--prompt-file", "-"}}) {
            const CliResult result =
                runCli(QStringList{"run", kModel} + source, source[1] == "-" ? text : QByteArray());
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.contains("the prompt has ") && result.err.contains("the context is 2048"),
                     result.err.constData());
        }
    }
    void promptsThatCannotBeReadSayWhy() {
        const std::pair<QStringList, const char*> cases[] = {
            {{"--prompt-file", file("nothing.txt")}, "cannot read"},
            {{"--prompt-file", folder_.path()}, "cannot read"},
            {{"--prompt-file", written("latin1.txt", "caf\xE9")}, "is not UTF-8 text"},
            {{"--prompt-file", written("empty.txt", "\n")}, "the prompt is empty"},
            {{"--prompt-file", written("both.txt", "a"), "--prompt", "b"}, "give one of"}};
        for (const auto& [options, said] : cases) {
            const CliResult result = runCli(QStringList{"run", kModel} + options);
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.contains(said), result.err.constData());
        }
    }
    void theCostOfTheCacheIsAnnounced() {
        for (const QString& lines : {QString(), file("lines.jsonl"), QString("-")}) {
            QStringList arguments{"run", kModel, "--prompt", "3+4", "--max-tokens", "2"};
            if (!lines.isEmpty()) arguments += QStringList{"--jsonl", lines};
            const CliResult result = runCli(arguments);
            QVERIFY2(result.err.startsWith("KV cache f32: at most 8.39 MB for 2048 positions"), result.err.constData());
            QVERIFY(!result.out.contains("KV cache"));
        }
    }
    // Files are made where the user says; folders are not.
    void noOutputMakesAFolder() {
        const QString folder = file("no/such/folder");
        for (const QStringList& output :
             {QStringList{"--jsonl", folder + "/a.jsonl"}, QStringList{"--db", folder + "/a.db"}}) {
            const CliResult result =
                runCli(QStringList{"run", kModel, "--prompt", "3+4", "--max-tokens", "2"} + output);
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.contains("there is no folder " + folder.toUtf8()), result.err.constData());
            QVERIFY(!QFileInfo::exists(file("no")));
        }
        for (const QStringList& command :
             {QStringList{"eval", kModel, "--problems",
                          written("p.jsonl", "{\"id\":\"a\",\"text\":\"1+1\",\"answer\":\"2\"}\n")},
              QStringList{"bench", kModel}}) {
            const CliResult result = runCli(command + QStringList{"--json", folder + "/a.json"});
            QVERIFY2(result.status == 1 && result.err.contains("there is no folder"), result.err.constData());
        }
    }
};

QTEST_APPLESS_MAIN(TestCliInput)
#include "tst_cli_input.moc"
