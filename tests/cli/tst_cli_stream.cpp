// What `run --jsonl` streams while a run goes on is what `export` writes of the stored run, line by line, however the
// events fell into batches.
#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr int kTimes = 10;

QString model(const char* name) { return QString::fromStdString((shippedModel().parent_path() / name).string()); }

// Lines of tokens and of the summary; an export has lines of draft rounds and expert passes between them, and one of
// the provenance before.
QByteArrayList compared(const QByteArray& text) {
    QByteArrayList lines;
    for (const QByteArray& line : text.split('\n')) {
        if (line.startsWith("{\"pos\"") || line.startsWith("{\"summary\"")) lines.append(line);
    }
    return lines;
}

}  // namespace

class TestCliStream : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { QVERIFY2(!cliProgram().isEmpty(), "QUIBBLE_CLI names no program"); }
    void theStreamIsTheExport_data() {
        QTest::addColumn<QStringList>("arguments");
        const QStringList quantized{"--quant", "rtn:bits=4,group=64"};
        const QString nano = model("quibble-nano.gguf"), draft = model("quibble-nano-draft.gguf"),
                      moe = model("quibble-nano-moe.gguf");
        for (const char* block : {"1", "16", "64"}) {
            for (const QString& path : {nano, draft, moe}) {
                QTest::addRow("%s, block %s", qPrintable(QFileInfo(path).baseName()), block)
                    << QStringList{path, "--block", block} + quantized;
            }
        }
        QTest::newRow("no reference") << QStringList{nano};
        QTest::newRow("mixture, no reference") << QStringList{moe};
        QTest::newRow("mixture, drafted")
            << QStringList{moe, "--draft", "chain:length=4", "--draft-model", draft} + quantized;
        QTest::newRow("mixture, looked up")
            << QStringList{moe, "--draft", "ngram:length=4,shortest=1", "--experts", "moe_spec:budget=4"};
        QTest::newRow("drafts for its reference") << QStringList{nano, "--draft", "self"} + quantized;
    }
    void theStreamIsTheExport() {
        QFETCH(QStringList, arguments);
        for (int time = 0; time < kTimes; ++time) {
            const QTemporaryDir folder;
            const QString db = folder.filePath("runs.db");
            const CliResult run =
                runCli(QStringList{"run", "--prompt", "A farmer has 12 cows and buys 7 more. How many?",
                                   "--temperature", "0.8", "--seed", QString::number(time), "--max-tokens", "60",
                                   "--threads", "2", "--db", db, "--jsonl", "-"} +
                       arguments);
            QVERIFY2(run.status == 0, run.err.constData());
            const CliResult exported = runCli({"export", db, "--run", "1"});
            const QByteArrayList live = compared(run.out), stored = compared(exported.out);
            QVERIFY(live.size() > 5);
            for (int i = 0; i < std::min(live.size(), stored.size()); ++i) QCOMPARE(live[i], stored[i]);
            QCOMPARE(live.size(), stored.size());
            // A mixture tells the experts of every token but the last, which no pass has read.
            if (!arguments[0].endsWith("moe.gguf")) continue;
            for (int i = 0; i + 2 < live.size(); ++i) QVERIFY2(live[i].contains("\"experts\""), live[i].constData());
        }
    }
};

QTEST_APPLESS_MAIN(TestCliStream)
#include "tst_cli_stream.moc"
