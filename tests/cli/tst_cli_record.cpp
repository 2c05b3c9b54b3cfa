// Everything a run depends on is recorded: a model whose template shows the date and the time is run, replayed and
// evaluated in other places and languages.
#include <QFile>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QTest>

#include "tests/cli/cli_process.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

// As gpt-oss and Llama 3 do it, to the second, so that no two runs of this test are on the same prompt by chance.
const std::string kDated = "{{ 'Today: ' + strftime_now('%A %d %B %Y %H:%M:%S') }}\n{{ messages[0].content }}\nanswer:";

const Environment kPlaces[] = {{{"TZ", "America/New_York"}, {"LC_ALL", "C"}},
                               {{"TZ", "Asia/Tokyo"}, {"LC_ALL", "de_DE.UTF-8"}},
                               {{"TZ", "UTC"}, {"LC_ALL", ""}, {"LC_TIME", "de_DE.UTF-8"}, {"LANG", "de_DE.UTF-8"}}};

}  // namespace

class TestCliRecord : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString model_;

    static QJsonObject provenanceOf(const QString& db, int run) {
        return jsonLines(runCli({"export", db, "--run", QString::number(run)}).out).front()["provenance"].toObject();
    }
    static QString promptOf(const QJsonObject& provenance) {
        QString text;
        for (const QJsonValue& id : provenance["prompt_tokens"].toArray()) text += QChar(id.toInt());
        return text;
    }

