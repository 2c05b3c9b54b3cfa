// quibble-cli eval: many problems at a time give the texts and the report of one at a time; what a killed evaluation
// has done is kept, and --resume ends with the report of one that was not killed.
#include <QFile>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include <random>
#include <set>

#include "data/store/store.h"
#include "tests/cli/cli_process.h"
#include "tests/support/golden.h"
#include "tests/support/kills_wanted.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const QString kModel = QString::fromStdString(shippedModel().string());
const QString kHeldOut = QStringLiteral(QUIBBLE_SOURCE_DIR "/data/problems/nano-heldout.jsonl");
const QStringList kSetting{"--quant", "rtn:bits=3,group=64", "--reference", "self", "--threads", "2",
                           "--clock", "2026-01-02T03:04:05"};

QStringList evalOf(int problems, int parallel, const QStringList& more) {
    return QStringList{"eval",       kModel,
                       "--problems", kHeldOut,
                       "--limit",    QString::number(problems),
                       "--parallel", QString::number(parallel)} +
           kSetting + more;
}

// What a report says of the work and not of the answers.
QJsonObject withoutWork(QJsonObject report) {
    for (const char* key : {"parallel", "tokens_per_second", "reused_positions"}) report.remove(key);
    return report;
}

QJsonObject reportOf(const CliResult& result) { return QJsonDocument::fromJson(result.out).object(); }

}  // namespace

class TestCliEval : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;

private slots:
    void initTestCase() { QVERIFY2(!cliProgram().isEmpty() && folder_.isValid(), "QUIBBLE_CLI names no program"); }

    void manyAtOnceGiveTheReportOfOneAtATime() {
        const CliResult one = runCli(evalOf(24, 1, {"--json", "-"}));
        QVERIFY2(one.status == 0, one.err.constData());
        const QJsonObject alone = reportOf(one);
        QCOMPARE(alone["problems"].toInt(), 24);
        QCOMPARE(alone["parallel"].toInt(), 1);
        QVERIFY(alone["mean_kl_nats"].toDouble() > 0 && alone["tokens_per_second"].toDouble() > 0);
        for (const int parallel : {3, 16, 0}) {
            const CliResult many = runCli(evalOf(24, parallel, {"--json", "-"}));
            QVERIFY2(many.status == 0, many.err.constData());
            const QJsonObject report = reportOf(many);
            QCOMPARE(withoutWork(report), withoutWork(alone));
            QVERIFY2(many.err.contains("At once: "), many.err.constData());
            QVERIFY(parallel == 0 ? report["parallel"].toInt() > 0 : report["parallel"].toInt() == parallel);
        }
    }

    void eachKeptRunIsThatOfRunAlone() {
        const QString db = folder_.filePath("kept.db");
        const CliResult result = runCli(evalOf(9, 4, {"--db", db, "--json", "-"}));
        QVERIFY2(result.status == 0, result.err.constData());
        auto store = Store::open(db.toStdString(), OpenMode::ReadOnly);
        QVERIFY2(store, store ? "" : store.error().line().c_str());
        auto sessions = (*store)->listSessions();
        QVERIFY(sessions && sessions->size() == 1);
        QCOMPARE(sessions->front().name, std::string("Evaluation of nano-heldout"));
        auto runs = (*store)->listRuns(sessions->front().id);
        QVERIFY(runs && runs->size() == 9);
        std::set<std::string> problems;
        for (const RunSummary& summary : *runs) {
            QCOMPARE(summary.status, RunStatus::Finished);
            QVERIFY(summary.correct.has_value());
            auto trace = (*store)->loadRun(summary.id);
            QVERIFY2(trace, trace ? "" : trace.error().line().c_str());
            problems.insert(trace->request().problem_id);
            const WholeRun alone = wholeRun(trace->request());
            QCOMPARE(trace->points().size(), alone.trace.points().size());
            QVERIFY(!trace->points().empty());
            for (std::size_t i = 0; i < trace->points().size(); ++i) {
                const TracePoint& a = trace->points()[i];
                const TracePoint& b = alone.trace.points()[i];
                QCOMPARE(a.token.id, b.token.id);
                QCOMPARE(std::bit_cast<std::uint32_t>(a.token.entropy), std::bit_cast<std::uint32_t>(b.token.entropy));
                QCOMPARE(a.reference.kl, b.reference.kl);
            }
        }
        QCOMPARE(problems.size(), std::size_t{9});
        // The same setting from `run`, as a user would type it.
        const CliResult run = runCli(QStringList{"run", kModel, "--problem", QString::fromStdString(*problems.begin()),
                                                 "--seed", "1", "--jsonl", "-"} +
                                     kSetting);
        QVERIFY2(run.status == 0, run.err.constData());
        QVERIFY(jsonLines(run.out).size() > 1);
    }

    void whatIsDoneIsNotDoneAgain() {
        const QString db = folder_.filePath("resumed.db");
        const CliResult first = runCli(evalOf(6, 2, {"--db", db, "--json", "-"}));
        QVERIFY2(first.status == 0, first.err.constData());
        const CliResult more = runCli(evalOf(10, 2, {"--db", db, "--resume", "--json", "-"}));
        QVERIFY2(more.status == 0 && more.err.contains("6 of 10 problems are done already"), more.err.constData());
        const CliResult whole = runCli(evalOf(10, 2, {"--json", "-"}));
        QCOMPARE(withoutWork(reportOf(more)), withoutWork(reportOf(whole)));
        // Runs of another setting do not count.
        const CliResult other = runCli(evalOf(6, 2, {"--db", db, "--resume", "--temperature", "0", "--json", "-"}));
        QVERIFY2(other.status == 0 && other.err.contains("0 of 6 problems are done already"), other.err.constData());
        QVERIFY2(other.err.contains("other settings do not count") && other.err.contains(", not 0 (greedy)"),
                 other.err.constData());
        const CliResult nowhere = runCli(evalOf(6, 2, {"--resume"}));
        QVERIFY2(nowhere.status == 1 && nowhere.err.contains("--db"), nowhere.err.constData());
    }

    void aKilledEvaluationGoesOn() {
        const QJsonObject whole = reportOf(runCli(evalOf(60, 5, {"--json", "-"})));
        QCOMPARE(whole["problems"].toInt(), 60);
        std::mt19937 random(3);
        const int kills = killsWanted(4);
        int in_the_middle = 0;
        for (int kill = 0; kill < kills; ++kill) {
            const QString db = folder_.filePath(QString("killed-%1.db").arg(kill));
            QProcess process;
            process.start(cliProgram(), evalOf(60, 5, {"--db", db, "--json", "-"}));
            QVERIFY(process.waitForStarted());
            QTest::qSleep(static_cast<int>(300 + random() % 1200));
            if (process.state() == QProcess::Running) ++in_the_middle;
            process.kill();
            process.waitForFinished();
            const CliResult resumed = runCli(evalOf(60, 5, {"--db", db, "--resume", "--json", "-"}));
            QVERIFY2(resumed.status == 0, resumed.err.constData());
            QCOMPARE(withoutWork(reportOf(resumed)), withoutWork(whole));
            auto store = Store::open(db.toStdString());
            QVERIFY2(store, store ? "" : store.error().line().c_str());
            QVERIFY((*store)->runIntegrityCheck());
        }
        QVERIFY(in_the_middle > 0);
    }
};

QTEST_GUILESS_MAIN(TestCliEval)
#include "tst_cli_eval.moc"
