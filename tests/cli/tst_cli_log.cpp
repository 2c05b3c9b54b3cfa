// The log of quibble-cli: what is in the file, what never is, and that neither its output nor its end depends on
// whether it can be written.
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "data/store/store.h"
#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const QString kModel = QString::fromStdString(shippedModel().string());
const QString kSecret = "zanzibarquux";
const QStringList kRun{
    "run", kModel,      "--prompt", "What is 1 + 2? " + kSecret, "--quant", "rtn:bits=3,group=64", "--max-tokens",
    "20",  "--threads", "1"};

}  // namespace

class TestCliLog : public QObject {
    Q_OBJECT
private slots:
    void init() {
        state_ = std::make_unique<QTemporaryDir>();
        qputenv("XDG_STATE_HOME", state_->path().toLocal8Bit());
        qunsetenv("QUIBBLE_LOG_LEVEL");
        qunsetenv("QUIBBLE_LOG_TEXTS");
    }

    void holdsOneLineForEachFactAndNoText() {
        QTemporaryDir folder;
        const CliResult ran = runCli(kRun + QStringList{"--db", folder.filePath("a.db"), "--session", "one"});
        QCOMPARE(ran.status, 0);
        const QList<QByteArray> lines = logLines();
        QCOMPARE(count(lines, "quibble-cli "), 1);
        QCOMPARE(count(lines, "model loaded: quibble-nano"), 2);  // the quantized one and its reference
        QCOMPARE(count(lines, "database opened: " + folder.filePath("a.db").toLocal8Bit()), 1);
        QCOMPARE(count(lines, "run 1 begins: quibble-nano ("), 1);
        QCOMPARE(count(lines, "temperature 0.6, top-p 0.95, seed 1, at most 20 tokens"), 1);
        QCOMPARE(count(lines, "run 1 ends: token_limit, 20 tokens, text at "), 1);
        QVERIFY(!log().contains(kSecret.toLatin1()));
        QVERIFY(!log().contains("1 + 2"));
        // Neither is the text of the run: no four words of it in a row.
        const QByteArray text = ran.out.simplified();
        QVERIFY(text.size() > 20);
        for (qsizetype at = 0; at + 16 <= text.size(); ++at)
            QVERIFY2(!log().contains(text.mid(at, 16)), text.mid(at, 16).constData());
    }

    void holdsTextsWhereTheyAreAskedFor() {
        const CliResult ran = runCli(kRun + QStringList{"--log-texts"});
        QCOMPARE(ran.status, 0);
        QCOMPARE(count(logLines(), "run prompt: What is 1 + 2? " + kSecret.toLatin1()), 1);
        QCOMPARE(count(logLines(), "run text: "), 1);
        QVERIFY(log().contains(ran.out.simplified().left(12)));
    }

    // One line when a measurement begins, one when it ends, one for each model that is loaded and for each error.
    void measurementsAreLogged() {
        const QStringList speed{
            "bench", kModel,      "--quant", "rtn:bits=3,group=64", "--prefill", "16",     "--decode", "16", "--blocks",
            "2",     "--repeats", "1",       "--threads",           "1",         "--json", "-"};
        const CliResult ran = runCli(speed);
        QVERIFY2(ran.status == 0, ran.err.constData());
        const QList<QByteArray> lines = logLines();
        QCOMPARE(count(lines, "model loaded: quibble-nano"), 2);  // the quantized one and its reference
        QCOMPARE(count(lines, "bench begins: speed of " + kModel.toLocal8Bit() +
                                  ", rtn:bits=3,group=64, threads 1, repetitions 1, arithmetic native"),
                 1);
        QCOMPARE(count(lines, "bench ends: quibble-nano (RTN 3 bit g64"), 1);
        const QByteArray end = *std::find_if(lines.begin(), lines.end(),
                                             [](const QByteArray& line) { return line.contains("bench ends"); });
        for (const char* part : {", prefill at ", ", decode at ", ", whole runs at ", ", 2 rows in ", " s in all"})
            QVERIFY2(end.contains(part), end.constData());
        QVERIFY(!end.contains("not complete"));
        QCOMPARE(count(lines, " error "), 0);
    }

    void whatFailsInAMeasurementIsLogged() {
        const QString other = QStringLiteral(QUIBBLE_SOURCE_DIR "/tests/golden/models/llama-d64-F32.gguf");
        const CliResult drafted =
            runCli({"bench", kModel, "--speculation", "--draft-model", other, "--methods", "ngram:shortest=1", "chain",
                    "--temperatures", "0", "--problems", "1", "--repeats", "1", "--threads", "1", "--json", "-"});
        QVERIFY2(drafted.status == 0, drafted.err.constData());
        QCOMPARE(count(logLines(), "bench begins: drafting of " + kModel.toLocal8Bit()), 1);
        QCOMPARE(count(logLines(), " error   bench left out chain: "), 1);
        QCOMPARE(count(logLines(), "ngram:shortest=1 at temperature 0 "), 1);
        QCOMPARE(runCli({"bench", "no/model.gguf", "--forced"}).status, 1);
        QCOMPARE(count(logLines(), "bench begins: forced rounds of no/model.gguf"), 1);
        QVERIFY(count(logLines(), " error   ") >= 2 && count(logLines(), "bench ends") == 1);
    }

