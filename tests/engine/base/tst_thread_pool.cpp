#include <QTest>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "engine/base/thread_pool.h"

using namespace quibble;

class TestThreadPool : public QObject {
    Q_OBJECT
private slots:
    void coversEveryIndexOnce_data() {
        QTest::addColumn<int>("threads");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("chunk");
        for (const int threads : {1, 2, 3, 8}) {
            for (const int count : {0, 1, 7, 64, 1000}) {
                for (const int chunk : {1, 3, 64})
                    QTest::addRow("%d-%d-%d", threads, count, chunk) << threads << count << chunk;
            }
        }
    }
    void coversEveryIndexOnce() {
        QFETCH(int, threads);
        QFETCH(int, count);
        QFETCH(int, chunk);
        ThreadPool pool(threads);
        QCOMPARE(pool.size(), threads);
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        std::atomic<std::int64_t> longest{0};
        const auto visit = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)].fetch_add(1);
            for (std::int64_t most = longest.load();
                 end - begin > most && !longest.compare_exchange_weak(most, end - begin);) {}
        };
        for (int round = 0; round < 50; ++round) pool.parallelFor(count, chunk, visit);
        for (const auto& times : seen) QCOMPARE(times.load(), 50);
        const int whole = threads == 1 ? count : 0;
        QVERIFY2(longest.load() <= std::max(chunk, whole), qPrintable(QString::number(longest.load())));
        longest = 0;
        for (int round = 0; round < 50; ++round) pool.shareOut(count, {.smallest = chunk, .largest = 2 * chunk}, visit);
        for (const auto& times : seen) QCOMPARE(times.load(), 100);
        QVERIFY2(longest.load() <= std::max({2 * chunk, count / (8 * threads), whole}),
                 qPrintable(QString::number(longest.load())));
    }
    // Workers that went to sleep between jobs must find the next one, and late ones must not touch a finished job.
    void manyShortJobs() {
        ThreadPool pool(3);
        std::int64_t expected = 0;
        std::atomic<std::int64_t> sum{0};
        for (int round = 0; round < 20000; ++round) {
            const std::int64_t count = 1 + round % 17;
            expected += count * (count - 1) / 2;
            pool.parallelFor(count, 1, [&sum](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) sum.fetch_add(i);
            });
            if (round % 4000 == 0) QTest::qSleep(3);
        }
        QCOMPARE(sum.load(), expected);
    }
};

QTEST_APPLESS_MAIN(TestThreadPool)
#include "tst_thread_pool.moc"
