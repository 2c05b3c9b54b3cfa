// The parts of the trainer that need libtorch. torch comes before Qt, whose `slots` is a macro.
#include <torch/torch.h>

#include "train/corpus.h"
#include "train/experts.h"
#include "train/export.h"
#include "train/import.h"
#include "train/optimizer.h"
#include "train/row_functions.h"
#include "train/trainer.h"
#include "train/upcycle.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace quibble;
using namespace quibble::train;
using torch::Tensor;

namespace {

ModelShape smallShape(const ToyTokenizer& tokenizer, bool experts) {
    ModelShape shape;
    shape.vocab = static_cast<int64_t>(tokenizer.size());
    shape.width = 64;
    shape.layers = 2;
    shape.heads = 2;
    shape.kv_heads = 1;
    shape.ffn = 96;
    if (experts) {
        shape.ffn = 48;
        shape.experts = 4;
        shape.experts_used = 2;
    }
    return shape;
}

/// The matrices that start at zero become random, so that every part of the model shows in the logits.
void fillZeros(const Transformer& model) {
    const torch::NoGradGuard no_grad;
    for (const Tensor& t : model.hiddenMatrices()) {
        if (t.abs().max().item<double>() == 0.0) t.detach().copy_(torch::randn_like(t) * 0.1);
    }
}

double largest(const Tensor& t) { return t.detach().abs().max().item<double>(); }

Experts randomExperts(int64_t count, int64_t width, int64_t ffn) {
    const auto matrix = [](int64_t out, int64_t in) { return (torch::randn({out, in}) * 0.2).set_requires_grad(true); };
    Experts experts;
    experts.router = matrix(count, width);
    for (int64_t e = 0; e < count; ++e) {
        experts.gate.push_back(matrix(ffn, width));
        experts.up.push_back(matrix(ffn, width));
        experts.down.push_back(matrix(width, ffn));
    }
    return experts;
}

/// The rule, one row and one expert at a time.
Tensor plainMix(const Tensor& x, const Experts& experts, int64_t used) {
    std::vector<Tensor> rows;
    for (int64_t r = 0; r < x.size(0); ++r) {
        const Tensor probabilities = torch::matmul(experts.router, x[r]).softmax(0);
        std::vector<int64_t> order(experts.gate.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            return probabilities[a].item<float>() > probabilities[b].item<float>();
        });
        Tensor sum = torch::zeros({});
        for (int64_t i = 0; i < used; ++i) sum = sum + probabilities[order[static_cast<std::size_t>(i)]];
        Tensor mixed = torch::zeros({x.size(1)});
        for (int64_t i = 0; i < used; ++i) {
            const auto e = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
            const Tensor hidden =
                torch::silu(torch::matmul(experts.gate[e], x[r])) * torch::matmul(experts.up[e], x[r]);
            mixed = mixed + torch::matmul(experts.down[e], hidden) * (probabilities[static_cast<int64_t>(e)] / sum);
        }
        rows.push_back(mixed);
    }
    return torch::stack(rows);
}

}  // namespace

