// Runs that begin as an earlier one: what is shared is not computed again, and not a bit of what they say changes.
#include <QTest>

#include <cmath>

#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::filesystem::path shipped(const char* name) { return shippedModel().parent_path() / name; }

RunRequest request(KvType type = KvType::F32) {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
    r.reference.kind = ReferenceKind::Unquantized;
    r.kv_type = type;
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.max_tokens = 40;
    r.seed = 7;
    return r;
}

RunRequest branchOf(RunRequest r, const RunTrace& parent, std::size_t kept, TokenId instead) {
    r.branch.parent = RunId{1};
    for (std::size_t i = 0; i < kept; ++i) r.branch.prefix.push_back(parent.points()[i].token.id);
    r.branch.prefix.push_back(instead);
    r.branch.pos = parent.points()[kept].token.pos;
    return r;
}

// What was not measured is NaN, which equals nothing.
void fillUnmeasured(DraftRound& round) {
    round.draft_ns = round.verify_ns = round.other_ns = 0;
    for (DraftNode& node : round.nodes) {
        for (float* number : {&node.draft_prob, &node.target_prob, &node.accept_prob, &node.draw}) {
            if (std::isnan(*number)) *number = -1;
        }
    }
}

// Everything but the clock: tokens, references, rounds, experts.
bool same(const WholeRun& a, const WholeRun& b) {
    if (a.trace.points().size() != b.trace.points().size() ||
        a.trace.draftRounds().size() != b.trace.draftRounds().size())
        return false;
    for (std::size_t i = 0; i < a.trace.points().size(); ++i) {
        TracePoint x = a.trace.points()[i], y = b.trace.points()[i];
        x.token.time_ns = y.token.time_ns = 0;
        if (x.token != y.token || x.hasReference() != y.hasReference()) return false;
        if (x.hasReference() && x.reference != y.reference) return false;
    }
    for (std::size_t i = 0; i < a.trace.draftRounds().size(); ++i) {
        DraftRound x = a.trace.draftRounds()[i], y = b.trace.draftRounds()[i];
        fillUnmeasured(x);
        fillUnmeasured(y);
        if (x != y) return false;
    }
    for (Position pos = 0; pos < a.provenance.context; ++pos) {
        const TokenExperts *x = a.trace.expertsAt(pos), *y = b.trace.expertsAt(pos);
        if ((x == nullptr) != (y == nullptr) || (x != nullptr && *x != *y)) return false;
    }
    return true;
}

}  // namespace

class TestReuse : public QObject {
    Q_OBJECT
    void kvTypes() {
        QTest::addColumn<int>("kv");
        for (const KvType type : kKvTypes) QTest::addRow("%s", kvTypeText(type)) << static_cast<int>(type);
    }

private slots:
    void branchesGoOnFromWhatTheirParentComputed_data() { kvTypes(); }
    void branchesGoOnFromWhatTheirParentComputed() {
        QFETCH(int, kv);
        const RunRequest r = request(static_cast<KvType>(kv));
        PrefixCache prefixes(1 << 28);
        const WholeRun parent = wholeRun(r, 2, &prefixes);
        QCOMPARE(parent.provenance.reused_positions, 0);
        QVERIFY(same(parent, wholeRun(r)));
        const auto prompt = static_cast<int>(parent.provenance.prompt_tokens.size());
        constexpr std::size_t kAt = 20;
        // A branch, a branch of the same place, a branch of the branch, and one of the parent again.
        const RunRequest first = branchOf(r, parent.trace, kAt, parent.trace.points()[kAt].token.top[1].id);
        const WholeRun a = wholeRun(first, 2, &prefixes);
        QCOMPARE(a.provenance.reused_positions,
                 prompt + static_cast<int>(kAt) - 1);  // the last kept token is computed for its logits
        QVERIFY(a.provenance.reused_bytes > 0);
        QVERIFY(same(a, wholeRun(first)));
        const RunRequest second = branchOf(r, parent.trace, kAt, parent.trace.points()[kAt].token.top[2].id);
        const WholeRun b = wholeRun(second, 2, &prefixes);
        QCOMPARE(b.provenance.reused_positions, prompt + static_cast<int>(kAt) - 1);
        QVERIFY(same(b, wholeRun(second)));
        RunRequest third = first;
        const std::size_t own = 7;  // tokens of the branch, its injected one included, before it is left again
        QVERIFY(a.trace.points().size() > own + 2);
        for (std::size_t i = 1; i < own; ++i) third.branch.prefix.push_back(a.trace.points()[i].token.id);
        third.branch.prefix.push_back(a.trace.points().back().token.id);
        const WholeRun c = wholeRun(third, 2, &prefixes);
        QVERIFY(c.provenance.reused_positions >= prompt + static_cast<int>(kAt + own) - 1);
        QVERIFY(same(c, wholeRun(third)));
        const RunRequest fourth = branchOf(r, parent.trace, 34, parent.trace.points()[34].token.top[1].id);
        const WholeRun d = wholeRun(fourth, 2, &prefixes);
        QCOMPARE(d.provenance.reused_positions, prompt + 33);
        QVERIFY(same(d, wholeRun(fourth)));
    }

