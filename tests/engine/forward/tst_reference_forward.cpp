// The engine in f32 arithmetic against the definitions in double precision: every architecture, over shapes that real
// models have and shapes that no kernel likes, on every instruction set of this machine.
#include <QTest>

#include <cmath>
#include <random>

#include <nlohmann/json.hpp>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "tests/engine/forward/reference_forward.h"
#include "tests/support/each_isa.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;
using kernels::TensorType;

namespace {

// In units of the standard deviation of all logits of the text. Goldens allow 2e-4; 24-bit arithmetic over a few
// hundred terms gives about 1e-6.
constexpr double kLargest = 2e-5, kRms = 3e-6;
// Two experts nearer than this could be told apart by rounding: such a model proves nothing.
constexpr double kRouterGap = 1e-4;

struct NamedShape {
    const char* name;
    RandomShape shape;
    std::size_t tokens = 33;
};

RandomShape dense(const char* architecture, std::uint64_t seed) {
    RandomShape shape;
    shape.architecture = architecture;
    shape.seed = seed;
    return shape;
}
RandomShape mixture(const char* architecture, int experts, int used, std::uint64_t seed) {
    RandomShape shape = dense(architecture, seed);
    shape.experts = experts;
    shape.experts_used = used;
    shape.d_ff = 37;
    return shape;
}
template <typename Change>
RandomShape with(RandomShape shape, const Change& change) {
    change(shape);
    return shape;
}

std::vector<NamedShape> named() {
    using S = RandomShape&;
    const auto yarn = [](S s, float factor, std::uint32_t original, bool truncate) {
        s.keys = {{"rope.scaling.type", std::string("yarn")},
                  {"rope.scaling.factor", factor},
                  {"rope.scaling.original_context_length", original},
                  {"rope.freq_base", 150000.0F},
                  {"rope.scaling.yarn_truncate", truncate}};
    };
    return {
        {"llama", dense("llama", 1)},
        {"llama, tied, one layer, odd feed-forward",
         with(dense("llama", 2), [](S s) { s.tied_output = true, s.n_layers = 1, s.d_ff = 101; })},
        {"llama, heads of 128 in groups of 7",
         with(dense("llama", 3), [](S s) { s.n_heads = 7, s.n_kv_heads = 1, s.head_dim = 128, s.d_model = 72; })},
        {"llama, odd width", with(dense("llama", 4), [](S s) { s.d_model = 77, s.d_ff = 333, s.n_layers = 3; })},
        {"llama, biases", with(dense("llama", 5), [](S s) { s.biases = true; })},
        {"llama, rope factors, base 500000",
         with(dense("llama", 6),
              [](S s) {
                  s.rope_factors = true, s.head_dim = 64, s.keys = {{"rope.freq_base", 5e5F}};
              })},
        {"llama, half of each head rotated", with(dense("llama", 7),
                                                  [](S s) {
                                                      s.head_dim = 40, s.keys = {{"rope.dimension_count", 20U}};
                                                  })},
        {"llama, positions divided",
         with(dense("llama", 8),
              [](S s) {
                  s.keys = {{"rope.scaling.type", std::string("linear")}, {"rope.scaling.factor", 4.0F}};
              })},
        {"llama, divided without a type", with(dense("llama", 9),
                                               [](S s) {
                                                   s.keys = {{"rope.scaling.factor", 3.0F}};
                                               })},
        {"llama, divided by nothing", with(dense("llama", 17),
                                           [](S s) {
                                               s.keys = {{"rope.scaling.factor", 0.0F}};
                                           })},
        {"llama, divided by the old key",
         with(dense("llama", 10),
              [](S s) {
                  s.keys = {{"rope.scale_linear", 2.5F}, {"rope.scaling.type", std::string("linear")}};
              })},
        {"llama, scaling off", with(dense("llama", 11),
                                    [](S s) {
                                        s.keys = {{"rope.scaling.type", std::string("none")},
                                                  {"rope.scaling.factor", 4.0F},
                                                  {"rope.scaling.attn_factor", 1.2F}};
                                    })},
        {"llama, fused", with(dense("llama", 12), [](S s) { s.fused = true, s.biases = true; })},
        {"llama, F16", with(dense("llama", 13), [](S s) { s.type = TensorType::F16; })},
        {"llama with experts", mixture("llama", 8, 2, 14)},
        {"llama with single experts",
         with(mixture("llama", 5, 3, 15), [](S s) { s.single_experts = true, s.type = TensorType::BF16; })},
        {"llama with all experts", mixture("llama", 4, 4, 16)},
        {"qwen2", dense("qwen2", 20)},
        {"qwen2, tied, BF16, epsilon 1e-6", with(dense("qwen2", 21),
                                                 [](S s) {
                                                     s.tied_output = true, s.type = TensorType::BF16,
                                                     s.keys = {{"attention.layer_norm_rms_epsilon", 1e-6F}};
                                                 })},
        {"qwen2, fused, one K/V head",
         with(dense("qwen2", 22), [](S s) { s.fused = true, s.n_kv_heads = 1, s.head_dim = 80; })},
        {"qwen2, YaRN 4, original 64",
         with(dense("qwen2", 23),
              [&](S s) { s.head_dim = 128, s.n_heads = 2, s.n_kv_heads = 1, yarn(s, 4, 64, true); }),
         80},
        {"qwen3", dense("qwen3", 30)},
        {"qwen3, heads wider than the model",
         with(dense("qwen3", 31), [](S s) { s.head_dim = 96, s.d_model = 48, s.tied_output = true; })},
        {"qwen3, F16, ungrouped", with(dense("qwen3", 32), [](S s) { s.type = TensorType::F16, s.n_kv_heads = 4; })},
        {"qwen3moe", mixture("qwen3moe", 8, 2, 40)},
        {"qwen3moe, not renormalised, scaled",
         with(mixture("qwen3moe", 16, 5, 41),
              [](S s) {
                  s.keys = {{"expert_weights_norm", false}, {"expert_weights_scale", 2.5F}};
              })},
        {"qwen3moe, fused", with(mixture("qwen3moe", 6, 2, 42), [](S s) { s.fused = true; })},
        {"qwen3moe, one expert a token", mixture("qwen3moe", 9, 1, 43)},
        {"olmoe", with(mixture("olmoe", 8, 4, 50), [](S s) { s.n_kv_heads = 4; })},
        {"olmoe, grouped, renormalised", with(mixture("olmoe", 7, 3, 51),
                                              [](S s) {
                                                  s.keys = {{"expert_weights_norm", true}};
                                              })},
        {"gpt-oss", mixture("gpt-oss", 8, 4, 60)},
        {"gpt-oss, YaRN 32, window 5",
         with(mixture("gpt-oss", 4, 2, 61),
              [&](S s) {
                  s.head_dim = 64, s.n_layers = 3, yarn(s, 32, 128, true),
                  s.keys.emplace_back("attention.sliding_window", 5U);
              }),
         70},
        {"gpt-oss, YaRN not truncated, mixed, slower",
         with(mixture("gpt-oss", 4, 2, 62),
              [&](S s) {
                  s.head_dim = 64, yarn(s, 8, 256, false);
                  s.keys.emplace_back("rope.scaling.yarn_beta_fast", 16.0F),
                      s.keys.emplace_back("rope.scaling.yarn_beta_slow", 2.0F);
                  s.keys.emplace_back("rope.scaling.yarn_ext_factor", 0.75F),
                      s.keys.emplace_back("rope.scaling.attn_factor", 0.9F);
              })},
        {"qwen3, YaRN that says only its factor", with(dense("qwen3", 24),
                                                       [](S s) {
                                                           s.head_dim = 64;
                                                           s.keys = {{"rope.scaling.type", std::string("yarn")},
                                                                     {"rope.scaling.factor", 4.0F},
                                                                     {"rope.scaling.yarn_truncate", false}};
                                                       })},
        {"llama, YaRN with a ramp longer than the pairs", with(dense("llama", 25),
                                                               [](S s) {
                                                                   s.keys = {
                                                                       {"rope.scaling.type", std::string("yarn")},
                                                                       {"rope.scaling.factor", 4.0F},
                                                                       {"rope.scaling.original_context_length", 100U},
                                                                       {"rope.freq_base", 2.0F}};
                                                               })},
        {"qwen2, YaRN that only divides",
         with(dense("qwen2", 26),
              [&](S s) { yarn(s, 4, 64, true), s.keys.emplace_back("rope.scaling.yarn_ext_factor", 0.0F); })},
        {"gpt-oss, window of one", with(mixture("gpt-oss", 4, 2, 63),
                                        [](S s) {
                                            s.keys = {{"attention.sliding_window", 1U}};
                                        })},
        {"gpt-oss, windows in two of three layers",
         with(mixture("gpt-oss", 4, 2, 65),
              [](S s) {
                  s.n_layers = 3, s.keys = {{"attention.sliding_window", 3U}, {"attention.sliding_window_pattern", 3U}};
              })},
        {"gpt-oss, windows said layer by layer", with(mixture("gpt-oss", 4, 2, 68),
                                                      [](S s) {
                                                          s.keys = {{"attention.sliding_window", 3U},
                                                                    {"attention.sliding_window_pattern",
                                                                     std::vector<std::int32_t>{1, 0}}};
                                                      })},
        {"gpt-oss, windows in all layers",
         with(mixture("gpt-oss", 4, 2, 66),
              [](S s) {
                  s.keys = {{"attention.sliding_window", 3U}, {"attention.sliding_window_pattern", 0U}};
              })},
        {"gpt-oss, no windows",
         with(mixture("gpt-oss", 4, 2, 67),
              [](S s) {
                  s.keys = {{"attention.sliding_window", 3U}, {"attention.sliding_window_pattern", 1U}};
              })},
        {"gpt-oss, window beyond the text, fused, F16",
         with(mixture("gpt-oss", 4, 3, 64),
              [](S s) {
                  s.keys = {{"attention.sliding_window", 400U}}, s.fused = true, s.type = TensorType::F16;
              })},
    };
}

// Shapes drawn at random, four of each architecture.
std::vector<NamedShape> drawn() {
    std::mt19937 random(20261121);
    const auto from = [&random](std::initializer_list<int> values) {
        return *(values.begin() + random() % values.size());
    };
    const auto between = [&random](int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    };
    std::vector<NamedShape> all;
    for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe", "olmoe", "gpt-oss"}) {
        for (const char* name : {"first", "second", "third", "fourth"}) {
            RandomShape s = dense(architecture, random());
            const std::string_view kind(architecture);
            if (kind == "qwen3moe" || kind == "olmoe" || kind == "gpt-oss") {
                s.experts = between(2, 10);
                s.experts_used = between(1, std::min(4, s.experts));
            }
            s.n_layers = between(1, 3);
            s.d_model = between(17, 130);
            s.head_dim = from({16, 18, 24, 32, 48, 64, 80, 112, 128});
            s.n_kv_heads = between(1, 3);
            s.n_heads = s.n_kv_heads * between(1, 4);
            s.d_ff = 2 * between(8, 90) + 1;
            s.vocab = between(33, 140);
            s.tied_output = random() % 2 == 0;
            s.fused = random() % 3 == 0;
            s.rope_factors = random() % 4 == 0;
            s.type = static_cast<TensorType>(from({static_cast<int>(TensorType::F32), static_cast<int>(TensorType::F16),
                                                   static_cast<int>(TensorType::BF16)}));
            all.push_back({name, s});
        }
    }
    return all;
}