class TestTrainer : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        at::set_num_threads(1);
        torch::manual_seed(1);
    }

    void expertsMixLikeAPlainLoop() {
        const Experts experts = randomExperts(5, 24, 16);
        const Tensor x = torch::randn({40, 24}).set_requires_grad(true);
        const Tensor toward = torch::randn({40, 24});
        const auto gradients = [&](const Tensor& result) {
            std::vector<Tensor> inputs{x, experts.router};
            for (const auto* stack : {&experts.gate, &experts.up, &experts.down})
                inputs.insert(inputs.end(), stack->begin(), stack->end());
            return torch::autograd::grad({(result * toward).sum()}, inputs);
        };
        const Routing routing = route(x, experts.router, 2);
        const Tensor fast = mixExperts(x, experts, routing, torch::kFloat32);
        const Tensor plain = plainMix(x, experts, 2);
        QVERIFY(largest(fast - plain) < 1e-5);
        const auto a = gradients(fast);
        const auto b = gradients(plain);
        for (std::size_t i = 0; i < a.size(); ++i) QVERIFY(largest(a[i] - b[i]) < 1e-4 * (1.0 + largest(b[i])));
    }

    void routingCountsEveryAssignmentOnce() {
        const Routing routing = route(torch::randn({300, 16}), torch::randn({6, 16}), 3);
        QCOMPARE(std::accumulate(routing.load.begin(), routing.load.end(), int64_t{0}), int64_t{900});
        std::vector<int> seen(900, 0);
        for (std::size_t i = 0; i < routing.position_of.size(); ++i) {
            const auto at = static_cast<std::size_t>(routing.position_of[i]);
            ++seen[at];
            QCOMPARE(routing.row_of[at], static_cast<int64_t>(i / 3));
        }
        QCOMPARE(std::count(seen.begin(), seen.end(), 1), std::ptrdiff_t{900});
        QVERIFY(largest(routing.weights.sum(1) - 1.0) < 1e-6);
    }

    void balanceLossIsOneWhenEvenAndLargerWhenNot() {
        const Tensor x = torch::eye(4).repeat({25, 1});  // row i prefers expert i, then i + 1
        const Tensor even = torch::eye(4) * 3.0 + torch::eye(4).roll({1}, {0}) * 2.0;
        QVERIFY(std::abs(route(x, even, 2).balance_loss.item<double>() - 1.0) < 1e-5);
        const Tensor uneven = torch::tensor({3.0F, 2.0F, 0.0F, 0.0F}).unsqueeze(1).expand({4, 4});
        QVERIFY(route(x, uneven, 2).balance_loss.item<double>() > 1.5);
    }

    void scoresDoNotDependOnTheOrderOfPairs() {
        const Tensor q = torch::randn({6, 64});
        const Tensor k = torch::randn({6, 64});
        const Tensor cos = torch::rand({6, 16});
        const Tensor sin = torch::rand({6, 16});
        const auto halves = [](const Tensor& t) { return t.view({6, 2, 16, 2}).transpose(2, 3).reshape({6, 64}); };
        const Tensor a =
            torch::matmul(rope(q, cos, sin, 32, RopePairs::kAdjacent), rope(k, cos, sin, 32, RopePairs::kAdjacent).t());
        const Tensor b = torch::matmul(rope(halves(q), cos, sin, 32, RopePairs::kHalves),
                                       rope(halves(k), cos, sin, 32, RopePairs::kHalves).t());
        QVERIFY(largest(a - b) < 1e-4);
    }

    void upcycledExpertsThatAllWorkAreTheDenseModel() {
        const Transformer dense(smallShape(tokenizer_, false), 3, false);
        fillZeros(dense);
        ModelShape shape = smallShape(tokenizer_, true);
        shape.experts = 2;  // both together hold every neuron once
        Transformer moe(shape, 4, false);
        const Batch batch = makeBatch(tokenizer_, 5, 0, 400, 1.0);
        upcycle(dense, batch, 16, moe);
        const torch::NoGradGuard no_grad;
        for (const Transformer* model :
             {&dense, static_cast<const Transformer*>(&moe)}) {  // without attention, which the norms of Q and K change
            for (const auto& [name, tensor] : model->named()) {
                if (name.ends_with("attn_output.weight") || name.ends_with("ffn_gate_inp.weight"))
                    tensor.detach().zero_();
            }
        }
        QVERIFY(largest(dense.forward(batch).logits - moe.forward(batch).logits) < 1e-4);
    }

    void oneStepLowersTheLoss_data() {
        QTest::addColumn<bool>("experts");
        QTest::newRow("dense") << false;
        QTest::newRow("experts") << true;
    }
    void oneStepLowersTheLoss() {
        QFETCH(bool, experts);
        const Transformer model(smallShape(tokenizer_, experts), 6, false);
        Optimizer optimizer(model.hiddenMatrices(), model.otherParameters());
        const Batch batch = makeBatch(tokenizer_, 7, 0, 600, 1.0);
        double before = 1e9;
        for (int step = 0; step < 4; ++step) {
            const Forward forward = model.forward(batch);
            QCOMPARE(forward.balance_loss.defined(), experts);
            const Tensor loss = torch::nn::functional::cross_entropy(forward.logits, batch.targets);
            loss.backward();
            optimizer.step(0.01, 1e-3, 1.0);
            QVERIFY2(loss.item<double>() < before, qPrintable(QString::number(loss.item<double>())));
            before = loss.item<double>();
        }
    }

    void decodingEqualsOnePass_data() { oneStepLowersTheLoss_data(); }
    void decodingEqualsOnePass() {
        QFETCH(bool, experts);
        const torch::NoGradGuard no_grad;
        const Transformer model(smallShape(tokenizer_, experts), 8, false);
        fillZeros(model);
        const Batch batch = makeBatch(tokenizer_, 9, 0, 60, 1.0);  // one document
        QCOMPARE(batch.groups.size(), std::size_t{1});
        const Tensor expected = model.forward(batch).logits;
        std::vector<Tensor> k, v;
        for (int i = 0; i < 2; ++i) {
            k.push_back(torch::zeros({1, 1, batch.tokens.size(0), 32}));
            v.push_back(torch::zeros({1, 1, batch.tokens.size(0), 32}));
        }
        std::vector<Tensor> rows;
        for (int64_t t = 0; t < batch.tokens.size(0); ++t)
            rows.push_back(model.decode(batch.tokens.narrow(0, t, 1), batch.positions.narrow(0, t, 1), t, k, v));
        QVERIFY(largest(torch::cat(rows).index_select(0, batch.loss_rows) - expected) < 1e-4);
    }

    void filesComeBackRoundedToHalf_data() { oneStepLowersTheLoss_data(); }
    void filesComeBackRoundedToHalf() {
        QFETCH(bool, experts);
        QTemporaryDir folder;
        const std::string path = folder.filePath("model.gguf").toStdString();
        const Transformer model(smallShape(tokenizer_, experts), 10, false);
        fillZeros(model);
        const auto error = exportGguf(path, model, tokenizer_, "test");
        QVERIFY2(!error, error ? error->c_str() : "");
        Transformer again(model.shape(), 11, false);
        const auto read = importGguf(path, again);
        QVERIFY2(read.has_value(), read ? "" : read.error().line().c_str());
        const auto before = model.named();
        const auto after = again.named();
        for (std::size_t i = 0; i < before.size(); ++i) {
            const Tensor& t = before[i].second;
            const bool exact = t.dim() == 1 || before[i].first.ends_with("ffn_gate_inp.weight");
            const Tensor expected = exact ? t : t.to(torch::kHalf).to(torch::kFloat32);
            QVERIFY2(torch::equal(after[i].second, expected), before[i].first.c_str());
        }
        Transformer other(smallShape(tokenizer_, !experts), 12, false);
        QVERIFY(!importGguf(path, other).has_value());
    }

    void checkpointsGoOnWhereTheyStopped() {
        QTemporaryDir folder;
        TrainOptions options;
        options.steps = 4;
        options.batch_tokens = 200;
        options.eval_every = 0;
        options.bf16 = false;
        options.checkpoint = folder.filePath("half.pt").toStdString();
        options.stop_after = 2;
        const ModelShape shape = smallShape(tokenizer_, true);
        Transformer first(shape, 13, false);
        QVERIFY(train::train(first, tokenizer_, options).has_value());
        TrainOptions rest = options;
        rest.resume = options.checkpoint;
        rest.stop_after = 0;
        Transformer resumed(shape, 14, false);
        QVERIFY(train::train(resumed, tokenizer_, rest).has_value());
        options.stop_after = 0;
        options.checkpoint.clear();
        Transformer straight(shape, 13, false);
        QVERIFY(train::train(straight, tokenizer_, options).has_value());
        for (std::size_t i = 0; i < straight.named().size(); ++i)
            QVERIFY(largest(straight.named()[i].second - resumed.named()[i].second) < 1e-6);
        Transformer other(smallShape(tokenizer_, false), 15, false);
        QVERIFY(!loadCheckpoint(rest.resume, other, nullptr).has_value());
    }

private:
    const ToyTokenizer tokenizer_ = makeNanoTokenizer();
};

QTEST_APPLESS_MAIN(TestTrainer)
#include "tst_trainer.moc"
