// Lists that are read in pages: every row once, in order, whatever is deleted, and never more rows than were asked for.
#include <set>

#include "data/store/run_titles.h"
#include "engine/values/run_json.h"
#include "tests/data/store_fixture.h"

using namespace quibble;
using namespace quibble::test;

class TestStoreLists : public QObject {
    Q_OBJECT

    // Finished at once, without a token.
    static RunId addShort(OpenStore& open, SessionId session, const RunRequest& request) {
        return open.add(session, request, {RunFinished{FinishReason::Stopped, {}, 0, 0, 0, 1, 0}});
    }

private slots:
    void everySessionOnce() {
        const QTemporaryDir folder;
        const auto store = need(Store::open(pathIn(folder)));
        std::vector<SessionId> made;
        for (int i = 0; i < 25; ++i) made.push_back(need(store->createSession("session " + std::to_string(i))));
        need(store->deleteSession(made[7]));
        std::vector<SessionId> seen;
        std::optional<SessionSummary> last;
        for (;;) {
            const std::int64_t before = store->rowsRead();
            const auto page = need(store->sessionPage(last, 10));
            QVERIFY(store->rowsRead() - before <= 10);
            for (const SessionSummary& session : page) seen.push_back(session.id);
            if (page.empty()) break;
            last = page.back();
        }
        std::vector<SessionId> expected;
        for (const SessionSummary& session : need(store->listSessions())) expected.push_back(session.id);
        QCOMPARE(expected.size(), std::size_t(24));
        QVERIFY(seen == expected);
    }

    void everyRunOnceWithItsAncestors() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s")),
                        other = need(open.store->createSession("other"));
        const RunId root = addShort(open, session, fullRequest(1));
        std::vector<RunId> runs{root};
        for (int i = 0; i < 30; ++i) runs.push_back(addShort(open, session, fullRequest(2)));
        const RunId branch = addShort(open, session, branchRequest(root, 9));  // far from its parent
        const RunId deep = addShort(open, session, branchRequest(branch, 9));
        addShort(open, other, fullRequest(3));
        need(open.store->deleteRun(runs[20]));
        const auto newest = need(open.store->runPage(session, kNoRun, 5));
        QCOMPARE(newest.runs.size(), std::size_t(6));  // five, and the root of the branch
        QVERIFY(newest.runs.front().id == root && newest.runs.back().id == deep);
        QCOMPARE(newest.earlier, std::int64_t{32 - 5});
        std::set<RunId> seen;
        RunId before = kNoRun;
        for (int pages = 0; pages < 20; ++pages) {
            const auto page = need(open.store->runPage(session, before, 5));
            if (page.first == kNoRun) break;
            for (const RunSummary& run : page.runs) {
                QVERIFY(run.session == session);
                seen.insert(run.id);
            }
            before = page.first;
        }
        QCOMPARE(seen.size(), std::size_t(32));
        QVERIFY(!seen.contains(runs[20]));
        QCOMPARE(need(open.store->sessionSummary(session)).runs, std::int64_t{32});
        QVERIFY(need(open.store->newestRun(session)) == deep);
        VERIFY_FAILS(open.store->listedRun(runs[20]), ErrorCode::NotFound);
        QVERIFY(need(open.store->listedRun(deep)).parent == branch);
        need(open.store->deleteSession(session));
        VERIFY_FAILS(open.store->listedRun(deep), ErrorCode::NotFound);
    }

    // A page says of a run what the whole list says, but for the texts that may be long.
    void pagesSayWhatTheListSays() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const RunId run = open.add(session, fullRequest(1), eventsOf({.seed = 1, .tokens = 30}));
        open.add(session, branchRequest(run, 9), eventsOf({.seed = 2, .tokens = 4, .first = 9}));
        auto whole = need(open.store->listRuns(session));
        for (RunSummary& row : whole) row.prompt = row.notes = "";
        QVERIFY(need(open.store->runPage(session, kNoRun, 10)).runs == whole);
        auto sessions = need(open.store->listSessions());
        QCOMPARE(need(open.store->sessionModels(session)), sessions[0].models);
        sessions[0].models.clear();
        QVERIFY(need(open.store->sessionPage(std::nullopt, 10)) == sessions);
        QVERIFY(need(open.store->traceSize(whole[1].id)) >=
                static_cast<std::int64_t>(need(open.store->loadRun(whole[1].id)).points().size()));
        QCOMPARE(need(open.store->firstPrompt(session)).value(), fullRequest(1).prompt);
        QVERIFY(!need(open.store->firstPrompt(need(open.store->createSession("empty")))).has_value());
        QVERIFY(need(open.store->stemOf(whole[1].id)) == whole);
        QVERIFY(need(open.store->branchesOf(whole[0].id, 100)) == whole);
        QCOMPARE(need(open.store->sessionsNamed("S", 10)).size(), std::size_t(1));
        QCOMPARE(need(open.store->findRuns(fullRequest(1).prompt.substr(0, 6), 10)).size(), std::size_t(2));
    }

    // Whatever field of a request differs, the title says so: today's fields, and every one that will be added.
    void differentSettingsHaveDifferentTitles() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        const RunRequest base = fullRequest();
        std::set<std::string> titles;
        const auto add = [&](const RunRequest& request) {
            const RunId run = addShort(open, session, request);
            need(open.store->nameRun(run, "3 bit, λ 0"));
            titles.insert(need(open.store->runSummary(run)).title);
        };
        add(base);
        QVERIFY(titles.contains("3 bit, λ 0"));
        add(base);  // the same again
        QCOMPARE(titles.size(), std::size_t(1));
        std::size_t made = 0;
        const nlohmann::json flat = toJson(base).flatten();
        for (const auto& [path, value] : flat.items()) {
            if (path.find("/branch") == 0) continue;  // of runs that exist
            nlohmann::json changed = toJson(base);
            nlohmann::json& field = changed[nlohmann::json::json_pointer(path)];
            if (value.is_string())
                field = value.get<std::string>() + "x";
            else if (value.is_boolean())
                field = !value.get<bool>();
            else if (value.is_number_integer())
                field = value.get<std::int64_t>() + 1;
            else if (value.is_number())
                field = value.get<double>() / 2;
            else
                continue;  // an empty list
            const auto request = runRequestFromJson(changed);
            if (!request) continue;  // a word of a fixed list
            QVERIFY2(!settingsThatDiffer(*request, base).empty(), path.c_str());
            add(*request);
            QVERIFY2(
                titles.size() == ++made + 1,
                qPrintable(
                    QString("%1: %2 titles of %3").arg(QString::fromStdString(path)).arg(titles.size()).arg(made + 1)));
        }
        QVERIFY2(made > 25, qPrintable(QString::number(made)));
    }

    // The command line gives no title: the prompt is one, and the settings are added.
    void runsOfOnePromptAreToldApart() {
        const QTemporaryDir folder;
        auto open = OpenStore::at(pathIn(folder));
        const SessionId session = need(open.store->createSession("s"));
        RunRequest request;
        request.prompt = "What is 1 + 1?";
        const auto title = [&](const RunRequest& asked) {
            return need(open.store->runSummary(addShort(open, session, asked))).title;
        };
        QCOMPARE(title(request), std::string("What is 1 + 1?"));
        request.seed = 7;
        QCOMPARE(title(request), std::string("What is 1 + 1?, seed 7"));
        request.penalty.strength = 0.5;
        QCOMPARE(title(request), std::string("What is 1 + 1?, λ 0.5, seed 7"));
    }
};

QTEST_APPLESS_MAIN(TestStoreLists)
#include "tst_store_lists.moc"
