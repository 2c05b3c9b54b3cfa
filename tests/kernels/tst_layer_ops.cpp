// Norm, rotation, gate, sum and attention of every table against the reference.
#include "tests/kernels/kernel_cases.h"

#include <QtTest>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

namespace {

const std::vector<int64_t> kLengths = {1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 128, 255, 256, 257, 4096};

void closeTo(double got, double wanted, double band) {
    if (!(std::fabs(got - wanted) <= band)) {
        QFAIL(qPrintable(QString("%1 instead of %2, band %3").arg(got, 0, 'g', 12).arg(wanted, 0, 'g', 12).arg(band)));
    }
}

}  // namespace

class TstLayerOps : public QObject {
    Q_OBJECT

private:
    static void variantTimesLength(const std::vector<int64_t>& lengths) {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("length");
        QTest::addColumn<qint64>("offset");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t length : lengths) {
                for (const size_t offset : {0, 1, 3}) {
                    QTest::addRow("%s/n%lld/off%zu", allOps()[v]->isa, static_cast<long long>(length), offset)
                        << static_cast<qint64>(v) << static_cast<qint64>(length) << static_cast<qint64>(offset);
                }
            }
        }
    }

private slots:
    void rmsNorm_data() { variantTimesLength(kLengths); }
    void rmsNorm() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        Shifted<float> x(randomFloats(n, 1), shift);
        const Shifted<float> gain(randomFloats(n, 2), shift);
        std::vector<float> wanted(n);
        allOps()[0]->rmsNorm(x.data(), gain.data(), length, 1e-6F, wanted.data());
        Shifted<float> y(n, shift);
        const Ops& table = *allOps()[static_cast<size_t>(variant)];
        table.rmsNorm(x.data(), gain.data(), length, 1e-6F, y.data());
        for (size_t i = 0; i < n; ++i) {
            const double w = static_cast<double>(wanted[i]);
            closeTo(static_cast<double>(y[i]), w, 2e-6 * std::fabs(w) + 1e-30);
        }
        table.rmsNorm(x.data(), gain.data(), length, 1e-6F, x.data());  // in place
        const std::string difference = firstDifference(x.data(), y.data(), n);
        QVERIFY2(difference.empty(), difference.c_str());
    }

    void rope_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("rot");
        QTest::addColumn<bool>("adjacent");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t rot : {0, 2, 6, 14, 16, 18, 32, 34, 64, 80, 128}) {
                for (const bool adjacent : {false, true}) {
                    QTest::addRow("%s/rot%lld/%s", allOps()[v]->isa, static_cast<long long>(rot), adjacent ? "adjacent" : "halves")
                        << static_cast<qint64>(v) << static_cast<qint64>(rot) << adjacent;
                }
            }
        }
    }
    void rope() {
        QFETCH(qint64, variant);
        QFETCH(qint64, rot);
        QFETCH(bool, adjacent);
        const int64_t dim = rot + 5;
        const auto n = static_cast<size_t>(dim);
        std::vector<float> cos(n);
        std::vector<float> sin(n);
        for (size_t i = 0; i < n; ++i) {
            cos[i] = static_cast<float>(std::cos(0.37 * static_cast<double>(i + 1)));
            sin[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i + 1)));
        }
        const std::vector<float> before = randomFloats(n, 3);
        for (const size_t shift : {0, 1}) {
            Shifted<float> x(before, shift);
            std::vector<float> wanted = before;
            allOps()[0]->rope(wanted.data(), dim, rot, cos.data(), sin.data(), adjacent);
            allOps()[static_cast<size_t>(variant)]->rope(x.data(), dim, rot, cos.data(), sin.data(), adjacent);
            for (int64_t i = 0; i < rot; ++i) {
                const int64_t other = adjacent ? i ^ 1 : (i + rot / 2) % rot;
                const double size = std::fabs(static_cast<double>(before[static_cast<size_t>(i)])) +
                                    std::fabs(static_cast<double>(before[static_cast<size_t>(other)]));
                closeTo(static_cast<double>(x[static_cast<size_t>(i)]), static_cast<double>(wanted[static_cast<size_t>(i)]), 2e-7 * size);
            }
            for (int64_t i = rot; i < dim; ++i) {
                QVERIFY(sameBits(x[static_cast<size_t>(i)], before[static_cast<size_t>(i)]));
            }
        }
    }
    void ropeByEye() {
        // A quarter turn takes (1, 2) to (-2, 1).
        const float cos = 0.0F;
        const float sin = 1.0F;
        for (const Ops* table : allOps()) {
            for (const bool adjacent : {false, true}) {
                float x[3] = {1.0F, 2.0F, 3.0F};
                table->rope(x, 3, 2, &cos, &sin, adjacent);
                QCOMPARE(x[0], -2.0F);
                QCOMPARE(x[1], 1.0F);
                QCOMPARE(x[2], 3.0F);
            }
        }
    }

    void swiGlu_data() { variantTimesLength(kLengths); }
    void swiGlu() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        const Shifted<float> gate(randomFloats(n, 4, 10.0F), shift);
        const Shifted<float> up(randomFloats(n, 5), shift);
        std::vector<float> wanted(n);
        allOps()[0]->swiGlu(gate.data(), up.data(), length, wanted.data());
        Shifted<float> y(n, shift);
        allOps()[static_cast<size_t>(variant)]->swiGlu(gate.data(), up.data(), length, y.data());
        for (size_t i = 0; i < n; ++i) {
            const double w = static_cast<double>(wanted[i]);
            closeTo(static_cast<double>(y[i]), w, 1e-6 * std::fabs(w) + 1e-30 * std::fabs(static_cast<double>(up.data()[i])));
        }
    }
    void swiGluAtTheEnds() {
        const std::vector<float> gate = {0.0F, 50.0F, 100.0F, 3e38F, INFINITY, -50.0F, -87.0F, -89.0F, -1000.0F, -3e38F, std::nanf("")};
        const std::vector<float> up(gate.size(), 1.0F);
        for (const Ops* table : allOps()) {
            std::vector<float> y(gate.size());
            table->swiGlu(gate.data(), up.data(), static_cast<int64_t>(gate.size()), y.data());
            QCOMPARE(y[0], 0.0F);
            QCOMPARE(y[1], 50.0F);
            QCOMPARE(y[2], 100.0F);
            QCOMPARE(y[3], 3e38F);
            QCOMPARE(y[4], INFINITY);
            for (size_t i = 5; i < 10; ++i) {
                QVERIFY2(y[i] <= 0.0F && y[i] > -1e-19F, table->isa);
            }
            QVERIFY(std::isnan(y[10]));
        }
    }

    void add_data() { variantTimesLength(kLengths); }
    void add() {
        QFETCH(qint64, variant);
        QFETCH(qint64, length);
        QFETCH(qint64, offset);
        const auto n = static_cast<size_t>(length);
        const auto shift = static_cast<size_t>(offset);
        Shifted<float> a(randomFloats(n, 6), shift);
        const Shifted<float> b(randomFloats(n, 7), shift);
        std::vector<float> wanted(n);
        allOps()[0]->add(a.data(), b.data(), length, wanted.data());
        allOps()[static_cast<size_t>(variant)]->add(a.data(), b.data(), length, a.data());
        const std::string difference = firstDifference(a.data(), wanted.data(), n);
        QVERIFY2(difference.empty(), difference.c_str());
    }

    void attention_data() {
        QTest::addColumn<qint64>("variant");
        QTest::addColumn<qint64>("dim");
        QTest::addColumn<qint64>("positions");
        for (size_t v = 0; v < allOps().size(); ++v) {
            for (const int64_t dim : {1, 8, 16, 20, 32, 48, 64, 80, 96, 128, 192, 256}) {
                for (const int64_t positions : {0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 250}) {
                    QTest::addRow("%s/dim%lld/kv%lld", allOps()[v]->isa, static_cast<long long>(dim), static_cast<long long>(positions))
                        << static_cast<qint64>(v) << static_cast<qint64>(dim) << static_cast<qint64>(positions);
                }
            }
        }
    }
    void attention() {
        QFETCH(qint64, variant);
        QFETCH(qint64, dim);
        QFETCH(qint64, positions);
        const int64_t stride = dim + 3;
        const auto cache = static_cast<size_t>(stride * positions);
        const std::vector<float> q = randomFloats(static_cast<size_t>(dim), 8, 2.0F);
        const Shifted<float> k(randomFloats(cache, 9), 1);
        const Shifted<float> v(randomFloats(cache, 10), 2);
        std::vector<float> scores(static_cast<size_t>(positions));
        std::vector<float> out(static_cast<size_t>(dim), 5.0F);
        AttentionArgs args{q.data(), k.data(), stride, v.data(), stride, positions, dim, 0.7F, scores.data(), out.data()};
        allOps()[static_cast<size_t>(variant)]->attention(args);
        std::vector<float> wanted_scores(scores.size());
        std::vector<float> wanted(out.size());
        args.scores = wanted_scores.data();
        args.out = wanted.data();
        allOps()[0]->attention(args);
        double largest_score = 0.0;
        double largest_value = 0.0;
        for (int64_t i = 0; i < positions; ++i) {
            double dot = 0.0;
            for (int64_t d = 0; d < dim; ++d) {
                dot += static_cast<double>(q[static_cast<size_t>(d)]) * static_cast<double>(k.data()[i * stride + d]);
                largest_value = std::max(largest_value, std::fabs(static_cast<double>(v.data()[i * stride + d])));
            }
            largest_score = std::max(largest_score, std::fabs(dot * 0.7));
        }
        const double band = 1e-5 + 4e-7 * largest_score;
        double total = 0.0;
        for (size_t i = 0; i < scores.size(); ++i) {
            closeTo(static_cast<double>(scores[i]), static_cast<double>(wanted_scores[i]), band);
            total += static_cast<double>(scores[i]);
        }
        for (size_t d = 0; d < out.size(); ++d) {
            closeTo(static_cast<double>(out[d]), static_cast<double>(wanted[d]), band * largest_value);
        }
        closeTo(total, positions > 0 ? 1.0 : 0.0, 1e-5);
    }
    void attentionByEye() {
        // Equal keys share equally; a key that is far ahead takes all.
        const float q[2] = {1.0F, 0.0F};
        const float equal[6] = {1, 5, 1, 6, 1, 7};
        const float ahead[6] = {0, 0, 200, 0, 0, 0};
        const float v[6] = {3, 30, 6, 60, 9, 90};
        for (const Ops* table : allOps()) {
            float scores[3];
            float out[2];
            table->attention({q, equal, 2, v, 2, 3, 2, 1.0F, scores, out});
            QVERIFY(std::fabs(out[0] - 6.0F) < 1e-5F && std::fabs(out[1] - 60.0F) < 1e-4F);
            table->attention({q, ahead, 2, v, 2, 3, 2, 1.0F, scores, out});
            QCOMPARE(out[0], 6.0F);
            QCOMPARE(out[1], 60.0F);
            const float nan[6] = {1, 1, std::nanf(""), 1, 1, 1};
            table->attention({q, nan, 2, v, 2, 3, 2, 1.0F, scores, out});
            QVERIFY(std::isnan(out[0]));
        }
    }

    // avx2 and avx512 give the same bits, so that a run repeats on another machine.
    void vectorTablesAgreeBitForBit() {
        const auto tables = allOps();
        if (tables.size() < 3) {
            QSKIP("needs two vector tables");
        }
        const Ops& a = *tables[1];
        const Ops& b = *tables[2];
        constexpr size_t kN = 333;
        const std::vector<float> x = randomFloats(kN, 11, 5.0F);
        const std::vector<float> y = randomFloats(kN, 12);
        std::vector<float> from_a(kN);
        std::vector<float> from_b(kN);
        const auto same = [&] { return firstDifference(from_a.data(), from_b.data(), kN); };
        a.rmsNorm(x.data(), y.data(), kN, 1e-5F, from_a.data());
        b.rmsNorm(x.data(), y.data(), kN, 1e-5F, from_b.data());
        QCOMPARE(same(), std::string());
        a.swiGlu(x.data(), y.data(), kN, from_a.data());
        b.swiGlu(x.data(), y.data(), kN, from_b.data());
        QCOMPARE(same(), std::string());
        for (const bool adjacent : {false, true}) {
            from_a = from_b = x;
            a.rope(from_a.data(), kN, 90, y.data(), x.data(), adjacent);
            b.rope(from_b.data(), kN, 90, y.data(), x.data(), adjacent);
            QCOMPARE(same(), std::string());
        }
        const std::vector<float> cache = randomFloats(100 * 80, 13);
        std::vector<float> scores(100);
        a.attention({x.data(), cache.data(), 80, cache.data(), 80, 100, 72, 0.1F, scores.data(), from_a.data()});
        b.attention({x.data(), cache.data(), 80, cache.data(), 80, 100, 72, 0.1F, scores.data(), from_b.data()});
        QCOMPARE(same(), std::string());
    }
};

QTEST_APPLESS_MAIN(TstLayerOps)
#include "tst_layer_ops.moc"
