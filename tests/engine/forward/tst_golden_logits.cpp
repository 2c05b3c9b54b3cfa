// The engine's logits against those of an independent engine, for every architecture and tensor type that is opened
// here. Tolerances: tests/golden/models, in units of the standard deviation of the logits.
#include <QTest>

#include <algorithm>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "tests/support/golden.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

struct Case {
    std::string model, base, type;
    std::filesystem::path root;
    double sigma = 1;
    int vocab = 0;
    std::vector<double> kl;
};

std::vector<Case> cases() {
    std::vector<Case> all;
    const auto root = goldenDirectory();
    const auto index = nlohmann::json::parse(readFile(root / "logits" / "index.json"));
    for (const auto& item : index) {
        Case c;
        c.model = item["model"];
        c.base = item["base"];
        c.type = item["type"];
        c.root = root;
        c.sigma = item["logit_std"];
        c.vocab = item["vocab"];
        c.kl = item["kl_vs_f32_per_position_ref"].get<std::vector<double>>();
        all.push_back(std::move(c));
    }
    return all;
}

std::vector<float> logitsOf(const std::filesystem::path& path, std::span<const TokenId> tokens,
                            const SequenceSettings& settings, int threads, std::size_t chunk, std::string& error) {
    auto model = Model::load(path, {});
    if (!model) {
        error = model.error().line();
        return {};
    }
    CpuDevice device(threads);
    auto sequence = Sequence::create(*model, device, static_cast<Position>(tokens.size()), settings);
    const auto vocab = static_cast<std::size_t>((*model)->config().vocab_size);
    std::vector<float> logits(tokens.size() * vocab);
    for (std::size_t done = 0; done < tokens.size(); done += chunk) {
        const std::size_t n = std::min(chunk, tokens.size() - done);
        auto fed =
            (*sequence)->append(tokens.subspan(done, n), static_cast<std::int64_t>(n), logits.data() + done * vocab);
        if (!fed) error = fed.error().line();
    }
    return logits;
}

struct Distance {
    double max = 0, rms = 0;
};
// `outliers` positions that differ most do not count.
Distance distance(const std::vector<float>& a, const std::vector<float>& b, int vocab, std::size_t outliers = 0) {
    const auto width = static_cast<std::size_t>(vocab);
    std::vector<std::pair<double, double>> positions;  // largest difference, sum of squares
    for (std::size_t first = 0; first < a.size(); first += width) {
        std::pair<double, double> position{0, 0};
        for (std::size_t i = first; i < first + width; ++i) {
            const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
            position.first = std::max(position.first, difference);
            position.second += difference * difference;
        }
        positions.push_back(position);
    }
    std::sort(positions.begin(), positions.end());
    positions.resize(positions.size() - outliers);
    Distance d;
    for (const auto& [max, squares] : positions) d.rms += squares;
    d.max = positions.back().first;
    d.rms = std::sqrt(d.rms / static_cast<double>(positions.size() * width));
    return d;
}

}  // namespace

