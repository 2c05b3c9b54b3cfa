// References: stored weights that are quantized themselves, what they are called in exports, which files can be one,
// and what all of it takes in memory.
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <random>

#include "engine/run/reference_check.h"
#include "engine/run/reference_scorer.h"
#include "engine/run/replay.h"
#include "engine/run/run_loop.h"
#include "engine/run/run_weight_cost.h"
#include "engine/values/reference_text.h"
#include "kernels/ops.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::string golden(const char* name) { return (goldenDirectory() / "models" / name).string(); }

RunRequest request(const std::string& path, const std::string& quant) {
    RunRequest r;
    r.model_path = path;
    r.weight_quant = *parseMethodChoice(quant);
    r.prompt = "1 2 3";
    r.raw = true;
    r.max_tokens = 24;
    r.seed = 7;
    r.reference.block = 8;
    return r;
}

Result<RunTrace> run(const RunRequest& r) {
    auto opened = openRunModels(models(), r, {});
    if (!opened) return tl::unexpected(opened.error());
    CpuDevice device(2);
    auto loop = RunLoop::create(r, std::move(*opened), device);
    if (!loop) return tl::unexpected(loop.error());
    RunTrace trace(r);
    std::vector<RunEvent> events{(*loop)->provenance()};
    if (auto done = (*loop)->runToEnd(events); !done) return tl::unexpected(done.error());
    events.emplace_back((*loop)->closing());
    for (const RunEvent& event : events) trace.apply(event);
    return trace;
}

std::shared_ptr<const Model> modelOf(const RunRequest& r) {
    LoadOptions options;
    options.weight_quant = r.weight_quant;
    return models().get(r.model_path, options).value();
}

}  // namespace

