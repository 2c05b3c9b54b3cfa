// Prompts with rounded inputs: where they are refused and why, that such runs repeat bit for bit on any number of
// threads, and that nothing of them gets into what must be exact: generated positions, branches, the reference, exact
// runs that begin with the same text.
#include <QTest>

#include <cmath>

#include "engine/run/replay.h"
#include "engine/run/throughput_prefill.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

std::string golden(const char* name) { return (goldenDirectory() / "models" / name).string(); }

bool offered() { return CpuDevice(1).whyNoBf16Inputs().empty(); }

// Against the same weights.
RunRequest request(PrefillMode prefill, int sentences = 6) {
    RunRequest r;
    r.model_path = golden("qwen2-d96-BF16.gguf");
    r.prefill = prefill;
    r.reference.kind = ReferenceKind::Unquantized;
    for (int i = 0; i < sentences; ++i) r.prompt += "Tom has " + std::to_string(57 + i) + " coins; ";
    r.raw = true;
    r.sampler = {1.0, 0, 1.0, 0};
    r.max_tokens = 24;
    r.seed = 7;
    return r;
}

// What a replay of it finds; empty: every number is the same.
QString replayed(const WholeRun& outcome, const RunRequest& r, int threads = 1) {
    CpuDevice device(threads);
    const auto report = replayRun(outcome.trace, r, models(), device);
    if (!report) return QString::fromStdString(report.error().line());
    if (report->tokens == 0) return QStringLiteral("nothing was compared");
    if (!report->difference) return {};
    return QString("position %1, %2: %3, repeated %4")
        .arg(report->difference->pos)
        .arg(report->difference->field.c_str())
        .arg(report->difference->stored.c_str())
        .arg(report->difference->repeated.c_str());
}

std::vector<TokenId> idsOf(const WholeRun& outcome) {
    std::vector<TokenId> ids;
    for (const TracePoint& point : outcome.trace.points()) ids.push_back(point.token.id);
    return ids;
}

std::string refusal(const char* model, Arithmetic arithmetic) {
    RunRequest r = request(PrefillMode::Throughput);
    r.model_path = golden(model);
    r.arithmetic = arithmetic;
    r.reference.kind = ReferenceKind::None;
    auto opened = openRunModels(models(), r, {});
    if (!opened) return opened.error().line();
    CpuDevice device(1);
    auto loop = RunLoop::create(r, std::move(*opened), device);
    return loop ? std::string() : loop.error().line();
}

}  // namespace

class TestThroughputPrefill : public QObject {
    Q_OBJECT
private slots:
    void whereItChangesNothingItIsRefused() {
        QVERIFY(refusal("llama-d256-Q4_0.gguf", Arithmetic::Native).find("hold Q4_0") != std::string::npos);
        QVERIFY(refusal("llama-d256-F16.gguf", Arithmetic::Native).find("hold F16") != std::string::npos);
        QVERIFY(refusal("qwen2-d96-BF16.gguf", Arithmetic::F32).find("f32 arithmetic rounds none") !=
                std::string::npos);
        QCOMPARE(refusal("qwen2-d96-BF16.gguf", Arithmetic::Native).empty(), offered());
        if (!offered())
            QVERIFY(refusal("qwen2-d96-BF16.gguf", Arithmetic::Native).find("AVX512-BF16") != std::string::npos);
    }

