// Many runs over common passes: random groups of different lengths, rules, seeds, drafts, references and cache types,
// which join and leave at random, give each run the bits that it has alone.
#include <QTest>

#include <map>
#include <random>

#include "engine/run/scheduler.h"
#include "tests/support/golden.h"
#include "tests/support/sanitized.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::filesystem::path shipped(const char* name) { return shippedModel().parent_path() / name; }

// Two records are equal bit for bit; what was not measured is NaN in both.
bool sameFloat(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

bool sameAlternatives(const std::vector<Alternative>& a, const std::vector<Alternative>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Alternative& x, const Alternative& y) {
        return x.id == y.id && sameFloat(x.logprob, y.logprob);
    });
}

bool samePoint(const TracePoint& a, const TracePoint& b) {
    const TokenRecord &x = a.token, &y = b.token;
    const ReferenceRecord &p = a.reference, &q = b.reference;
    return x.pos == y.pos && x.id == y.id && x.without_penalty_id == y.without_penalty_id &&
           sameFloat(x.logprob, y.logprob) && x.rank == y.rank && sameFloat(x.entropy, y.entropy) &&
           sameFloat(x.varentropy, y.varentropy) && sameFloat(x.marker_mass, y.marker_mass) &&
           sameFloat(x.marker_mass_after, y.marker_mass_after) && x.thinking == y.thinking &&
           x.injected == y.injected && sameAlternatives(x.top, y.top) && sameAlternatives(x.top_after, y.top_after) &&
           p.pos == q.pos && sameFloat(p.kl, q.kl) && sameFloat(p.entropy, q.entropy) &&
           sameFloat(p.logprob, q.logprob) && p.rank == q.rank && sameAlternatives(p.top, q.top);
}

// The first position that differs; -1: none does.
int differsAt(const RunTrace& a, const RunTrace& b) {
    for (std::size_t i = 0; i < std::min(a.points().size(), b.points().size()); ++i) {
        if (!samePoint(a.points()[i], b.points()[i])) return static_cast<int>(i);
    }
    if (a.points().size() != b.points().size()) return static_cast<int>(std::min(a.points().size(), b.points().size()));
    return -1;
}

// What a run says of its drafts and experts, but for the times, and for passes over text that another run had computed.
bool sameWork(const RunTrace& a, const RunTrace& b) {
    const Position from = a.provenance().reused_positions > 0 ? a.firstPosition() : 0;
    const auto timeless = [from](const RunTrace& trace) {
        std::pair<std::vector<DraftRound>, std::vector<ExpertPass>> work{trace.draftRounds(), trace.expertPasses()};
        for (DraftRound& round : work.first) {
            round.draft_ns = round.verify_ns = round.other_ns = 0;
            for (DraftNode& node : round.nodes) {
                for (float* number : {&node.draft_prob, &node.target_prob, &node.accept_prob, &node.draw}) {
                    if (std::isnan(*number)) *number = -1;
                }
            }
        }
        std::erase_if(work.second, [from](const ExpertPass& pass) { return pass.pos < from; });
        for (ExpertPass& pass : work.second) pass.pass_ns = 0;
        return work;
    };
    return timeless(a) == timeless(b) && a.tokenExperts() == b.tokenExperts();
}

