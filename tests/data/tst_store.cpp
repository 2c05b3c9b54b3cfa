#include <fstream>

#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

class TestStore : public QObject {
    Q_OBJECT
private slots:
    void everyFieldComesBack_data() {
        QTest::addColumn<int>("seed");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<bool>("references");
        QTest::newRow("short") << 1 << 20 << true;
        QTest::newRow("long") << 2 << 700 << true;
        QTest::newRow("no reference") << 3 << 30 << false;
        QTest::newRow("no token") << 4 << 0 << true;
    }
    void everyFieldComesBack() {
        QFETCH(int, seed);
        QFETCH(int, tokens);
        QFETCH(bool, references);
        const QTemporaryDir folder;
        const auto request = fullRequest();
        const auto events =
            eventsOf({.seed = static_cast<std::uint64_t>(seed), .tokens = tokens, .references = references});
        RunId run{};
        {
            auto open = OpenStore::at(pathIn(folder, "new/folders/lab.qbl"));
            run = open.add(need(open.store->createSession("s")), request, events);
            QCOMPARE(differenceBetween(need(open.store->loadRun(run)), test::traceOf(request, events)), std::string());
        }
        const auto store = need(Store::open(pathIn(folder, "new/folders/lab.qbl"), OpenMode::ReadOnly));
        QCOMPARE(differenceBetween(need(store->loadRun(run)), test::traceOf(request, events)), std::string());
        QVERIFY(need(store->loadRequest(run)) == request);
        VERIFY_OK(store->runIntegrityCheck());
    }

    // A text that a rule takes back and writes on: the store holds what the text is at last, and its counts are of
    // that.
    void aTextThatWasTakenBackIsStoredAsItIs() {
        for (const int rewrites : {1, 3}) {
            for (const int experts : {0, 8}) {
                const QTemporaryDir folder;
                auto open = OpenStore::at(pathIn(folder));
                const RunShape shape{.seed = 3, .tokens = 60, .experts = experts, .rules = true, .rewrites = rewrites};
                const auto events = eventsOf(shape);
                const SessionId session = need(open.store->createSession("s"));
                const RunId run = open.add(session, ruledRequest(1), events);
                const RunTrace stored = need(open.store->loadRun(run));
                const RunTrace whole = test::traceOf(ruledRequest(1), withTextsOf(events, stored));
                QCOMPARE(whole.points().size(), std::size_t{60});
                const std::string difference = differenceBetween(stored, whole);
                QVERIFY2(difference.empty(), difference.c_str());
                const RunSummary info = need(open.store->listRuns(session)).at(0);
                QCOMPARE(info.tokens, std::int64_t{60});
                std::int64_t markers = 0, thinking = 0, interventions = 0;
                for (const TracePoint& point : whole.points()) {
                    markers += point.token.sampledMarker();
                    thinking += point.token.thinking;
                    interventions += point.token.intervened();
                }
                QCOMPARE(info.markers, markers);
                QCOMPARE(info.thinking_tokens, thinking);
                QCOMPARE(info.interventions, interventions);
                // A copy says the same.
                need(open.store->exportSession(session, pathIn(folder, "copy.qbl")));
                const auto copy = need(Store::open(pathIn(folder, "copy.qbl"), OpenMode::ReadOnly));
                QCOMPARE(differenceBetween(need(copy->loadRun(run)), whole), std::string());
            }
        }
    }