    void runsRepeatOnAnyNumberOfThreads() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        const RunRequest r = request(PrefillMode::Throughput, 24);
        const WholeRun outcome = wholeRun(r, 1);
        QCOMPARE(outcome.provenance.throughput_positions,
                 static_cast<int>(outcome.provenance.prompt_tokens.size()) - 1);
        QVERIFY(outcome.provenance.throughput_positions > Sequence::kMaxPassRows);
        QVERIFY(outcome.provenance.arithmetic.find("BF16 activations") != std::string::npos);
        for (int threads = 1; threads <= 4; ++threads) {
            const QString difference = replayed(outcome, r, threads);
            QVERIFY2(difference.isEmpty(), qPrintable(QString("%1 threads: %2").arg(threads).arg(difference)));
        }
    }

    // The reference of both is exact, so the same weights differ from themselves by what rounding the prompt did, and
    // in an exact run by nothing.
    void klSaysWhatRoundingDid() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        const WholeRun exact = wholeRun(request(PrefillMode::Exact)),
                       rounded = wholeRun(request(PrefillMode::Throughput));
        QCOMPARE(exact.provenance.throughput_positions, 0);
        float largest = 0;
        for (const TracePoint& point : exact.trace.points()) QCOMPARE(point.reference.kl, 0.0F);
        for (const TracePoint& point : rounded.trace.points()) largest = std::max(largest, point.reference.kl);
        QVERIFY2(largest > 0 && largest < 1e-3F, qPrintable(QString::number(static_cast<double>(largest))));
    }

    // A branch computes the prompt as its parent did, and what the parent generated as the parent generated it.
    void branchesHaveTheBitsOfTheirParent() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        RunRequest r = request(PrefillMode::Throughput);
        const WholeRun parent = wholeRun(r);
        constexpr std::size_t kAt = 10;
        for (std::size_t i = 0; i <= kAt; ++i) r.branch.prefix.push_back(parent.trace.points()[i].token.id);
        r.branch.parent = RunId{1};
        r.branch.pos = parent.trace.points()[kAt].token.pos;
        const WholeRun branch = wholeRun(r);
        QCOMPARE(branch.provenance.throughput_positions, parent.provenance.throughput_positions);
        QCOMPARE(branch.trace.points().size(), parent.trace.points().size() - kAt);
        for (std::size_t i = 0; i < branch.trace.points().size(); ++i) {
            TracePoint ours = branch.trace.points()[i], theirs = parent.trace.points()[kAt + i];
            ours.token.time_ns = theirs.token.time_ns = 0;
            ours.token.injected = false;  // the first one is, though it is the parent's own choice
            QVERIFY(ours.token == theirs.token && ours.reference == theirs.reference);
        }
        QCOMPARE(replayed(branch, r), QString());
    }

    // Replays share nothing, so they say whether what a run took over was what it would have computed.
    void exactRunsShareNothingWithRoundedOnes() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        PrefixCache prefixes(1 << 28);
        RunRequest exact = request(PrefillMode::Exact), rounded = request(PrefillMode::Throughput);
        exact.reference.kind = rounded.reference.kind = ReferenceKind::None;  // it is exact, and of the same weights
        RunRequest shorter = rounded;
        shorter.prompt.resize(shorter.prompt.size() / 2);
        struct Step {
            const RunRequest& request;
            bool reuses;
        };
        for (const Step& step : {Step{rounded, false}, Step{exact, false}, Step{rounded, true}, Step{exact, true},
                                 Step{shorter, true}, Step{rounded, true}}) {
            const WholeRun outcome = wholeRun(step.request, 2, &prefixes);
            QCOMPARE(outcome.provenance.reused_positions > 0, step.reuses);
            QCOMPARE(replayed(outcome, step.request), QString());
        }
    }

    // Drafts round their prompt too, which moves what they propose and nothing else.
    void draftedTextIsTheSame_data() {
        QTest::addColumn<QString>("method");
        for (const char* method : {"chain:length=4", "tree:nodes=12,depth=4"}) QTest::newRow(method) << QString(method);
    }
    void draftedTextIsTheSame() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        QFETCH(QString, method);
        RunRequest r = request(PrefillMode::Throughput);
        const std::vector<TokenId> plain = idsOf(wholeRun(r));
        r.draft.method = *parseMethodChoice(method.toStdString());
        r.draft.path = golden("qwen2-d96-BF16.gguf");
        const WholeRun drafted = wholeRun(r);
        QCOMPARE(idsOf(drafted), plain);
        QVERIFY(!drafted.trace.draftRounds().empty());
        QCOMPARE(replayed(drafted, r, 3), QString());
    }
    // Where the model drafts for its reference, the text is the reference's, which is exact.
    void theReferenceStaysExact() {
        if (!offered()) QSKIP("these kernels have no product of BF16 inputs");
        const std::vector<TokenId> exact = idsOf(wholeRun(request(PrefillMode::Exact)));
        RunRequest r = request(PrefillMode::Throughput);
        r.draft.method = *parseMethodChoice("self:length=4");
        const WholeRun drafted = wholeRun(r);
        QCOMPARE(idsOf(drafted), exact);
        QVERIFY(drafted.provenance.throughput_positions > 0);
        QCOMPARE(replayed(drafted, r, 3), QString());
    }
};

QTEST_APPLESS_MAIN(TestThroughputPrefill)
#include "tst_throughput_prefill.moc"
