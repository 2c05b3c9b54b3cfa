// Draft rounds and experts in the store: that they come back, what a branch inherits, what a killed run leaves, and
// what is refused.

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

namespace {

// A tokenizer of 300 and a model with 4 experts in each of 2 layers; the prompt is one token.
RunProvenance smallProvenance() {
    RunProvenance provenance;
    provenance.tokenizer_hash = "t";
    provenance.vocab_size = 300;
    provenance.expert_layers = 2;
    provenance.experts = 4;
    provenance.experts_used = 1;
    provenance.prompt_tokens = {0};
    return provenance;
}

TokenRecord plainToken(Position pos, TokenId id) {
    TokenRecord token;
    token.pos = pos;
    token.id = token.without_penalty_id = id;
    return token;
}

// At position 1: tokens 10 and 11 accepted, 99 refused in favour of 12.
DraftRound smallRound() {
    DraftRound round;
    round.pos = 1;
    round.nodes = {{-1, 10, 0.5F, 0.5F, 1.0F, 0.25F, DraftFate::Accepted},
                   {0, 11, 0.5F, 0.5F, 1.0F, 0.25F, DraftFate::Accepted},
                   {1, 99, 0.5F, 0.25F, 0.5F, 0.75F, DraftFate::Rejected}};
    round.path = {0, 1};
    round.added = 12;
    round.corrected = true;
    round.rows = 4;
    return round;
}

TokenExperts smallExperts(Position pos) { return {pos, 2, 1, {3, kNoExpert}, {1.0F, 0.0F}, {0.0F, 0.25F}}; }
ExpertPass smallPass(Position pos) {
    return {pos, 4, true, 2, {{3, 2, 0.75F}, {1, 1, 1.0F}}, {0.5F, 0.75F, 0.875F, 1.0F}, 100, 200, 300};
}

EventBatchPtr batchOf(RunId run, std::vector<RunEvent> events) {
    return std::make_shared<EventBatch>(EventBatch{run, std::move(events)});
}

struct Laboratory {
    QTemporaryDir folder;
    OpenStore open = OpenStore::at(pathIn(folder));
    SessionId session = need(open.store->createSession("s"));
    RunId run = need(open.writer->beginRun(session, fullRequest()));

    [[nodiscard]] std::string ask(const std::string& sql) const {
        return SQLite::Database(pathIn(folder).string(), SQLite::OPEN_READONLY).execAndGet(sql).getString();
    }
};

}  // namespace

class TestStoreSpeculation : public QObject {
    Q_OBJECT
private slots:
    void everyFieldComesBack_data() {
        QTest::addColumn<bool>("drafts");
        QTest::addColumn<int>("experts");
        QTest::addColumn<int>("tokens");
        QTest::newRow("drafts") << true << 0 << 400;
        QTest::newRow("experts") << false << 8 << 200;
        QTest::newRow("both") << true << 64 << 300;
        QTest::newRow("short") << true << 2 << 1;
        QTest::newRow("no token") << true << 8 << 0;
    }
    void everyFieldComesBack() {
        QFETCH(bool, drafts);
        QFETCH(int, experts);
        QFETCH(int, tokens);
        Laboratory lab;
        const auto events = eventsOf({.seed = 11, .tokens = tokens, .drafts = drafts, .experts = experts});
        const RunId run = lab.open.add(lab.session, fullRequest(), events);
        const RunTrace expected = test::traceOf(fullRequest(), events), found = need(lab.open.store->loadRun(run));
        QCOMPARE(differenceBetween(found, expected), std::string());
        QCOMPARE(found.draftRounds().empty(), !drafts || tokens == 0);
        for (const DraftRound& round : found.draftRounds()) {
            for (const DraftNode& node : round.nodes) QVERIFY(found.texts().contains(node.id));
        }
        VERIFY_OK(lab.open.store->runIntegrityCheck());
    }

    // From the parent what stands before the branch: of the round in whose midst it leaves, the part before.
    void branchesInherit() {
        Laboratory lab;
        const auto parent_events = eventsOf({.seed = 1, .tokens = 60, .drafts = true, .experts = 8});
        const RunId parent = lab.open.add(lab.session, fullRequest(), parent_events);
        const RunTrace parent_trace = test::traceOf(fullRequest(), parent_events);
        for (Position at = 7; at < 60; at += 4) {
            const auto own = eventsOf({.seed = 2, .tokens = 9, .first = at, .drafts = true, .experts = 8});
            const RunId branch = lab.open.add(lab.session, branchRequest(parent, at), own);
            RunTrace expected(branchRequest(parent, at));
            expected.inherit(parent_trace, at);
            for (const RunEvent& event : own) {
                // The store tells the prompt of the root, which is where a trace starts.
                if (!std::holds_alternative<RunProvenance>(event)) expected.apply(event);
            }
            const RunTrace found = need(lab.open.store->loadRun(branch));
            QCOMPARE(found.draftRounds().size(), expected.draftRounds().size());
            QCOMPARE(found.expertPasses().size(), expected.expertPasses().size());
            for (Position pos = 0; pos < at + 9; ++pos) {
                QCOMPARE(tokenOriginText(found.originAt(pos)), tokenOriginText(expected.originAt(pos)));
                const TokenExperts *a = found.expertsAt(pos), *b = expected.expertsAt(pos);
                QCOMPARE(a == nullptr, b == nullptr);
                if (a != nullptr) QCOMPARE(a->ids, b->ids);
            }
        }
    }

