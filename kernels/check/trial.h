// One operation of one table under test: the cases it went through, how near its results came to their band, and the
// first that left it.
#pragma once

#include "kernels/check/inputs.h"
#include "kernels/check/self_test.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace quibble::kernels::check {

class Trial {
public:
    Trial(const Ops& table_, const char* op, uint64_t seed) : table(table_), random_(seed) {
        result_.isa = table_.isa;
        result_.op = op;
    }

    const Ops& table;

    // Begins a case: all that is compared until the next call belongs to it.
    void begin(std::string name) {
        case_ = std::move(name);
        ++result_.cases;
    }
    uint64_t seed() { return random_.next(); }
    std::vector<float> floats(int64_t n, float sigma = 1.0F) {
        return randomFloats(static_cast<size_t>(n), seed(), sigma);
    }

    void close(int64_t element, double got, double wanted, double band) {
        const double error = std::fabs(got - wanted);
        if (error <= band) {
            if (band > 0.0) {
                result_.worst = std::max(result_.worst, error / band);
            }
            return;
        }
        char text[160];
        std::snprintf(text, sizeof(text), "element %lld is %.9g instead of %.9g, allowed is %.3g",
                      static_cast<long long>(element), got, wanted, band);
        fault(text);
    }
    void same(const void* got, const void* wanted, size_t bytes) {
        if (std::memcmp(got, wanted, bytes) != 0) {
            fault("other bytes than the reference");
        }
    }
    bool failed() const { return !result_.fault.empty(); }
    OpCheck result() const { return result_; }

private:
    void fault(std::string_view what) {
        if (!failed()) {
            result_.fault = case_ + ": " + std::string(what);
        }
    }

    Random random_;
    OpCheck result_;
    std::string case_;
};

// One operation: what it is called in Ops, how to try it, and whether a table has it.
struct OpTest {
    const char* op;
    void (*run)(Trial& trial);
    bool (*offered)(const Ops& table) = nullptr;  // nullptr: every table has it
};

void testMatmul(Trial& trial);
void testMatmulPacked(Trial& trial);
void testMatmulBf16(Trial& trial);
void testQuantizeQ8(Trial& trial);
void testDequantizeRow(Trial& trial);
void testRmsNorm(Trial& trial);
void testRope(Trial& trial);
void testSwiGlu(Trial& trial);
void testSwiGluClamped(Trial& trial);
void testAdd(Trial& trial);
void testAttention(Trial& trial);
void testStoreKv(Trial& trial);
void testLogitStats(Trial& trial);
void testKlDivergence(Trial& trial);

}  // namespace quibble::kernels::check
