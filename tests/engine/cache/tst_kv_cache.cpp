// The memory of a KV cache: sizes of the types, moving and taking back, pages that are occupied when written, and
// caches that share a beginning.
#include <QTest>

#include <cstring>
#include <fstream>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cache/kv_cache.h"

using namespace quibble;

namespace {

ModelConfig config(int layers = 3, int heads = 2, int head_dim = 64) {
    ModelConfig c;
    c.name = "some model";
    c.n_layers = layers;
    c.n_heads = c.n_kv_heads = heads;
    c.head_dim = head_dim;
    return c;
}

// A byte that says which layer, plane, position and round wrote it.
std::byte mark(int layer, bool value, Position at, int round) {
    return static_cast<std::byte>((layer * 41 + (value ? 101 : 0) + at * 7 + round * 13) % 251);
}

void write(KvCache& cache, Position from, Position to, int round) {
    for (int layer = 0; layer < cache.layout().planes / 2; ++layer) {
        for (Position at = from; at < to; ++at) {
            std::fill_n(cache.keys(layer, at), cache.layout().row_bytes, mark(layer, false, at, round));
            std::fill_n(cache.values(layer, at), cache.layout().row_bytes, mark(layer, true, at, round));
        }
    }
    cache.commit(to);
}

bool holds(KvCache& cache, Position from, Position to, int round, Position written_at = -1) {
    for (int layer = 0; layer < cache.layout().planes / 2; ++layer) {
        for (Position at = from; at < to; ++at) {
            const Position origin = written_at < 0 ? at : written_at;
            for (const bool value : {false, true}) {
                const std::byte* row = value ? cache.values(layer, at) : cache.keys(layer, at);
                for (std::size_t i = 0; i < cache.layout().row_bytes; ++i) {
                    if (row[i] != mark(layer, value, origin, round)) return false;
                }
            }
        }
    }
    return true;
}

std::size_t occupied(const KvFile& file) {
    struct stat status {};
    return ::fstat(file.descriptor(), &status) == 0 ? static_cast<std::size_t>(status.st_blocks) * 512 : 0;
}

KvCache make(const KvLayout& layout, Position capacity, const KvExtents& shared = {}, Position positions = 0) {
    auto cache = KvCache::create(layout, capacity, shared, positions);
    if (!cache) qFatal("%s", cache.error().line().c_str());
    return std::move(*cache);
}

}  // namespace

class TestKvCache : public QObject {
    Q_OBJECT
private slots:
    void bytesOfEveryType() {
        const ModelConfig c = config(3, 2, 64);
        const auto bytes = [&](KvType type) { return kvLayout(c, type)->bytesFor(10); };
        QCOMPARE(bytes(KvType::F32), std::size_t{10 * 6 * 128 * 4});
        QCOMPARE(bytes(KvType::F16), std::size_t{10 * 6 * 128 * 2});
        QCOMPARE(bytes(KvType::BF16), bytes(KvType::F16));
        QCOMPARE(bytes(KvType::Q8_0), std::size_t{10 * 6 * 4 * 34});  // 4 blocks of 32 and a scale each
        for (const KvType type : kKvTypes) QCOMPARE(kvTypeOf(kvTypeText(type)), std::optional(type));
        QVERIFY(!kvTypeOf("q4_0"));
        QVERIFY(!kvLayout(config(3, 2, 80), KvType::Q8_0));
        QVERIFY(kvLayout(config(3, 2, 80), KvType::F16).has_value());
    }

    void movingCopiesOneSlotInAllPlanes() {
        const KvLayout layout = *kvLayout(config(), KvType::Q8_0);
        KvCache cache = make(layout, 50);
        write(cache, 0, 20, 1);
        cache.move(17, 5);
        QVERIFY(holds(cache, 5, 6, 1, 17));
        QVERIFY(holds(cache, 0, 5, 1) && holds(cache, 6, 20, 1));
        cache.move(9, 9);
        QVERIFY(holds(cache, 6, 20, 1));
        cache.move(3, 49);  // beyond what is committed: a row of an open tree
        QVERIFY(holds(cache, 49, 50, 1, 3));
        cache.truncate(4);
        QCOMPARE(cache.size(), Position{4});
        QVERIFY_EXCEPTION_THROWN(cache.truncate(5), ContractError);
        QVERIFY_EXCEPTION_THROWN(cache.move(50, 0), ContractError);
        QVERIFY_EXCEPTION_THROWN(cache.commit(51), ContractError);
    }