    void anotherSamplerOrPenaltySharesThePrompt() {
        PrefixCache prefixes(1 << 28);
        RunRequest r = request();
        const WholeRun first = wholeRun(r, 2, &prefixes);
        const auto prompt = static_cast<int>(first.provenance.prompt_tokens.size());
        r.sampler.temperature = 1.3;
        r.penalty.strength = 4;
        r.seed = 11;
        r.max_tokens = 50;
        r.context = 512;
        const WholeRun second = wholeRun(r, 2, &prefixes);
        QVERIFY(second.provenance.reused_positions >= prompt - 1);
        QVERIFY(same(second, wholeRun(r)));
        r.reference.kind = ReferenceKind::None;
        const WholeRun third = wholeRun(r, 2, &prefixes);
        QVERIFY(third.provenance.reused_positions >= prompt - 1);
    }

    void whatMakesOtherNumbersSharesNothing() {
        PrefixCache prefixes(1 << 28);
        (void)wholeRun(request(), 2, &prefixes);
        RunRequest type = request(KvType::F16), quant = request(), arithmetic = request(), prompt = request();
        quant.weight_quant = *parseMethodChoice("rtn:bits=4,group=64");
        arithmetic.arithmetic = Arithmetic::F32;
        prompt.raw = true;
        prompt.prompt = "7" + prompt.prompt;
        for (const RunRequest& other : {type, quant, arithmetic, prompt}) {
            const WholeRun outcome = wholeRun(other, 2, &prefixes);
            QCOMPARE(outcome.provenance.reused_positions, 0);
            QVERIFY(same(outcome, wholeRun(other)));
        }
        // Its own beginning is found among all of them.
        QVERIFY(wholeRun(request(KvType::F16), 2, &prefixes).provenance.reused_positions > 0);
    }

    void draftingRunsShareToo_data() {
        QTest::addColumn<QString>("method");
        for (const char* method : {"chain:length=5", "tree:nodes=20,depth=5", "ngram:length=6,shortest=1",
                                   "cascade:length=7,inner=3", "self:length=6"}) {
            QTest::newRow(method) << QString(method);
        }
    }
    void draftingRunsShareToo() {
        QFETCH(QString, method);
        PrefixCache prefixes(1 << 28);
        RunRequest r = request(method.startsWith("tree") ? KvType::F32 : KvType::Q8_0);
        r.sampler.temperature = 0.7;
        r.draft.method = *parseMethodChoice(method.toStdString());
        r.draft.path = shipped("quibble-nano-draft.gguf").string();
        r.draft.second_path = r.draft.path;
        const WholeRun parent = wholeRun(r, 2, &prefixes);
        QVERIFY(!parent.trace.draftRounds().empty());
        const RunRequest branch = branchOf(r, parent.trace, 20, parent.trace.points()[20].token.top[1].id);
        const WholeRun outcome = wholeRun(branch, 2, &prefixes);
        QCOMPARE(outcome.provenance.reused_positions, static_cast<int>(parent.provenance.prompt_tokens.size()) + 19);
        QVERIFY(same(outcome, wholeRun(branch)));
        // A plain run of the same model goes on from the drafting one.
        RunRequest plain = branch;
        plain.draft = {};
        const WholeRun undrafted = wholeRun(plain, 2, &prefixes);
        QVERIFY(undrafted.provenance.reused_positions > 0 || method.startsWith("self"));
        QVERIFY(same(undrafted, wholeRun(plain)));
    }

    void expertsOfSharedPositionsAreTold() {
        PrefixCache prefixes(1 << 28);
        RunRequest r = request();
        r.model_path = shipped("quibble-nano-moe.gguf").string();
        r.weight_quant = {};
        r.reference.kind = ReferenceKind::None;
        const WholeRun parent = wholeRun(r, 2, &prefixes);
        QVERIFY(parent.trace.expertsAt(0) != nullptr);
        const RunRequest branch = branchOf(r, parent.trace, 20, parent.trace.points()[20].token.top[1].id);
        const WholeRun outcome = wholeRun(branch, 2, &prefixes);
        QCOMPARE(outcome.provenance.reused_positions, static_cast<int>(parent.provenance.prompt_tokens.size()) + 19);
        QVERIFY(same(outcome, wholeRun(branch)));
        // A budget changes keys and values: nothing is taken, nothing is left.
        RunRequest budget = r;
        budget.experts = *parseMethodChoice("random");
        const std::size_t entries = prefixes.size();
        QCOMPARE(wholeRun(budget, 2, &prefixes).provenance.reused_positions, 0);
        QCOMPARE(prefixes.size(), entries);
    }

    void branchesAreStoredOnce() {
        PrefixCache prefixes(1 << 28);
        RunRequest r = request();
        r.max_tokens = 400;
        r.reference.kind = ReferenceKind::None;
        const WholeRun parent = wholeRun(r, 2, &prefixes);
        const std::size_t one = prefixes.bytes();
        const std::size_t kept = parent.trace.points().size() - 3;
        r.max_tokens = static_cast<int>(kept) + 4;
        for (const std::size_t choice : {1U, 2U, 3U, 4U}) {
            (void)wholeRun(branchOf(r, parent.trace, kept, parent.trace.points()[kept].token.top[choice].id), 2,
                           &prefixes);
        }
        // Each branch has at most two pages a plane of its own.
        QVERIFY2(prefixes.bytes() <= one + 4 * (one / 4),
                 qPrintable(QString("%1 of %2").arg(prefixes.bytes()).arg(one)));
        QVERIFY(prefixes.bytes() < 2 * one);
    }
};

QTEST_APPLESS_MAIN(TestReuse)
#include "tst_reuse.moc"
