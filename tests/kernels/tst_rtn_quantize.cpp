// Round-to-nearest groups: the definition in quantize.h, weight by weight.
#include "tests/kernels/kernel_cases.h"

#include "kernels/formats/half.h"

#include <QTest>

#include <algorithm>

using namespace quibble::kernels;
using namespace quibble::kernels::test;

class TstRtnQuantize : public QObject {
    Q_OBJECT

private slots:
    void everyWeightTakesItsNearestLevel_data() {
        QTest::addColumn<int>("bits");
        QTest::addColumn<int>("group");
        QTest::addColumn<bool>("symmetric");
        for (int bits = 2; bits <= 8; ++bits) {
            for (const int group : {1, 5, 16, 64, 100}) {
                for (const bool symmetric : {true, false}) {
                    QTest::addRow("bits%d/group%d/%s", bits, group, symmetric ? "symmetric" : "asymmetric")
                        << bits << group << symmetric;
                }
            }
        }
    }
    void everyWeightTakesItsNearestLevel() {
        QFETCH(int, bits);
        QFETCH(int, group);
        QFETCH(bool, symmetric);
        constexpr int64_t kRows = 3;
        constexpr int64_t kCols = 100;
        const RtnParams params{bits, static_cast<uint32_t>(group), symmetric};
        const std::vector<float> w = randomFloats(kRows * kCols, 1, 0.05F);
        const auto groups = static_cast<size_t>((kCols + group - 1) / group);
        std::vector<uint8_t> codes(w.size());
        std::vector<float> scale(kRows * groups);
        std::vector<float> zero(kRows * groups);
        rtnQuantize(w.data(), kRows, kCols, params, codes.data(), scale.data(), zero.data());
        const int top = (1 << bits) - 1;
        for (size_t i = 0; i < w.size(); ++i) {
            const size_t g = i / kCols * groups + i % kCols / static_cast<size_t>(group);
            QVERIFY(codes[i] <= top);
            QCOMPARE(f16ToF32(f32ToF16(scale[g])), scale[g]);
            QVERIFY(zero[g] == std::floor(zero[g]) && zero[g] >= 0.0F && zero[g] <= static_cast<float>(top));
            QVERIFY(!symmetric || zero[g] == static_cast<float>(1 << (bits - 1)));
            double nearest = 1e30;
            for (int code = 0; code <= top; ++code) {
                nearest =
                    std::min(nearest, std::fabs(static_cast<double>(w[i]) -
                                                static_cast<double>(scale[g]) * (code - static_cast<double>(zero[g]))));
            }
            const double error = std::fabs(static_cast<double>(w[i]) -
                                           static_cast<double>(scale[g]) * (codes[i] - static_cast<double>(zero[g])));
            QVERIFY(error <= nearest + 1e-7 * std::fabs(static_cast<double>(scale[g])));
            // No weight is further off than one step: half a step by rounding, the rest where the grid has no level on
            // that side; and where F16 is subnormal, what rounding the scale moves the last level by.
            QVERIFY(error <= 1.02 * std::fabs(static_cast<double>(scale[g])) + top * 0x1p-25);
        }
    }

    void moreBitsMeanLessError() {
        const std::vector<float> w = randomFloats(64 * 64, 2, 0.05F);
        for (const bool symmetric : {true, false}) {
            double before = 1e30;
            for (int bits = 2; bits <= 8; ++bits) {
                std::vector<uint8_t> codes(w.size());
                std::vector<float> scale(64);
                std::vector<float> zero(64);
                rtnQuantize(w.data(), 64, 64, {bits, 64, symmetric}, codes.data(), scale.data(), zero.data());
                double error = 0.0;
                for (size_t i = 0; i < w.size(); ++i) {
                    const double e = static_cast<double>(w[i]) - static_cast<double>(scale[i / 64]) *
                                                                     (codes[i] - static_cast<double>(zero[i / 64]));
                    error += e * e;
                }
                QVERIFY2(error < 0.5 * before && error > 0.0, qPrintable(QString("%1 bits").arg(bits)));
                before = error;
            }
        }
    }

    void readableByEye() {
        // 3 bits, symmetric: -4..3 around code 4. The largest weight is negative: -4 fits the lowest level with
        // scale 1.
        const float w[4] = {-4.0F, 3.0F, 1.0F, 0.0F};
        uint8_t codes[4];
        float scale = 0.0F;
        float zero = 0.0F;
        rtnQuantize(w, 1, 4, {3, 4, true}, codes, &scale, &zero);
        QCOMPARE(scale, 1.0F);
        QCOMPARE(zero, 4.0F);
        QVERIFY(codes[0] == 0 && codes[1] == 7 && codes[2] == 5 && codes[3] == 4);
        // 2 bits, asymmetric: four levels between 0 and 3.
        const float positive[4] = {3.0F, 1.0F, 2.0F, 0.0F};
        rtnQuantize(positive, 1, 4, {2, 4, false}, codes, &scale, &zero);
        QCOMPARE(scale, 1.0F);
        QCOMPARE(zero, 0.0F);
        QVERIFY(codes[0] == 3 && codes[1] == 1 && codes[2] == 2 && codes[3] == 0);
    }

    void zerosAndHugeWeights() {
        for (const bool symmetric : {true, false}) {
            const std::vector<float> zeros(8, 0.0F);
            const std::vector<float> huge(8, 1e30F);
            uint8_t codes[8];
            float scale = 9.0F;
            float zero = 9.0F;
            rtnQuantize(zeros.data(), 1, 8, {4, 8, symmetric}, codes, &scale, &zero);
            QCOMPARE(scale, 0.0F);
            rtnQuantize(huge.data(), 1, 8, {4, 8, symmetric}, codes, &scale, &zero);
            QVERIFY(std::isfinite(scale));  // clipped to the largest half, not infinite
        }
    }

    void badParametersAreNamed() {
        QVERIFY(rtnParamsError({4, 64, true}, 64).empty());
        QVERIFY(rtnParamsError({1, 64, true}, 64).find("bits is 1") != std::string::npos);
        QVERIFY(!rtnParamsError({9, 64, true}, 64).empty());
        QVERIFY(rtnParamsError({4, 0, true}, 64).find("group is 0") != std::string::npos);
        QVERIFY(!rtnParamsError({4, 65, true}, 64).empty());
    }
};

QTEST_APPLESS_MAIN(TstRtnQuantize)
#include "tst_rtn_quantize.moc"
