// At temperatures above 0 whole runs of a small random model, drafted by another one, are distributed as the target's
// own text: a G-test of every continuation of three tokens against the chances that the target's logits give it,
// penalty, temperature and filters included. The same test catches a lossy rule and a target that is not the one that
// was promised.
#include <QTest>

#include <cmath>
#include <map>

#include "engine/forward/sequence.h"
#include "engine/run/run_loop.h"
#include "engine/values/run_trace.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr int kTokens = 3;
constexpr int kRuns = 2000;
constexpr double kLeastExpected = 5;  // cells below are pooled

// One model; quantized coarsely it drafts for itself, so that tokens are accepted and refused.
LoadedModel small(const char* quant) {
    RandomShape shape;
    shape.vocab = 128;
    shape.n_layers = 1;
    shape.d_model = 32;
    shape.n_heads = 2;
    shape.n_kv_heads = 1;
    shape.d_ff = 48;
    shape.seed = 5;
    LoadOptions options;
    options.weight_quant = *parseMethodChoice(quant);
    auto model = load(makeRandomModel(shape), options);
    if (!model) qFatal("%s", model.error().line().c_str());
    return std::move(*model);
}

struct Case {
    SamplerSettings sampler;
    double penalty = 0;
    const char* method = "chain:length=2";
    const char* rule = "rejection";
};

RunRequest request(const Case& c) {
    RunRequest r;
    r.raw = true;
    r.prompt = "abcab";
    r.max_tokens = kTokens;
    r.reference.kind = ReferenceKind::None;
    r.sampler = c.sampler;
    r.penalty.strength = c.penalty;
    // Every third character: some of them are always among the likely ones.
    r.penalty.set_name = "thirds";
    for (char letter = '!'; letter < '~'; letter = static_cast<char>(letter + 3))
        r.penalty.words.emplace_back(1, letter);
    r.draft.method = *parseMethodChoice(c.method);
    r.draft.verify = *parseMethodChoice(c.rule);
    return r;
}

using Words = std::map<std::vector<TokenId>, double>;

// The chance of every text of kTokens tokens (shorter when it ends), from the target's logits.
void expand(const Model& model, CpuDevice& device, const RunRequest& r, std::vector<TokenId> text, std::size_t prompt,
            double chance, Words& words) {
    const bool ended = text.size() > prompt && model.tokenizer()->isEndOfGeneration(text.back());
    if (ended || text.size() == prompt + kTokens) {
        words[{text.begin() + static_cast<std::ptrdiff_t>(prompt), text.end()}] += chance;
        return;
    }
    auto sequence =
        Sequence::create(std::shared_ptr<const Model>(&model, [](const Model*) {}), device, 64, Arithmetic::Native);
    std::vector<float> logits(static_cast<std::size_t>(model.config().vocab_size));
    if (!sequence || !(*sequence)->append(text, 1, logits.data())) qFatal("the target does not run");
    auto penalty = MarkerPenalty::create(r.penalty, *model.tokenizer());
    if (!penalty) qFatal("%s", penalty.error().line().c_str());
    if (penalty->active(false)) penalty->apply(logits);
    Sampler sampler;
    for (const TokenProbability& token : sampler.distribution(logits, r.sampler)) {
        std::vector<TokenId> longer = text;
        longer.push_back(token.id);
        expand(model, device, r, std::move(longer), prompt, chance * token.p, words);
    }
}

// G = 2 sum O ln(O / E) over pooled cells, and its degrees of freedom. Infinite when something came that has no chance.
struct GTest {
    double g = 0;
    int freedom = 0;
    // Upper 0.1 % point of chi-square (Wilson and Hilferty 1931).
    [[nodiscard]] double critical() const {
        const double n = freedom, a = 2.0 / (9 * n);
        return n * std::pow(1 - a + 3.0902 * std::sqrt(a), 3);
    }
};
GTest gTest(const Words& expected, const Words& counts) {
    GTest test;
    for (const auto& [word, count] : counts) {
        if (!expected.contains(word)) return {INFINITY, 1};
    }
    double rare_expected = 0, rare_seen = 0;
    int cells = 0;
    const auto add = [&](double mean, double seen) {
        test.g += seen > 0 ? 2 * seen * std::log(seen / mean) : 0;
        ++cells;
    };
    for (const auto& [word, chance] : expected) {
        const auto found = counts.find(word);
        const double seen = found == counts.end() ? 0 : found->second;
        if (chance * kRuns >= kLeastExpected) {
            add(chance * kRuns, seen);
        } else {
            rare_expected += chance * kRuns;
            rare_seen += seen;
        }
    }
    if (rare_expected > 0) add(rare_expected, rare_seen);
    test.freedom = std::max(1, cells - 1);
    return test;
}

class Setup {
public:
    Setup() : target_(small("none")), draft_(small("rtn:bits=3,group=32")), device_(1) {}

