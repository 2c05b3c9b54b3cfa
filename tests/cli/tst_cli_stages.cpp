// quibble-cli stages: the stages of a token of a stored run are those that `run --stages` wrote live.
#include <QFile>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

class TestCliStages : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString db_;
    QList<QJsonObject> live_;  // lines of tokens

    [[nodiscard]] CliResult stages(int run, int at, const QStringList& more = {}) const {
        return runCli(QStringList{"stages", db_, "--run", QString::number(run), "--at", QString::number(at)} + more);
    }
    /// Whether the stored token's table says what the line of the live token says.
    static void compare(const QJsonObject& line, const CliResult& asked) {
        QVERIFY2(asked.status == 0, asked.err.constData());
        const QJsonObject table = QJsonDocument::fromJson(asked.out).object();
        QCOMPARE(table["pos"], line["pos"]);
        QCOMPARE(table["chosen"], line["id"]);
        QCOMPARE(table["takes"], line["id"]);
        const QJsonArray columns = table["stages"].toArray(), wanted = line["stages"].toArray(),
                         tokens = table["tokens"].toArray();
        QCOMPARE(columns.size() + 1, wanted.size());  // "chosen" is no column
        for (int i = 0; i < columns.size(); ++i) {
            QCOMPARE(columns[i].toObject()["name"], wanted[i].toObject()["name"]);
            QCOMPARE(columns[i].toObject()["dropped"], wanted[i].toObject()["dropped"]);
            for (const QJsonValue& candidate : wanted[i].toObject()["candidates"].toArray()) {
                const auto is = [&](const QJsonValue& token) {
                    return token.toObject()["id"] == candidate.toObject()["id"];
                };
                const auto row = std::find_if(tokens.begin(), tokens.end(), is);
                QVERIFY(row != tokens.end());
                QCOMPARE(row->toObject()["logprobs"].toArray()[i], candidate.toObject()["logprob"]);
            }
        }
    }

private slots:
    void initTestCase() {
        QVERIFY2(!cliProgram().isEmpty(), "QUIBBLE_CLI names no program");
        db_ = folder_.filePath("runs.db");
        const CliResult run = runCli({"run",
                                      QString::fromStdString(shippedModel().string()),
                                      "--prompt",
                                      "Tom has 57 coins. Then gets 68 more. How many coins now?",
                                      "--temperature",
                                      "1.1",
                                      "--top-k",
                                      "40",
                                      "--min-p",
                                      "0.01",
                                      "--penalty",
                                      "2",
                                      "--logits",
                                      "cyclic:amplitude=4,period=20,words=spaced",
                                      "--logits",
                                      "loop_stop",
                                      "--seed",
                                      "7",
                                      "--max-tokens",
                                      "40",
                                      "--stages",
                                      "--jsonl",
                                      "-",
                                      "--db",
                                      db_});
        QVERIFY2(run.status == 0, run.err.constData());
        for (const QJsonObject& line : jsonLines(run.out)) {
            if (line.contains("stages")) live_.append(line);
        }
        QVERIFY(live_.size() > 20);
    }

    void theyAreThoseOfTheLiveRun() {
        for (int i = 0; i < live_.size(); i += 4)
            compare(live_[i], stages(1, live_[i]["pos"].toInt(), {"--all", "--format", "json"}));
    }

    void aBranchAsksTheRunThatItLeft() {
        const int at = live_[12]["pos"].toInt();
        const CliResult branch = runCli({"branch", db_, "--run", "1", "--at", QString::number(at), "--text", " Wait"});
        QVERIFY2(branch.status == 0, branch.err.constData());
        compare(live_[8], stages(2, live_[8]["pos"].toInt(), {"--all", "--format", "json"}));
        const CliResult injected = stages(2, at);
        QVERIFY(injected.status == 1 && injected.err.contains("injected"));
        QCOMPARE(stages(2, at + 1).status, 0);
    }

    void formsForPeopleAndSpreadsheets() {
        const int at = live_[5]["pos"].toInt();
        const CliResult text = stages(1, at);
        QVERIFY2(text.out.startsWith("position " + QByteArray::number(at)), text.out);
        QVERIFY(text.out.contains("ln p + noise") && text.out.contains("\n* \"") && text.out.contains(" others "));
        const QList<QByteArray> csv = stages(1, at, {"--all", "--format", "csv"}).out.trimmed().split('\n');
        QVERIFY(csv[0].startsWith("id,text,raw,marker_penalty,") && csv[0].endsWith(",min_p,score"));
        QCOMPARE(csv.size(), 722);
        const QList<QByteArray> few = stages(1, at, {"--rows", "3", "--format", "csv"}).out.trimmed().split('\n');
        QVERIFY(few.size() >= 5 && few.back().startsWith(",\""));
        const QString file = folder_.filePath("stages.csv");
        QCOMPARE(stages(1, at, {"--format", "csv", "--out", file}).status, 0);
        QVERIFY(QFile(file).size() > 100);
    }

    void whatCannotBeShownIsSaid() {
        QVERIFY(stages(1, 2).err.contains("no token was generated at this position"));
        QVERIFY(stages(9, 20).status == 1);
        const CliResult other = stages(
            1, live_[5]["pos"].toInt(),
            {"--model", QString::fromStdString((shippedModel().parent_path() / "quibble-nano-draft.gguf").string())});
        QVERIFY2(other.status == 1 && other.err.contains("not the one that made the run"), other.err);
    }
};

QTEST_APPLESS_MAIN(TestCliStages)
#include "tst_cli_stages.moc"
