// A frame with 100,000 tokens on screen while more arrive: what it takes is measured and printed. The limit that is
// tested is wide, because the machine may be shared; the figure to look at is the printed one.
#include <algorithm>
#include <cmath>

#include "tests/app/window_fixture.h"

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

    std::vector<double> ms, applied;
    for (int frame = 0; frame < kFrames; ++frame) {
        const EventBatch batch = tokensFrom(kTokens + frame * kPerFrame, kPerFrame, ids);
        clock.restart();
        w.document().apply(batch);
        applied.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
        QCoreApplication::processEvents();
        ms.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
        QTest::qWait(1);
    }
    QCOMPARE(w.document().size(), kTokens + kFrames * kPerFrame);
    std::sort(ms.begin(), ms.end());
    std::sort(applied.begin(), applied.end());
    const auto at = [&](double part) {
        return ms[static_cast<std::size_t>(part * static_cast<double>(ms.size() - 1))];
    };
    qInfo("frame at %d tokens: median %.1f ms, 95 %% %.1f ms, largest %.1f ms", kTokens, at(0.5), at(0.95), ms.back());
    qInfo("of which: applying %.1f ms, one replot of the traces %.1f ms (medians)", applied[applied.size() / 2],
          w.parts().traces->lastReplotMs());
    QVERIFY2(at(0.5) < 100, "a frame takes longer than a tenth of a second");
}

QTEST_MAIN(TestWindowFrames)
#include "tst_window_frames.moc"