// A request that `random` makes of a shipped model.
RunRequest randomRequest(const char* model, std::mt19937& random) {
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    static const char* const kPrompts[] = {"Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?",
                                           "What is 3 + 4?", "Mia has 12 boxes of 7 pens. How many pens?",
                                           "A farmer has 31 hens and buys 45 more. Then 12 are sold. How many hens?"};
    RunRequest r;
    r.model_path = shipped(model).string();
    if (pick(3) == 0) r.weight_quant = *parseMethodChoice("rtn:bits=3,group=64");
    r.reference.kind = pick(2) == 0 ? ReferenceKind::Unquantized : ReferenceKind::None;
    r.reference.block = 1 + pick(20);
    r.kv_type = kKvTypes[static_cast<std::size_t>(pick(static_cast<int>(kKvTypes.size())))];
    r.prompt = kPrompts[pick(4)];
    r.max_tokens = 1 + pick(50);
    r.seed = static_cast<std::uint64_t>(1 + pick(1000));
    r.sampler.temperature = pick(3) == 0 ? 0.0 : 0.6 + 0.1 * pick(5);
    r.penalty.strength = pick(2) == 0 ? 0.0 : 1.0 + pick(3);
    r.arithmetic = pick(4) == 0 ? Arithmetic::F32 : Arithmetic::Native;
    r.top_alternatives = 1 + pick(6);
    if (pick(3) == 0) r.logits.push_back(*parseMethodChoice("cyclic:amplitude=4,period=20,words=spaced"));
    if (pick(3) == 0) r.logits.push_back(*parseMethodChoice("loop_stop:times=2,length=3"));
    if (pick(3) == 0) r.control.push_back(*parseMethodChoice("budget:tokens=12,message=\" So\""));
    if (pick(4) == 0) r.control.push_back(*parseMethodChoice("wait_injection:times=1,text=\" Wait\""));
    if (pick(4) == 0) r.control.push_back(*parseMethodChoice("deer:word=\" =\",threshold=0.97,length=8"));
    if (pick(5) == 0) r.control.push_back(*parseMethodChoice("k_stable:k=3,length=6"));
    if (pick(4) == 0) r.logits.push_back(*parseMethodChoice("contrast:alpha=0.6,prompt=\"How many?\""));
    if (pick(4) == 0) {  // takes text back, and goes with neither trials nor drafts
        std::erase_if(r.control, [](const MethodChoice& one) { return one.id == "deer" || one.id == "k_stable"; });
        r.control.push_back(*parseMethodChoice("concise_hint:alpha=9,beta=0,most=9,hint=\"(short!)\""));
        return r;
    }
    if (const int draft = pick(4); draft == 1) {
        r.draft.method = *parseMethodChoice("ngram");
    } else if (draft == 2 && std::string_view(model) == "quibble-nano.gguf") {
        r.draft.method = *parseMethodChoice("chain:length=3");
        r.draft.path = shipped("quibble-nano-draft.gguf").string();
    }
    return r;
}

std::unique_ptr<ScheduledRun> scheduled(std::int64_t id, const RunRequest& r, Scheduler& scheduler,
                                        PrefixCache* prefixes = nullptr) {
    auto opened = openRunModels(models(), r, {});
    if (!opened) qFatal("%s", opened.error().line().c_str());
    auto loop =
        RunLoop::create(r, std::move(*opened), scheduler.device(), {}, prefixes, memoryLimit, &scheduler.passes());
    if (!loop) qFatal("%s", loop.error().line().c_str());
    auto run = std::make_unique<ScheduledRun>();
    run->id = id;
    run->events.emplace_back((*loop)->provenance());
    run->loop = std::move(*loop);
    return run;
}

RunTrace traceOf(const RunRequest& request, const ScheduledRun& run) {
    RunTrace trace(request);
    for (const RunEvent& event : run.events) trace.apply(event);
    return trace;
}

}  // namespace

