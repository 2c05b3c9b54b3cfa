// Norm, rotation, gates and sum.
#include "kernels/check/trial.h"

namespace quibble::kernels::check {

namespace {

constexpr int64_t kLengths[] = {1, 17, 64, 333, 4096};

std::string lengthText(int64_t n) { return "length " + std::to_string(n); }
double asDouble(const std::vector<float>& values, int64_t i) {
    return static_cast<double>(values[static_cast<size_t>(i)]);
}

}  // namespace

void testRmsNorm(Trial& trial) {
    for (const int64_t n : kLengths) {
        const std::vector<float> x = trial.floats(n), gain = trial.floats(n);
        std::vector<float> got(x.size()), wanted(x.size());
        trial.table.rmsNorm(x.data(), gain.data(), n, 1e-6F, got.data());
        allOps()[0]->rmsNorm(x.data(), gain.data(), n, 1e-6F, wanted.data());
        trial.begin(lengthText(n));
        for (int64_t i = 0; i < n; ++i) {
            trial.close(i, asDouble(got, i), asDouble(wanted, i), 2e-6 * std::fabs(asDouble(wanted, i)) + 1e-30);
        }
    }
}

void testRope(Trial& trial) {
    for (const int64_t rot : {2, 18, 64, 128}) {
        const int64_t dim = rot + 5;
        std::vector<float> cos, sin;
        for (int64_t i = 0; i < dim; ++i) {
            cos.push_back(static_cast<float>(std::cos(0.37 * static_cast<double>(i + 1))));
            sin.push_back(static_cast<float>(std::sin(0.37 * static_cast<double>(i + 1))));
        }
        for (const bool adjacent : {false, true}) {
            const std::vector<float> before = trial.floats(dim);
            std::vector<float> got = before, wanted = before;
            trial.table.rope(got.data(), dim, rot, cos.data(), sin.data(), adjacent);
            allOps()[0]->rope(wanted.data(), dim, rot, cos.data(), sin.data(), adjacent);
            trial.begin(std::to_string(rot) + (adjacent ? " dimensions, neighbours" : " dimensions, halves"));
            for (int64_t i = 0; i < dim; ++i) {
                const int64_t other = adjacent ? i ^ 1 : (i + rot / 2) % rot;
                const double size = i < rot ? std::fabs(asDouble(before, i)) + std::fabs(asDouble(before, other)) : 0.0;
                trial.close(i, asDouble(got, i), asDouble(wanted, i), 2e-7 * size);
            }
        }
    }
}

void testSwiGlu(Trial& trial) {
    for (const int64_t n : kLengths) {
        const std::vector<float> gate = trial.floats(n, 10.0F), up = trial.floats(n);
        std::vector<float> got(gate.size()), wanted(gate.size());
        trial.table.swiGlu(gate.data(), up.data(), n, got.data());
        allOps()[0]->swiGlu(gate.data(), up.data(), n, wanted.data());
        trial.begin(lengthText(n));
        for (int64_t i = 0; i < n; ++i) {
            trial.close(i, asDouble(got, i), asDouble(wanted, i),
                        1e-6 * std::fabs(asDouble(wanted, i)) + 1e-30 * std::fabs(asDouble(up, i)));
        }
    }
}

void testSwiGluClamped(Trial& trial) {
    constexpr float kAlpha = 1.702F, kLimit = 7.0F;
    for (const int64_t n : kLengths) {
        const std::vector<float> gate = trial.floats(n, 6.0F), up = trial.floats(n, 6.0F);
        std::vector<float> got(gate.size()), wanted(gate.size());
        trial.table.swiGluClamped(gate.data(), up.data(), n, kAlpha, kLimit, got.data());
        allOps()[0]->swiGluClamped(gate.data(), up.data(), n, kAlpha, kLimit, wanted.data());
        trial.begin(lengthText(n));
        for (int64_t i = 0; i < n; ++i) {
            const double exponent =
                static_cast<double>(kAlpha) * std::fabs(std::min(asDouble(gate, i), static_cast<double>(kLimit)));
            trial.close(i, asDouble(got, i), asDouble(wanted, i),
                        (1e-6 + 1.2e-7 * exponent) * std::fabs(asDouble(wanted, i)) + 8e-30);
        }
    }
}

void testAdd(Trial& trial) {
    for (const int64_t n : kLengths) {
        const std::vector<float> a = trial.floats(n), b = trial.floats(n);
        std::vector<float> got(a.size()), wanted(a.size());
        trial.table.add(a.data(), b.data(), n, got.data());
        allOps()[0]->add(a.data(), b.data(), n, wanted.data());
        trial.begin(lengthText(n));
        trial.same(got.data(), wanted.data(), got.size() * sizeof(float));
    }
}

}  // namespace quibble::kernels::check
