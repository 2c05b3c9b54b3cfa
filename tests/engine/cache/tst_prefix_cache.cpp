// Texts that were computed: the longest common beginning is found, what continues another takes its place, memory is
// counted once and bounded.
#include <QTest>

#include <algorithm>

#include "engine/cache/kv_cache.h"
#include "engine/cache/prefix_cache.h"

using namespace quibble;

namespace {

constexpr Position kLength = 640;

KvLayout layout() {
    ModelConfig c;
    c.n_layers = 2;
    c.n_heads = c.n_kv_heads = 2;
    c.head_dim = 32;
    return *kvLayout(c, KvType::F32);  // rows of 256 bytes, 16 a page
}

std::vector<TokenId> text(TokenId first, Position n = kLength) {
    std::vector<TokenId> ids(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = first + static_cast<TokenId>(i);
    return ids;
}

// A cache of these tokens, taking over what there is; returns what it took over.
Position compute(PrefixCache& prefixes, const std::string& key, const std::vector<TokenId>& tokens,
                 std::size_t experts = 0, Position throughput_end = 0) {
    const auto size = static_cast<Position>(tokens.size());
    PrefixCache::Entry entry{key, tokens, throughput_end, {}, std::vector<TokenExperts>(experts)};
    const PrefixCache::Found found =
        prefixes.find(key, std::span(tokens).first(tokens.size() - 1), throughput_end, experts > 0);
    {
        auto cache = KvCache::create(layout(), size, found.extents, found.positions);
        cache->commit(size);
        entry.extents = cache->extents();
    }
    prefixes.keep(std::move(entry));
    return found.positions;
}

}  // namespace

class TestPrefixCache : public QObject {
    Q_OBJECT
private slots:
    void theLongestBeginningIsFound() {
        PrefixCache prefixes(1 << 30);
        std::vector<TokenId> near = text(0), far = text(0);
        near[500] = -1;
        far[20] = -1;
        (void)compute(prefixes, "a", far);
        (void)compute(prefixes, "a", near);
        QCOMPARE(prefixes.size(), std::size_t{2});
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, Position{500});
        QCOMPARE(prefixes.find("a", text(0, 7), 0, false).positions, Position{7});
        QCOMPARE(prefixes.find("a", text(3), 0, false).positions, Position{0});
        QCOMPARE(prefixes.find("b", text(0), 0, false).positions, Position{0});  // another model, arithmetic or type
        QVERIFY(prefixes.find("b", text(0), 0, false).extents.empty());
        QCOMPARE(prefixes.find("a", {}, 0, false).positions, Position{0});
    }
    void aContinuationTakesThePlaceOfItsBeginning() {
        PrefixCache prefixes(1 << 30);
        QCOMPARE(compute(prefixes, "a", text(0, 100)), Position{0});
        QCOMPARE(compute(prefixes, "a", text(0, 300)), Position{100});
        QCOMPARE(prefixes.size(), std::size_t{1});
        QCOMPARE(compute(prefixes, "a", text(0, 200)), Position{199});
        QCOMPARE(prefixes.size(), std::size_t{1});
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, Position{300});
    }
    void aCommonBeginningCountsOnce() {
        PrefixCache prefixes(1 << 30);
        (void)compute(prefixes, "a", text(0));
        const std::size_t one = prefixes.bytes();
        QCOMPARE(one, layout().bytesFor(kLength));
        for (TokenId branch = 1; branch <= 5; ++branch) {
            std::vector<TokenId> tokens = text(0);
            tokens[608] = -branch;  // a page boundary
            QCOMPARE(compute(prefixes, "a", tokens), Position{608});
        }
        QCOMPARE(prefixes.size(), std::size_t{6});
        QCOMPARE(prefixes.bytes(), one + 5 * layout().bytesFor(kLength - 608));
        // Without the first text its end goes, and what the others share stays.
        prefixes.shrinkTo(one + 5 * layout().bytesFor(kLength - 608) - 1);
        QCOMPARE(prefixes.size(), std::size_t{5});
        QCOMPARE(prefixes.bytes(), layout().bytesFor(608) + 5 * layout().bytesFor(kLength - 608));
        prefixes.shrinkTo(0);
        QCOMPARE(prefixes.bytes(), std::size_t{0});
    }
    void memoryIsBounded() {
        const std::size_t one = layout().bytesFor(kLength);
        PrefixCache prefixes(3 * one);
        for (TokenId i = 0; i < 10; ++i) {
            (void)compute(prefixes, "a", text(1000 * i));
            (void)prefixes.find("a", text(0), 0, false);  // used again and again, the first one stays
            QVERIFY(prefixes.bytes() <= 3 * one);
        }
        QCOMPARE(prefixes.size(), std::size_t{3});
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, kLength);
        QCOMPARE(prefixes.find("a", text(9000), 0, false).positions, kLength);
        QCOMPARE(prefixes.find("a", text(1000), 0, false).positions, Position{0});
        PrefixCache tiny(one / 2);
        (void)compute(tiny, "a", text(0));
        QCOMPARE(tiny.size(), std::size_t{0});
    }
    // Of texts whose beginnings were computed with rounded inputs only what was rounded in both is the same, unless
    // both turned to exact products in the same place.
    void roundedBeginningsAreNotMixedWithExactOnes() {
        PrefixCache prefixes(1 << 30);
        (void)compute(prefixes, "a", text(0), 0, 200);
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, Position{0});
        QCOMPARE(prefixes.find("a", text(0), 120, false).positions, Position{120});
        QCOMPARE(prefixes.find("a", text(0), 400, false).positions, Position{200});
        QCOMPARE(prefixes.find("a", text(0), 200, false).positions, kLength);
        // Neither takes the place of the other.
        QCOMPARE(compute(prefixes, "a", text(0)), Position{0});
        QCOMPARE(prefixes.size(), std::size_t{2});
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, kLength);
        QCOMPARE(prefixes.find("a", text(0), 200, false).positions, kLength);
        // A text that ends before either turned is the beginning of the other.
        QCOMPARE(compute(prefixes, "a", text(0, 150), 0, 300), Position{149});
        QCOMPARE(prefixes.size(), std::size_t{2});
    }
    void expertsLimitWhatIsFound() {
        PrefixCache prefixes(1 << 30);
        (void)compute(prefixes, "a", text(0), 40);
        QCOMPARE(prefixes.find("a", text(0), 0, false).positions, kLength);
        const PrefixCache::Found found = prefixes.find("a", text(0), 0, true);
        QCOMPARE(found.positions, Position{40});
        QCOMPARE(found.experts.size(), std::size_t{40});
        // A text without experts does not push one with experts out.
        (void)compute(prefixes, "a", text(0, kLength + 10));
        QCOMPARE(prefixes.find("a", text(0), 0, true).positions, Position{40});
    }
};

QTEST_APPLESS_MAIN(TestPrefixCache)
#include "tst_prefix_cache.moc"
