// Attention of every table against the reference, its promises about bits, and the rounding of rows into the cache.
#include "tests/kernels/kernel_cases.h"

#include <QTest>

#include <algorithm>
#include <limits>
#include <numeric>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<TensorType> kTypes = {TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0};

size_t storedBytes(TensorType type, int64_t n) {
    const TypeTraits& traits = *typeTraits(type);
    return static_cast<size_t>(n) / traits.block_elements * traits.block_bytes;
}

// Keys or values of one head: positions rows of dim numbers, some bytes apart and off any boundary.
struct Cache {
    std::vector<std::byte> bytes;
    KvRows rows;

    Cache(TensorType type, int64_t positions, int64_t dim, uint64_t seed) {
        const size_t row = storedBytes(type, dim);
        rows.type = type;
        rows.stride = static_cast<int64_t>(row) + 6;
        bytes.resize(static_cast<size_t>(rows.stride * positions) + 2);
        rows.data = bytes.data() + 2;
        for (int64_t i = 0; i < positions; ++i) {
            const std::vector<float> values = randomFloats(static_cast<size_t>(dim), seed + static_cast<uint64_t>(i));
            allOps()[0]->storeKv(type, values.data(), dim, bytes.data() + 2 + i * rows.stride);
        }
    }
    std::vector<float> row(int64_t position, int64_t dim) const {
        std::vector<float> values(static_cast<size_t>(dim));
        allOps()[0]->dequantizeRow(rows.type, rows.data + position * rows.stride, dim, values.data());
        return values;
    }
};

// One call with room for what it writes.
struct Call {
    AttentionArgs args;
    std::vector<float> q;
    std::vector<float> scores;
    std::vector<float> out;

    Call(int64_t heads, int64_t dim, const Cache& k, const Cache& v, int64_t begin, int64_t end)
        : q(randomFloats(static_cast<size_t>(heads * dim), 8, 2.0F)) {
        args.n_heads = heads;
        args.head_dim = dim;
        args.k = k.rows;
        args.v = v.rows;
        args.begin = begin;
        args.end = end;
        args.scale = 0.4F;
    }
    int64_t positions() const { return args.end - args.begin + args.n_more; }
    void prepare() {
        scores.assign(static_cast<size_t>(args.n_heads * positions()), -7.0F);
        out.assign(static_cast<size_t>(args.n_heads * args.head_dim), 5.0F);
        args.q = q.data();
        args.scores = scores.data();
        args.out = out.data();
    }
    void run(const Ops& table) {
        prepare();
        table.attention(&args, 1);
    }
};

std::string difference(const Call& a, const Call& b) {
    const std::string scores = firstDifference(a.scores.data(), b.scores.data(), a.scores.size());
    return scores.empty() ? firstDifference(a.out.data(), b.out.data(), a.out.size()) : "score " + scores;
}

void closeTo(double got, double wanted, double band) {
    if (!(std::fabs(got - wanted) <= band)) {
        QFAIL(qPrintable(QString("%1 instead of %2, band %3").arg(got, 0, 'g', 12).arg(wanted, 0, 'g', 12).arg(band)));
    }
}

}  // namespace

