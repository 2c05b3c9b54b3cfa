// The exact statements about MoE-Spec (arXiv 2602.16052) on the trained mixture: a budget of all experts and a pass of
// one row change nothing, no layer runs more experts than the budget, and greedy text under a budget is what the
// budgeted verify pass says.
#include <QTest>

#include <algorithm>
#include <cstring>

#include "engine/experts/budget_policy.h"
#include "engine/experts/expert_recorder.h"
#include "engine/forward/sequence.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

const std::string kMoe = (shippedModel().parent_path() / "quibble-nano-moe.gguf").string();
const std::string kDraft = (shippedModel().parent_path() / "quibble-nano-draft.gguf").string();

std::shared_ptr<const Model> moe() {
    auto model = models().get(kMoe, {});
    if (!model) qFatal("%s", model.error().line().c_str());
    return *model;
}

RunRequest request(const std::string& experts) {
    RunRequest r;
    r.model_path = kMoe;
    r.reference.kind = ReferenceKind::None;
    r.prompt = "Mia has 84 shells. Then gets 29 more. Then shares them between 3. How many shells now?";
    r.max_tokens = 80;
    r.sampler.temperature = 0;
    r.experts = *parseMethodChoice(experts);
    r.draft.path = kDraft;
    return r;
}

// A model whose passes behind the prompt go by a policy.
struct Budgeted {
    CpuDevice device{2};
    std::shared_ptr<const Model> model = moe();
    std::unique_ptr<Sequence> sequence;
    std::unique_ptr<ExpertPolicy> policy;
    std::vector<float> logits;
    std::size_t vocab = static_cast<std::size_t>(model->config().vocab_size);

    explicit Budgeted(const std::string& experts, std::span<const TokenId> prompt) {
        auto made = makeExpertPolicy(*parseMethodChoice(experts), model->config().experts, 1);
        if (!made) qFatal("%s", made.error().line().c_str());
        policy = std::move(*made);
        auto created = Sequence::create(model, device, 512, Arithmetic::Native);
        sequence = std::move(*created);
        sequence->experts()->setSelector(policy.get());
        logits.resize(64 * vocab);
        policy->setVerifyPass(false);
        if (!sequence->append(prompt, 1, logits.data())) qFatal("the prompt does not run");
        policy->setVerifyPass(true);
    }
    [[nodiscard]] TokenId best(std::size_t row) const {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * vocab);
        return static_cast<TokenId>(std::max_element(begin, begin + static_cast<std::ptrdiff_t>(vocab)) - begin);
    }
};

// A tree over real text: a chain of its tokens with siblings beside it.
struct Tree {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> parents;
};
Tree treeOf(const RunTrace& trace, int rows) {
    Tree tree;
    std::int32_t parent = -1;
    for (int i = 0; i < rows; ++i) {
        const TokenRecord& token = trace.points()[static_cast<std::size_t>(i)].token;
        if (i % 3 == 2) {
            tree.tokens.push_back(token.top[1].id);
            tree.parents.push_back(parent);
        } else {
            tree.tokens.push_back(token.id);
            tree.parents.push_back(parent);
            parent = static_cast<std::int32_t>(tree.tokens.size()) - 1;
        }
    }
    return tree;
}

std::vector<float> logitsOfTree(const std::string& experts, const RunTrace& text, int rows) {
    Budgeted budgeted(experts, text.provenance().prompt_tokens);
    const Tree tree = treeOf(text, rows);
    if (!budgeted.sequence->appendTree(tree.tokens, tree.parents, budgeted.logits.data()))
        qFatal("the tree does not run");
    budgeted.logits.resize(static_cast<std::size_t>(rows) * budgeted.vocab);
    return budgeted.logits;
}

bool sameBits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<TokenId> idsOf(const RunTrace& trace) {
    std::vector<TokenId> ids;
    for (const TracePoint& point : trace.points()) ids.push_back(point.token.id);
    return ids;
}

}  // namespace

