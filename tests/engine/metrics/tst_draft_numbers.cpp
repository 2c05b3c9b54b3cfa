#include <QTest>

#include <cmath>

#include "engine/metrics/experts.h"
#include "engine/metrics/speculation.h"

using namespace quibble;

namespace {

bool near(double a, double b) { return std::abs(a - b) <= 1e-9; }

DraftNode node(std::int32_t parent, DraftFate fate) {
    DraftNode made;
    made.parent = parent;
    made.id = 1;
    made.fate = fate;
    return made;
}

// Three verify steps and a plain one:
//   a chain of 3: accepted, refused, ignored, and a correction;
//   a tree of two roots, the first refused, the second with two children of which the first is accepted, and a bonus;
//   a chain of 1, refused, and a correction.
RunTrace drafted() {
    RunTrace trace;
    DraftRound chain;
    chain.pos = 10;
    chain.nodes = {node(-1, DraftFate::Accepted), node(0, DraftFate::Rejected), node(1, DraftFate::Ignored)};
    chain.path = {0};
    chain.added = 2;
    chain.corrected = true;
    chain.draft_ns = 100;
    chain.verify_ns = 500;
    chain.other_ns = 50;
    trace.apply(chain);
    DraftRound tree;
    tree.pos = 12;
    tree.nodes = {node(-1, DraftFate::Rejected), node(-1, DraftFate::Accepted), node(1, DraftFate::Accepted),
                  node(1, DraftFate::Ignored)};
    tree.path = {1, 2};
    tree.added = 3;
    tree.draft_ns = 200;
    tree.verify_ns = 700;
    tree.other_ns = 50;
    trace.apply(tree);
    DraftRound plain;
    plain.pos = 15;
    plain.added = 4;
    plain.rows = 1;
    plain.draft_ns = 5;
    plain.verify_ns = 390;
    plain.other_ns = 10;
    trace.apply(plain);
    DraftRound refused;
    refused.pos = 16;
    refused.nodes = {node(-1, DraftFate::Rejected)};
    refused.added = 5;
    refused.corrected = true;
    refused.draft_ns = 50;
    refused.verify_ns = 300;
    refused.other_ns = 50;
    trace.apply(refused);
    return trace;
}

// A model of 2 layers and 4 experts, 2 a token; three tokens from position 0 on.
RunTrace routed() {
    RunTrace trace;
    RunProvenance provenance;
    provenance.expert_layers = 2;
    provenance.experts = 4;
    provenance.experts_used = 2;
    trace.apply(provenance);
    trace.apply(TokenExperts{0, 2, 2, {0, 1, 3, 2}, {0.5F, 0.5F, 0.5F, 0.5F}, {0.0F, 0.0F}});
    trace.apply(TokenExperts{1, 2, 2, {1, 0, 3, kNoExpert}, {0.5F, 0.5F, 0.5F, 0.0F}, {0.0F, 0.25F}});
    trace.apply(TokenExperts{2, 2, 2, {0, 2, 3, 1}, {0.5F, 0.5F, 0.5F, 0.5F}, {0.0F, 0.5F}});
    return trace;
}

}  // namespace

class TestDraftNumbers : public QObject {
    Q_OBJECT
private slots:
    void nothing() {
        const SpeculationNumbers n = speculationNumbers(RunTrace{});
        QCOMPARE(n.rounds, 0);
        QVERIFY(n.by_position.empty() && n.accepted_lengths.empty());
        QVERIFY(!n.meanAccepted() && !n.tokensPerStep() && !n.tokensPerVerify() && !n.nsPerVerify() &&
                !n.nsPerToken() && !n.rate(0));
        QVERIFY(!n.predictedSpeedUp());
        QVERIFY(!n.speedUp() && !n.targetEfficiency());
    }