class TstAttention : public QObject {
    Q_OBJECT

private slots:
    void agreesWithReference_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("type");
        QTest::addColumn<qint64>("dim");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const TensorType type : kTypes) {
                for (const int64_t dim : {1, 8, 16, 20, 32, 48, 64, 80, 96, 128, 192, 256}) {
                    if (type == TensorType::Q8_0 && dim % 32 != 0) {
                        continue;
                    }
                    QTest::addRow("%s/%s/dim%lld", allOps()[v]->isa, typeTraits(type)->name,
                                  static_cast<long long>(dim))
                        << static_cast<qint64>(v) << static_cast<qint64>(type) << static_cast<qint64>(dim);
                }
            }
        }
    }
    void agreesWithReference() {
        QFETCH(qint64, variant);
        QFETCH(qint64, type);
        QFETCH(qint64, dim);
        const Cache k(static_cast<TensorType>(type), 160, dim, 100);
        const Cache v(static_cast<TensorType>(type), 160, dim, 900);
        const std::vector<float> sinks = randomFloats(19, 3, 4.0F);
        int64_t heads = 0;
        for (const int64_t positions : {0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 65, 150}) {
            heads = (heads + 4) % 19 + 1;  // some so many that they share unpacked blocks
            Call ours(heads, dim, k, v, 7, 7 + positions);
            ours.args.sink = heads % 2 == 0 ? sinks.data() : nullptr;
            Call wanted = ours;
            ours.run(*allOps()[static_cast<size_t>(variant)]);
            wanted.run(*allOps()[0]);
            compare(ours, wanted, k, v);
        }
    }

    // The same positions as a range, as a list, and as both; in an order of their own.
    void listedPositionsGiveTheSameBits() {
        constexpr int64_t kDim = 96;
        constexpr int64_t kPositions = 77;
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                const Cache k(type, 200, kDim, 100);
                const Cache v(type, 200, kDim, 900);
                for (const int64_t heads : {1, 3, 4, 7}) {
                    Call range(heads, kDim, k, v, 0, kPositions);
                    range.run(*table);
                    for (const int64_t split : {0, 1, 30, 76}) {
                        std::vector<int32_t> more(static_cast<size_t>(kPositions - split));
                        std::iota(more.begin(), more.end(), static_cast<int32_t>(split));
                        Call listed(heads, kDim, k, v, 0, split);
                        listed.args.more = more.data();
                        listed.args.n_more = kPositions - split;
                        listed.run(*table);
                        QCOMPARE(difference(listed, range), std::string());
                    }
                }
            }
        }
    }
    // A branch of a tree: rows that lie apart count as if they lay together.
    void branchesAreReadWhereTheyLie() {
        constexpr int64_t kDim = 64;
        const std::vector<int32_t> branch = {31, 25, 40, 24};
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                const Cache k(type, 50, kDim, 100);
                const Cache v(type, 50, kDim, 900);
                Call tree(5, kDim, k, v, 3, 20);
                tree.args.more = branch.data();
                tree.args.n_more = static_cast<int64_t>(branch.size());
                tree.run(*table);
                Cache straight_k = k;
                Cache straight_v = v;
                straight_k.rows.data = straight_k.bytes.data() + 2;
                straight_v.rows.data = straight_v.bytes.data() + 2;
                for (size_t i = 0; i < branch.size(); ++i) {
                    const int64_t from = branch[i] * k.rows.stride + 2;
                    const int64_t to = (20 + static_cast<int64_t>(i)) * k.rows.stride + 2;
                    std::memcpy(straight_k.bytes.data() + to, k.bytes.data() + from, storedBytes(type, kDim));
                    std::memcpy(straight_v.bytes.data() + to, v.bytes.data() + from, storedBytes(type, kDim));
                }
                Call straight(5, kDim, straight_k, straight_v, 3, 24);
                straight.run(*table);
                QCOMPARE(difference(tree, straight), std::string());
            }
        }
    }

    void groupsDoNotChangeABit() {
        constexpr int64_t kPositions = 131;
        constexpr int64_t kHeads = 27;  // more than any tile, and enough to share unpacked blocks
        const std::vector<float> sinks = randomFloats(kHeads, 3, 4.0F);
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                for (const int64_t dim : {32, 64, 96, 160, 256, 288}) {
                    const Cache k(type, kPositions, dim, 100);
                    const Cache v(type, kPositions, dim, 900);
                    Call group(kHeads, dim, k, v, 0, kPositions);
                    group.args.sink = sinks.data();
                    group.run(*table);
                    for (int64_t h = 0; h < kHeads; ++h) {
                        Call alone(1, dim, k, v, 0, kPositions);
                        alone.q.assign(group.q.begin() + h * dim, group.q.begin() + (h + 1) * dim);
                        alone.args.sink = sinks.data() + h;
                        alone.run(*table);
                        QCOMPARE(firstDifference(alone.out.data(), group.out.data() + h * dim, alone.out.size()),
                                 std::string());
                        QCOMPARE(firstDifference(alone.scores.data(), group.scores.data() + h * kPositions,
                                                 alone.scores.size()),
                                 std::string());
                    }
                }
            }
        }
    }

    // Rows of one call: of a text, of a window, of a tree, far apart, with nothing to see; each as if it were alone.
    void rowsDoNotChangeABit() {
        struct Seen {
            int64_t begin, end;
            std::vector<int32_t> more;
        };
        const std::vector<std::vector<Seen>> cases = {
            {{0, 70, {}}, {0, 71, {}}, {0, 72, {}}, {0, 73, {}}, {0, 74, {}}},
            {{0, 3, {}},
             {0, 4, {}},
             {1, 5, {}},
             {2, 6, {}},
             {3, 7, {}},
             {4, 8, {}},
             {5, 9, {}},
             {6, 10, {}},
             {7, 11, {}}},
            {{10, 80, {}}, {11, 81, {}}, {12, 82, {}}, {13, 83, {}}},
            {{0, 65, {70}}, {0, 65, {70, 71}}, {0, 65, {70, 75}}, {0, 65, {70, 71, 72, 90, 91, 80}}},
            {{0, 20, {}}, {40, 60, {}}, {90, 130, {3, 2}}},
            {{5, 5, {}}, {0, 40, {}}, {7, 7, {9}}},
        };
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                for (const int64_t heads : {1, 2, 3, 7, 30}) {
                    const int64_t dim = heads == 3 ? 96 : 64;
                    const Cache k(type, 131, dim, 100);
                    const Cache v(type, 131, dim, 900);
                    const std::vector<float> sinks = randomFloats(30, 3, 4.0F);
                    for (const std::vector<Seen>& rows : cases) {
                        std::vector<Call> alone;
                        for (const Seen& seen : rows) {
                            Call& call = alone.emplace_back(heads, dim, k, v, seen.begin, seen.end);
                            call.q = randomFloats(call.q.size(), 40 + alone.size(), 2.0F);
                            call.args.more = seen.more.data();
                            call.args.n_more = static_cast<int64_t>(seen.more.size());
                            call.args.sink = heads % 2 == 0 ? sinks.data() : nullptr;
                        }
                        std::vector<Call> together = alone;
                        std::vector<AttentionArgs> args;
                        for (Call& call : together) {
                            call.prepare();
                            args.push_back(call.args);
                        }
                        table->attention(args.data(), static_cast<int64_t>(args.size()));
                        for (size_t i = 0; i < rows.size(); ++i) {
                            alone[i].run(*table);
                            QCOMPARE(difference(together[i], alone[i]), std::string());
                        }
                    }
                }
            }
        }
    }

    // A long piece of a prompt: more queries than one batch holds, with and without a window, heads' scores apart from
    // each other.
    void aPromptGivesTheBitsOfItsRows() {
        constexpr int64_t kPositions = 211;
        constexpr int64_t kRows = 37;
        constexpr int64_t kDim = 64;
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                const Cache k(type, kPositions, kDim, 100);
                const Cache v(type, kPositions, kDim, 900);
                for (const int64_t window : {0, 1, 5, 70}) {
                    std::vector<Call> together;
                    for (int64_t row = 0; row < kRows; ++row) {
                        const int64_t end = kPositions - kRows + row + 1;
                        Call& call = together.emplace_back(7, kDim, k, v, window > 0 ? end - window : 0, end);
                        call.q = randomFloats(call.q.size(), 40 + static_cast<uint64_t>(row), 2.0F);
                    }
                    std::vector<Call> alone = together;
                    std::vector<AttentionArgs> args;
                    for (Call& call : together) {
                        call.prepare();
                        call.args.score_stride = call.positions() + 13;
                        call.scores.assign(static_cast<size_t>(7 * call.args.score_stride), -7.0F);
                        call.args.scores = call.scores.data();
                        args.push_back(call.args);
                    }
                    table->attention(args.data(), kRows);
                    for (size_t i = 0; i < alone.size(); ++i) {
                        alone[i].run(*table);
                        QCOMPARE(firstDifference(together[i].out.data(), alone[i].out.data(), alone[i].out.size()),
                                 std::string());
                        const int64_t n = alone[i].positions();
                        for (int64_t h = 0; h < 7; ++h) {
                            const float* scores = together[i].scores.data() + h * (n + 13);
                            QCOMPARE(firstDifference(scores, alone[i].scores.data() + h * n, static_cast<size_t>(n)),
                                     std::string());
                            QVERIFY(
                                std::all_of(scores + n, scores + n + 13, [](float unused) { return unused == -7.0F; }));
                        }
                    }
                }
            }
        }
    }

    void storedTypesGiveTheBitsOfTheirFloats() {
        constexpr int64_t kDim = 160;
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                const Cache k(type, 40, kDim, 100);
                const Cache v(type, 40, kDim, 900);
                Cache float_k(TensorType::F32, 40, kDim, 0);
                Cache float_v(TensorType::F32, 40, kDim, 0);
                for (int64_t i = 0; i < 40; ++i) {
                    const std::vector<float> key = k.row(i, kDim);
                    const std::vector<float> value = v.row(i, kDim);
                    std::memcpy(float_k.bytes.data() + 2 + i * float_k.rows.stride, key.data(), kDim * sizeof(float));
                    std::memcpy(float_v.bytes.data() + 2 + i * float_v.rows.stride, value.data(), kDim * sizeof(float));
                }
                for (const int64_t heads : {6, 20}) {
                    Call stored(heads, kDim, k, v, 0, 40);
                    Call floats(heads, kDim, float_k, float_v, 0, 40);
                    stored.run(*table);
                    floats.run(*table);
                    QCOMPARE(difference(stored, floats), std::string());
                }
            }
        }
    }

    void byEye() {
        // Equal keys share equally; a key that is far ahead takes all; a sink as strong as a key takes a share and adds
        // nothing.
        const float q[2] = {1.0F, 0.0F};
        const float equal[6] = {1, 5, 1, 6, 1, 7};
        const float ahead[6] = {0, 0, 200, 0, 0, 0};
        const float nan[6] = {1, 1, std::nanf(""), 1, 1, 1};
        const float v[6] = {3, 30, 6, 60, 9, 90};
        const float sink = 1.0F;
        for (const Ops* table : allOps()) {
            float scores[3];
            float out[2];
            AttentionArgs args;
            args.q = q;
            args.head_dim = 2;
            args.v = {TensorType::F32, reinterpret_cast<const std::byte*>(v), 8};
            args.end = 3;
            args.scores = scores;
            args.out = out;
            args.k = {TensorType::F32, reinterpret_cast<const std::byte*>(equal), 8};
            table->attention(&args, 1);
            closeTo(static_cast<double>(out[0]), 6.0, 1e-5);
            closeTo(static_cast<double>(out[1]), 60.0, 1e-4);
            args.sink = &sink;
            table->attention(&args, 1);
            closeTo(static_cast<double>(scores[1]), 0.25, 1e-6);
            closeTo(static_cast<double>(out[0]), 4.5, 1e-5);
            args.sink = nullptr;
            args.k.data = reinterpret_cast<const std::byte*>(ahead);
            table->attention(&args, 1);
            QCOMPARE(out[0], 6.0F);
            QCOMPARE(out[1], 60.0F);
            args.k.data = reinterpret_cast<const std::byte*>(nan);
            table->attention(&args, 1);
            QVERIFY(std::isnan(out[0]));
        }
    }

    void storeKvIsTheSameInEveryTable() {
        for (const Ops* table : allOps()) {
            for (const TensorType type : kTypes) {
                for (const int64_t n : {0, 1, 15, 16, 17, 32, 64, 96, 1024}) {
                    if (n % static_cast<int64_t>(typeTraits(type)->block_elements) != 0) {
                        continue;
                    }
                    for (const float sigma : {1.0F, 3e4F, 1e-6F, 1e-39F}) {
                        const Shifted<float> values(randomFloats(static_cast<size_t>(n), 21, sigma), 1);
                        std::vector<std::byte> got(storedBytes(type, n) + 1, std::byte{0x55});
                        std::vector<std::byte> wanted(got);
                        table->storeKv(type, values.data(), n, got.data());
                        quantizeRow(type, values.data(), n, wanted.data());
                        QVERIFY2(got == wanted, qPrintable(QString("%1 %2 n %3 sigma %4")
                                                               .arg(table->isa, typeTraits(type)->name)
                                                               .arg(n)
                                                               .arg(sigma)));
                    }
                }
            }
        }
    }
    // Halves in the last place, and what no number can hold.
    void storeKvAtTheEnds() {
        std::vector<float> values(32);
        for (size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<float>(i) - 15.5F;
        }
        values[31] = 127.0F;  // scale 1: every other value is a tie
        std::vector<float> broken = values;
        for (const Ops* table : allOps()) {
            std::vector<std::byte> block(34);
            table->storeKv(TensorType::Q8_0, values.data(), 32, block.data());
            for (int i = 0; i < 31; ++i) {
                QCOMPARE(static_cast<int>(static_cast<int8_t>(block[static_cast<size_t>(2 + i)])),
                         i < 16 ? i - 16 : i - 15);
            }
            for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
                broken[5] = bad;
                table->storeKv(TensorType::Q8_0, broken.data(), 32, block.data());
                std::vector<float> back(32);
                table->dequantizeRow(TensorType::Q8_0, block.data(), 32, back.data());
                QVERIFY(std::isnan(back[0]) && std::isnan(back[31]));
                for (const TensorType half : {TensorType::F16, TensorType::BF16}) {
                    std::vector<std::byte> row(64);
                    std::vector<std::byte> wanted(64);
                    table->storeKv(half, broken.data(), 32, row.data());
                    quantizeRow(half, broken.data(), 32, wanted.data());
                    QVERIFY(row == wanted);
                }
            }
        }
    }

    // All vector tables give the same bits, so that a run repeats on another machine.
    void vectorTablesAgreeBitForBit() {
        const auto tables = allOps();
        for (const TensorType type : kTypes) {
            const Cache k(type, 100, 96, 100);
            const Cache v(type, 100, 96, 900);
            Call first(7, 96, k, v, 0, 100);
            first.run(*tables.back());
            for (const Ops* table : tables.subspan(1)) {
                Call other(7, 96, k, v, 0, 100);
                other.run(*table);
                QCOMPARE(difference(other, first), std::string());
            }
        }
    }

