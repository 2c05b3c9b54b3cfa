// Expert methods on router scores made by hand: who is allowed, with which weights, and what the recorder says about
// it; and on small random models: only the chosen experts' weights are read, whatever the file's layout of expert
// tensors.
#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "engine/experts/expert_method.h"
#include "engine/experts/expert_recorder.h"
#include "engine/forward/sequence.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

// Scores of some rows in one layer, with the softmax over all experts.
struct Router {
    ExpertConfig config;
    std::vector<float> logits, probabilities;
    std::vector<Position> positions;

    Router(int count, int used, bool renormalise, std::vector<std::vector<float>> rows) {
        config.count = count;
        config.used = used;
        config.renormalise = renormalise;
        for (const std::vector<float>& row : rows) {
            double sum = 0;
            for (const float logit : row) sum += std::exp(static_cast<double>(logit));
            for (const float logit : row) {
                logits.push_back(logit);
                probabilities.push_back(static_cast<float>(std::exp(static_cast<double>(logit)) / sum));
            }
            positions.push_back(static_cast<Position>(positions.size()));
        }
    }
    [[nodiscard]] RouterScores scores(int layer = 0) const { return {layer, config, positions, logits, probabilities}; }
};

// Rows that agree on expert 0 and differ in the rest.
Router sample(bool renormalise = true) {
    return {5, 2, renormalise, {{3, 2, 0, 0, -1}, {3, 0, 2.5F, 0, -1}, {2, 0, 0, 2.2F, 1}}};
}

std::unique_ptr<ExpertPolicy> policy(const char* text, const ExpertConfig& config, bool verify = true,
                                     std::uint64_t seed = 1) {
    auto made = makeExpertPolicy(*parseMethodChoice(text), config, seed);
    if (!made) qFatal("%s", made.error().line().c_str());
    (*made)->setVerifyPass(verify);
    return std::move(*made);
}

ExpertChoice choose(ExpertPolicy& method, const RouterScores& scores) {
    ExpertChoice choice;
    method.select(scores, choice);
    return choice;
}

std::vector<std::int32_t> row(const ExpertChoice& choice, std::int64_t index) {
    const auto experts = choice.expertsOf(index);
    return {experts.begin(), experts.end()};
}

std::set<std::int32_t> distinct(const ExpertChoice& choice) {
    std::set<std::int32_t> all;
    for (std::int64_t r = 0; r < choice.rows(); ++r) {
        for (const std::int32_t expert : choice.expertsOf(r)) all.insert(expert);
    }
    return all;
}

bool near(double a, double b) { return std::abs(a - b) < 1e-6; }

}  // namespace