    Words texts(const Case& c, const Model* other_target = nullptr) {
        Words counts;
        accepted_ = rejected_ = 0;
        RunRequest r = request(c);
        for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
            r.seed = seed;
            RunModels models{target_.model, nullptr, {draft_.model}};
            if (other_target != nullptr) models.quantized = draft_.model;
            auto loop = RunLoop::create(r, std::move(models), device_);
            if (!loop) qFatal("%s", loop.error().line().c_str());
            std::vector<RunEvent> events;
            if (auto done = (*loop)->runToEnd(events); !done) qFatal("%s", done.error().line().c_str());
            std::vector<TokenId> word;
            for (const RunEvent& event : events) {
                if (const auto* token = std::get_if<TokenRecord>(&event)) word.push_back(token->id);
                if (const auto* round = std::get_if<DraftRound>(&event)) {
                    for (const DraftNode& node : round->nodes) {
                        accepted_ += node.fate == DraftFate::Accepted ? 1 : 0;
                        rejected_ += node.fate == DraftFate::Rejected ? 1 : 0;
                    }
                }
            }
            ++counts[word];
        }
        return counts;
    }
    Words chances(const Case& c) {
        Words words;
        const RunRequest r = request(c);
        auto prompt = buildPrompt(r, *target_.model->tokenizer(), {});
        expand(*target_.model, device_, r, prompt->ids, prompt->ids.size(), 1, words);
        return words;
    }
    const Model* draft() const { return draft_.model.get(); }
    int accepted_ = 0, rejected_ = 0;

private:
    LoadedModel target_, draft_;
    CpuDevice device_;
};

Setup& setup() {
    static Setup one;
    return one;
}

const SamplerSettings kTopK{1.2, 4, 1, 0};
const SamplerSettings kTopP{0.7, 8, 0.8, 0};

}  // namespace

class TestExactness : public QObject {
    Q_OBJECT

private slots:
    void textsHaveTheTargetsDistribution_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("rule");
        QTest::addColumn<bool>("top_p");
        QTest::addColumn<double>("penalty");
        QTest::newRow("plain") << "none"
                               << "match" << false << 0.0;
        QTest::newRow("chain, rejection") << "chain:length=2"
                                          << "rejection" << false << 0.0;
        QTest::newRow("chain, rejection, top-p and penalty") << "chain:length=2"
                                                             << "rejection" << true << 1.5;
        QTest::newRow("tree, rejection") << "tree:nodes=10,depth=2,branch=3,least=0"
                                         << "rejection" << false << 0.0;
        QTest::newRow("tree, rejection, top-p and penalty") << "tree:nodes=10,depth=2,branch=3,least=0"
                                                            << "rejection" << true << 1.5;
        QTest::newRow("static tree, rejection, penalty") << "static_tree:first=3,second=2,third=0,fourth=0"
                                                         << "rejection" << false << 1.5;
        QTest::newRow("look-up, rejection") << "ngram:length=2,shortest=1"
                                            << "rejection" << false << 0.0;
        QTest::newRow("chain, match, top-p and penalty") << "chain:length=2"
                                                         << "match" << true << 1.5;
        QTest::newRow("tree, match") << "tree:nodes=10,depth=2,branch=3,least=0"
                                     << "match" << false << 0.0;
    }

    void textsHaveTheTargetsDistribution() {
        QFETCH(QString, method);
        QFETCH(QString, rule);
        QFETCH(bool, top_p);
        QFETCH(double, penalty);
        const std::string draft = method.toStdString(), verify = rule.toStdString();
        const Case c{top_p ? kTopP : kTopK, penalty, draft.c_str(), verify.c_str()};
        const GTest test = gTest(setup().chances(c), setup().texts(c));
        qInfo("G %.1f of %d degrees of freedom, 0.1 %% point %.1f; %d accepted, %d rejected", test.g, test.freedom,
              test.critical(), setup().accepted_, setup().rejected_);
        QVERIFY(test.freedom >= 5);
        QVERIFY(test.g < test.critical());
        // What is looked up is hardly ever likely here; it must not disturb.
        QVERIFY(method == "none" ||
                (setup().rejected_ > 100 && (setup().accepted_ > 100 || method.startsWith("ngram"))));
    }

    void aLossyRuleIsCaught() {
        const Case c{kTopK, 0, "tree:nodes=10,depth=2,branch=3,least=0", "typical:epsilon=0.05,delta=0.2"};
        const GTest test = gTest(setup().chances(c), setup().texts(c));
        QVERIFY(test.g > 3 * test.critical());
    }

    void anotherTargetIsCaught() {
        const Case c{kTopK, 0, "chain:length=2", "rejection"};
        const GTest test = gTest(setup().chances(c), setup().texts(c, setup().draft()));
        QVERIFY(test.g > 3 * test.critical());
    }

    // A penalty that only one side saw would show.
    void aForgottenPenaltyIsCaught() {
        const Case promised{kTopK, 1.5, "chain:length=2", "rejection"}, done{kTopK, 0, "chain:length=2", "rejection"};
        const GTest test = gTest(setup().chances(promised), setup().texts(done));
        QVERIFY(test.g > 3 * test.critical());
    }
};

QTEST_APPLESS_MAIN(TestExactness)
#include "tst_exactness.moc"