std::vector<NamedShape> shapes() {
    std::vector<NamedShape> all = named();
    for (NamedShape& shape : drawn()) all.push_back(std::move(shape));
    return all;
}

// The text in passes of 1, 5 and the rest, logits of every position.
std::vector<float> engineLogits(const std::shared_ptr<const Model>& model, CpuDevice& device,
                                std::span<const TokenId> tokens) {
    auto sequence = Sequence::create(model, device, static_cast<Position>(tokens.size()), Arithmetic::F32);
    const auto vocab = static_cast<std::size_t>(model->config().vocab_size);
    std::vector<float> logits(tokens.size() * vocab);
    std::size_t done = 0;
    for (const std::size_t count : {std::size_t{1}, std::size_t{5}, tokens.size() - 6}) {
        if (!(*sequence)->append(tokens.subspan(done, count), static_cast<std::int64_t>(count),
                                 logits.data() + done * vocab))
            return {};
        done += count;
    }
    return logits;
}

struct Distance {
    double largest = 0, rms = 0, sigma = 0;  // the first two in units of sigma
};
template <typename Value>
Distance distance(const std::vector<Value>& got, const std::vector<double>& wanted) {
    Distance d;
    double sum = 0, squares = 0, errors = 0;
    const auto count = static_cast<double>(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        sum += wanted[i];
        squares += wanted[i] * wanted[i];
        const double error = std::abs(static_cast<double>(got[i]) - wanted[i]);
        errors += error * error;
        if (!(error <= d.largest)) d.largest = error;  // a NaN stays
    }
    d.sigma = std::sqrt(squares / count - sum / count * (sum / count));
    d.largest /= d.sigma;
    d.rms = std::sqrt(errors / count) / d.sigma;
    return d;
}

}  // namespace