    void runsWithoutTokenizerHashShareNothing() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        auto events = eventsOf({.seed = 5, .tokenizer_hash = ""});
        const RunId first = open.add(session, fullRequest(), events);
        for (RunEvent& event : events) {
            if (auto* text = std::get_if<TokenText>(&event)) text->bytes += "!";
        }
        const RunId second = open.add(session, fullRequest(), events);
        QCOMPARE(differenceBetween(need(open.store->loadRun(first)),
                                   test::traceOf(fullRequest(), eventsOf({.seed = 5, .tokenizer_hash = ""}))),
                 std::string());
        QCOMPARE(differenceBetween(need(open.store->loadRun(second)), test::traceOf(fullRequest(), events)),
                 std::string());
    }

    // 0..9 root, branch at 9 of the root, branch at 12 of the branch, and one at 7, before the first branch begins.
    void branchesStartWithTheirParents() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const auto root_events = eventsOf({.seed = 1, .tokens = 8});
        const RunId root = open.add(session, fullRequest(), root_events);
        const auto child_events = eventsOf({.seed = 2, .tokens = 6, .first = 9});
        const RunId child = open.add(session, branchRequest(root, 9), child_events);
        const auto grandchild_events = eventsOf({.seed = 3, .tokens = 2, .first = 12});
        const RunId grandchild = open.add(session, branchRequest(child, 12), grandchild_events);
        const auto early_events = eventsOf({.seed = 4, .tokens = 3, .first = 7});
        const RunId early = open.add(session, branchRequest(child, 7), early_events);

        const RunTrace root_trace = need(open.store->loadRun(root));
        const auto same = [](const RunTrace& a, std::size_t from, std::size_t to, const RunTrace& b,
                             std::size_t b_from) {
            for (std::size_t i = from; i < to; ++i) {
                RunTrace left, right;
                left.apply(a.points().at(i).token);
                left.apply(a.points().at(i).reference);
                right.apply(b.points().at(b_from + i - from).token);
                right.apply(b.points().at(b_from + i - from).reference);
                if (!differenceBetween(left, right).empty()) return false;
            }
            return true;
        };
        const RunTrace child_own = test::traceOf({}, child_events),
                       grandchild_own = test::traceOf({}, grandchild_events);
        const RunTrace child_trace = need(open.store->loadRun(child));
        QCOMPARE(child_trace.points().size(), std::size_t(4 + 6));  // positions 5..8 of the root
        QVERIFY(same(child_trace, 0, 4, root_trace, 0));
        QVERIFY(same(child_trace, 4, 10, child_own, 0));
        QCOMPARE(child_trace.controls().size(), std::size_t(2));  // its own
        const RunTrace grandchild_trace = need(open.store->loadRun(grandchild));
        QCOMPARE(grandchild_trace.points().size(), std::size_t(4 + 3 + 2));
        QVERIFY(same(grandchild_trace, 0, 7, child_trace, 0));
        QVERIFY(same(grandchild_trace, 7, 9, grandchild_own, 0));
        QCOMPARE(grandchild_trace.points().back().token.pos, Position(13));
        const RunTrace early_trace = need(open.store->loadRun(early));
        QCOMPARE(early_trace.points().size(), std::size_t(2 + 3));  // nothing of the child itself
        QVERIFY(same(early_trace, 0, 2, root_trace, 0));
        for (const TracePoint& point : grandchild_trace.points())
            QVERIFY(grandchild_trace.texts().contains(point.token.id));
        QCOMPARE(need(open.store->runSummary(grandchild)).tokens, 2);
        QCOMPARE(need(open.store->runSummary(grandchild)).parent, child);
        QCOMPARE(need(open.store->runSummary(grandchild)).branch_pos, Position(12));
    }

    void branchThatHasNoTokenYet() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const RunId root = open.add(session, fullRequest(), eventsOf({.tokens = 8}));
        const RunId branch = need(open.writer->beginRun(session, branchRequest(root, 9)));
        const RunTrace trace = need(open.store->loadRun(branch));
        QCOMPARE(trace.points().size(), std::size_t(4));
        QVERIFY(trace.state() == RunState::Running);
        QCOMPARE(trace.provenance().model_hash, std::string("m123"));
    }

    void summariesSayWhatTheTraceSays() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("first"));
        RunRequest request = fullRequest(3);
        std::vector<RunEvent> events;
        RunProvenance provenance;
        provenance.model_name = "nano";
        provenance.weight_format = "Q4_0";
        provenance.tokenizer_hash = "t";
        provenance.prompt_tokens = {0};
        events.emplace_back(provenance);
        const std::vector<std::string> pieces = {"6x7=42", " Wait", "</think>", " The answer is 42."};
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            TokenRecord token;
            token.pos = 1 + static_cast<Position>(i);
            token.id = token.without_penalty_id = static_cast<TokenId>(i);
            token.thinking = i < 2;
            token.marker = i == 1;
            token.entropy = static_cast<float>(i);
            if (i == 3) token.without_penalty_id = 1;
            events.emplace_back(TokenText{token.id, pieces[i]});
            events.emplace_back(token);
            ReferenceRecord reference;
            reference.pos = token.pos;
            reference.kl = 0.5f;
            reference.rank = 1;
            events.emplace_back(reference);
        }
        events.emplace_back(RunFinished{FinishReason::EndOfText, "", 1, 2, 3, 4, 5});
        const RunId run = open.add(session, request, events);
        const auto runs = need(open.store->listRuns(session));
        QCOMPARE(runs.size(), std::size_t(1));
        const RunSummary& s = runs[0];
        QVERIFY(s == need(open.store->runSummary(run)));
        QCOMPARE(s.id, run);
        QCOMPARE(s.session, session);
        QCOMPARE(s.title, std::string("What is 6 x 7?"));
        QVERIFY(s.status == RunStatus::Finished);
        QVERIFY(s.finish_reason == FinishReason::EndOfText);
        QCOMPARE(s.model_name, std::string("nano"));
        QCOMPARE(s.weight_format, std::string("Q4_0"));
        QCOMPARE(s.seed, request.seed);
        QCOMPARE(s.penalty, 2.5);
        QCOMPARE(s.tokens, 4);
        QCOMPARE(s.thinking_tokens, 2);
        QCOMPARE(s.markers, 1);
        QCOMPARE(s.interventions, 1);
        QCOMPARE(s.mean_entropy.value(), 1.5);
        QCOMPARE(s.mean_kl.value(), 0.5);
        QCOMPARE(s.answer, std::string("42"));
        QCOMPARE(s.known_answer, std::string("42"));
        QCOMPARE(s.correct, std::optional(true));
        QCOMPARE(s.decode_ns, 2);
        QCOMPARE(s.wall_ns, 4);
        const auto sessions = need(open.store->listSessions());
        QCOMPARE(sessions.size(), std::size_t(1));
        QCOMPARE(sessions[0].runs, 1);
        QCOMPARE(sessions[0].tokens, 4);
        QCOMPARE(sessions[0].models, std::string("nano"));
        request.known_answer = "about 42";  // no rule compares it with 42: neither right nor wrong
        const RunSummary undecided = need(open.store->runSummary(open.add(session, request, events)));
        QCOMPARE(undecided.answer, std::string("42"));
        QVERIFY(!undecided.correct);
    }

    void listingSearchingNaming() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        Store& store = *open.store;
        QCOMPARE(need(store.lastSession()), kNoSession);
        const SessionId a = need(store.createSession("Alpha")), b = need(store.createSession("Beta 100%"));
        QCOMPARE(need(store.lastSession()), b);
        VERIFY_OK(store.markOpened(a));
        QCOMPARE(need(store.lastSession()), a);
        const RunId run = open.add(a, fullRequest(), eventsOf({}));
        VERIFY_OK(store.renameRun(run, "The 'odd' one"));
        VERIFY_OK(store.setRunNotes(run, "look here"));
        VERIFY_OK(store.setSessionNotes(b, "spare"));
        QCOMPARE(need(store.listSessions("alPHA")).size(), std::size_t(1));
        QCOMPARE(need(store.listSessions("6 x 7")).at(0).id, a);
        QCOMPARE(need(store.listSessions("100%")).at(0).id, b);
        QCOMPARE(need(store.listSessions("_")).size(), std::size_t(0));
        QCOMPARE(need(store.listSessions("spare")).at(0).id, b);
        QCOMPARE(need(store.listSessions("'odd'")).at(0).id, a);
        QCOMPARE(need(store.listSessions()).at(0).id, a);  // the run was the last change
        QCOMPARE(need(store.listRuns(a, "LOOK")).size(), std::size_t(1));
        QCOMPARE(need(store.listRuns(a, "nothing")).size(), std::size_t(0));
        QCOMPARE(need(store.searchRuns("odd")).at(0).id, run);
        VERIFY_OK(store.renameSession(b, "Gamma"));
        QCOMPARE(need(store.listSessions("gamma")).at(0).notes, std::string("spare"));
        VERIFY_FAILS(store.renameSession(SessionId{99}, "x"), ErrorCode::NotFound);
        VERIFY_FAILS(store.renameRun(RunId{99}, "x"), ErrorCode::NotFound);
        VERIFY_FAILS(store.loadRun(RunId{99}), ErrorCode::NotFound);
        VERIFY_FAILS(store.markOpened(SessionId{99}), ErrorCode::NotFound);
    }

    void notes() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = open.add(need(open.store->createSession("s")), fullRequest(), eventsOf({}));
        const std::int64_t late = need(open.store->addNote(run, 9, 12, "late")),
                           early = need(open.store->addNote(run, 5, 6, "early"));
        VERIFY_OK(open.store->setNoteText(late, "later"));
        const auto notes = need(open.store->listNotes(run));
        QCOMPARE(notes.size(), std::size_t(2));
        QCOMPARE(notes[0].id, early);
        QCOMPARE(notes[1].text, std::string("later"));
        QCOMPARE(notes[1].from, Position(9));
        QCOMPARE(notes[1].to, Position(12));
        VERIFY_OK(open.store->deleteNote(early));
        QCOMPARE(need(open.store->listNotes(run)).size(), std::size_t(1));
        VERIFY_FAILS(open.store->deleteNote(early), ErrorCode::NotFound);
        VERIFY_FAILS(open.store->addNote(RunId{99}, 0, 1, "x"), ErrorCode::NotFound);
        VERIFY_FAILS(open.store->addNote(run, 3, 2, "x"), ErrorCode::InvalidArgument);
    }

    void deletingTakesTheBranchesAndUndoBringsThemBack() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        Store& store = *open.store;
        const SessionId session = need(store.createSession("s"));
        const RunId root = open.add(session, fullRequest(), eventsOf({}));
        const RunId left = open.add(session, branchRequest(root, 8), eventsOf({.first = 8}));
        const RunId right = open.add(session, branchRequest(root, 9), eventsOf({.first = 9}));
        const RunId leaf = open.add(session, branchRequest(left, 12), eventsOf({.first = 12}));
        const auto live = [&] {
            std::vector<RunId> ids;
            for (const RunSummary& run : need(store.listRuns(session))) ids.push_back(run.id);
            return ids;
        };
        VERIFY_OK(store.deleteRun(right));
        VERIFY_OK(store.deleteRun(root));
        QCOMPARE(live(), std::vector<RunId>{});
        QCOMPARE(need(store.listRuns(session, {}, Listed::Deleted)).size(), std::size_t(4));
        QCOMPARE(need(store.searchRuns("")).size(), std::size_t(0));
        VERIFY_OK(store.restoreRun(root));
        QCOMPARE(live(), (std::vector{root, left, leaf}));  // not the one that went before
        VERIFY_OK(store.restoreRun(right));
        QCOMPARE(live(), (std::vector{root, left, right, leaf}));
        VERIFY_FAILS(store.restoreRun(right), ErrorCode::NotFound);
        VERIFY_OK(store.deleteRun(left));
        QCOMPARE(live(), (std::vector{root, right}));
        VERIFY_FAILS(store.deleteRun(left), ErrorCode::NotFound);
        VERIFY_OK(store.deleteRun(root));
        VERIFY_OK(store.restoreRun(leaf));  // with what it stands on
        QCOMPARE(live(), (std::vector{root, left, leaf}));
        VERIFY_OK(store.loadRun(leaf));
    }

    void purgeKeepsWhatBranchesStandOn() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        Store& store = *open.store;
        const SessionId session = need(store.createSession("s")), other = need(store.createSession("t"));
        const RunId root = open.add(session, fullRequest(), eventsOf({}));
        const RunId left = open.add(session, branchRequest(root, 8), eventsOf({.first = 8}));
        const RunId away = open.add(other, fullRequest(), eventsOf({.seed = 9, .tokenizer_hash = "tokenizer-b"}));
        VERIFY_OK(store.deleteRun(left));
        VERIFY_OK(store.deleteSession(other));
        QCOMPARE(need(store.listSessions()).size(), std::size_t(1));
        QCOMPARE(need(store.listSessions({}, Listed::Deleted)).at(0).id, other);
        QCOMPARE(need(store.purge(1000 * 3600)), 0);  // not old enough
        VERIFY_OK(store.restoreSession(other));
        VERIFY_FAILS(store.restoreSession(other), ErrorCode::NotFound);
        VERIFY_OK(store.deleteSession(other));
        QCOMPARE(need(store.purge()), 2);
        VERIFY_FAILS(store.loadRun(left), ErrorCode::NotFound);
        VERIFY_FAILS(store.loadRun(away), ErrorCode::NotFound);
        VERIFY_OK(store.loadRun(root));
        QCOMPARE(need(store.purge()), 0);
        VERIFY_OK(store.runIntegrityCheck());
    }

    void oneWriterAnyReaders() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const RunId run = open.add(need(open.store->createSession("s")), fullRequest(), eventsOf({}));
        const auto second = Store::open(pathIn(folder));
        VERIFY_FAILS(second, ErrorCode::Busy);
        QVERIFY(!second.error().hint.empty());
        const auto reader = need(Store::open(pathIn(folder), OpenMode::ReadOnly));
        QVERIFY(reader->readOnly());
        VERIFY_OK(reader->loadRun(run));
        VERIFY_FAILS(reader->createSession("x"), ErrorCode::InvalidArgument);
        VERIFY_FAILS(reader->deleteRun(run), ErrorCode::InvalidArgument);
        VERIFY_FAILS(reader->renameRun(run, "x"), ErrorCode::InvalidArgument);
        VERIFY_FAILS(reader->purge(), ErrorCode::InvalidArgument);
        VERIFY_FAILS(StoreWriter::open(*reader), ErrorCode::InvalidArgument);
        open.store.reset();
        VERIFY_FAILS(Store::open(pathIn(folder)), ErrorCode::Busy);  // the writer is still there
        open.writer.reset();
        VERIFY_OK(Store::open(pathIn(folder)));
    }

    void openingWhatCannotBeOpened() {
        const QTemporaryDir folder;
        VERIFY_FAILS(Store::open(pathIn(folder), OpenMode::ReadOnly), ErrorCode::NotFound);
        VERIFY_FAILS(Store::open(""), ErrorCode::InvalidArgument);
        VERIFY_FAILS(Store::open("/dev/null/x/lab.qbl"), ErrorCode::Io);
        VERIFY_FAILS(Store::open(folder.path().toStdString()), ErrorCode::Io);  // a folder
        std::ofstream(pathIn(folder, "empty.qbl"));
        VERIFY_FAILS(Store::open(pathIn(folder, "empty.qbl"), OpenMode::ReadOnly), ErrorCode::Unsupported);
        VERIFY_OK(Store::open(pathIn(folder, "empty.qbl")));  // nothing is lost by filling it
    }

    void oddNamesOfFiles() {
        const QTemporaryDir folder;
        for (const char* name : {"a b%20?mode=memory#x.qbl", "file:name.qbl", "\xC3\xA9'\".qbl"}) {
            { VERIFY_OK(need(Store::open(pathIn(folder, name)))->createSession("s")); }
            QVERIFY(std::filesystem::exists(pathIn(folder, name)));
            QCOMPARE(need(need(Store::open(pathIn(folder, name), OpenMode::ReadOnly))->listSessions()).size(),
                     std::size_t(1));
        }
    }
};

QTEST_APPLESS_MAIN(TestStore)
#include "tst_store.moc"