class TestScheduler : public QObject {
    Q_OBJECT
private slots:
    void eachRunHasItsOwnBits_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<int>("threads");
        for (const char* model : {"quibble-nano.gguf", "quibble-nano-draft.gguf", "quibble-nano-moe.gguf"}) {
            for (const int threads : {1, 3})
                QTest::addRow("%s, %d threads", model, threads) << QString(model) << threads;
        }
    }
    void eachRunHasItsOwnBits() {
        QFETCH(const QString, model);
        QFETCH(const int, threads);
        const std::string name = model.toStdString();
        std::mt19937 random(static_cast<unsigned>(7 * threads));
        for (const int count : {1, 5, kSanitized ? 10 : 40}) {
            CpuDevice device(threads);
            Scheduler scheduler(device);
            PrefixCache prefixes;
            std::map<std::int64_t, RunRequest> requests;
            std::map<std::int64_t, std::unique_ptr<ScheduledRun>> done;
            std::int64_t next = 0, left = 0;
            while (std::ssize(done) + left < count || next < count) {
                // Some join, and now and then one leaves before its end.
                for (auto joining = random() % 4; joining > 0 && next < count; --joining, ++next) {
                    requests[next] = randomRequest(name.c_str(), random);
                    scheduler.add(scheduled(next, requests[next], scheduler, random() % 2 == 0 ? &prefixes : nullptr));
                }
                if (!scheduler.runs().empty() && random() % 40 == 0) {
                    auto taken = scheduler.take(scheduler.runs()[random() % scheduler.runs().size()]->id);
                    ++left;
                    // What it had made by then is the beginning of what it makes alone.
                    const RunTrace trace = traceOf(requests[taken->id], *taken);
                    const WholeRun alone = wholeRun(requests[taken->id], 1);
                    const auto& control = requests[taken->id].control;
                    if (!control.empty() && control.back().id == "concise_hint") continue;  // takes text back
                    QVERIFY(trace.points().size() <= alone.trace.points().size());
                    for (std::size_t i = 0; i < trace.points().size(); ++i)
                        QCOMPARE(trace.points()[i].token.id, alone.trace.points()[i].token.id);
                }
                const auto round = scheduler.round();
                QVERIFY2(round, round ? "" : round.error().line().c_str());
                for (auto& run : scheduler.takeDone()) done[run->id] = std::move(run);
            }
            QVERIFY(std::ssize(done) + left == count);
            for (const auto& [id, run] : done) {
                QVERIFY2(!run->failed, run->failed ? run->failed->line().c_str() : "");
                const WholeRun alone = wholeRun(requests[id], 1);
                const RunTrace trace = traceOf(requests[id], *run);
                QVERIFY(!trace.points().empty());
                QCOMPARE(differsAt(trace, alone.trace), -1);
                QCOMPARE(trace.referenced(), alone.trace.referenced());
                QVERIFY2(sameWork(trace, alone.trace), qPrintable(QString("run %1").arg(id)));
                QCOMPARE(run->loop->finishReason(), FinishReason(run->loop->closing().reason));
            }
        }
    }

    // Rows of many runs go through the model together: that is what the scheduler is for.
    void passesAreShared() {
        CpuDevice device(2);
        Scheduler scheduler(device);
        RunRequest r;
        r.model_path = shippedModel().string();
        r.prompt = "What is 3 + 4?";
        r.max_tokens = 20;
        r.sampler.temperature = 0;
        for (int i = 0; i < 16; ++i) scheduler.add(scheduled(i, r, scheduler));
        while (!scheduler.runs().empty()) {
            QVERIFY(scheduler.round());
            (void)scheduler.takeDone();
        }
        // A run alone makes a pass for each of its tokens.
        QVERIFY2(scheduler.passCount() < 40, qPrintable(QString::number(scheduler.passCount())));
        QVERIFY(scheduler.rowCount() > 16 * 2);
    }

    void aStopInAnyPlaceLosesNothing() {
        std::mt19937 random(5);
        CpuDevice device(2);
        Scheduler scheduler(device);
        std::map<std::int64_t, RunRequest> requests;
        for (int i = 0; i < 6; ++i) {
            requests[i] = randomRequest("quibble-nano.gguf", random);
            scheduler.add(scheduled(i, requests[i], scheduler));
        }
        std::map<std::int64_t, std::unique_ptr<ScheduledRun>> done;
        int stopped = 0;
        while (!scheduler.runs().empty()) {
            std::stop_source stop;
            // The stop comes at once or somewhere within the round.
            std::jthread stopper;
            if (const auto delay = random() % 400; delay < 100)
                stop.request_stop();
            else if (delay < 200)
                stopper = std::jthread([&stop, delay] {
                    std::this_thread::sleep_for(std::chrono::microseconds(delay));
                    stop.request_stop();
                });
            if (const auto round = scheduler.round(stop.get_token()); !round) {
                QCOMPARE(round.error().code, ErrorCode::Cancelled);
                ++stopped;
            }
            for (auto& run : scheduler.takeDone()) done[run->id] = std::move(run);
        }
        QVERIFY(stopped > 0);
        QCOMPARE(done.size(), requests.size());
        for (const auto& [id, run] : done) {
            QVERIFY(!run->failed);
            QCOMPARE(differsAt(traceOf(requests[id], *run), wholeRun(requests[id]).trace), -1);
        }
    }

    // While somebody watches a run, a long prompt beside it is read in small pieces, and both get on.
    void aWatchedRunIsNotKeptWaiting() {
        CpuDevice device(2);
        Scheduler scheduler(device);
        RunRequest watched;
        watched.model_path = shippedModel().string();
        watched.prompt = "What is 3 + 4?";
        watched.raw = true;
        watched.max_tokens = 40;
        RunRequest other = watched;
        for (int i = 0; i < 60; ++i) other.prompt += " Then 12 more.";
        auto first = scheduled(1, watched, scheduler);
        first->watched = true;
        ScheduledRun& seen = scheduler.add(std::move(first));
        while (seen.stage != ScheduledRun::Stage::Decode) QVERIFY(scheduler.round());
        ScheduledRun& beside = scheduler.add(scheduled(2, other, scheduler));
        const std::int64_t rows = beside.loop->prefillRowsLeft();
        QVERIFY2(rows > 200, qPrintable(QString::number(rows)));
        int rounds = 0;
        while (beside.stage == ScheduledRun::Stage::Prefill && seen.stage == ScheduledRun::Stage::Decode) {
            const Position before = seen.loop->position();
            const std::int64_t left = beside.loop->prefillRowsLeft();
            QVERIFY(scheduler.round());
            QVERIFY(seen.loop->position() > before);
            QVERIFY(beside.loop->prefillRowsLeft() < left && beside.loop->prefillRowsLeft() >= left - 32);
            ++rounds;
        }
        QVERIFY(rounds > 5);
    }
};

QTEST_GUILESS_MAIN(TestScheduler)
#include "tst_scheduler.moc"
