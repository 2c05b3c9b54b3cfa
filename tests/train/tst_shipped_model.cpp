// The shipped file and the trainer agree about the tokenizer, the shape and where thinking starts.
#include <QTest>

#include "engine/file/model_file.h"
#include "engine/text/tokenizer.h"
#include "train/corpus.h"

using namespace quibble;
using train::makeNanoTokenizer;

namespace {

std::vector<int> numbers(const std::vector<TokenId>& ids) {
    std::vector<int> all;
    for (const TokenId id : ids) all.push_back(static_cast<int>(id));
    return all;
}

}  // namespace

class TestShippedModel : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        const auto file = ModelFile::open(QUIBBLE_SOURCE_DIR "/data/models/quibble-nano.gguf");
        QVERIFY2(file.has_value(), file ? "" : file.error().line().c_str());
        file_ = *file;
        const auto tokenizer = Tokenizer::fromFile(*file_);
        QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().line().c_str());
        tokenizer_ = *tokenizer;
    }

    void isSmallAndComplete() {
        QVERIFY(file_->fileSize() < 16U * 1024U * 1024U);
        QCOMPARE(file_->getString("general.architecture").value(), std::string_view("llama"));
        QCOMPARE(file_->getUint("llama.block_count").value(), std::uint64_t{4});
        QCOMPARE(file_->tensors().size(), std::size_t{2 + 4 * 9});
        const ModelTensor* embedding = file_->tensor("token_embd.weight");
        QVERIFY(embedding != nullptr);
        QCOMPARE(embedding->dims, (std::vector<std::uint64_t>{256, tokenizer_->vocabSize()}));
    }

    void engineAndTrainerEncodeAlike() {
        const train::ToyTokenizer toy = makeNanoTokenizer();
        QCOMPARE(tokenizer_->vocabSize(), toy.size());
        for (std::uint64_t i = 0; i < 300; ++i) {
            train::Rng rng(8, i);
            const train::Problem problem = train::makeProblem(rng, {});
            for (const std::string& text : {problem.text, "\n" + train::makeChain(rng, problem, {}).text + "\n"}) {
                QCOMPARE(numbers(tokenizer_->encode(text)), toy.encode(text));
            }
        }
        for (const std::string& word : train::publishedMarkers())
            QCOMPARE(numbers(tokenizer_->encode(" " + word)), toy.encode(" " + word));
    }

    void promptTokensAreThoseOfTraining() {
        const std::string question = "Compute 57 + 68.";
        EncodeOptions options;
        options.parse_special = true;
        const auto ids = tokenizer_->encode("<|user|>" + question + "<|end|><|assistant|><think>\n", options);
        QCOMPARE(numbers(ids), train::promptIds(makeNanoTokenizer(), question));
        QVERIFY(tokenizer_->isEndOfGeneration(tokenizer_->idOf("<|end|>").value()));
        QVERIFY(!tokenizer_->addsBos());
        QVERIFY(tokenizer_->chatTemplate().find("<think>") != std::string_view::npos);
    }

private:
    std::shared_ptr<const ModelFile> file_;
    std::shared_ptr<const Tokenizer> tokenizer_;
};

QTEST_APPLESS_MAIN(TestShippedModel)
#include "tst_shipped_model.moc"