class TestReferenceForward : public QObject {
    Q_OBJECT

    CpuDevice device_{2};
    double worst_ = 0;

private slots:
    void everyShape_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const NamedShape& shape : shapes())
            QTest::addRow("%s: %s", shape.shape.architecture.c_str(), shape.name) << index++;
        QVERIFY(index >= 30);
    }
    void everyShape() {
        QFETCH(int, index);
        const NamedShape one = shapes()[static_cast<std::size_t>(index)];
        const auto loaded =
            load(makeRandomModel(one.shape), {.weight_quant = {}, .packed = false, .progress = {}, .stop = {}});
        QVERIFY2(loaded, loaded ? "" : loaded.error().line().c_str());
        const std::vector<TokenId> tokens = randomTokens(one.tokens, one.shape.vocab, one.shape.seed);
        const ReferenceLogits reference = referenceForward(*loaded->file, tokens);
        QVERIFY2(reference.smallest_router_gap > kRouterGap,
                 qPrintable(QString("two experts are %1 apart: take another seed").arg(reference.smallest_router_gap)));
        if (one.shape.architecture == "gpt-oss") QVERIFY2(reference.largest_gate > 7, "the clamp was never reached");
        const std::vector<float> logits = engineLogits(loaded->model, device_, tokens);
        QCOMPARE(logits.size(), reference.logits.size());
        const Distance d = distance(logits, reference.logits);
        QVERIFY2(d.sigma > 0.1, qPrintable(QString("the logits spread by %1 only").arg(d.sigma)));
        worst_ = std::max(worst_, d.largest);
        QVERIFY2(d.largest <= kLargest && d.rms <= kRms,
                 qPrintable(QString("max %1 sigma, rms %2 sigma").arg(d.largest).arg(d.rms)));
    }
    void cleanupTestCase() { qInfo("%s: max %.2e sigma over all shapes", device_.isa(), worst_); }

    // The reference itself against the logits of an independent engine, for every golden model of float weights.
    void referenceMatchesTheGoldens() {
        if (!isFirstIsa()) QSKIP("the reference does not depend on the instruction set");
        const auto root = goldenDirectory();
        int models = 0;
        for (const auto& item : nlohmann::json::parse(readFile(root / "logits" / "index.json"))) {
            const std::string type = item["type"], name = item["model"], base = item["base"];
            if (type != "F32" && type != "F16" && type != "BF16") continue;
            ++models;
            const auto file = ModelFile::open(root / "models" / name);
            QVERIFY2(file, file ? "" : file.error().line().c_str());
            const std::vector<TokenId> tokens = readTokens(root / "logits" / (base + ".tokens.i32"));
            const Distance d =
                distance(readNpy(root / "logits" / (std::filesystem::path(name).stem().string() + ".ref.npy")),
                         referenceForward(**file, tokens).logits);
            qInfo("%s: max %.2e sigma, rms %.2e sigma", name.c_str(), d.largest, d.rms);
            QVERIFY2(d.largest <= 2e-5, name.c_str());
        }
        QVERIFY(models >= 8);
    }
};

int main(int argc, char** argv) { return runOnEachIsa<TestReferenceForward>(argc, argv); }
#include "tst_reference_forward.moc"