class TestGoldenLogits : public QObject {
    Q_OBJECT
private slots:
    void everyModel_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Case& c : cases()) QTest::newRow(c.model.c_str()) << index++;
    }
    void everyModel() {
        QFETCH(int, index);
        const Case c = cases()[static_cast<std::size_t>(index)];
        const std::vector<TokenId> tokens = readTokens(c.root / "logits" / (c.base + ".tokens.i32"));
        const auto stem = std::filesystem::path(c.model).stem().string();
        const std::vector<float> ref = readNpy(c.root / "logits" / (stem + ".ref.npy"));
        QCOMPARE(ref.size(), tokens.size() * static_cast<std::size_t>(c.vocab));

        std::string error;
        const std::vector<float> exact = logitsOf(c.root / "models" / c.model, tokens, Arithmetic::F32, 2, 64, error);
        QVERIFY2(error.empty(), error.c_str());
        QCOMPARE(exact.size(), ref.size());
        const Distance f32 = distance(exact, ref, c.vocab);
        qInfo("f32: max %.2e sigma, rms %.2e sigma", f32.max / c.sigma, f32.rms / c.sigma);
        QVERIFY(f32.max <= 2e-4 * c.sigma);
        QVERIFY(f32.rms <= 2e-5 * c.sigma);

        const std::vector<float> native =
            logitsOf(c.root / "models" / c.model, tokens, Arithmetic::Native, 2, 64, error);
        const bool wide_blocks = c.type.find("_K") != std::string::npos || c.type == "IQ4_XS";
        // At a near tie of two experts rounded activations may choose the other one, which moves that position by whole
        // units.
        const std::size_t outliers =
            c.base.find("moe") != std::string::npos || c.base.find("gpt-oss") != std::string::npos ? 2 : 0;
        const std::vector<float> rounded = readNpy(c.root / "logits" / (stem + ".native.npy"));
        QCOMPARE(rounded.size(), native.size());
        for (const auto& [name, expected] : {std::pair{"ref", &ref}, std::pair{"native", &rounded}}) {
            const Distance q8 = distance(native, *expected, c.vocab, outliers);
            qInfo("native against %s: max %.2e sigma, rms %.2e sigma", name, q8.max / c.sigma, q8.rms / c.sigma);
            QVERIFY(q8.max <= (wide_blocks ? 0.2 : 0.15) * c.sigma);
            QVERIFY(q8.rms <= (wide_blocks ? 0.035 : 0.025) * c.sigma);
        }

        // KL(unquantized || quantized), the figure the program exists for: within 1e-4 + 2 % a position, 1e-4 + 1 % in
        // the mean.
        const std::vector<float> base = readNpy(c.root / "logits" / (c.base + ".f32base.npy"));
        double mean = 0, expected_mean = 0;
        for (std::size_t pos = 0; pos < tokens.size(); ++pos) {
            const float* p = base.data() + pos * static_cast<std::size_t>(c.vocab);
            const float* q = exact.data() + pos * static_cast<std::size_t>(c.vocab);
            kernels::LogitStats sp, sq;
            kernels::ops().logitStats(p, c.vocab, &sp);
            kernels::ops().logitStats(q, c.vocab, &sq);
            const double kl = kernels::ops().klDivergence(p, sp.log_sum_exp, q, sq.log_sum_exp, c.vocab);
            QVERIFY2(std::abs(kl - c.kl[pos]) <= 1e-4 + 0.02 * c.kl[pos],
                     qPrintable(QString("position %1: %2, expected %3").arg(pos).arg(kl).arg(c.kl[pos])));
            mean += kl / static_cast<double>(tokens.size());
            expected_mean += c.kl[pos] / static_cast<double>(tokens.size());
        }
        QVERIFY(std::abs(mean - expected_mean) <= 1e-4 + 0.01 * expected_mean);
    }

    // Prompts of BF16 weights with BF16 activations (PrefillMode::Throughput), at every position.
    void roundedPrompts() {
        if (!CpuDevice(1).whyNoBf16Inputs().empty()) QSKIP("these kernels have no product of BF16 inputs");
        int compared = 0;
        for (const Case& c : cases()) {
            if (c.type != "BF16") continue;
            ++compared;
            const std::vector<TokenId> tokens = readTokens(c.root / "logits" / (c.base + ".tokens.i32"));
            const std::vector<float> ref =
                readNpy(c.root / "logits" / (std::filesystem::path(c.model).stem().string() + ".ref.npy"));
            const SequenceSettings rounded{Arithmetic::Native, KvType::F32, static_cast<Position>(tokens.size())};
            std::string error;
            const std::vector<float> logits = logitsOf(c.root / "models" / c.model, tokens, rounded, 1, 64, error);
            QCOMPARE(logits.size(), ref.size());
            const Distance bf16 = distance(logits, ref, c.vocab);
            qInfo("BF16 activations: max %.2e sigma, rms %.2e sigma", bf16.max / c.sigma, bf16.rms / c.sigma);
            QVERIFY(bf16.max <= 0.06 * c.sigma && bf16.rms <= 0.01 * c.sigma);
            QVERIFY(bf16.max > 2e-4 * c.sigma);  // they were rounded
            for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{16}}) {
                const std::vector<float> split =
                    logitsOf(c.root / "models" / c.model, tokens, rounded, 3, chunk, error);
                QVERIFY(std::memcmp(logits.data(), split.data(), logits.size() * sizeof(float)) == 0);
            }
        }
        QVERIFY(compared > 0);
    }

    // No golden file lies there without being compared.
    void everyFileIsCompared() {
        std::set<std::filesystem::path> expected{"index.json"};
        std::set<std::filesystem::path> models;
        for (const Case& c : cases()) {
            const std::string stem = std::filesystem::path(c.model).stem().string();
            models.insert(c.model);
            for (const char* ending : {".ref.npy", ".native.npy"}) expected.insert(stem + ending);
            for (const char* ending : {".f32base.npy", ".tokens.i32"}) expected.insert(c.base + ending);
        }
        for (const auto& entry : std::filesystem::directory_iterator(goldenDirectory() / "logits"))
            QVERIFY2(expected.erase(entry.path().filename()) == 1, entry.path().c_str());
        QVERIFY(expected.empty());
        for (const auto& entry : std::filesystem::directory_iterator(goldenDirectory() / "models")) {
            if (entry.path().extension() == ".gguf")
                QVERIFY2(models.erase(entry.path().filename()) == 1, entry.path().c_str());
        }
        QVERIFY(models.empty());
    }

    void sameBitsForAnyThreadsAndSplit_data() { everyModel_data(); }
    void sameBitsForAnyThreadsAndSplit() {
        QFETCH(int, index);
        const Case c = cases()[static_cast<std::size_t>(index)];
        const std::vector<TokenId> tokens = readTokens(c.root / "logits" / (c.base + ".tokens.i32"));
        std::string error;
        for (const Arithmetic arithmetic : {Arithmetic::F32, Arithmetic::Native}) {
            const std::vector<float> whole = logitsOf(c.root / "models" / c.model, tokens, arithmetic, 1, 64, error);
            QVERIFY2(!whole.empty() && error.empty(), error.c_str());
            for (const int threads : {2, 3}) {
                for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{16}}) {
                    const std::vector<float> split =
                        logitsOf(c.root / "models" / c.model, tokens, arithmetic, threads, chunk, error);
                    QVERIFY2(error.empty(), error.c_str());
                    QVERIFY2(std::memcmp(whole.data(), split.data(), whole.size() * sizeof(float)) == 0,
                             qPrintable(QString("%1 threads, chunks of %2").arg(threads).arg(chunk)));
                }
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestGoldenLogits)
#include "tst_golden_logits.moc"
