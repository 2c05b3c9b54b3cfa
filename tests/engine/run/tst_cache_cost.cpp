// The cost of a run's KV caches, said and refused before the run.
#include <QTest>

#include "engine/run/cache_cost.h"
#include "engine/run/run_loop.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

ModelConfig config(int context_length = 100'000) {
    ModelConfig c;
    c.n_layers = 10;
    c.n_heads = c.n_kv_heads = 4;
    c.head_dim = 64;
    c.context_length = context_length;
    return c;
}

}  // namespace

class TestCacheCost : public QObject {
    Q_OBJECT
private slots:
    void modelReferenceAndDraftsAreCounted() {
        const ModelConfig model = config(), draft = config(1000);
        RunRequest r;
        r.kv_type = KvType::F16;
        r.max_tokens = 500;
        const CacheModels alone{&model, nullptr, {}}, all{&model, &model, {&draft}};
        QCOMPARE(runContext(r, 100, alone), Position{2048});
        QCOMPARE(runContext(r, 5000, alone), Position{5500});
        QCOMPARE(runContext(r, 99'900, alone), Position{100'000});
        r.context = 4000;
        QCOMPARE(runContext(r, 100, alone), Position{4000});
        const std::int64_t row = 2 * 10 * 4 * 64;  // numbers a position
        QCOMPARE(cacheCost(r, alone, 4000)->bytes(), 4000 * row * 2);
        const CacheCost cost = *cacheCost(r, all, 4000);
        QCOMPARE(cost.model_bytes, 4000 * row * 2);
        QCOMPARE(cost.reference_bytes, 4000 * row * 4);  // the reference keeps full precision
        QCOMPARE(cost.draft_bytes, 1000 * row * 2);      // no longer than the draft can be
        QCOMPARE(
            cost.text(),
            std::string("133 MB for 4000 positions (model f16 41.0 MB, reference f32 81.9 MB, drafts f16 10.2 MB)"));
    }
    void aPromptThatIsTooLongSaysWhatHelps() {
        const ModelConfig model = config();
        const CacheModels models{&model, nullptr, {}};
        QVERIFY(checkPromptFits(3999, 4000, models));
        const auto shorter = checkPromptFits(4000, 4000, models);
        QVERIFY(!shorter && shorter.error().hint.find("larger context") != std::string::npos);
        const auto longest = checkPromptFits(model.context_length, model.context_length, models);
        QVERIFY(!longest && longest.error().hint.find("larger context") == std::string::npos);
    }
    void whatDoesNotFitIsRefusedWithWhatWould() {
        const ModelConfig model = config();
        RunRequest r;
        const CacheCost cost = *cacheCost(r, {&model, &model, {}}, 50'000);
        QVERIFY(checkCacheFits(cost, cost.bytes()));
        QVERIFY(checkCacheFits(cost, std::nullopt));
        const auto refused = checkCacheFits(cost, cost.bytes() / 2);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, ErrorCode::DoesNotFit);
        const std::string line = refused.error().line();
        for (const char* part : {"2.05 GB for 50000 positions", "1.02 GB of memory are free", "at most 25000 positions",
                                 "q8_0", "no reference"}) {
            QVERIFY2(line.find(part) != std::string::npos, line.c_str());
        }
        QVERIFY(checkCacheFits(cost, cost.bytes() / 2, cost.bytes() / 2));  // half of it is there already
    }
    void theGeneratorRefusesBeforeItTouchesMemory() {
        auto loaded = load(makeLongContextModel(), {});
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        RunRequest r;
        r.reference.kind = ReferenceKind::None;
        r.prompt = "1";
        r.raw = true;
        r.context = kLongContext;
        CpuDevice device(1);
        auto loop = RunLoop::create(r, {loaded->model, nullptr, {}}, device);
        QVERIFY(!loop);
        QVERIFY2(loop.error().what.find("524 GB for 16000000 positions") != std::string::npos,
                 loop.error().line().c_str());
        r.context = 4096;
        loop = RunLoop::create(r, {loaded->model, nullptr, {}}, device);
        QVERIFY2(loop, loop ? "" : loop.error().line().c_str());
        QCOMPARE((*loop)->provenance().kv_bytes, std::int64_t{4096} * 2 * 4 * 1024 * 4);
    }
};

QTEST_APPLESS_MAIN(TestCacheCost)
#include "tst_cache_cost.moc"
