// The engine and the trainer compute the same logits from the shipped files. Both read the same F16 weights, so what
// differs is the order of float32 sums only. torch comes before Qt, whose `slots` is a macro.
#include <torch/torch.h>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "train/corpus.h"
#include "train/import.h"
#include "train/recipes.h"
#include "train/trainer.h"

#include <QTest>

using namespace quibble;
using namespace quibble::train;
using torch::Tensor;

class TestTrainedModels : public QObject {
    Q_OBJECT

private slots:
    void engineAndTrainerAgree_data() {
        QTest::addColumn<int>("recipe");
        for (const Recipe recipe : {Recipe::kNano, Recipe::kMoe, Recipe::kDraft})
            QTest::newRow(recipeName(recipe)) << static_cast<int>(recipe);
    }

    void engineAndTrainerAgree() {
        QFETCH(int, recipe);
        const auto which = static_cast<Recipe>(recipe);
        const torch::NoGradGuard no_grad;
        at::set_num_threads(1);
        const std::string path = std::string(QUIBBLE_SOURCE_DIR) + "/data/models/" + modelName(which) + ".gguf";
        const ToyTokenizer tokenizer = makeNanoTokenizer();
        Transformer trained(shapeOf(which, tokenizer), 1, false);
        const auto read = importGguf(path, trained);
        QVERIFY2(read.has_value(), read ? "" : read.error().line().c_str());
        Batch batch = makeBatch(tokenizer, 21, 0, 60, 1.0);  // one document
        QCOMPARE(batch.groups.size(), std::size_t{1});
        batch.loss_rows = torch::arange(batch.tokens.size(0));  // logits of every position
        const Tensor expected = trained.forward(batch).logits.contiguous();

        const auto model = Model::load(path, {});
        if (!model && model.error().code == ErrorCode::Unsupported)
            QSKIP(model.error().line().c_str());  // an architecture the engine does not run
        QVERIFY2(model.has_value(), model ? "" : model.error().line().c_str());
        std::vector<TokenId> tokens;
        for (int64_t i = 0; i < batch.tokens.size(0); ++i)
            tokens.push_back(static_cast<TokenId>(batch.tokens[i].item<int64_t>()));
        CpuDevice device(1);
        const auto sequence = Sequence::create(*model, device, static_cast<Position>(tokens.size()), Arithmetic::F32);
        QVERIFY(sequence.has_value());
        std::vector<float> logits(tokens.size() * tokenizer.size());
        const auto fed = (*sequence)->append(tokens, static_cast<std::int64_t>(tokens.size()), logits.data());
        QVERIFY2(fed.has_value(), fed ? "" : fed.error().line().c_str());
        const Tensor engine = torch::from_blob(logits.data(), expected.sizes());
        const double apart = (engine - expected).abs().max().item<double>();
        QVERIFY2(apart < 2e-3, qPrintable(QString::number(apart)));
        const Tensor rms = (engine - expected).square().mean().sqrt() / expected.std();
        QVERIFY2(rms.item<double>() < 1e-5, qPrintable(QString::number(rms.item<double>())));
    }
};

QTEST_APPLESS_MAIN(TestTrainedModels)
#include "tst_trained_models.moc"
