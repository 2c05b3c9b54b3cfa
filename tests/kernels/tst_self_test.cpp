// The check of the kernels that a user can run: it passes on this machine, and finds a fault in any operation.
#include "kernels/check/self_test.h"

#include "kernels/ops.h"

#include <QTest>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace quibble::kernels;

namespace {

const Ops& reference() { return *allOps()[0]; }

// An operation that computes as the reference does, but for one small thing.
struct Fault {
    const char* op;
    void (*plant)(Ops& table);
};

const Fault kFaults[] = {
    {"matmul",
     [](Ops& t) {
         t.matmul = [](const MatmulArgs& a) {
             reference().matmul(a);
             a.y[a.out_begin] *= 1.0001F;
         };
     }},
    {"matmulPacked",
     [](Ops& t) {
         t.matmulPacked = [](const MatmulPackedArgs& a) {
             reference().matmulPacked(a);
             if (a.n_rows == 8) a.y[7] += 0.001F;
         };
     }},
    {"matmulBf16",
     [](Ops& t) {
         t.matmulBf16 = [](const MatmulBf16Args& a) {
             reference().matmulBf16(a);
             a.y[a.y_stride * a.n_rows - 1] *= 1.001F;
         };
     }},
    {"quantizeQ8",
     [](Ops& t) {
         t.quantizeQ8 = [](const float* x, int64_t n, std::byte* out) {
             reference().quantizeQ8(x, n, out);
             out[3] ^= std::byte{1};
         };
     }},
    {"dequantizeRow",
     [](Ops& t) {
         t.dequantizeRow = [](TensorType type, const std::byte* src, int64_t n, float* dst) {
             reference().dequantizeRow(type, src, n, dst);
             if (type == TensorType::Q5_K) dst[n - 1] = -dst[n - 1] + 1.0F;
         };
     }},
    {"rmsNorm",
     [](Ops& t) {
         t.rmsNorm = [](const float* x, const float* g, int64_t n, float eps, float* y) {
             reference().rmsNorm(x, g, n, eps, y);
             y[n - 1] *= 1.0001F;
         };
     }},
    {"rope",
     [](Ops& t) {
         t.rope = [](float* x, int64_t dim, int64_t rot, const float* c, const float* s, bool adjacent) {
             reference().rope(x, dim, rot, c, s, !adjacent);
         };
     }},
    {"swiGlu",
     [](Ops& t) {
         t.swiGlu = [](const float* g, const float* u, int64_t n, float* y) {
             reference().swiGlu(g, u, n, y);
             y[0] *= 0.9999F;
         };
     }},
    {"swiGluClamped",
     [](Ops& t) {
         t.swiGluClamped = [](const float* g, const float* u, int64_t n, float alpha, float limit, float* y) {
             reference().swiGluClamped(g, u, n, alpha, limit * 0.5F, y);
         };
     }},
    {"add",
     [](Ops& t) {
         t.add = [](const float* a, const float* b, int64_t n, float* y) {
             reference().add(a, b, n, y);
             y[n / 2] = a[n / 2];
         };
     }},
    {"attention",
     [](Ops& t) {
         t.attention = [](const AttentionArgs* rows, int64_t n) {
             reference().attention(rows, n);
             if (rows->sink != nullptr) rows->out[1] += 0.1F;
         };
     }},
    {"storeKv",
     [](Ops& t) {
         t.storeKv = [](TensorType type, const float* x, int64_t n, std::byte* out) {
             reference().storeKv(type, x, n, out);
             if (type == TensorType::BF16) out[0] ^= std::byte{1};
         };
     }},
    {"logitStats",
     [](Ops& t) {
         t.logitStats = [](const float* z, int64_t n, LogitStats* out) {
             reference().logitStats(z, n, out);
             out->entropy += 1e-6;
         };
     }},
    {"klDivergence",
     [](Ops& t) {
         t.klDivergence = [](const float* p, double lse_p, const float* q, double lse_q, int64_t n) {
             return reference().klDivergence(p, lse_p, q, lse_q, n) + (n > 100 ? 1e-6 : 0.0);
         };
     }},
};

}  // namespace

class TstSelfTest : public QObject {
    Q_OBJECT

private slots:
    void passesOnThisMachine() {
        for (const uint64_t seed : {1U, 99U}) {
            const auto checks = selfTest(allOps(), {.seed = seed, .progress = {}, .stop = {}});
            size_t expected = 0;
            for (const Ops* table : allOps()) {
                expected += table->matmulBf16 != nullptr ? 14 : 13;
            }
            QCOMPARE(checks.size(), expected);
            for (const OpCheck& check : checks) {
                QVERIFY2(check.fault.empty(), (std::string(check.isa) + " " + check.op + ": " + check.fault).c_str());
                QVERIFY(check.cases > 0);
                QVERIFY(check.worst <= 1.0);
            }
        }
    }

    void findsAFaultInEveryOperation_data() {
        QTest::addColumn<int>("index");
        for (size_t i = 0; i < std::size(kFaults); ++i) {
            QTest::addRow("%s", kFaults[i].op) << static_cast<int>(i);
        }
    }
    void findsAFaultInEveryOperation() {
        QFETCH(int, index);
        const Fault& fault = kFaults[static_cast<size_t>(index)];
        Ops table = reference();
        table.isa = "planted";
        fault.plant(table);
        const std::array<const Ops*, 1> tables{&table};
        std::vector<std::string> wrong;
        for (const OpCheck& check : selfTest(tables)) {
            if (!check.fault.empty()) {
                wrong.push_back(std::string(check.isa) + " " + check.op);
            }
        }
        QCOMPARE(wrong, std::vector<std::string>{std::string("planted ") + fault.op});
    }

    void tellsHowFarItIsAndStops() {
        std::stop_source stop;
        std::vector<int> seen;
        int last_total = 0;
        const auto progress = [&](int done, int total) {
            seen.push_back(done);
            last_total = total;
            if (done == 3) {
                stop.request_stop();
            }
        };
        const auto checks = selfTest(allOps().first(1), {.seed = 1, .progress = progress, .stop = stop.get_token()});
        QCOMPARE(seen, (std::vector<int>{1, 2, 3}));
        QCOMPARE(last_total, 14);
        QVERIFY(checks.size() <= 3);
    }
};

QTEST_APPLESS_MAIN(TstSelfTest)
#include "tst_self_test.moc"
