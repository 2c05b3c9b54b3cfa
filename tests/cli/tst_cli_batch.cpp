// Commands that work long: what cannot be done is counted and named, the rest goes on, and an interrupt keeps what is
// done.
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>

#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const QString kModel = QString::fromStdString(shippedModel().string());
const QString kHeldOut = QStringLiteral(QUIBBLE_SOURCE_DIR "/data/problems/nano-heldout.jsonl");

// Starts the command, sends the signal after a while, and waits for its end.
CliResult interrupted(const QStringList& arguments, int after_ms, int signal) {
    QProcess process;
    process.start(cliProgram(), arguments);
    process.waitForStarted();
    process.waitForFinished(after_ms);
    if (process.state() == QProcess::Running) ::kill(static_cast<pid_t>(process.processId()), signal);
    process.waitForFinished(120000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, process.readAllStandardOutput(),
            process.readAllStandardError()};
}

QJsonObject objectIn(const QString& path) {
    QFile in(path);
    return in.open(QIODevice::ReadOnly) ? QJsonDocument::fromJson(in.readAll()).object() : QJsonObject();
}

}  // namespace

class TestCliBatch : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString file(const char* name) const { return folder_.filePath(name); }

    // Problems of which one is longer than the context of the shipped model.
    QByteArray withOneTooLong() const {
        QByteArray lines;
        const QByteArray texts[] = {"What is 3 + 4?", QByteArray("Tom has 57 coins. ").repeated(500), "What is 2 + 2?"};
        for (int i = 0; i < 3; ++i)
            lines += "{\"id\":\"p" + QByteArray::number(i) + "\",\"text\":\"" + texts[i] + "\",\"answer\":\"7\"}\n";
        return lines;
    }