private:
    static void compare(const Call& ours, const Call& wanted, const Cache& k, const Cache& v) {
        const int64_t n_kv = ours.positions();
        const int64_t dim = ours.args.head_dim;
        for (int64_t h = 0; h < ours.args.n_heads; ++h) {
            double largest_score = ours.args.sink == nullptr ? 0.0 : std::fabs(static_cast<double>(ours.args.sink[h]));
            double largest_value = 0.0;
            for (int64_t i = 0; i < n_kv; ++i) {
                const std::vector<float> key = k.row(ours.args.begin + i, dim);
                double dot = 0.0;
                for (int64_t d = 0; d < dim; ++d) {
                    dot += static_cast<double>(ours.q[static_cast<size_t>(h * dim + d)]) *
                           static_cast<double>(key[static_cast<size_t>(d)]);
                }
                largest_score = std::max(largest_score, std::fabs(dot * 0.4));
                for (const float value : v.row(ours.args.begin + i, dim)) {
                    largest_value = std::max(largest_value, std::fabs(static_cast<double>(value)));
                }
            }
            const double band = 1e-5 + 4e-7 * largest_score;
            double total = 0.0;
            for (int64_t i = 0; i < n_kv; ++i) {
                const auto at = static_cast<size_t>(h * n_kv + i);
                closeTo(static_cast<double>(ours.scores[at]), static_cast<double>(wanted.scores[at]), band);
                total += static_cast<double>(ours.scores[at]);
            }
            for (int64_t d = 0; d < dim; ++d) {
                const auto at = static_cast<size_t>(h * dim + d);
                closeTo(static_cast<double>(ours.out[at]), static_cast<double>(wanted.out[at]), band * largest_value);
            }
            if (ours.args.sink == nullptr) {
                closeTo(total, n_kv > 0 ? 1.0 : 0.0, 1e-5);
            }
        }
    }
};

QTEST_APPLESS_MAIN(TstAttention)
#include "tst_attention.moc"