class TestExperts : public QObject {
    Q_OBJECT

private slots:
    // The sums of the three rows rank 0, 2, 1, 3, 4 (by the softmaxes).
    void moeSpecSubstitutes() {
        const Router router = sample();
        std::vector<double> sums(5, 0.0);
        for (std::size_t i = 0; i < router.probabilities.size(); ++i)
            sums[i % 5] += static_cast<double>(router.probabilities[i]);
        std::vector<std::int32_t> order{0, 1, 2, 3, 4};
        std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return sums[static_cast<std::size_t>(a)] > sums[static_cast<std::size_t>(b)];
        });
        const std::set<std::int32_t> allowed(order.begin(), order.begin() + 3);
        auto method = policy("moe_spec:budget=3", router.config);
        const ExpertChoice choice = choose(*method, router.scores());
        for (std::int64_t r = 0; r < 3; ++r) {
            QCOMPARE(choice.size(r), std::size_t{2});  // always k
            double sum = 0;
            for (const float weight : choice.weightsOf(r)) sum += static_cast<double>(weight);
            QVERIFY(near(sum, 1));  // divided by the sum over the chosen
            for (const std::int32_t expert : choice.expertsOf(r)) QVERIFY(allowed.contains(expert));
        }
        for (std::size_t e = 0; e < 5; ++e)
            QCOMPARE(method->allowed()[e] != 0, allowed.contains(static_cast<std::int32_t>(e)));
        QCOMPARE(method->budget(), 3);
    }

    // Without renormalisation the weights stay the router's, so they get smaller when mass is lost; they are never
    // renormalised over the allowed.
    void weightsStayTheRoutersWhereTheModelSaysSo() {
        const Router router = sample(false);
        auto method = policy("moe_spec:budget=2", router.config);
        const ExpertChoice choice = choose(*method, router.scores());
        for (std::int64_t r = 0; r < 3; ++r) {
            for (std::size_t i = 0; i < choice.size(r); ++i) {
                QCOMPARE(choice.weightsOf(r)[i],
                         router.scores().probabilitiesOf(r)[static_cast<std::size_t>(choice.expertsOf(r)[i])]);
            }
        }
    }

    void moeSpecTruncates() {
        const Router router = sample();
        auto method = policy("moe_spec:budget=2,truncate=1", router.config);
        const ExpertChoice choice = choose(*method, router.scores());
        NaturalSelector natural;
        ExpertChoice plain;
        natural.select(router.scores(), plain);
        bool shorter = false;
        for (std::int64_t r = 0; r < 3; ++r) {
            std::vector<std::int32_t> kept = row(plain, r);
            std::erase_if(
                kept, [&](std::int32_t expert) { return method->allowed()[static_cast<std::size_t>(expert)] == 0; });
            QCOMPARE(row(choice, r), kept);
            shorter |= kept.size() < 2;
        }
        QVERIFY(shorter);
    }

    // As llama.cpp divides: a row whose allowed experts the router hardly considered does not get their full weight.
    void hopelessExpertsStaySmall() {
        const Router router(3, 1, true, {{20, 0, 0}, {0, 0, 0}});
        ExpertChoice choice;
        const std::int32_t second = 1;
        addWeighted(router.scores(), 0, {&second, 1}, choice);
        addWeighted(router.scores(), 1, {&second, 1}, choice);
        const float probability = router.probabilities[1];
        QVERIFY(probability > 0 && probability < kMinExpertWeightSum);
        QCOMPARE(choice.weightsOf(0)[0], probability / kMinExpertWeightSum);
        QCOMPARE(choice.weightsOf(1)[0], 1.0F);
    }

    void tiesGoToTheLowerIndex() {
        const Router router(4, 1, true, {{1, 1, 1, 1}, {1, 1, 1, 1}});
        auto method = policy("moe_spec:budget=2", router.config);
        (void)choose(*method, router.scores());
        QCOMPARE(std::vector<char>(method->allowed().begin(), method->allowed().end()),
                 (std::vector<char>{1, 1, 0, 0}));
    }

    void budgetsHoldOnVerifyPassesOrOnAll() {
        const Router router = sample();
        for (const char* id : {"moe_spec", "random", "frequent"}) {
            const std::string base = std::string(id) + ":budget=2";
            auto verify_only = policy(base.c_str(), router.config, false);
            NaturalSelector natural;
            ExpertChoice plain;
            natural.select(router.scores(), plain);
            const ExpertChoice free = choose(*verify_only, router.scores());
            QCOMPARE(verify_only->budget(), 0);
            QVERIFY(verify_only->allowed().empty());
            for (std::int64_t r = 0; r < 3; ++r) QCOMPARE(row(free, r), row(plain, r));
            verify_only->setVerifyPass(true);
            QVERIFY(distinct(choose(*verify_only, router.scores())).size() <= 2);
            auto always = policy((base + ",all_passes=1").c_str(), router.config, false);
            QVERIFY(distinct(choose(*always, router.scores())).size() <= 2);
            QCOMPARE(always->budget(), 2);
        }
    }

    void aWholeBudgetIsNoBudget() {
        const Router router = sample();
        NaturalSelector natural;
        ExpertChoice plain;
        natural.select(router.scores(), plain);
        for (const char* text :
             {"moe_spec:budget=5", "random:budget=5", "frequent:budget=5", "observe", "threshold:share=0"}) {
            auto method = policy(text, router.config);
            const ExpertChoice choice = choose(*method, router.scores());
            for (std::int64_t r = 0; r < 3; ++r) {
                QCOMPARE(row(choice, r), row(plain, r));
                QVERIFY(std::equal(choice.weightsOf(r).begin(), choice.weightsOf(r).end(), plain.weightsOf(r).begin()));
            }
        }
    }

    void randomIsRandomAndRepeats() {
        const Router router = sample();
        std::set<std::vector<char>> sets;
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            auto one = policy("random:budget=2", router.config, true, seed),
                 two = policy("random:budget=2", router.config, true, seed);
            QCOMPARE(distinct(choose(*one, router.scores())), distinct(choose(*two, router.scores())));
            (void)choose(*one, router.scores(1));  // another layer draws anew
            sets.insert({one->allowed().begin(), one->allowed().end()});
        }
        QVERIFY(sets.size() > 5);
    }

    void frequentCountsThePassesBefore() {
        const Router first(4, 1, true, {{0, 0, 0, 5}, {0, 0, 0, 5}, {0, 0, 5, 0}}), second(4, 1, true, {{5, 0, 0, 0}});
        auto method =
            policy("frequent:budget=2", first.config, false);  // a prefill: nothing is restricted, everything counts
        (void)choose(*method, first.scores());
        method->setVerifyPass(true);
        const ExpertChoice choice = choose(*method, second.scores());
        QCOMPARE(std::vector<char>(method->allowed().begin(), method->allowed().end()),
                 (std::vector<char>{0, 0, 1, 1}));
        QCOMPARE(row(choice, 0),
                 (std::vector<std::int32_t>{
                     2}));  // its own expert 0 is not allowed: the better of the others, by the lower index
        (void)choose(*method, second.scores(1));  // layers are counted apart
        QCOMPARE(std::vector<char>(method->allowed().begin(), method->allowed().end()),
                 (std::vector<char>{1, 1, 0, 0}));
    }

    void thresholdWorksTokenByToken() {
        const Router router(4, 3, false, {{4, 3.5F, 0, -3}, {1, 1, 1, 1}});
        auto method = policy("threshold:share=0.3", router.config);
        const ExpertChoice choice = choose(*method, router.scores());
        QCOMPARE(row(choice, 0), (std::vector<std::int32_t>{0, 1}));  // exp(-4) of the largest is less than 0.3
        QCOMPARE(row(choice, 1), (std::vector<std::int32_t>{0, 1, 2}));
        method->setVerifyPass(false);
        QCOMPARE(choose(*method, router.scores()).size(0), std::size_t{3});
    }

    void whatCannotBeIsRefused() {
        ExpertConfig config;
        config.count = 8;
        config.used = 3;
        for (const char* text :
             {"moe_spec:budget=2", "random:budget=1", "frequent:budget=2", "moe_spec:budget=0", "threshold:share=2",
              "oracle", "observe:budget=3", "moe_spec:budget=9", "frequent:budget=99", "random:budget=3,budget=4"}) {
            auto made = makeExpertPolicy(*parseMethodChoice(text), config, 1);
            QVERIFY2(!made, text);
            QVERIFY2(!made.error().hint.empty() || !made.error().what.empty(), text);
        }
        auto live = policy("moe_spec:budget=4", config);
        QVERIFY(!live->setParam("budget", 2));  // a slider cannot go there either
        QVERIFY(!live->setParam("budget", 9));
        QVERIFY(live->setParam("budget", 3));
        QCOMPARE(live->budget(), 3);
    }

    void theRecorderCountsByHand() {
        const Router router = sample();
        auto method = policy("moe_spec:budget=2", router.config);
        const ExpertChoice choice = choose(*method, router.scores());
        ExpertRecorder recorder(1, router.config);
        recorder.beginPass();
        recorder.record(router.scores(), choice, method->allowed());
        const ExpertPass pass = recorder.pass();
        QCOMPARE(pass.rows, 3);
        QCOMPARE(pass.layers[0].natural, 4);  // {0, 1}, {0, 2}, {3, 0}
        QCOMPARE(pass.layers[0].executed, 2);
        double kept = 0;
        std::vector<double> mass(5, 0.0);
        for (std::size_t i = 0; i < router.probabilities.size(); ++i) {
            mass[i % 5] += static_cast<double>(router.probabilities[i]) / 3;
            if (method->allowed()[i % 5] != 0) kept += static_cast<double>(router.probabilities[i]) / 3;
        }
        QVERIFY(near(static_cast<double>(pass.layers[0].coverage), kept));
        std::sort(mass.rbegin(), mass.rend());
        double sum = 0;
        for (std::size_t b = 0; b < mass.size(); ++b)
            QVERIFY(near(static_cast<double>(pass.coverage_by_budget[b]), sum += mass[b]));
        QVERIFY(near(static_cast<double>(pass.coverage_by_budget[1]), kept));  // the method takes the largest sums
        for (std::int64_t r = 0; r < 3; ++r) {
            double dropped = 0;
            for (const std::int32_t expert : topExperts(router.scores().logitsOf(r), 2)) {
                if (method->allowed()[static_cast<std::size_t>(expert)] == 0)
                    dropped +=
                        static_cast<double>(router.scores().probabilitiesOf(r)[static_cast<std::size_t>(expert)]);
            }
            QVERIFY(near(static_cast<double>(recorder.row(r).dropped_mass[0]), dropped));
            QCOMPARE(recorder.row(r).ids.size(), std::size_t{2});
        }
    }

    // Stacked, fused and legacy split tensors of Mixtral-like and Qwen-like models give one and the same model.
    void layoutsOfExpertTensors_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<bool>("fused");
        QTest::addColumn<bool>("single");
        for (const char* architecture : {"llama", "qwen3moe", "olmoe"}) {
            QTest::addRow("%s, stacked", architecture) << QString(architecture) << false << false;
            QTest::addRow("%s, fused", architecture) << QString(architecture) << true << false;
            QTest::addRow("%s, a tensor an expert", architecture) << QString(architecture) << false << true;
        }
    }

    // What no row chose is not read: weights that are not numbers there change nothing, and the bytes are those of the
    // chosen.
    void layoutsOfExpertTensors() {
        QFETCH(QString, architecture);
        QFETCH(bool, fused);
        QFETCH(bool, single);
        RandomShape shape;
        shape.architecture = architecture.toStdString();
        shape.experts = 9;
        shape.experts_used = 2;
        shape.d_ff = 40;
        shape.fused = fused;
        shape.single_experts = single;
        shape.seed = 77;
        RandomModel random = makeRandomModel(shape);
        const std::vector<TokenId> text = randomTokens(4, shape.vocab, 3);
        std::vector<std::set<std::int32_t>> used(static_cast<std::size_t>(shape.n_layers));
        std::int64_t bytes = 0, unread = 0;
        const std::vector<float> sound = logitsOf(random, text, used, bytes);
        const std::int64_t one_expert =
            std::int64_t{3} * shape.d_model * shape.d_ff * static_cast<std::int64_t>(sizeof(float));
        std::int64_t expected = 0;
        for (const auto& layer : used) expected += static_cast<std::int64_t>(layer.size()) * one_expert;
        QCOMPARE(bytes, expected);
        for (RandomTensor& tensor : random.tensors) unread += poison(tensor, used, shape);
        QVERIFY(unread > 0);
        const std::vector<float> poisoned = logitsOf(random, text, used, bytes);
        QCOMPARE(poisoned.size(), sound.size());
        QVERIFY(std::memcmp(poisoned.data(), sound.data(), sound.size() * sizeof(float)) == 0);
    }