class TestMoeSpec : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        plain_ = wholeRun(request("observe")).trace;
        QVERIFY(plain_.points().size() > 40);
    }

    void aBudgetOfAllExpertsChangesNoBit() {
        const std::vector<float> free = logitsOfTree("observe", plain_, 30);
        const std::string count = std::to_string(moe()->config().experts.count);
        QVERIFY(sameBits(free, logitsOfTree("moe_spec:budget=" + count, plain_, 30)));
        QVERIFY(sameBits(free, logitsOfTree("moe_spec:truncate=1,all_passes=1,budget=" + count, plain_, 30)));
        QVERIFY(!sameBits(free, logitsOfTree("moe_spec:budget=3", plain_, 30)));
    }

    void aPassOfOneRowChangesNoBit() {
        const int used = moe()->config().experts.used;
        const std::vector<float> free = logitsOfTree("observe", plain_, 1);
        for (int budget = used; budget <= moe()->config().experts.count; ++budget) {
            for (const char* way : {"", ",truncate=1"})
                QVERIFY(sameBits(free, logitsOfTree("moe_spec:budget=" + std::to_string(budget) + way, plain_, 1)));
        }
        // So a budget on all passes leaves plain decoding as it is; only the prompt, which is one pass of many rows,
        // feels it.
        RunRequest r = request("moe_spec:budget=2");
        QCOMPARE(idsOf(wholeRun(r).trace), idsOf(plain_));
    }

    void noLayerRunsMoreThanTheBudget_data() {
        QTest::addColumn<QString>("experts");
        for (const char* text : {"moe_spec:budget=2", "moe_spec:budget=3", "moe_spec:budget=4,truncate=1",
                                 "random:budget=3", "frequent:budget=3"})
            QTest::newRow(text) << QString(text);
    }
    void noLayerRunsMoreThanTheBudget() {
        QFETCH(QString, experts);
        RunRequest r = request(experts.toStdString());
        r.draft.method = *parseMethodChoice("tree:nodes=24,depth=5");
        const RunTrace trace = wholeRun(r).trace;
        const auto budget = static_cast<std::int32_t>(r.experts.value(kBudgetParams[0]));
        const std::int64_t one = expertBytes();
        int verified = 0;
        for (const ExpertPass& pass : trace.expertPasses()) {
            std::int64_t executed = 0;
            for (const ExpertLayerUse& use : pass.layers) {
                executed += use.executed;
                QVERIFY(!pass.verify || use.executed <= budget);
                QVERIFY(use.executed <= use.natural || pass.verify);
            }
            QCOMPARE(pass.expert_bytes, executed * one);
            QVERIFY(pass.total_bytes > pass.expert_bytes);
            QCOMPARE(pass.budget, pass.verify ? budget : 0);
            verified += pass.verify ? 1 : 0;
        }
        QVERIFY(verified > 3);
    }

    void aBudgetBelowTheExpertsOfATokenIsRefused() {
        RunRequest r = request("moe_spec:budget=1");
        auto opened = openRunModels(models(), r, {});
        CpuDevice device(1);
        auto loop = RunLoop::create(r, std::move(*opened), device);
        QVERIFY(!loop);
        QVERIFY(loop.error().what.find("budget of 1") != std::string::npos && !loop.error().hint.empty());
    }

    // The run's rounds again, pass by pass, on a sequence that only knows the budgeted verify: the largest logit
    // decides.
    void greedyTextIsWhatTheBudgetedVerifySays_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("experts");
        QTest::newRow("chain, substitution") << "chain:length=6"
                                             << "moe_spec:budget=2";
        QTest::newRow("tree, substitution") << "tree:nodes=16,depth=5"
                                            << "moe_spec:budget=3";
        QTest::newRow("tree, truncation") << "tree:nodes=16,depth=5"
                                          << "moe_spec:budget=3,truncate=1";
    }
    void greedyTextIsWhatTheBudgetedVerifySays() {
        QFETCH(QString, method);
        QFETCH(QString, experts);
        RunRequest r = request(experts.toStdString());
        r.draft.method = *parseMethodChoice(method.toStdString());
        const RunTrace trace = wholeRun(r).trace;
        const std::vector<TokenId>& prompt = trace.provenance().prompt_tokens;
        Budgeted budgeted(experts.toStdString(), prompt);
        TokenId last = prompt.back();
        for (const DraftRound& round : trace.draftRounds()) {
            const bool known = round.rows == static_cast<std::int32_t>(
                                                 round.nodes.size());  // the prefill has left the first row's logits
            const std::int32_t offset = known ? 0 : 1;
            std::vector<TokenId> tokens;
            std::vector<std::int32_t> parents;
            if (!known) {
                tokens.push_back(last);
                parents.push_back(-1);
            }
            for (const DraftNode& node : round.nodes) {
                tokens.push_back(node.id);
                parents.push_back(node.parent < 0 ? offset - 1 : node.parent + offset);
            }
            const TokenId first = known ? budgeted.best(0) : kNoToken;
            budgeted.policy->setVerifyPass(!round.nodes.empty());
            if (!tokens.empty()) QVERIFY(budgeted.sequence->appendTree(tokens, parents, budgeted.logits.data()));
            std::vector<std::int32_t> path, rows;
            if (!known) rows.push_back(0);
            TokenId own = known ? first : budgeted.best(0);
            for (std::int32_t at = -1;;) {
                std::int32_t next = -1;
                for (std::int32_t i = 0; i < static_cast<std::int32_t>(round.nodes.size()) && next < 0; ++i) {
                    if (round.nodes[static_cast<std::size_t>(i)].parent == at &&
                        round.nodes[static_cast<std::size_t>(i)].id == own)
                        next = i;
                }
                if (next < 0) break;
                path.push_back(at = next);
                rows.push_back(next + offset);
                own = budgeted.best(static_cast<std::size_t>(next + offset));
                if (path.size() == round.path.size() && round.added == kNoToken)
                    break;  // the run ended on an accepted token
            }
            QCOMPARE(round.path, path);
            if (round.added != kNoToken) QCOMPARE(round.added, own);
            if (!tokens.empty()) budgeted.sequence->keepRows(rows);
            last = own;
        }
        const std::vector<TokenId> with = idsOf(trace), without = idsOf(plain_);
        std::size_t same = 0;
        while (same < std::min(with.size(), without.size()) && with[same] == without[same]) ++same;
        qInfo("the first %zu of %zu tokens are those of unbudgeted decoding", same, with.size());
    }

private:
    static std::int64_t expertBytes() {
        const LayerWeights& layer = moe()->layers().front();
        return static_cast<std::int64_t>(weightBytes(layer.gate_exps[0]) + weightBytes(layer.up_exps[0]) +
                                         weightBytes(layer.down_exps[0]));
    }
    RunTrace plain_;
};

QTEST_APPLESS_MAIN(TestMoeSpec)
#include "tst_moe_spec.moc"