    void memoryIsOccupiedAsItIsWritten() {
        const KvLayout layout = *kvLayout(config(4, 8, 128), KvType::F32);
        KvCache cache = make(layout, 1 << 20);  // 32 GiB
        QCOMPARE(cache.reservedBytes(), std::size_t{1} << 35);
        write(cache, 0, 3, 1);
        const KvExtents extents = cache.extents();
        QCOMPARE(extents.size(), std::size_t{1});
        QVERIFY(occupied(*extents[0].file()) <= 8 * std::size_t{16384});
        QCOMPARE(extents[0].file()->bytes(), cache.reservedBytes());  // the cache itself may write all of it
    }

    void aSharedBeginningIsStoredOnce() {
        const KvLayout layout = *kvLayout(config(), KvType::F16);  // rows of 256 bytes, 16 a page
        KvExtents kept;
        {
            KvCache first = make(layout, 400);
            write(first, 0, 200, 1);
            kept = first.extents();
        }
        KvFile& file = *kept[0].file();
        QCOMPARE(file.bytes(), layout.bytesFor(200));

        KvCache second = make(layout, 1000, kept, 150);  // another capacity; 150 rows do not end at a page
        QCOMPARE(second.size(), Position{150});
        QVERIFY(holds(second, 0, 150, 1));
        write(second, 150, 300, 2);
        QVERIFY(holds(second, 0, 150, 1) && holds(second, 150, 300, 2));
        const KvExtents chain = second.extents();
        QCOMPARE(chain.size(), std::size_t{2});
        QCOMPARE(chain[0].file(), kept[0].file());
        QCOMPARE(chain[0].end(), std::size_t{144 * 256});
        QVERIFY(occupied(*chain[1].file()) <= layout.bytesFor(300 - 144 + 16));

        KvCache third = make(layout, 300, chain, 250);  // shares with both
        QVERIFY(holds(third, 0, 150, 1) && holds(third, 150, 250, 2));
        KvCache again = make(layout, 400, kept, 200);  // the first one's end is still there
        QVERIFY(holds(again, 0, 200, 1));
    }

    void writingSharedPositionsChangesNobodyElse() {
        const KvLayout layout = *kvLayout(config(), KvType::F16);
        KvCache first = make(layout, 400);
        write(first, 0, 200, 1);
        const KvExtents kept = first.extents();
        KvCache second = make(layout, 400, kept, 180);
        second.truncate(70);
        write(second, 70, 190, 2);
        QVERIFY(holds(second, 0, 70, 1) && holds(second, 70, 190, 2));
        QVERIFY(holds(first, 0, 200, 1));
        // What it can lend ends where its own pages begin: those behind are mixed.
        QCOMPARE(second.lendable(), Position{70});
        KvCache third = make(layout, 400, second.extents(), 70);
        QVERIFY(holds(third, 0, 70, 1));
    }

    void whatNobodyHoldsIsGivenBack() {
        const KvLayout layout = *kvLayout(config(), KvType::F32);
        KvExtents all, part;
        {
            KvCache cache = make(layout, 2000);
            write(cache, 0, 1600, 1);
            all = cache.extents();
            cache.truncate(160);
            part = cache.extents();
        }
        KvFile& file = *part[0].file();
        QCOMPARE(file.bytes(), layout.bytesFor(1600));
        const std::size_t before = occupied(file);
        all.clear();
        QCOMPARE(file.bytes(), layout.bytesFor(160));
        QVERIFY(occupied(file) <= before / 9);
        KvCache later = make(layout, 2000, part, 160);
        QVERIFY(holds(later, 0, 160, 1));
    }
};

QTEST_APPLESS_MAIN(TestKvCache)
#include "tst_kv_cache.moc"