    void countsByHand() {
        const SpeculationNumbers n = speculationNumbers(drafted());
        QCOMPARE(n.rounds, 3);
        QCOMPARE(n.plain_steps, 1);
        QCOMPARE(n.all, (PositionAcceptance{8, 6, 3}));
        QCOMPARE(n.all.rejected(), 3);
        QCOMPARE(n.all.ignored(), 2);
        QCOMPARE(n.by_position.size(), std::size_t(3));
        QCOMPARE(n.by_position[0], (PositionAcceptance{4, 4, 2}));
        QCOMPARE(n.by_position[1], (PositionAcceptance{3, 2, 1}));
        QCOMPARE(n.by_position[2], (PositionAcceptance{1, 0, 0}));
        QVERIFY(near(n.rate(0).value(), 2.0 / 3));  // of the verify steps, not of the drafted tokens
        QVERIFY(near(n.rate(1).value(), 1.0 / 3));
        QCOMPARE(n.rate(2).value(), 0.0);
        QCOMPARE(n.rate(9).value(), 0.0);
        QCOMPARE(n.accepted_lengths, (std::vector<std::int64_t>{1, 1, 1}));
        QVERIFY(near(n.meanAccepted().value(), 1.0));
        QVERIFY(near(n.tokensPerVerify().value(), 2.0));  // 2 + 3 + 1 tokens
        QCOMPARE(n.steps(), 4);
        QCOMPARE(n.allTokens(), 7);
        QVERIFY(near(n.tokensPerStep().value(), 7.0 / 4));
    }

    void costs() {
        const SpeculationNumbers n = speculationNumbers(drafted());
        QCOMPARE(n.draft_ns, 350);
        QCOMPARE(n.verify_ns, 1500);
        QCOMPARE(n.other_ns, 150);
        QCOMPARE(n.plain_ns, 405);
        QVERIFY(near(n.nsPerVerify().value(), 2000.0 / 3));
        QVERIFY(near(n.nsPerToken().value(), 2405.0 / 7));
        QCOMPARE(n.plain_pass_ns.value(), 390.0);
        QCOMPARE(n.plain_step_ns.value(), 400.0);  // plain decoding has no drafter to wait for
        QVERIFY(near(n.speedUp().value(), 400 / (2405.0 / 7)));
        QVERIFY(near(n.predictedSpeedUp().value(), 2.0 * 390 / (2000.0 / 3)));
        QVERIFY(near(n.targetEfficiency().value(), 390.0 / 500));
    }

    void thePlainStepIsAMedianOfOneRowPasses() {
        RunTrace trace = drafted();
        DraftRound plain;
        plain.added = 4;
        for (const auto& [rows, verify] :
             {std::pair{0, 1}, {1, 100}, {1, 9000}, {1, 380}}) {  // without a row there was no pass
            plain.pos += 20;
            plain.rows = rows;
            plain.verify_ns = verify;
            trace.apply(plain);
        }
        const SpeculationNumbers n = speculationNumbers(trace);
        QCOMPARE(n.plain_steps, 5);
        QCOMPARE(n.plain_pass_ns.value(), 385.0);  // of 100, 380, 390, 9000
        // A selection of tokens is compared with the plain steps of the whole run.
        QCOMPARE(speculationNumbers(trace, 10, 15).plain_pass_ns.value(), 385.0);
        QCOMPARE(speculationNumbers(trace, 10, 15).plain_steps, 0);
    }

    void rangeOfPositions() {
        const SpeculationNumbers n = speculationNumbers(drafted(), 12, 16);
        QCOMPARE(n.rounds, 1);
        QCOMPARE(n.plain_steps, 1);
        QCOMPARE(n.tokens, 3);
        QVERIFY(near(n.meanAccepted().value(), 2.0));
    }

