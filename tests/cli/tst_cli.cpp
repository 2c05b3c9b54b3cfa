// quibble-cli as scripts use it: forms of the commands, exit status, one line on standard error, the JSON keys, the
// goldens.
#include <QDir>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <filesystem>

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "data/models/model_catalogue.h"
#include "engine/file/model_file.h"
#include "engine/model/model_cache.h"
#include "tests/cli/cli_process.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

using Json = nlohmann::json;

const QString kModel = QString::fromStdString(shippedModel().string());
const QString kPrompt = "Tom has 57 coins. Then gets 68 more. How many coins now?";

}  // namespace

class TestCli : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString file(const char* name) const { return folder_.filePath(name); }

private slots:
    void initTestCase() {
        QVERIFY2(!cliProgram().isEmpty(), "QUIBBLE_CLI names no program");
        QVERIFY(folder_.isValid());
    }
    void helpAndVersion() {
        QCOMPARE(runCli({"--help"}).status, 0);
        QVERIFY(runCli({"--version"}).out.startsWith("quibble-cli "));
        for (const char* command : {"run", "branch", "inspect", "export", "replay", "bench", "eval", "grade", "logits",
                                    "tokenize", "synth"}) {
            QCOMPARE(runCli({command, "--help"}).status, 0);
        }
    }
    // What a penalty does not reach is said, and words are switched off as they are written in list files too.
    void penaltiesWithoutEffectAreSaid() {
        const QString path = file("few-words.gguf");
        RandomShape shape;
        shape.vocab = 256;
        makeRandomModel(shape).write(path.toStdString());
        const QStringList arguments{"run", path, "--prompt", "ab", "--raw", "--max-tokens", "2"};
        const CliResult plain = runCli(arguments);
        QVERIFY2(plain.status == 0 && !plain.err.contains("note:"), plain.err.constData());
        const CliResult result = runCli(arguments + QStringList{"--penalty", "2"});
        QVERIFY2(result.status == 0, result.err.constData());
        QVERIFY2(result.err.contains("note: the penalty changes nothing: no entry of published-50 is one token"),
                 result.err.constData());
        QCOMPARE(runCli(arguments + QStringList{"--penalty", "2", "--without-word", "_wait"}).status, 0);
        const CliResult unknown = runCli(arguments + QStringList{"--penalty", "2", "--without-word", "wait"});
        QCOMPARE(unknown.status, 1);
        QVERIFY2(unknown.err.contains("no entry \"wait\". It has \" wait\""), unknown.err.constData());
    }
    void faultsAreOneLineAndStatusOne_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::newRow("nothing") << QStringList{};
        QTest::newRow("unknown command") << QStringList{"dance"};
        QTest::newRow("unknown option") << QStringList{"run", kModel, "--prompt", "x", "--colour", "red"};
        QTest::newRow("no such model") << QStringList{"run", "no/model.gguf", "--prompt", "x"};
        QTest::newRow("no prompt") << QStringList{"run", kModel};
        QTest::newRow("two prompts") << QStringList{"run", kModel, "--prompt", "x", "--problem", "y"};
        QTest::newRow("no such problem") << QStringList{"run", kModel, "--problem", "no-such-problem"};
        QTest::newRow("bad quantizer") << QStringList{"run", kModel, "--prompt", "x", "--quant", "rtn:bits=99"};
        QTest::newRow("bad temperature") << QStringList{"run", kModel, "--prompt", "x", "--temperature", "-3"};
        QTest::newRow("no such word") << QStringList{"run",       kModel, "--prompt",       "x",
                                                     "--penalty", "2",    "--without-word", " Wiat"};
        QTest::newRow("no such database") << QStringList{"export", "no/such.db", "--list"};
        QTest::newRow("not a database") << QStringList{"export", kModel, "--list"};
        QTest::newRow("no tokens") << QStringList{"logits", kModel, "--tokens", "no.i32", "--out", "x.npy"};
        QTest::newRow("tokens are a folder") << QStringList{"logits", kModel, "--tokens", ".", "--out", file("x.npy")};
        QTest::newRow("folder missing") << QStringList{"run", kModel,    "--prompt",
                                                       "x",   "--jsonl", "no/such/folder/x.jsonl"};
        QTest::newRow("unknown shape") << QStringList{"synth", "--shape", "x", "--out", "y"};
    }
    void faultsAreOneLineAndStatusOne() {
        QFETCH(QStringList, arguments);
        const CliResult result = runCli(arguments);
        QCOMPARE(result.status, 1);
        QVERIFY2(result.err.startsWith("quibble-cli: "), result.err.constData());
        QCOMPARE(result.err.count('\n'), 1);
        QVERIFY(result.out.isEmpty());
    }
    void whatIsNoOrdinaryFileIsNotReplaced() {
        const QString pipe = file("pipe");
        QCOMPARE(::mkfifo(pipe.toLocal8Bit().constData(), 0600), 0);
        const QString db = file("one.db");
        QCOMPARE(runCli({"run", kModel, "--prompt", "3+4", "--max-tokens", "2", "--db", db}).status, 0);
        for (const QStringList& arguments :
             {QStringList{"synth", "--shape", "moe-bench", "--layers", "1", "--out", pipe},
              QStringList{"export", db, "--session", "1", "--out", pipe}}) {
            const CliResult result = runCli(arguments);
            QCOMPARE(result.status, 1);
            QVERIFY2(result.err.contains("is not an ordinary file"), result.err.constData());
            QVERIFY(std::filesystem::is_fifo(pipe.toStdString()));
        }
        QCOMPARE(QDir(folder_.path()).entryList({"*.part*"}).size(), 0);
    }
    void aFullDiskBehindStandardOutputIsSaid() {
        if (!QFileInfo::exists("/dev/full")) QSKIP("no /dev/full");
        for (const QStringList& arguments : {QStringList{"inspect", kModel}, QStringList{"tokenize", kModel},
                                             QStringList{"run", kModel, "--prompt", "3+4", "--max-tokens", "2"}}) {
            QProcess process;
            process.setStandardOutputFile("/dev/full");
            process.start(cliProgram(), arguments);
            process.write("a");
            process.closeWriteChannel();
            QVERIFY(process.waitForFinished(60000));
            QCOMPARE(process.exitCode(), 1);
            const QByteArray said = process.readAllStandardError();
            QVERIFY2(said.contains("writing standard output failed"), said.constData());
        }
    }
    void runWritesAnObjectATokenAndASummary() {
        const CliResult result =
            runCli({"run",       kModel, "--prompt",      kPrompt, "--quant",   "rtn:bits=3,group=64",
                    "--penalty", "2",    "--temperature", "0.8",   "--top-p",   "0.9",
                    "--seed",    "5",    "--max-tokens",  "40",    "--threads", "2",
                    "--jsonl",   "-"});
        QVERIFY2(result.status == 0, result.err.constData());
        const QList<QJsonObject> lines = jsonLines(result.out);
        QVERIFY(lines.size() >= 2);
        for (int i = 0; i + 1 < lines.size(); ++i) {
            for (const char* key : {"pos", "id", "text", "logprob", "rank", "entropy", "kl", "ref_entropy",
                                    "marker_mass", "penalized", "without_penalty_id"}) {
                QVERIFY2(lines[i].contains(key), key);
            }
            QVERIFY(lines[i]["kl"].isDouble() && lines[i]["kl"].toDouble() > -1e-6);
            QVERIFY(lines[i]["penalized"].toBool());
            QCOMPARE(lines[i]["pos"].toInt(), lines[0]["pos"].toInt() + i);
        }
        const QJsonObject summary = lines.back()["summary"].toObject();
        QCOMPARE(summary["tokens"].toInt(), static_cast<int>(lines.size()) - 1);
        QVERIFY(summary.contains("answer") && summary.contains("finish_reason") && summary.contains("decode_ns"));
    }
    void sameSeedSameNumbersForAnyThreads() {
        QByteArray first;
        for (const char* threads : {"1", "2", "3"}) {
            QByteArray numbers;
            const CliResult result = runCli({"run", kModel, "--prompt", kPrompt, "--quant", "rtn:bits=3,group=64",
                                             "--max-tokens", "40", "--threads", threads, "--jsonl", "-"});
            for (QJsonObject line : jsonLines(result.out)) {
                line.remove("time_ns");
                line.remove("summary");
                numbers += QJsonDocument(line).toJson(QJsonDocument::Compact) + '\n';
            }
            if (first.isEmpty()) first = numbers;
            QVERIFY(!numbers.isEmpty());
            QCOMPARE(numbers, first);
        }
    }
    void klAgainstItselfIsZero() {
        const CliResult result =
            runCli({"run", kModel, "--prompt", kPrompt, "--reference", kModel, "--max-tokens", "30", "--jsonl", "-"});
        QVERIFY2(result.status == 0, result.err.constData());
        const QList<QJsonObject> lines = jsonLines(result.out);
        for (int i = 0; i + 1 < lines.size(); ++i) QCOMPARE(lines[i]["kl"].toDouble(-1), 0.0);
    }
    void storedRunIsListedExportedAndReplayed() {
        const QString db = file("runs.db");
        QVERIFY(runCli({"run", kModel, "--prompt", kPrompt, "--quant", "rtn:bits=4,group=64", "--penalty", "1",
                        "--max-tokens", "40", "--db", db, "--jsonl", file("a.jsonl")})
                    .status == 0);
        const CliResult list = runCli({"export", db, "--list"});
        QVERIFY2(list.status == 0 && list.out.contains("run 1") && list.out.contains("finished"), list.out.constData());
        const CliResult lines = runCli({"export", db, "--run", "1"});
        QVERIFY2(lines.status == 0, lines.err.constData());
        QVERIFY(jsonLines(lines.out).back().contains("summary"));
        const CliResult csv = runCli({"export", db, "--run", "1", "--format", "csv", "--out", file("a.csv")});
        QVERIFY2(csv.status == 0, csv.err.constData());
        const CliResult replay = runCli({"replay", db, "--run", "1", "--threads", "3"});
        QVERIFY2(replay.status == 0 && replay.out.contains("identical"), replay.err.constData());
        QVERIFY(!replay.out.contains("identical: 0 "));
        QCOMPARE(runCli({"replay", db, "--run", "77"}).status, 1);
        // A session as one file opens elsewhere and replays there.
        QVERIFY(runCli({"export", db, "--session", "1", "--out", file("moved.quibble")}).status == 0);
        QVERIFY(runCli({"replay", file("moved.quibble"), "--run", "1"}).out.contains("identical"));
    }
    void logitsEqualTheGoldensInAnyChunk() {
        const QString root = QString::fromStdString((goldenDirectory()).string());
        const std::vector<float> ref = readNpy((root + "/logits/qwen3-d256-Q8_0.ref.npy").toStdString());
        QByteArray first;
        for (const char* chunk : {"0", "1", "5"}) {
            const CliResult result = runCli({"logits", root + "/models/qwen3-d256-Q8_0.gguf", "--tokens",
                                             root + "/logits/qwen3-d256.tokens.i32", "--out", file("l.npy"),
                                             "--arithmetic", "f32", "--threads", "2", "--chunk", chunk});
            QVERIFY2(result.status == 0, result.err.constData());
            const std::vector<float> logits = readNpy(file("l.npy").toStdString());
            QCOMPARE(logits.size(), ref.size());
            for (std::size_t i = 0; i < ref.size(); ++i) QVERIFY(std::abs(logits[i] - ref[i]) < 2e-4F);
            const QByteArray bytes(reinterpret_cast<const char*>(logits.data()),
                                   static_cast<qsizetype>(logits.size() * sizeof(float)));
            if (first.isEmpty()) first = bytes;
            QVERIFY(bytes == first);
        }
    }
    void tokenizeReadsTextAndHexLines() {
        const QString vocab = QString::fromStdString((goldenDirectory() / "vocab" / "vocab-gpt-2.gguf").string());
        const auto cases = nlohmann::json::parse(readFile(goldenDirectory() / "tokenizer" / "gpt-2.json"));
        QByteArray input, expected;
        for (const auto& item : cases) {
            input += QByteArray::fromStdString(item["hex"].get<std::string>()) + '\n';
            QByteArrayList ids;
            for (const int id : item["ids"]) ids.append(QByteArray::number(id));
            expected += ids.join(' ') + '\n';
        }
        const CliResult result = runCli({"tokenize", vocab, "--hex-lines"}, input);
        QVERIFY2(result.status == 0, result.err.constData());
        QCOMPARE(result.out, expected);
        QCOMPARE(runCli({"tokenize", vocab}, "Hello world").out, QByteArray("15496 995\n"));
        QCOMPARE(runCli({"tokenize", vocab, "--hex-lines"}, "zz\n").status, 1);
    }
    void gradeSaysVerdictReasonAndReading() {
        const QByteArray input =
            "{\"given\": \"\\\\dfrac{1}{2}\", \"known\": 0.5}\n\n"
            "{\"text\": \"So \\\\boxed{.5}.\", \"known\": \"5\"}\n"
            "{\"given\": \"12 cm\", \"known\": \"12 ft\"}\n"
            "{\"text\": \"I do not know.\", \"known\": \"5\"}\n";
        const CliResult result = runCli({"grade"}, input);
        QCOMPARE(result.status, 0);
        const QList<QByteArray> lines = result.out.trimmed().split('\n');
        QCOMPARE(lines.size(), 4);
        QVERIFY(lines[0].contains("\"verdict\":\"right\"") && lines[0].contains("\"given_read_as\":\"1/2\""));
        QVERIFY(lines[1].contains("\"verdict\":\"wrong\"") && lines[1].contains("\"found_by\":\"box\"") &&
                lines[1].contains("\"given_read_as\":\"0.5\""));
        QVERIFY(lines[2].contains("\"verdict\":\"not gradable\"") && lines[2].contains("units differ"));
        QVERIFY(lines[3].contains("\"verdict\":\"wrong\"") && lines[3].contains("no answer"));
        const CliResult faulty = runCli({"grade"}, "{\"given\": \"1\"}\n");
        QCOMPARE(faulty.status, 1);
        QVERIFY(faulty.err.contains("line 1") && faulty.err.contains("known"));
    }
    // From the first line to the last it is said what was quantized, from what, against what, and what it takes.
    void quantizesWhatIsQuantized() {
        const QString model = QStringLiteral(QUIBBLE_SOURCE_DIR "/tests/golden/models/qwen2-d256-Q4_K_M.gguf");
        const QStringList setting{model, "--raw", "--quant", "rtn:bits=3,group=64", "--max-tokens", "6", "--seed", "3"};
        const CliResult run = runCli(QStringList{"run"} + setting + QStringList{"--prompt", "1 2 3", "--jsonl", "-"});
        QVERIFY2(run.status == 0, run.err.constData());
        const QJsonObject summary = jsonLines(run.out).back()["summary"].toObject();
        QCOMPARE(summary["weight_format"].toString(), QStringLiteral("RTN 3 bit g64 of Q4_K_M"));
        QCOMPARE(summary["reference"].toString(), QStringLiteral("stored weights, Q4_K_M (quantized)"));
        QVERIFY(summary["mean_kl"].toDouble() > 0);
        QVERIFY2(run.err.contains("Weights: ") && run.err.contains(", reference "), run.err.constData());
        QVERIFY2(run.err.contains("Peak memory: "), run.err.constData());
        QVERIFY2(!run.err.contains('\r') && !run.err.contains('\033'),
                 run.err.constData());  // no progress where nobody watches
        const CliResult eval = runCli(QStringList{"eval"} + setting +
                                      QStringList{"--problems", QUIBBLE_SOURCE_DIR "/data/problems/nano-heldout.jsonl",
                                                  "--limit", "1", "--json", "-"});
        QVERIFY2(eval.status == 0, eval.err.constData());
        const QJsonObject report = QJsonDocument::fromJson(eval.out).object();
        QCOMPARE(report["weight_format"].toString(), summary["weight_format"].toString());
        QCOMPARE(report["reference"].toString(), summary["reference"].toString());
        QVERIFY(runCli({"inspect", model}).out.contains("stored as      Q4_K_M (Q4_K, Q6_K)"));
        QVERIFY(!run.err.contains("KL is 0"));
        const CliResult itself = runCli(
            {"run", model, "--raw", "--prompt", "1 2 3", "--max-tokens", "6", "--reference", "self", "--jsonl", "-"});
        QVERIFY2(itself.err.contains("Note: model and reference are the same weights, so KL is 0 at every token"),
                 itself.err.constData());
        QCOMPARE(jsonLines(itself.out).back()["summary"].toObject()["max_kl"].toDouble(-1), 0.0);
    }
    void inspectDescribesAndExplains() {
        const CliResult result = runCli({"inspect", kModel, "--tensors", "--markers"});
        QVERIFY2(result.status == 0, result.err.constData());
        for (const char* part : {"quibble-nano", "token_embd.weight", "published-50", "\" wait\"", "qwen2"})
            QVERIFY2(result.out.contains(part), part);
    }
    // What only the catalogue knows of a model is said by inspect, and by a run that asks it something else than a
    // problem.
    void saysWhatAShippedModelWasMadeFor() {
        const std::string speciality = specialityOf(ModelCache().get(shippedModel(), {}).value()->hash());
        QVERIFY(!speciality.empty());
        const QByteArray said = QByteArray::fromStdString(speciality);
        QVERIFY(runCli({"inspect", kModel}).out.contains("made for       " + said + "\n"));
        const QStringList rest = {"--max-tokens", "2", "--threads", "1"};
        QVERIFY(
            runCli(QStringList{"run", kModel, "--prompt", "Who are you?"} + rest).err.contains("Note: " + said + "\n"));
        const CliResult problem = runCli(QStringList{"run", kModel, "--problem", "heldout-001"} + rest);
        QVERIFY2(problem.status == 0, problem.err.constData());
        QVERIFY(!problem.err.contains(said));
        // A model that nobody knows anything of was made for anything.
        RandomModel other = makeRandomModel({});
        other.write(file("other.gguf").toStdString());
        QVERIFY(!runCli({"inspect", file("other.gguf")}).out.contains("made for"));
    }
    // The shipped model as it would be published in safetensors is the same model, also as its own reference and draft.
    void checkpointsAreModels() {
        const auto gguf = ModelFile::open(shippedModel());
        QVERIFY(gguf.has_value());
        const QString folder = file("published-nano");
        writeCheckpoint(**gguf, folder.toStdString(), 2);
        const CliResult inspected = runCli({"inspect", folder});
        QVERIFY2(inspected.status == 0 && inspected.out.contains("safetensors, 2 parts") &&
                     inspected.out.contains("published-nano"),
                 inspected.out.constData());
        const QStringList rest = {"--prompt",  kPrompt, "--temperature", "0", "--max-tokens", "30",
                                  "--threads", "2",     "--jsonl",       "-"};
        const CliResult plain = runCli(QStringList{"run", kModel} + rest);
        const CliResult published = runCli(QStringList{"run", folder, "--reference", kModel, "--draft", "chain",
                                                       "--draft-model", folder + "/model.safetensors.index.json"} +
                                           rest);
        QVERIFY2(published.status == 0, published.err.constData());
        const QList<QJsonObject> expected = jsonLines(plain.out), made = jsonLines(published.out);
        QVERIFY(expected.size() > 20);
        for (int i = 0; i + 1 < expected.size(); ++i) {
            QCOMPARE(made[i]["id"].toInt(), expected[i]["id"].toInt());
            QVERIFY(std::abs(made[i]["kl"].toDouble(1)) < 1e-6);  // queries and keys add up in another order
        }
    }
    // A folder as people download it: parts with an index, and a tokenizer with everything that published ones have.
    void foldersOfEveryArchitecture_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("experts");
        QTest::addColumn<QString>("tokenizer");
        for (const char* dense : {"qwen2", "qwen3"}) QTest::newRow(dense) << dense << 0 << "byte_level";
        for (const char* mixture : {"qwen3moe", "olmoe", "gpt-oss"})
            QTest::newRow(mixture) << mixture << 6 << "byte_level";
        QTest::newRow("llama") << "llama" << 0 << "spm_prepend";
        QTest::newRow("mixtral") << "llama" << 4 << "spm_first";
    }
    void foldersOfEveryArchitecture() {
        QFETCH(QString, architecture);
        QFETCH(int, experts);
        QFETCH(QString, tokenizer);
        RandomShape shape;
        shape.architecture = architecture.toStdString();
        shape.experts = experts;
        shape.experts_used = experts > 0 ? 2 : 0;
        shape.vocab = 608;
        shape.type = kernels::TensorType::BF16;
        const auto model = load(makeRandomModel(shape), {});
        QVERIFY2(model, model ? "" : model.error().line().c_str());
        const QString folder = folder_.filePath(QTest::currentDataTag());
        writeCheckpoint(*model->file, folder.toStdString(), 3);
        const std::string published = QUIBBLE_SOURCE_DIR "/tests/golden/tokenizer_json/" + tokenizer.toStdString();
        writeText(folder.toStdString() + "/tokenizer.json", readFile(published + ".tokenizer.json"));
        const bool bytes = tokenizer == "byte_level";
        writeText(folder.toStdString() + "/tokenizer_config.json",
                  Json{{"bos_token", bytes ? Json() : Json("<s>")}, {"eos_token", "<|end|>"}}.dump());

        const CliResult inspected = runCli({"inspect", folder});
        QVERIFY2(inspected.status == 0, inspected.err.constData());
        for (const char* part :
             {"safetensors, 3 parts", bytes ? "tokenizer      qwen2, 608 tokens" : "tokenizer      spm, 608 tokens"})
            QVERIFY2(inspected.out.contains(part), inspected.out.constData());
        const Json vectors = Json::parse(readFile(published + ".vectors.json"));
        const Json& one = vectors.at(4);
        const CliResult tokens =
            runCli({"tokenize", folder, "--special"}, QByteArray::fromStdString(one.at("text").get<std::string>()));
        std::vector<TokenId> expected = one.at("ids").get<std::vector<TokenId>>();
        if (tokenizer == "spm_prepend")
            expected.erase(expected.begin());  // the beginning token, which this command adds to nothing
        QByteArray line;
        for (const TokenId id : expected) line += (line.isEmpty() ? "" : " ") + QByteArray::number(id);
        QCOMPARE(tokens.out.trimmed(), line);
        const CliResult run =
            runCli({"run", folder, "--raw", "--prompt", "Wait, the caf\u00e9", "--max-tokens", "4", "--jsonl", "-"});
        QVERIFY2(run.status == 0 && jsonLines(run.out).size() >= 2, run.err.constData());
    }
    void inspectJoinsLayersThatAreMadeAlike() {
        const CliResult alike = runCli({"inspect", kModel});
        QVERIFY2(alike.out.contains("made in 1 way\n") && alike.out.contains("each of layers 0-3:"),
                 alike.out.constData());
        const CliResult mixture = runCli({"inspect", QUIBBLE_SOURCE_DIR "/tests/golden/models/qwen2-d256-Q4_K_M.gguf"});
        QVERIFY2(mixture.out.contains("made in 2 ways\n") && mixture.out.contains("  layer 1: ") &&
                     mixture.out.contains("outside of the layers"),
                 mixture.out.constData());
    }
    void theCacheTypeAndItsCostAreSaid() {
        const CliResult inspected = runCli({"inspect", kModel});
        QVERIFY2(inspected.out.contains("q8_0     1.09 kB a token, 2.23 MB at full context"),
                 inspected.out.constData());
        const CliResult run =
            runCli({"run", kModel, "--prompt", "2 + 2", "--max-tokens", "8", "--kv", "q8_0", "--reference", "self"});
        QVERIFY2(run.status == 0, run.err.constData());
        QVERIFY2(run.err.contains("KV cache q8_0: at most 10.6 MB for 2048 positions"), run.err.constData());
        QVERIFY(!run.err.contains("asked for"));
        const CliResult cut = runCli({"run", kModel, "--prompt", "2 + 2", "--max-tokens", "1", "--context", "3000"});
        QVERIFY2(cut.err.contains("for 2048 positions (of 3000 asked for"), cut.err.constData());
        const QJsonObject summary =
            QJsonDocument::fromJson(run.err.mid(run.err.indexOf('{'))).object()["summary"].toObject();
        QCOMPARE(summary["kv_cache"].toString(), QStringLiteral("q8_0"));
        QCOMPARE(summary["kv_bytes"].toInteger(), 10'616'832);
        QVERIFY(summary["mean_kl"].toDouble() > 0);  // the weights are the same: this is the cache
        const CliResult narrow = runCli({"run", QUIBBLE_SOURCE_DIR "/tests/golden/models/llama-d64-F32.gguf", "--raw",
                                         "--prompt", "a", "--kv", "q8_0"});
        QVERIFY(narrow.status != 0);
        QVERIFY2(narrow.err.contains("16 numbers wide"), narrow.err.constData());
    }
    void whatDoesNotFitInMemoryCanBeInsistedOn() {
        const QString path = file("long.gguf");
        makeLongContextModel().write(path.toStdString());
        const QStringList run{
            "run", path, "--raw", "--prompt", "a", "--max-tokens", "2", "--context", QString::number(kLongContext)};
        const CliResult refused = runCli(run);
        QCOMPARE(refused.status, 1);
        QVERIFY2(refused.err.contains("524 GB for 16000000 positions") && refused.err.contains("--ignore-memory"),
                 refused.err.constData());
        const CliResult insisted = runCli(run + QStringList{"--ignore-memory"});
        QVERIFY2(insisted.status == 0, insisted.err.constData());
    }
    void roundedPromptsAreSaidOrRefused() {
        const QString models = QUIBBLE_SOURCE_DIR "/tests/golden/models/", db = file("prefill.db");
        const QStringList rest{"--raw", "--prompt", "the sum of all", "--max-tokens", "6", "--prefill", "throughput"};
        const CliResult quantized = runCli(QStringList{"run", models + "llama-d256-Q4_0.gguf"} + rest);
        QCOMPARE(quantized.status, 1);
        QVERIFY2(quantized.err.contains("is for BF16 weights, and the layers of llama-d256 hold Q4_0"),
                 quantized.err.constData());
        const CliResult run = runCli(QStringList{"run", models + "qwen2-d96-BF16.gguf", "--db", db} + rest);
        if (run.status != 0) {  // this CPU has no such products
            QVERIFY2(run.err.contains("AVX512-BF16"), run.err.constData());
            return;
        }
        const QJsonObject summary =
            QJsonDocument::fromJson(run.err.mid(run.err.indexOf('{'))).object()["summary"].toObject();
        QCOMPARE(summary["throughput_positions"].toInt(), summary["prompt_tokens"].toInt() - 1);
        const CliResult replay = runCli({"replay", db, "--run", "1", "--threads", "3"});
        QVERIFY2(replay.out.contains("identical: 6 "), replay.out + replay.err);
    }
    void benchPrintsOneLineOfJson() {
        const CliResult result = runCli({"bench", kModel, "--prefill", "32", "--decode", "8", "--threads", "1",
                                         "--repeats", "1", "--quant", "rtn:bits=3", "--json", "-"});
        QVERIFY2(result.status == 0, result.err.constData());
        const QJsonObject object = QJsonDocument::fromJson(result.out).object();
        for (const char* key : {"limits", "prefill", "load", "decode", "blocks", "run", "memory"})
            QVERIFY2(object.contains(key), key);
        QVERIFY(object["decode"].toObject()["of_read_limit"].toDouble() > 0);
        const QJsonObject memory = object["memory"].toObject();
        QVERIFY(memory["weights_mb"].toDouble() > 6 && memory["cache_mb"].toDouble() > 0.1);
        QVERIFY2(memory["peak_mb"].toDouble() <= memory["allowed_mb"].toDouble(), result.out.constData());
    }
    void benchOfDraftsForcedRoundsAndExperts() {
        const QString models = QFileInfo(kModel).path(), draft = models + "/quibble-nano-draft.gguf",
                      moe = models + "/quibble-nano-moe.gguf";
        const QStringList quick{"--draft-model", draft, "--threads", "1", "--repeats", "1",
                                "--problems",    "1",   "--json",    "-"};
        const auto json = [&](const QStringList& arguments) {
            const CliResult result = runCli(QStringList{"bench"} + arguments + quick);
            if (result.status != 0) qFatal("%s", result.err.constData());
            return Json::parse(result.out.toStdString());
        };
        const Json drafts =
            json({kModel, "--speculation", "--temperatures", "0", "--methods", "chain", "ngram:shortest=1/rejection"});
        QCOMPARE(drafts["rows"].size(), std::size_t{2});
        for (const Json& row : drafts["rows"]) {
            QVERIFY(row["speed_up"].get<double>() > 0 && row["speed_up_undisturbed"].get<double>() > 0 &&
                    row["predicted_speed_up"].get<double>() > 0);
            QCOMPARE(row["drafted"].get<int>(), row["tested"].get<int>() + row["ignored"].get<int>());
            QCOMPARE(row["tokens"].get<int>(), drafts["rows"][0]["tokens"].get<int>());  // both are lossless
        }
        const Json forced = json({kModel, "--forced"});
        QCOMPARE(forced["passes"].size(), std::size_t{5});
        QCOMPARE(forced["passes"][0]["decode_steps"].get<double>(), 1.0);
        QCOMPARE(forced["rounds"][1]["by_acceptance"].size(), std::size_t{4});
        const Json experts = json({moe, "--experts", "--methods", "chain"});
        QCOMPARE(experts["unions"][0]["union"].get<double>(), 2.0);
        QCOMPARE(experts["runs"].size(), std::size_t{7});
        QCOMPARE(experts["runs"].back()["tokens_as_unbudgeted"].get<int>(),
                 experts["runs"].back()["tokens"].get<int>());
        const CliResult dense = runCli(QStringList{"bench", kModel, "--experts"} + quick);
        QCOMPARE(dense.status, 1);
        QVERIFY(dense.err.contains("has no experts"));
    }

    void forcingAnUnknownInstructionSetIsAnError() {
        qputenv("QUIBBLE_ISA", "sse99");
        const CliResult result = runCli({"tokenize", kModel}, "x");
        qunsetenv("QUIBBLE_ISA");
        QCOMPARE(result.status, 1);
        QVERIFY(result.err.contains("sse99"));
    }
};

QTEST_APPLESS_MAIN(TestCli)
#include "tst_cli.moc"
