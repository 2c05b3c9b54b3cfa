#include "kernels/check/self_test.h"

#include "kernels/check/trial.h"

#include <array>

namespace quibble::kernels {

namespace {

constexpr std::array kTests{
    check::OpTest{"matmul", check::testMatmul},
    check::OpTest{"matmulPacked", check::testMatmulPacked},
    check::OpTest{"matmulBf16", check::testMatmulBf16, [](const Ops& table) { return table.matmulBf16 != nullptr; }},
    check::OpTest{"quantizeQ8", check::testQuantizeQ8},
    check::OpTest{"dequantizeRow", check::testDequantizeRow},
    check::OpTest{"rmsNorm", check::testRmsNorm},
    check::OpTest{"rope", check::testRope},
    check::OpTest{"swiGlu", check::testSwiGlu},
    check::OpTest{"swiGluClamped", check::testSwiGluClamped},
    check::OpTest{"add", check::testAdd},
    check::OpTest{"attention", check::testAttention},
    check::OpTest{"storeKv", check::testStoreKv},
    check::OpTest{"logitStats", check::testLogitStats},
    check::OpTest{"klDivergence", check::testKlDivergence},
};

}  // namespace

std::vector<OpCheck> selfTest(std::span<const Ops* const> tables, const SelfTestOptions& options) {
    std::vector<OpCheck> results;
    int done = 0;
    const int total = static_cast<int>(tables.size() * kTests.size());
    for (const Ops* table : tables) {
        for (const check::OpTest& test : kTests) {
            if (options.stop.stop_requested()) {
                return results;
            }
            if (test.offered == nullptr || test.offered(*table)) {
                check::Trial trial(*table, test.op, options.seed);
                test.run(trial);
                results.push_back(trial.result());
            }
            ++done;
            if (options.progress) {
                options.progress(done, total);
            }
        }
    }
    return results;
}

}  // namespace quibble::kernels