private slots:
    void initTestCase() {
        QVERIFY2(!cliProgram().isEmpty(), "QUIBBLE_CLI names no program");
        RandomShape shape;
        shape.vocab = 160;
        RandomModel model = makeRandomModel(shape);
        model.keys.emplace_back("tokenizer.chat_template", kDated);
        model_ = folder_.filePath("dated.gguf");
        model.write(model_.toStdString());
    }
    void aReplayElsewhereIsIdentical() {
        const QString db = folder_.filePath("places.db");
        int run = 0;
        for (const Environment& here : kPlaces) {
            const CliResult made = runCli(
                {"run", model_, "--prompt", "what?", "--max-tokens", "12", "--temperature", "1", "--db", db}, {}, here);
            QVERIFY2(made.status == 0, made.err.constData());
            const QJsonObject provenance = provenanceOf(db, ++run);
            QVERIFY(provenance["clock"].toObject()["unix_s"].isDouble() &&
                    provenance["clock"].toObject()["utc_offset_s"].isDouble());
            for (const Environment& there : kPlaces) {
                const CliResult replay = runCli({"replay", db, "--run", QString::number(run)}, {}, there);
                QVERIFY2(replay.status == 0 && replay.out.contains("identical: 12 tokens"), replay.out + replay.err);
                if (&here != &there)
                    QVERIFY2(replay.out.contains("note: the chat template makes another prompt now"),
                             replay.out.constData());
            }
        }
        // New York is not where Tokyo is.
        QVERIFY(promptOf(provenanceOf(db, 1)) != promptOf(provenanceOf(db, 2)));
    }
    void namesAreEnglishAndTheClockIsAnInput() {
        const QString db = folder_.filePath("clocks.db");
        QByteArray first;
        for (const Environment& here : kPlaces) {
            const CliResult made = runCli({"run", model_, "--prompt", "what?", "--max-tokens", "12", "--clock",
                                           "2025-03-05T16:07:09", "--db", db},
                                          {}, here);
            QVERIFY2(made.status == 0, made.err.constData());
            if (first.isEmpty()) first = made.out;
            QCOMPARE(made.out, first);
        }
        for (int run = 1; run <= 3; ++run)
            QCOMPARE(promptOf(provenanceOf(db, run)),
                     QString("Today: Wednesday 05 March 2025 16:07:09\nwhat?\nanswer:"));
        const CliResult replay = runCli({"replay", db, "--run", "1"});
        QVERIFY2(replay.out.startsWith("identical: 12 tokens"),
                 replay.out.constData());  // the clock was asked for: the prompt is the same on any day
    }
    // The prefix of a branch is that of its parent, token by token, wherever and whenever it is made.
    void aBranchHasThePrefixOfItsParent() {
        const QString db = folder_.filePath("branches.db");
        QCOMPARE(runCli({"run", model_, "--prompt", "what?", "--max-tokens", "12", "--temperature", "1", "--db", db},
                        {}, kPlaces[0])
                     .status,
                 0);
        const QList<QJsonObject> parent = jsonLines(runCli({"export", db, "--run", "1"}).out);
        const QString at = QString::number(parent[6]["pos"].toInt());
        const CliResult same = runCli({"branch", db, "--run", "1", "--at", at, "--token",
                                       QString::number(parent[6]["id"].toInt()), "--jsonl", "-"},
                                      {}, kPlaces[1]);
        QVERIFY2(same.status == 0 && same.err.contains("run 2: branch of 1 at " + at.toUtf8()), same.err.constData());
        // What stood there anyway: everything but the clock is the parent's again.
        const QList<QJsonObject> repeated = jsonLines(same.out);
        QCOMPARE(repeated.size() + 1, parent.size());
        for (int i = 0; i + 1 < repeated.size(); ++i) {
            for (const char* key : {"pos", "id", "entropy", "logprob", "top"})
                QCOMPARE(repeated[i][key], parent[i + 1][key]);
            QCOMPARE(repeated[i]["injected"].toBool(), i == 5);
        }
        const QJsonObject summary = repeated.back()["summary"].toObject();
        QCOMPARE(summary["inherited"].toInt(), 5);
        QCOMPARE(summary["tokens"].toInt(), 12);
        QCOMPARE(provenanceOf(db, 2)["prompt_tokens"], provenanceOf(db, 1)["prompt_tokens"]);
        QCOMPARE(provenanceOf(db, 2)["clock"], provenanceOf(db, 1)["clock"]);
        const CliResult other =
            runCli({"branch", db, "--run", "2", "--at", at, "--text", "Q", "--max-tokens", "9"}, {}, kPlaces[2]);
        QVERIFY2(other.status == 0, other.err.constData());
        for (const char* run : {"2", "3"}) {
            const CliResult replay = runCli({"replay", db, "--run", run}, {}, kPlaces[2]);
            QVERIFY2(replay.status == 0 && replay.out.contains("identical: "), replay.out + replay.err);
        }
    }
    void branchesThatCannotBeSayWhy_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("said");
        QTest::newRow("no such run") << QStringList{"--run", "77", "--at", "60", "--token", "5"} << "77";
        QTest::newRow("in the prompt") << QStringList{"--run", "1", "--at", "3", "--token", "5"}
                                       << "generated no token at position 3. Its tokens stand at ";
        QTest::newRow("no token") << QStringList{"--run", "1", "--at", "60"} << "give one of --token and --text";
        QTest::newRow("two") << QStringList{"--run", "1", "--at", "3", "--token", "5", "--text", "a"}
                             << "generated no token";
        QTest::newRow("not a number") << QStringList{"--run", "1", "--at", "-3", "--token", "5"}
                                      << "--at: \"-3\" is not a whole number";
    }
    void branchesThatCannotBeSayWhy() {
        QFETCH(QStringList, options);
        QFETCH(QString, said);
        const QString db = folder_.filePath("refused.db");
        if (!QFile::exists(db))
            QCOMPARE(
                runCli({"run", model_, "--prompt", "what?", "--max-tokens", "40", "--temperature", "1", "--db", db})
                    .status,
                0);
        const CliResult result = runCli(QStringList{"branch", db} + options);
        QCOMPARE(result.status, 1);
        QVERIFY2(result.err.contains(said.toUtf8()), result.err.constData());
        QCOMPARE(runCli({"branch", folder_.filePath("nothing.db"), "--run", "1", "--at", "60", "--token", "5"}).status,
                 1);
        QVERIFY(!QFile::exists(folder_.filePath("nothing.db")));
    }
    void anEvaluationRepeatsOnAnotherDay() {
        const QByteArray problems =
            "{\"id\":\"a\",\"text\":\"1+1\",\"answer\":\"2\"}\n{\"id\":\"b\",\"text\":\"2+2\",\"answer\":\"4\"}\n";
        QByteArray first;
        for (const Environment& here : kPlaces) {
            const CliResult result = runCli({"eval", model_, "--problems", "-", "--max-tokens", "30", "--temperature",
                                             "1", "--clock", "2025-03-05T16:07:09", "--json", "-"},
                                            problems, here);
            QVERIFY2(result.status == 0, result.err.constData());
            QJsonObject report = QJsonDocument::fromJson(result.out).object();
            QVERIFY(report.contains("tokens_per_second"));
            report.remove("tokens_per_second");  // the one figure of the work
            const QByteArray text = QJsonDocument(report).toJson();
            if (first.isEmpty()) first = text;
            QCOMPARE(text, first);
        }
    }
};

QTEST_APPLESS_MAIN(TestCliRecord)
#include "tst_cli_record.moc"