    // A branch is judged by its own rounds; what its parent did stays to be seen, and to be selected.
    void aBranchCountsItsOwnRounds() {
        RunTrace branch;
        branch.inherit(drafted(), 13);
        QCOMPARE(branch.draftRounds().size(), std::size_t(2));
        QCOMPARE(speculationNumbers(branch), speculationNumbers(RunTrace{}));
        DraftRound own;
        own.pos = 13;
        own.nodes = {node(-1, DraftFate::Accepted)};
        own.path = {0};
        own.verify_ns = 70;
        branch.apply(own);
        const SpeculationNumbers n = speculationNumbers(branch);
        QCOMPARE(n.rounds, 1);
        QCOMPARE(n.verify_ns, 70);
        QCOMPARE(n.meanAccepted().value(), 1.0);
        QCOMPARE(n.tokensPerVerify().value(), 1.0);
        // Of the parent's round at 12, which had accepted two, only one token is in this text.
        const SpeculationNumbers selected = speculationNumbers(branch, 12, 13);
        QCOMPARE(selected.meanAccepted().value(), 1.0);
        QCOMPARE(selected.tokensPerVerify().value(), 1.0);
    }

    void expertsByHand() {
        const ExpertCounts all = countExperts(routed());
        QCOMPARE(all.tokens, 3);
        QCOMPARE(all.counts, (std::vector<std::int64_t>{3, 2, 1, 0, 0, 1, 1, 3}));
        QCOMPARE(all.at(1, 3), 3);
        QVERIFY(near(all.imbalance(0), 3.0 * 4 / 6));
        QVERIFY(near(all.imbalance(1), 3.0 * 4 / 5));
        QCOMPARE(all.dropped_mass[0], 0.0);
        QVERIFY(near(all.dropped_mass[1], 0.25));
        const ExpertCounts one = countExperts(routed(), 1, 2);
        QCOMPARE(one.tokens, 1);
        QCOMPARE(one.counts, (std::vector<std::int64_t>{1, 1, 0, 0, 0, 0, 0, 1}));
        QCOMPARE(countExperts(RunTrace{}).tokens, 0);
    }

    void together() {
        QCOMPARE(coActivation(routed(), 0),
                 (std::vector<std::int64_t>{3, 2, 1, 0, 2, 2, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0}));
        const auto second = coActivation(routed(), 1);
        QCOMPARE(second[3 * 4 + 3], 3);
        QCOMPARE(second[3 * 4 + 2], 1);
        QCOMPARE(second[0], 0);
        const auto outside = coActivation(routed(), 7);
        QVERIFY(std::all_of(outside.begin(), outside.end(), [](std::int64_t count) { return count == 0; }));
    }

    void passes() {
        RunTrace trace = routed();
        trace.apply(ExpertPass{0, 4, true, 2, {{3, 2, 0.5F}, {4, 2, 0.75F}}, {0.5F, 0.75F, 0.875F, 1.0F}, 1, 2, 3});
        trace.apply(ExpertPass{2, 4, true, 2, {{2, 2, 0.5F}, {3, 1, 0.75F}}, {0.25F, 0.5F, 0.75F, 1.0F}, 1, 2, 3});
        trace.apply(ExpertPass{4, 1, false, 0, {{2, 2, 1.0F}, {2, 2, 1.0F}}, {0.75F, 1.0F, 1.0F, 1.0F}, 1, 2, 3});
        const auto unions = unionByRows(trace);
        QCOMPARE(unions.size(), std::size_t(2));
        QCOMPARE(unions[0], (UnionSize{1, 1, 2.0, 2.0, 1.0, 3.0}));
        QCOMPARE(unions[1], (UnionSize{4, 2, 3.0, 1.75, 1.0, 3.0}));
        QCOMPARE(coverageByBudget(trace),
                 (std::vector<double>{0.375, 0.625, 0.8125, 1.0}));  // of the passes of several rows
        QCOMPARE(coverageByBudget(trace, 4, 5), (std::vector<double>{0.75, 1.0, 1.0, 1.0}));
        QVERIFY(coverageByBudget(RunTrace{}).empty());
    }
};

QTEST_APPLESS_MAIN(TestDraftNumbers)
#include "tst_draft_numbers.moc"
