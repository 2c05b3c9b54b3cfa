// Tuning: what is forced, measured or pinned changes no bit, and a pinned file says what is wrong with it.
#include <QTemporaryDir>
#include <QTest>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "engine/model/model_tuning.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;
using kernels::TensorType;

namespace {

constexpr int kVocab = 53;
constexpr std::size_t kTokens = 40;

RandomShape shapeOf(TensorType type, int experts) {
    RandomShape shape;
    shape.architecture = experts > 0 ? "qwen3moe" : "llama";
    shape.type = type;
    shape.d_model = 256;
    shape.n_heads = 8;
    shape.head_dim = 64;
    shape.d_ff = 512;
    shape.vocab = kVocab;
    shape.experts = experts;
    shape.experts_used = experts > 0 ? 2 : 0;
    return shape;
}

// Logits of all tokens, a prompt first and then passes of 1, 2, 3, 4, 6 and 8 rows.
std::vector<float> logitsOf(const std::shared_ptr<const Model>& model, KvType kv) {
    CpuDevice device(2);
    const std::vector<TokenId> tokens = randomTokens(kTokens, kVocab, 3);
    auto sequence =
        Sequence::create(model, device, static_cast<Position>(kTokens), SequenceSettings(Arithmetic::Native, kv));
    std::vector<float> logits(kTokens * kVocab);
    std::size_t done = 0;
    for (const std::size_t count : {std::size_t{16}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4},
                                    std::size_t{6}, std::size_t{8}}) {
        const auto rows = std::span(tokens).subspan(done, count);
        if (!sequence || !(*sequence)->append(rows, static_cast<std::int64_t>(count), logits.data() + done * kVocab))
            return {};
        done += count;
    }
    return logits;
}

bool sameBits(const std::vector<float>& a, const std::vector<float>& b) {
    return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class Pinned {
public:
    explicit Pinned(const std::string& path) { ::setenv("QUIBBLE_TUNE", path.c_str(), 1); }
    ~Pinned() { ::unsetenv("QUIBBLE_TUNE"); }
};

}  // namespace

class TestTuning : public QObject {
    Q_OBJECT

    QTemporaryDir dir_;

    std::string file(const std::string& text) {
        const std::string path = dir_.filePath(QStringLiteral("tune.json")).toStdString();
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

private slots:
    void initTestCase() { ::unsetenv("QUIBBLE_TUNE"); }

    void everyChoiceGivesTheSameBits_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("experts");
        for (const TensorType type :
             {TensorType::Q4_0, TensorType::Q8_0, TensorType::Q4_K, TensorType::Q6_K, TensorType::Q2_K,
              TensorType::MXFP4, TensorType::BF16, TensorType::F16, TensorType::F32}) {
            for (const int experts : {0, 4})
                QTest::addRow("%s%s", kernels::typeTraits(type)->name, experts > 0 ? ", mixture" : "")
                    << static_cast<int>(type) << experts;
        }
    }
    void everyChoiceGivesTheSameBits() {
        QFETCH(int, type);
        QFETCH(int, experts);
        const RandomModel made = makeRandomModel(shapeOf(static_cast<TensorType>(type), experts));
        std::vector<float> expected;
        static_assert(kernels::kManyRows == kernels::kNextOutputs);
        for (const std::int32_t ahead : {0, 64, 1536, 4096, 1 << 20, kernels::kManyRows}) {
            for (const bool blocks : {false, true}) {
                Tuning tuning;
                for (auto& ways : tuning.fetch_ahead) ways.fill(ahead);
                tuning.f32_blocks = blocks;
                const Pinned pinned(file(toJson(tuning).dump()));
                auto loaded = load(made, {});
                QVERIFY2(loaded, loaded ? "" : qPrintable(QString::fromStdString(loaded.error().line())));
                QCOMPARE(loaded->model->tuning().current(), tuning);
                QCOMPARE(loaded->model->tuning().source(), std::string("pinned by QUIBBLE_TUNE"));
                const std::vector<float> logits = logitsOf(loaded->model, KvType::F32);
                if (expected.empty()) expected = logits;
                QVERIFY2(sameBits(logits, expected), qPrintable(QString::fromStdString(toJson(tuning).dump())));
            }
        }
    }