    void errorsAreLoggedWithoutTheText_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("said");
        QTest::newRow("no such model") << QStringList{"run", "no/model.gguf", "--prompt", kSecret}
                                       << QByteArray("no/model.gguf");
        QTest::newRow("prompt without quotes") << QStringList{"run", kModel, "--prompt", "my", kSecret}
                                               << QByteArray("the command line was not understood");
        QTest::newRow("option misspelt") << QStringList{"run", kModel, "--promt", kSecret}
                                         << QByteArray("the command line was not understood");
        QTest::newRow("context too small")
            << QStringList{"run", kModel, "--prompt", kSecret, "--context", "3"} << QByteArray("did not begin: failed");
    }
    void errorsAreLoggedWithoutTheText() {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, said);
        QCOMPARE(runCli(arguments).status, 1);
        QVERIFY2(count(logLines(), " error   ") >= 1 && log().contains(said), log().constData());
        QVERIFY2(!log().contains(kSecret.toLatin1()), log().constData());
    }

    // A template may put the prompt into its own message.
    void messagesOfATemplateAreCut() {
        RandomModel model = makeRandomModel({});
        model.keys.emplace_back("tokenizer.chat_template",
                                std::string("{{ raise_exception('no: ' + messages[0].content | upper) }}"));
        QTemporaryDir folder;
        const QString file = folder.filePath("raises.gguf");
        model.write(file.toStdString());
        const CliResult ran = runCli({"run", file, "--prompt", kSecret});
        QCOMPARE(ran.status, 1);
        QVERIFY2(ran.err.contains(kSecret.toUpper().toLatin1()), ran.err.constData());  // who wrote it may read it
        QVERIFY2(log().contains("chat template, ") && log().contains(": […]"), log().constData());
        QVERIFY(!log().toLower().contains(kSecret.toLatin1()));
    }

    void levelsFilter() {
        QCOMPARE(runCli(kRun + QStringList{"--log-level", "error"}).status, 0);
        QVERIFY(logLines().isEmpty());
        qputenv("QUIBBLE_LOG_LEVEL", "warning");
        QCOMPARE(runCli(kRun).status, 0);
        QVERIFY(logLines().isEmpty());
        QCOMPARE(runCli(kRun + QStringList{"--log-level", "info"}).status, 0);
        QVERIFY(!logLines().isEmpty());
        const CliResult wrong = runCli(kRun + QStringList{"--log-level", "loud"});
        QCOMPARE(wrong.status, 1);
        QVERIFY(wrong.err.contains("loud") && wrong.err.count('\n') == 1);
        qputenv("QUIBBLE_LOG_LEVEL", "loud");
        QVERIFY(runCli(kRun).err.contains("QUIBBLE_LOG_LEVEL"));
    }

    void outputDoesNotDependOnTheLog() {
        const CliResult with = runCli(kRun + QStringList{"--log-level", "debug"});
        const CliResult without = runCli(kRun + QStringList{"--log-level", "off"});
        qputenv("XDG_STATE_HOME", "/dev/null/nowhere");
        const CliResult unwritable = runCli(kRun);
        for (const CliResult* ran : {&with, &without, &unwritable}) {
            QCOMPARE(ran->status, 0);
            QCOMPARE(ran->out, with.out);
            QCOMPARE(ran->err.count('\n'), with.err.count('\n'));
        }
        QVERIFY(runCli({"diagnose", "--no-selftest"}).out.contains("Log cannot be written"));
    }

    void killedRunsAreRecoveredAndSaidSo() {
        QTemporaryDir folder;
        QProcess process;
        process.start(cliProgram(), {"run",           kModel,
                                     "--prompt",      "What is 1 + 2?",
                                     "--quant",       "rtn:bits=3,group=64",
                                     "--temperature", "3",
                                     "--top-p",       "1",
                                     "--max-tokens",  "1900",
                                     "--block",       "1",
                                     "--threads",     "1",
                                     "--db",          folder.filePath("killed.db"),
                                     "--jsonl",       "-"});
        QVERIFY(process.waitForStarted());
        QVERIFY(process.waitForReadyRead(30000));
        process.kill();
        process.waitForFinished();
        QCOMPARE(runCli(kRun + QStringList{"--db", folder.filePath("killed.db")}).status, 0);
        QVERIFY2(log().contains("warning recovered: runs that the program was killed in the middle of: 1"),
                 log().constData());
    }

    void selfTestAndDiagnosis() {
        const CliResult checked = runCli({"selftest"});
        QCOMPARE(checked.status, 0);
        for (const char* part :
             {"Self-test of the kernels, seed 1", "reference matmul", "portable attention", "checks passed"})
            QVERIFY2(checked.out.contains(part), part);
        const CliResult all = runCli({"diagnose"});
        QCOMPARE(all.status, 0);
        for (const char* part : {"Version", "quibble-cli ", "Compiler", "Build options", "Kernels in use", "Features",
                                 "Free for this process", "Log ", "checks passed"}) {
            QVERIFY2(all.out.contains(part), part);
        }
        QVERIFY(all.out.contains(checked.out.trimmed()));
        QVERIFY(log().contains("info    self-test with seed 1: All "));
    }

private:
    [[nodiscard]] QByteArray log() const {
        QFile file(state_->filePath("quibble/quibble-cli.log"));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    [[nodiscard]] QList<QByteArray> logLines() const {
        QList<QByteArray> lines = log().split('\n');
        lines.removeAll(QByteArray());
        return lines;
    }
    static int count(const QList<QByteArray>& lines, const QByteArray& part) {
        return static_cast<int>(
            std::count_if(lines.begin(), lines.end(), [&](const QByteArray& line) { return line.contains(part); }));
    }

    std::unique_ptr<QTemporaryDir> state_;
};

QTEST_GUILESS_MAIN(TestCliLog)
#include "tst_cli_log.moc"