    // A branch with another model of the same tokenizer: the text and its drafts are inherited, the experts mean
    // nothing there.
    void branchWithAnotherModel() {
        Laboratory lab;
        const RunId parent =
            lab.open.add(lab.session, fullRequest(), eventsOf({.seed = 1, .tokens = 30, .drafts = true, .experts = 8}));
        const RunId branch = lab.open.add(lab.session, branchRequest(parent, 20),
                                          eventsOf({.seed = 2, .tokens = 5, .first = 20, .drafts = true}));
        const RunTrace found = need(lab.open.store->loadRun(branch));
        QVERIFY(found.draftRounds().size() > 3);
        QVERIFY(found.expertPasses().empty() && found.tokenExperts().empty());
    }

    // Killed between a round and its tokens: the round says what is there.
    void roundThatLostItsTokens() {
        Laboratory lab;
        lab.open.writer->push(batchOf(lab.run, {smallProvenance(), smallRound(), smallPass(0), plainToken(1, 10),
                                                smallExperts(0), smallExperts(1), smallExperts(2)}));
        VERIFY_OK(lab.open.writer->flush());
        RunTrace trace = need(lab.open.store->loadRun(lab.run));
        QCOMPARE(trace.draftRounds().size(), std::size_t(1));
        QCOMPARE(trace.draftRounds()[0].tokens(), 1);
        QCOMPARE(trace.draftRounds()[0].nodes.size(), std::size_t(3));
        QVERIFY(trace.expertsAt(1) != nullptr && trace.expertsAt(2) == nullptr);
        lab.open.writer->push(batchOf(lab.run, {plainToken(2, 11), plainToken(3, 12)}));
        VERIFY_OK(lab.open.writer->flush());
        trace = need(lab.open.store->loadRun(lab.run));
        QCOMPARE(trace.draftRounds()[0], smallRound());
        QVERIFY(trace.originAt(3) == TokenOrigin::Corrected);
        QVERIFY(*trace.expertsAt(2) == smallExperts(2));
        QCOMPARE(trace.expertPasses(), std::vector{smallPass(0)});
    }

    void expertsToldAgain() {
        Laboratory lab;
        TokenExperts again = smallExperts(0);
        again.ids = {1, 2};
        lab.open.writer->push(batchOf(lab.run, {smallProvenance(), smallExperts(0), again, plainToken(1, 10)}));
        VERIFY_OK(lab.open.writer->flush());
        QVERIFY(*need(lab.open.store->loadRun(lab.run)).expertsAt(0) == again);
    }

    // A fault of an engine costs the event, with words, and not the run.
    void unsoundEventsAreRefused_data() {
        QTest::addColumn<int>("which");
        QTest::addColumn<QByteArray>("says");
        int number = 0;
        for (const char* says :
             {"node 2 hangs under node 2", "names token 300", "does not follow the accepted path",
              "not that of the accepted nodes", "in the middle of the accepted path", "a correction without a token",
              "negative", "at position -1", "names expert 4 of 4", "lists of another length", "has 3 layers",
              "has 1 layers", "a coverage curve of 3 budgets", "more experts"}) {
            QTest::newRow(says) << number++ << QByteArray(says);
        }
    }
    void unsoundEventsAreRefused() {
        QFETCH(int, which);
        QFETCH(QByteArray, says);
        DraftRound round = smallRound();
        TokenExperts experts = smallExperts(0);
        ExpertPass pass = smallPass(0);
        switch (which) {
            case 0: round.nodes[2].parent = 2; break;
            case 1: round.nodes[2].id = 300; break;
            case 2:
                round.nodes[2].fate = DraftFate::Accepted;
                round.nodes[2].parent = 0;
                break;
            case 3: round.path = {1, 0}; break;
            case 4: round.path = {0}; break;
            case 5: round.added = kNoToken; break;
            case 6: round.verify_ns = -1; break;
            case 7: round.pos = -1; break;
            case 8: experts.ids[0] = 4; break;
            case 9: experts.weights.pop_back(); break;
            case 10: experts.layers = 3; break;
            case 11: pass.layers.pop_back(); break;
            case 12: pass.coverage_by_budget.pop_back(); break;
            default: pass.layers[0].natural = 5; break;
        }
        Laboratory lab;
        std::vector<RunEvent> events = {smallProvenance(), plainToken(1, 10)};
        if (which < 8)
            events.emplace_back(round);
        else if (which < 11)
            events.emplace_back(experts);
        else
            events.emplace_back(pass);
        lab.open.writer->push(batchOf(lab.run, events));
        const auto flushed = lab.open.writer->flush();
        VERIFY_FAILS(flushed, ErrorCode::InvalidArgument);
        QVERIFY2(flushed.error().what.find(says.toStdString()) != std::string::npos, flushed.error().what.c_str());
        QCOMPARE(need(lab.open.store->loadRun(lab.run)).points().size(), std::size_t(1));
    }

    void purgeTakesEverything() {
        Laboratory lab;
        VERIFY_OK(lab.open.writer->close());
        lab.open.writer = need(StoreWriter::open(*lab.open.store));
        const RunId kept =
            lab.open.add(lab.session, fullRequest(), eventsOf({.seed = 1, .drafts = true, .experts = 8}));
        const RunId gone =
            lab.open.add(lab.session, fullRequest(), eventsOf({.seed = 2, .drafts = true, .experts = 8}));
        VERIFY_OK(lab.open.store->deleteRun(gone));
        QCOMPARE(need(lab.open.store->purge()), 1);
        for (const char* table : {"draft_round", "token_experts", "expert_pass"}) {
            QCOMPARE(lab.ask(std::string("SELECT GROUP_CONCAT(DISTINCT run) FROM ") + table),
                     std::to_string(raw(kept)));
        }
        VERIFY_OK(lab.open.store->runIntegrityCheck());
    }
};

QTEST_APPLESS_MAIN(TestStoreSpeculation)
#include "tst_store_speculation.moc"