class TestReference : public QObject {
    Q_OBJECT
private slots:
    void storedWeightsOfAQuantizedFile_data() {
        QTest::addColumn<QString>("format");
        QTest::newRow("qwen2-d256-Q4_K_M.gguf") << "Q4_K_M";
        QTest::newRow("llama-d64-Q8_0.gguf") << "Q8_0";
        QTest::newRow("gpt-oss-d128-MXFP4_MOE.gguf") << "MXFP4_MOE";
    }
    void storedWeightsOfAQuantizedFile() {
        QFETCH(QString, format);
        const RunRequest r = request(golden(QTest::currentDataTag()), "rtn:bits=3,group=64");
        const auto trace = run(r);
        QVERIFY2(trace, trace ? "" : trace.error().line().c_str());
        const RunProvenance& p = trace->provenance();
        QCOMPARE(p.weight_format, "RTN 3 bit g64 of " + format.toStdString());
        QCOMPARE(p.reference_format, format.toStdString());
        QCOMPARE(p.reference_hash, p.model_hash);
        QCOMPARE(referenceText(p), "stored weights, " + format.toStdString() + " (quantized)");
        double kl = 0;
        for (const TracePoint& point : trace->points()) kl = std::max(kl, static_cast<double>(point.reference.kl));
        QVERIFY2(kl > 1e-4, qPrintable(QString::number(kl)));
        CpuDevice device(1);
        const auto again = replayRun(*trace, r, models(), device);
        QVERIFY2(again, again ? "" : again.error().line().c_str());
        QVERIFY(!again->difference);
        QCOMPARE(again->references, again->tokens);
    }
    // The reference of stored weights is the file as it stands, with the bits of a run that takes the same file as its
    // reference.
    void storedWeightsAreThoseOfTheFile() {
        RunRequest r = request(golden("qwen2-d256-Q4_K_M.gguf"), "rtn:bits=3,group=64");
        const auto own = run(r);
        r.reference = {ReferenceKind::File, r.model_path, 8};
        const auto file = run(r);
        QVERIFY(own && file);
        QCOMPARE(own->points().size(), file->points().size());
        for (std::size_t i = 0; i < own->points().size(); ++i)
            QCOMPARE(own->points()[i].reference.kl, file->points()[i].reference.kl);
        QCOMPARE(referenceText(own->provenance()), referenceText(file->provenance()));
    }
    void aModelAgainstItselfIsZeroAndSaysSo() {
        for (const char* name : {"llama-d64-Q8_0.gguf", "llama-d64-F32.gguf"}) {
            RunRequest r = request(golden(name), "none");
            const auto trace = run(r);
            QVERIFY2(trace, trace ? "" : trace.error().line().c_str());
            QVERIFY(trace->points().size() > 3);
            for (const TracePoint& point : trace->points()) QCOMPARE(point.reference.kl, 0.0F);
            const auto model = modelOf(r);
            QVERIFY(lookAtReference(r, *model).value().find("KL is 0") != std::string::npos);
            r.reference = {ReferenceKind::File, r.model_path, 8};
            QVERIFY(!lookAtReference(r, *model)->empty());
            const QTemporaryDir directory;  // the same file under another name
            r.reference.path = directory.path().toStdString() + "/copy.gguf";
            std::filesystem::copy_file(golden(name), r.reference.path);
            QVERIFY(!lookAtReference(r, *model)->empty());
            r.kv_type = KvType::F16;
            QVERIFY(lookAtReference(r, *model)->empty());  // what the cache does shows
            r.kv_type = KvType::F32;
            r.weight_quant = *parseMethodChoice("rtn:bits=4,group=32");
            QVERIFY(lookAtReference(r, *model)->empty());
        }
    }
    void filesThatCannotBeAReferenceAreRefusedBefore() {
        RunRequest r = request(shippedModel().string(), "none");
        const auto model = modelOf(r);
        r.reference = {ReferenceKind::File, golden("llama-d64-F32.gguf"), 8};
        const auto other = lookAtReference(r, *model);
        QVERIFY(!other && other.error().what.find("another tokenizer") != std::string::npos);
        const auto refused = run(r);
        QVERIFY(!refused);
        QCOMPARE(refused.error().what, other.error().what);  // one rule
        r.reference.path = "no/such/file.gguf";
        QVERIFY(!lookAtReference(r, *model));
        r.reference.path.clear();
        QVERIFY(!lookAtReference(r, *model));
        r.reference = {ReferenceKind::None, {}, 8};
        QVERIFY(lookAtReference(r, *model)->empty());
    }
    void words() {
        RunProvenance p;
        QCOMPARE(referenceText(p), std::string("none"));
        p.model_hash = "a", p.weight_format = "RTN 3 bit g64";
        p.reference_name = "nano", p.reference_hash = "a", p.reference_format = "F16";
        QCOMPARE(referenceText(p), std::string("stored weights, F16 (full precision)"));
        p.weight_format = "F16";
        QCOMPARE(referenceText(p), std::string("the model itself, F16 (full precision)"));
        p.reference_hash = "b", p.reference_format = "Q8_0", p.reference_name = "r1-7b";
        QCOMPARE(referenceText(p), std::string("r1-7b, Q8_0 (quantized)"));
        for (const char* full : {"F32", "F16", "BF16", "BF16, F32"}) QVERIFY2(isFullPrecision(full), full);
        for (const char* other : {"", "Q4_K_M", "F16, Q8_0", "RTN 3 bit g64", "F16 of something", "F1"})
            QVERIFY2(!isFullPrecision(other), other);
    }
    void costOfAllWeights() {
        RunRequest r = request(golden("qwen2-d256-Q4_K_M.gguf"), "rtn:bits=3,group=64");
        const RunWeightCost cost = runWeightCost(r).value();
        QVERIFY(cost.reference && cost.shared_file && !cost.same_weights);
        LoadOptions options;
        options.weight_quant = r.weight_quant;
        const auto model = models().get(r.model_path, options).value(),
                   reference = models().get(r.model_path, {}).value();
        const auto owned = static_cast<double>(model->ownedBytes() + reference->ownedBytes());
        const auto embedding =
            static_cast<double>(model->embedding().row_bytes * static_cast<std::size_t>(model->embedding().rows));
        QVERIFY2(std::abs(static_cast<double>(cost.bytes()) - owned - embedding) < 0.02 * owned,
                 cost.text().c_str());  // the embedding, read where it lies, is there once
        QVERIFY2(
            cost.text().find("(model ") != std::string::npos && cost.text().find(", reference ") != std::string::npos,
            cost.text().c_str());
        r.weight_quant = {};
        QCOMPARE(runWeightCost(r)->bytes(), runWeightCost(r)->model.bytes());  // its own reference is no second model
        r.reference = {ReferenceKind::File, "no/such/file.gguf", 8};
        QVERIFY(!runWeightCost(r));
    }

    // Rounding leaves the divergence of distributions that are nearly the same on either side of zero.
    void aRecordedDivergenceIsNeverBelowZero() {
        std::mt19937_64 random(5);
        std::normal_distribution<float> logits(0, 3);
        int below = 0;
        for (int i = 0; i < 1000; ++i) {
            std::vector<float> p(97);
            for (float& z : p) z = logits(random);
            std::vector<float> q = p;
            float& moved = q[static_cast<std::size_t>(i) % q.size()];
            moved = std::nextafter(moved, 99.0F);
            kernels::LogitStats of_p, of_q;
            kernels::ops().logitStats(p.data(), std::ssize(p), &of_p);
            kernels::ops().logitStats(q.data(), std::ssize(q), &of_q);
            const double computed =
                kernels::ops().klDivergence(p.data(), of_p.log_sum_exp, q.data(), of_q.log_sum_exp, std::ssize(p));
            const float recorded = measureReference(p, q, of_q.log_sum_exp, 3, 7, 2).kl;
            QCOMPARE(recorded, computed < 0 ? 0.0F : static_cast<float>(computed));
            QVERIFY(!std::signbit(recorded));
            below += computed < 0 ? 1 : 0;
        }
        QVERIFY2(below > 10, "nothing was rounded below zero, so that nothing was tested");
    }
};

QTEST_APPLESS_MAIN(TestReference)
#include "tst_reference.moc"