private:
    static std::vector<float> logitsOf(const RandomModel& random, const std::vector<TokenId>& text,
                                       std::vector<std::set<std::int32_t>>& used, std::int64_t& bytes) {
        auto loaded = load(random, {});
        if (!loaded) qFatal("%s", loaded.error().line().c_str());
        CpuDevice device(2);
        auto sequence = Sequence::create(loaded->model, device, 16, Arithmetic::Native);
        for (auto& layer : used) layer.clear();
        (*sequence)->experts()->setTap([&](const RouterScores& scores, const ExpertChoice& choice) {
            for (std::int64_t r = 0; r < choice.rows(); ++r) {
                for (const std::int32_t expert : choice.expertsOf(r))
                    used[static_cast<std::size_t>(scores.layer)].insert(expert);
            }
        });
        std::vector<float> logits(text.size() * static_cast<std::size_t>(loaded->model->config().vocab_size));
        if (!(*sequence)->append(text, static_cast<std::int64_t>(text.size()), logits.data()))
            qFatal("the model does not run");
        bytes = (*sequence)->experts()->traffic().bytes;
        for (std::size_t layer = 0; layer < used.size(); ++layer) {
            if ((*sequence)->experts()->traffic().distinct[layer] != static_cast<std::int32_t>(used[layer].size()))
                qFatal("distinct experts are miscounted");
        }
        return logits;
    }

    // Not-a-number in place of every expert of this tensor that nobody chose; how many experts that were.
    static std::int64_t poison(RandomTensor& tensor, const std::vector<std::set<std::int32_t>>& used,
                               const RandomShape& shape) {
        const bool stacked = tensor.name.find("_exps.weight") != std::string::npos;
        const std::size_t dot = tensor.name.find(".ffn_");
        if (dot == std::string::npos || tensor.name.find("gate_inp") != std::string::npos ||
            tensor.name.find("ffn_norm") != std::string::npos)
            return 0;
        const auto layer = static_cast<std::size_t>(std::stoi(tensor.name.substr(4, dot - 4)));
        const float not_a_number = std::numeric_limits<float>::quiet_NaN();
        const auto spoil = [&](std::size_t begin, std::size_t end) {
            for (std::size_t at = begin; at < end; at += sizeof(float))
                std::memcpy(tensor.bytes.data() + at, &not_a_number, sizeof(float));
        };
        std::int64_t spoilt = 0;
        for (int expert = 0; expert < shape.experts; ++expert) {
            if (used[layer].contains(expert)) continue;
            if (stacked) {
                const std::size_t size = tensor.bytes.size() / static_cast<std::size_t>(shape.experts);
                spoil(static_cast<std::size_t>(expert) * size, (static_cast<std::size_t>(expert) + 1) * size);
                ++spoilt;
            } else if (tensor.name.ends_with("." + std::to_string(expert) + ".weight")) {
                spoil(0, tensor.bytes.size());
                ++spoilt;
            }
        }
        return spoilt;
    }
};

QTEST_APPLESS_MAIN(TestExperts)
#include "tst_experts.moc"