private slots:
    void initTestCase() { QVERIFY2(!cliProgram().isEmpty() && folder_.isValid(), "QUIBBLE_CLI names no program"); }
    void aProblemThatCannotRunIsCountedAndTheOthersAreGraded() {
        QFile problems(file("problems.jsonl"));
        QVERIFY(problems.open(QIODevice::WriteOnly) && problems.write(withOneTooLong()) > 0);
        problems.close();
        const QStringList rest{"--temperature", "0", "--max-tokens", "60"};
        const CliResult result =
            runCli(QStringList{"eval", kModel, "--problems", problems.fileName(), "--json", file("eval.json")} + rest);
        QVERIFY2(result.status == 0, result.err.constData());
        const QJsonObject report = objectIn(file("eval.json"));
        QCOMPARE(report["problems"].toInt(), 3);
        QCOMPARE(report["graded"].toInt(), 2);
        QCOMPARE(report["failed"].toArray().size(), 1);
        QCOMPARE(report["failures"], report["failed"]);  // as the list was called before
        QCOMPARE(report["interrupted"].toBool(true), false);
        const QJsonObject failure = report["failed"].toArray()[0].toObject();
        QCOMPARE(failure["id"].toString(), QString("p1"));
        QVERIFY2(failure["reason"].toString().contains("the context is 2048"),
                 qPrintable(failure["reason"].toString()));
        QVERIFY(report.contains("accuracy") && report["accuracy_95"].toArray().size() == 2);
        // The same set on standard input, for people.
        const CliResult text = runCli(QStringList{"eval", kModel, "--problems", "-"} + rest, withOneTooLong());
        QVERIFY2(
            text.status == 0 && text.out.contains("graded: 2\n") && text.out.contains("not run, p1: the prompt has "),
            text.out + text.err);
        QCOMPARE(text.out.contains("accuracy: "), true);
    }
    // An answer that no rule decides is neither right nor wrong. It lowers the accuracy, which is over all problems
    // that were run.
    void whatIsNotGradableIsCountedApart() {
        const QByteArray problems =
            "{\"id\":\"right\",\"text\":\"Work out 43 - 14 + 66.\",\"answer\":\"95\"}\n"
            "{\"id\":\"wrong\",\"text\":\"Work out 43 - 14 + 66.\",\"answer\":\"96\"}\n"
            "{\"id\":\"letter\",\"text\":\"Work out 43 - 14 + 66.\",\"answer\":\"(C)\"}\n";
        const CliResult result =
            runCli({"eval", kModel, "--problems", "-", "--temperature", "0", "--json", file("letters.json")}, problems);
        QVERIFY2(result.status == 0, result.err.constData());
        const QJsonObject report = objectIn(file("letters.json"));
        QCOMPARE(report["problems"].toInt(), 3);
        QCOMPARE(report["graded"].toInt(), 2);
        QCOMPARE(report["not_gradable"].toInt(-1), 1);
        QCOMPARE(report["correct"].toInt(), 1);
        QCOMPARE(report["accuracy"].toDouble(), 1.0 / 3);
        // The key is there, too, where everything could be graded.
        const CliResult letter_free = runCli(
            {"eval", kModel, "--problems", "-", "--temperature", "0", "--limit", "2", "--json", file("letters.json")},
            problems);
        QVERIFY2(letter_free.status == 0, letter_free.err.constData());
        QCOMPARE(objectIn(file("letters.json"))["not_gradable"].toInt(-1), 0);
    }
    void whereNothingCanRunThatIsAnError() {
        const QByteArray only = withOneTooLong().split('\n')[1] + '\n';
        const CliResult result = runCli({"eval", kModel, "--problems", "-", "--json", file("none.json")}, only);
        QCOMPARE(result.status, 1);
        QVERIFY2(result.err.contains("none of the 1 problems could be run; p1: the prompt has"),
                 result.err.constData());
        const QJsonObject report = objectIn(file("none.json"));
        QCOMPARE(report["failed"].toArray().size(), 1);
        QVERIFY(!report.contains("accuracy"));
    }
    void anInterruptKeepsWhatIsDone_data() {
        QTest::addColumn<int>("signal");
        QTest::newRow("Ctrl+C") << SIGINT;
        QTest::newRow("SIGTERM") << SIGTERM;
    }
    void anInterruptKeepsWhatIsDone() {
        QFETCH(int, signal);
        const QString json = file("interrupted.json");
        // Waits longer until something is done; a report of nothing would prove little.
        for (int after_ms = 1000;; after_ms *= 2) {
            const CliResult result = interrupted(
                {"eval", kModel, "--problems", kHeldOut, "--threads", "1", "--json", json}, after_ms, signal);
            const QJsonObject report = objectIn(json);
            QVERIFY2(report["problems"].isDouble(), result.err.constData());
            if (report["problems"].toInt() == 0) continue;
            QVERIFY2(report["problems"].toInt() < report["problems_wanted"].toInt(),
                     "the set was through before the signal came");
            QCOMPARE(result.status, 1);
            QCOMPARE(report["interrupted"].toBool(), true);
            QCOMPARE(report["graded"].toInt() + report["not_gradable"].toInt(), report["problems"].toInt());
            QVERIFY(report.contains("accuracy") && report.contains("mean_tokens"));
            const QByteArray said =
                "interrupted: the report is of " + QByteArray::number(report["problems"].toInt()) + " of ";
            QVERIFY2(result.err.contains(said), result.err.constData());
            return;
        }
    }
    void anInterruptedMeasurementIsReported() {
        const QString json = file("bench.json");
        for (int after_ms = 500;; after_ms += 500) {
            QFile::remove(json);
            const CliResult result = interrupted({"bench", kModel, "--repeats", "100", "--prefill", "16", "--decode",
                                                  "400", "--threads", "1", "--json", json},
                                                 after_ms, SIGINT);
            const QJsonObject report = objectIn(json);
            QVERIFY2(result.status >= 0, result.err.constData());
            if (!report.contains("prefill")) continue;
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.contains("the measurement is not complete"), result.err.constData());
            QVERIFY(report["prefill"].toObject()["tok_s"].toDouble() > 0);
            QVERIFY(report.contains("incomplete") && report.contains("limits") && report.contains("memory"));
            return;
        }
    }
    void interruptedLogitsAreAFileOfTheirOwn() {
        QFile tokens(file("tokens.i32"));
        QVERIFY(tokens.open(QIODevice::WriteOnly));
        const std::vector<std::int32_t> ids(2000, 300);
        tokens.write(reinterpret_cast<const char*>(ids.data()), static_cast<qint64>(ids.size() * sizeof ids[0]));
        tokens.close();
        const QString out = file("logits.npy");
        for (int after_ms = 100;; after_ms += 50) {
            const CliResult result = interrupted(
                {"logits", kModel, "--tokens", tokens.fileName(), "--out", out, "--chunk", "1", "--threads", "1"},
                after_ms, SIGTERM);
            QVERIFY2(after_ms < 20000, result.err.constData());
            if (QFileInfo(out).size() <= 128 || result.status == -1) continue;
            QVERIFY2(result.status == 1, "the file was whole before the signal came");
            QVERIFY2(result.err.contains(" of 2000 positions were written"), result.err.constData());
            const std::vector<float> rows = readNpy(out.toStdString());  // the header counts what is there
            QVERIFY(!rows.empty());
            QCOMPARE(QFileInfo(out).size(), static_cast<qint64>(128 + rows.size() * sizeof(float)));
            return;
        }
    }
    // A report of yesterday is not lost to a model that cannot be opened today.
    void aReportIsReplacedOnlyByAReport() {
        for (const QStringList& command :
             {QStringList{"eval", "no/model.gguf", "--problems", kHeldOut}, QStringList{"bench", "no/model.gguf"}}) {
            QFile before(file("kept.json"));
            QVERIFY(before.open(QIODevice::WriteOnly) && before.write("{\"kept\":1}") > 0);
            before.close();
            QCOMPARE(runCli(command + QStringList{"--json", before.fileName()}).status, 1);
            QCOMPARE(objectIn(before.fileName())["kept"].toInt(), 1);
            const CliResult folder = runCli(command + QStringList{"--json", folder_.path()});
            QVERIFY2(folder.status == 1 && folder.err.contains("cannot write"), folder.err.constData());
        }
    }
    void aMethodThatFailsLeavesTheOthers() {
        const QString draft = QFileInfo(kModel).path() + "/quibble-nano-draft.gguf",
                      other = QStringLiteral(QUIBBLE_SOURCE_DIR "/tests/golden/models/llama-d64-F32.gguf");
        const CliResult result = runCli({"bench", kModel, "--speculation", "--draft-model", other, "--methods",
                                         "ngram:shortest=1", "chain", "--temperatures", "0", "--problems", "1",
                                         "--repeats", "1", "--threads", "1", "--json", file("methods.json")});
        QVERIFY2(result.status == 0, result.err.constData());
        const QJsonObject report = objectIn(file("methods.json"));
        QCOMPARE(report["rows"].toArray().size(), qsizetype{1});
        QCOMPARE(report["failures"].toArray()[0].toObject()["method"].toString(), QString("chain"));
        QVERIFY(report["failures"].toArray()[0].toObject()["reason"].toString().contains("another tokenizer"));
    }
};

QTEST_APPLESS_MAIN(TestCliBatch)
#include "tst_cli_batch.moc"