    // A model of some hundred kilobytes counts as large enough here.
    void measuringSettlesAndChangesNoBit_data() {
        QTest::addColumn<int>("type");
        for (const TensorType type : {TensorType::Q4_0, TensorType::BF16})
            QTest::addRow("%s", kernels::typeTraits(type)->name) << static_cast<int>(type);
    }
    void measuringSettlesAndChangesNoBit() {
        QFETCH(int, type);
        const RandomShape shape = shapeOf(static_cast<TensorType>(type), 0);
        auto loaded = load(makeRandomModel(shape), {});
        QVERIFY(loaded);
        ModelTuning& tuning = loaded->model->tuning();
        const std::vector<float> before = logitsOf(loaded->model, KvType::F32);
        QVERIFY(tuning.choices().empty());
        QVERIFY(tuning.source().find("too few to measure") != std::string::npos);

        ModelTuning own({});
        CpuDevice device(2);
        for (int i = 0; i < 20; ++i) own.settle(*loaded->model, device, 1);
        QCOMPARE(own.source().rfind("measured", 0), std::size_t{0});
        QCOMPARE(own.choices().size(), Tuning::kRows.size() + 1);
        for (const TuningChoice& choice : own.choices()) {
            QVERIFY(choice.chosen < choice.candidates.size());
            for (const TuningChoice::Candidate& candidate : choice.candidates) QVERIFY(candidate.time > 0);
            QVERIFY(choice.text().rfind(choice.candidates[choice.chosen].way, 0) == 0);
        }
        const Pinned pinned(file(toJson(own.current()).dump()));
        auto again = load(makeRandomModel(shape), {});
        QVERIFY(again);
        QVERIFY(sameBits(logitsOf(again->model, KvType::F32), before));
    }

    // Some neighbour makes one way slow in one measurement: the choice is not for good.
    void aChoiceStandsOnlyWhenTwoMeasurementsAgree() {
        auto loaded = load(makeRandomModel(shapeOf(TensorType::Q8_0, 0)), {});
        QVERIFY(loaded);
        ModelTuning tuning({});
        CpuDevice device(1);
        tuning.settle(*loaded->model, device, 1);
        QCOMPARE(tuning.source(), std::string("measured once; not settled"));
        for (int i = 0; i < 20; ++i) tuning.settle(*loaded->model, device, 1);
        const std::string source = tuning.source();
        QVERIFY2(source.find("the last two alike") != std::string::npos || source == "measured 6 times; not settled",
                 source.c_str());
        CpuDevice other(2);  // other threads are another machine
        tuning.settle(*loaded->model, other, 1);
        QCOMPARE(tuning.source(), std::string("measured once; not settled"));
    }

    void tuningsGoThroughJson() {
        Tuning tuning;
        int value = 1;
        for (auto& ways : tuning.fetch_ahead) {
            for (std::int32_t& way : ways) way = value++ * 64;
        }
        tuning.fetch_ahead[Tuning::kBytes][3] = kernels::kManyRows;
        tuning.fetch_ahead[Tuning::kFloats][0] = kernels::kNextOutputs;
        for (const bool blocks : {false, true}) {
            tuning.f32_blocks = blocks;
            const auto back = tuningFromJson(nlohmann::json::parse(toJson(tuning).dump()));
            QVERIFY(back);
            QCOMPARE(*back, tuning);
        }
        QCOMPARE(*tuningFromJson(nlohmann::json::object()), tuningOfFamily());
    }

    void whatIsWrongIsNamed_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("named");
        QTest::addRow("no JSON") << "{"
                                 << "is not JSON";
        QTest::addRow("a list") << "[]"
                                << "is not a JSON object";
        QTest::addRow("unknown key") << R"({"prefetch": 1})"
                                     << "prefetch is unknown";
        QTest::addRow("kind") << R"({"fetch_ahead": {"wide": {}}})"
                              << "fetch_ahead.wide";
        QTest::addRow("rows") << R"({"fetch_ahead": {"bytes": {"3": 0}}})"
                              << "fetch_ahead.bytes.3";
        QTest::addRow("way") << R"({"fetch_ahead": {"bytes": {"2": "fast"}}})"
                             << "fetch_ahead.bytes.2";
        QTest::addRow("way of floats") << R"({"fetch_ahead": {"floats": {"1": "together"}}})"
                                       << "next outputs";
        QTest::addRow("negative") << R"({"fetch_ahead": {"narrow": {"2": -1}}})"
                                  << "fetch_ahead.narrow.2";
        QTest::addRow("fraction") << R"({"fetch_ahead": {"narrow": {"2": 0.5}}})"
                                  << "fetch_ahead.narrow.2";
        QTest::addRow("too far") << R"({"fetch_ahead": {"narrow": {"2": 1e12}}})"
                                 << "fetch_ahead.narrow.2";
        QTest::addRow("attention") << R"({"f32_attention": true})"
                                   << "f32_attention";
    }
    void whatIsWrongIsNamed() {
        QFETCH(QString, text);
        QFETCH(QString, named);
        const Pinned pinned(file(text.toStdString()));
        const auto loaded = load(makeRandomModel(shapeOf(TensorType::Q4_0, 0)), {});
        QVERIFY(!loaded);
        QVERIFY2(loaded.error().what.find(named.toStdString()) != std::string::npos, loaded.error().what.c_str());
        QVERIFY2(loaded.error().what.find("QUIBBLE_TUNE") != std::string::npos &&
                     loaded.error().what.find("tune.json") != std::string::npos,
                 loaded.error().what.c_str());
    }
    void aMissingFileIsNamed() {
        const Pinned pinned(dir_.filePath(QStringLiteral("none.json")).toStdString());
        const auto loaded = load(makeRandomModel(shapeOf(TensorType::Q4_0, 0)), {});
        QVERIFY(!loaded);
        QVERIFY(loaded.error().what.find("none.json cannot be read") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TestTuning)
#include "tst_tuning.moc"
