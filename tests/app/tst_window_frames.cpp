// A frame with 100,000 tokens on screen while more arrive costs what came and what is in sight, not what there is. What
// a frame did is counted; how long it took is printed only, because the machine may be shared.
#include <algorithm>
#include <cmath>

#include "tests/app/window_fixture.h"
#include "tests/support/turn_counter.h"
#include "views/token_stream/token_stream_panel.h"

using namespace quibble;

class TestWindowFrames : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void framesWithManyTokens();

private:
    WindowFixture w;
};

namespace {

constexpr int kTokens = 100'000;
constexpr int kPerFrame = 34;  // 2,000 tokens a second at 60 frames
constexpr int kFrames = 120;

// Text with words, numbers, line ends and markers, measured with noise: what a long chain of thought looks like.
EventBatch tokensFrom(int first, int count, const std::vector<TokenId>& ids) {
    EventBatch batch;
    for (int i = first; i < first + count; ++i) {
        const double noise = std::fabs(std::sin(i * 12.9898) * 43758.5453);
        const double unit = noise - std::floor(noise);
        TokenRecord record;
        record.pos = 50 + i;
        record.id = ids[static_cast<std::size_t>(unit * static_cast<double>(ids.size() - 1))];
        record.without_penalty_id = record.id;
        record.logprob = static_cast<float>(-unit);
        record.rank = 1;
        record.entropy = static_cast<float>(unit * unit * 2);
        record.varentropy = static_cast<float>(unit);
        record.marker_mass = static_cast<float>(unit * 0.3);
        record.thinking = true;
        record.marker = unit > 0.97;
        for (int k = 0; k < 10; ++k)
            record.top.push_back({ids[static_cast<std::size_t>(k)], -1.0F - static_cast<float>(k)});
        ReferenceRecord reference;
        reference.pos = record.pos;
        reference.kl = static_cast<float>(unit * 0.4);
        reference.entropy = record.entropy;
        reference.rank = 1;
        reference.top = record.top;
        batch.events.emplace_back(std::move(record));
        batch.events.emplace_back(std::move(reference));
    }
    return batch;
}

}  // namespace

void TestWindowFrames::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());  // gives the texts of real tokens
    w.window().resize(1600, 1000);
}

void TestWindowFrames::framesWithManyTokens() {
    RunTrace trace(w.trace().request());
    trace.apply(w.trace().provenance());
    std::vector<TokenId> ids;
    for (const auto& [id, bytes] : w.trace().texts()) {
        trace.apply(TokenText{id, bytes});
        if (!bytes.empty() && bytes.front() != '<') ids.push_back(id);
    }
    QVERIFY(ids.size() > 20);
    trace.apply(StateChanged{RunState::Running});
    for (const RunEvent& event : tokensFrom(0, kTokens, ids).events) trace.apply(event);
    QElapsedTimer clock;
    clock.start();
    w.document().setTrace(std::move(trace), w.document().run());
    QCoreApplication::processEvents();
    qInfo("%d tokens shown after %lld ms", kTokens, clock.elapsed());
    QTest::qWait(1000);

    const TokenStreamView& stream = *w.parts().stream->stream();
    const TracesView& traces = *w.parts().traces;
    testing::TurnCounter turn;
    std::vector<double> ms;
    std::int64_t placed = 0, painted = 0, read = 0;
    int events = 0, paints = 0;
    for (int frame = 0; frame < kFrames; ++frame) {
        const EventBatch batch = tokensFrom(kTokens + frame * kPerFrame, kPerFrame, ids);
        const std::int64_t placed_before = stream.layoutOfTokens().tokensPlaced(), read_before = traces.valuesRead(),
                           painted_before = stream.tokensPainted();
        turn.restart();
        clock.restart();
        w.document().apply(batch);
        QCoreApplication::processEvents();
        ms.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
        placed = std::max(placed, stream.layoutOfTokens().tokensPlaced() - placed_before);
        painted = std::max(painted, stream.tokensPainted() - painted_before);
        read = std::max(read, traces.valuesRead() - read_before);
        events = std::max(events, turn.events());
        paints = std::max(paints, turn.mostPaints());
        QCOMPARE(turn.paintsOf(stream.viewport()), 1);
        QTest::qWait(1);
    }
    QCOMPARE(w.document().size(), kTokens + kFrames * kPerFrame);
    std::sort(ms.begin(), ms.end());
    qInfo("frame at %d tokens: median %.1f ms, largest %.1f ms", kTokens, ms[ms.size() / 2], ms.back());
    qInfo(
        "at most %lld tokens placed, %lld painted, %lld values of the curves read, %d events, a widget painted %d "
        "times",
        static_cast<long long>(placed), static_cast<long long>(painted), static_cast<long long>(read), events, paints);
    // Tokens: those that came, with the lines that they go on from. A page: 1,000 short tokens at most. Curves: three
    // of them, of which some hundred values are in sight, read to draw them and for the upper end of the axis.
    QVERIFY2(placed >= kPerFrame && placed < kPerFrame + 200, qPrintable(QString::number(placed)));
    QVERIFY2(painted > 0 && painted < 1000, qPrintable(QString::number(painted)));
    QVERIFY2(read > 0 && read < 3 * 2000, qPrintable(QString::number(read)));
    // A frame is a batch and not its tokens: nothing may post an event, or be painted, for each of them.
    QVERIFY2(events < 5 * kPerFrame, qPrintable(QString::number(events)));
    QVERIFY2(paints <= 2, qPrintable(QString::number(paints)));
}

QTEST_MAIN(TestWindowFrames)
#include "tst_window_frames.moc"
