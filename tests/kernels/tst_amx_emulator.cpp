// The tile instructions that stand in for those of a CPU with AMX, against numbers worked out by hand. Where the CPU
// has AMX, it runs the ones of valid programs itself, and must agree.
#include "tests/support/amx_emulator.h"
#include "tests/support/each_isa.h"

#include <QTest>

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/ops.h"

using quibble::testing::AmxMachine;
using quibble::testing::AmxRegisters;

namespace {

struct alignas(64) Config {
    uint8_t bytes[64] = {1};

    Config& tile(int t, int rows, int row_bytes) {
        bytes[16 + 2 * t] = static_cast<uint8_t>(row_bytes);
        bytes[48 + t] = static_cast<uint8_t>(rows);
        return *this;
    }
};

void load(const Config& config) { asm volatile("ldtilecfg %0" ::"m"(config) : "memory"); }
void release() { asm volatile("tilerelease"); }

// 0 += 1 * 2 of rows that lie 64 bytes apart.
#define MULTIPLY(instruction, sums, left, right)                                                                  \
    asm volatile(                                                                                                 \
        "tileloadd (%0,%3,1), %%tmm0\n tileloadd (%1,%3,1), %%tmm1\n tileloaddt1 (%2,%3,1), %%tmm2\n" instruction \
        " %%tmm2, %%tmm1, %%tmm0\n tilestored %%tmm0, (%0,%3,1)" ::"r"(sums),                                     \
        "r"(left), "r"(right), "r"(int64_t{64})                                                                   \
        : "memory")

struct alignas(64) Matrix {
    uint8_t bytes[16][64] = {};

    void setInt(int row, int column, int32_t value) { std::memcpy(bytes[row] + 4 * column, &value, 4); }
    int32_t asInt(int row, int column) const {
        int32_t value = 0;
        std::memcpy(&value, bytes[row] + 4 * column, 4);
        return value;
    }
    void setFloat(int row, int column, float value) { std::memcpy(bytes[row] + 4 * column, &value, 4); }
    float asFloat(int row, int column) const {
        float value = 0;
        std::memcpy(&value, bytes[row] + 4 * column, 4);
        return value;
    }
    // value: one whose low 16 bits are zero
    void setBf16(int row, int column, float value) {
        uint32_t bits = 0;
        std::memcpy(&bits, &value, 4);
        const auto high = static_cast<uint16_t>(bits >> 16);
        std::memcpy(bytes[row] + 2 * column, &high, 2);
    }
};

void configure(AmxMachine& machine, const Config& config, AmxMachine::Outcome wanted = AmxMachine::Outcome::Done) {
    static const uint8_t code[] = {0xC4, 0xE2, 0x78, 0x49, 0x00, 0, 0, 0, 0};  // ldtilecfg (%rax)
    AmxRegisters registers;
    registers.general[0] = reinterpret_cast<uint64_t>(&config);
    registers.rip = reinterpret_cast<uint64_t>(code);
    QCOMPARE(machine.step(registers), wanted);
    QCOMPARE(registers.rip, reinterpret_cast<uint64_t>(code) + (wanted == AmxMachine::Outcome::Done ? 5 : 0));
}

void releaseTiles(AmxMachine& machine) {
    static const uint8_t code[] = {0xC4, 0xE2, 0x78, 0x49, 0xC0};
    AmxRegisters registers;
    registers.rip = reinterpret_cast<uint64_t>(code);
    QCOMPARE(machine.step(registers), AmxMachine::Outcome::Done);
}

// Of a product of 2 rows, 8 bytes and 3 outputs.
Config smallShapes() { return Config{}.tile(0, 2, 12).tile(1, 2, 8).tile(2, 2, 12); }

bool runsTiles() { return std::string(quibble::kernels::allOps().back()->isa) == "amx"; }

}  // namespace

class TstAmxEmulator : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        if (!runsTiles()) QSKIP("this CPU has no AVX-512, without which nothing here runs");
    }

    void bytesAreWidenedAsTheNameSays() {
        // Rows of 8 bytes with 2 x 3 words of 4 bytes. 0x80 is -128 or 128, 0xFF is -1 or 255.
        Matrix left, right;
        const uint8_t a[2][8] = {{1, 2, 0x80, 0xFF, 3, 0, 0, 0}, {0xFF, 0, 0, 0, 0, 0, 0, 0x80}};
        const uint8_t b[2][12] = {{1, 1, 1, 1, 0xFF, 0, 0x80, 0, 0, 0, 0, 0xFF},
                                  {2, 0, 0, 0, 0, 0, 0, 0x80, 0xFE, 9, 9, 1}};
        for (int r = 0; r < 2; ++r) {
            std::memcpy(left.bytes[r], a[r], 8);
            std::memcpy(right.bytes[r], b[r], 12);
        }
        struct Case {
            const char* name;
            int32_t sums[2][3];
        };
        // First row of ssd: 1 + 2 - 128 - 1 + 3*2; 1*-1 + -128*-128; -1*-1 + 3*-2. And so on, plus 1000 of the old
        // value.
        const Case cases[] = {
            {"ssd", {{880, 17383, 995}, {999, 17385, 872}}},
            {"sud", {{880, 1000 + 255 - 128 * 128, 1000 - 255 + 3 * 254}, {999, 1000 - 255 - 128 * 128, 1000 - 128}}},
            {"usd",
             {{1000 + 3 + 128 + 255 + 6, 1000 - 1 - 128 * 128, 1000 - 255 - 6}, {1255, 1000 - 255 - 128 * 128, 1128}}},
            {"uud",
             {{1392, 1000 + 255 + 128 * 128, 1000 + 255 * 255 + 3 * 254}, {1255, 1000 + 255 * 255 + 128 * 128, 1128}}}};
        for (int which = 0; which < 4; ++which) {
            Matrix sums;
            for (int r = 0; r < 2; ++r) {
                for (int o = 0; o < 3; ++o) sums.setInt(r, o, 1000);
            }
            sums.setInt(0, 3, -5);
            sums.setInt(2, 0, -6);
            const Config config = smallShapes();
            load(config);
            switch (which) {
                case 0: MULTIPLY("tdpbssd", &sums, &left, &right); break;
                case 1: MULTIPLY("tdpbsud", &sums, &left, &right); break;
                case 2: MULTIPLY("tdpbusd", &sums, &left, &right); break;
                default: MULTIPLY("tdpbuud", &sums, &left, &right); break;
            }
            release();
            for (int r = 0; r < 2; ++r) {
                for (int o = 0; o < 3; ++o) {
                    QVERIFY2(
                        sums.asInt(r, o) == cases[which].sums[r][o],
                        qPrintable(
                            QString("%1 [%2][%3]: %4").arg(cases[which].name).arg(r).arg(o).arg(sums.asInt(r, o))));
                }
            }
            QCOMPARE(sums.asInt(0, 3), -5);  // outside of the shape nothing is stored
            QCOMPARE(sums.asInt(2, 0), -6);
        }
    }

    void sumsOfBytesWrap() {
        Matrix sums, left, right;
        sums.setInt(0, 0, std::numeric_limits<int32_t>::max());
        left.bytes[0][0] = right.bytes[0][0] = 1;
        load(smallShapes());
        MULTIPLY("tdpbssd", &sums, &left, &right);
        release();
        QCOMPARE(sums.asInt(0, 0), std::numeric_limits<int32_t>::min());
    }

    void everyPlaceOfTheLargestTiles() {
        Matrix sums, left, right;
        const auto a = [](int r, int k) { return (r * 7 + k * 13) % 251 - 125; };
        const auto b = [](int k, int o) { return (k * 5 + o * 31) % 241 - 120; };
        for (int r = 0; r < 16; ++r) {
            for (int k = 0; k < 64; ++k) {
                left.bytes[r][k] = static_cast<uint8_t>(a(r, k));
                right.bytes[k / 4][4 * r + k % 4] = static_cast<uint8_t>(b(k, r));
            }
        }
        load(Config{}.tile(0, 16, 64).tile(1, 16, 64).tile(2, 16, 64));
        MULTIPLY("tdpbssd", &sums, &left, &right);
        release();
        for (int r = 0; r < 16; ++r) {
            for (int o = 0; o < 16; ++o) {
                int32_t wanted = 0;
                for (int k = 0; k < 64; ++k) wanted += a(r, k) * b(k, o);
                QCOMPARE(sums.asInt(r, o), wanted);
            }
        }
    }

    void evenAndOddElementsAreSummedApart() {
        Matrix sums, left, right;
        // Even sum: 2^24, then 1, which is lost, then -2^24. Odd sum: 1 and 1. In any other order the ones would stay
        // or go.
        const float evens[3] = {0x1p24F, 1.0F, -0x1p24F};
        const float odds[3] = {1.0F, 1.0F, 0.0F};
        for (int k = 0; k < 3; ++k) {
            left.setBf16(0, 2 * k, evens[k]);
            left.setBf16(0, 2 * k + 1, odds[k]);
            right.setBf16(k, 0, 1.0F);
            right.setBf16(k, 1, 1.0F);
        }
        sums.setFloat(0, 0, 0x1p24F);  // is added last: 2^24 + (0 + 2)
        load(Config{}.tile(0, 1, 4).tile(1, 1, 12).tile(2, 3, 4));
        MULTIPLY("tdpbf16ps", &sums, &left, &right);
        release();
        QCOMPARE(sums.asFloat(0, 0), 0x1p24F + 2.0F);
    }

    void productsOfBf16AreFused() {
        Matrix sums, left, right;
        // (1 + 2^-7)^2 = 1 + 2^-6 + 2^-14; with 2^10 before it, the last bit falls half way and is rounded to even
        // once.
        left.setBf16(0, 0, 0x1p10F);
        left.setBf16(0, 2, 1.0F + 0x1p-7F);
        right.setBf16(0, 0, 1.0F);
        right.setBf16(1, 0, 1.0F + 0x1p-7F);
        load(Config{}.tile(0, 1, 4).tile(1, 1, 8).tile(2, 2, 4));
        MULTIPLY("tdpbf16ps", &sums, &left, &right);
        release();
        QCOMPARE(sums.asFloat(0, 0), std::fma(1.0F + 0x1p-7F, 1.0F + 0x1p-7F, 0x1p10F));
    }

    void denormalsOfBf16AreZero() {
        const float tiny = 0x1p-127F;
        struct Case {
            float a, b, old, wanted;
        };
        const Case cases[] = {{tiny, 0x1p100F, 0.0F, 0.0F},           // as an operand
                              {0x1p-100F, 0x1p-40F, 0.0F, 0.0F},      // as a product
                              {0.0F, 0.0F, tiny, 0.0F},               // as an old value
                              {1.0F, 0x1p-126F, 0.0F, 0x1p-126F},     // the smallest normal number stays
                              {1.0F, 0x1.8p-126F, -0x1p-126F, 0.0F},  // as a sum
                              {1.0F, INFINITY, 1.0F, INFINITY}};
        for (const Case& c : cases) {
            Matrix sums, left, right;
            left.setBf16(0, 0, c.a);
            right.setBf16(0, 0, c.b);
            sums.setFloat(0, 0, c.old);
            load(Config{}.tile(0, 1, 4).tile(1, 1, 4).tile(2, 1, 4));
            MULTIPLY("tdpbf16ps", &sums, &left, &right);
            release();
            QCOMPARE(sums.asFloat(0, 0), c.wanted);
        }
    }

    void zeroReleaseAndStoredConfiguration() {
        const Config config = smallShapes();
        Matrix from, out;
        std::memset(from.bytes, 7, sizeof(from.bytes));
        Config seen, cleared;
        std::memset(seen.bytes, 9, 64);
        std::memset(cleared.bytes, 9, 64);
        load(config);
        asm volatile("tileloadd (%0,%2,1), %%tmm1\n tilezero %%tmm1\n tilestored %%tmm1, (%1,%2,1)" ::"r"(&from),
                     "r"(&out), "r"(int64_t{64})
                     : "memory");
        asm volatile("sttilecfg %0" : "=m"(seen));
        release();
        asm volatile("sttilecfg %0" : "=m"(cleared));
        QCOMPARE(std::memcmp(seen.bytes, config.bytes, 64), 0);
        QCOMPARE(std::memcmp(cleared.bytes, Config{}.bytes + 1, 32), 0);
        QCOMPARE(static_cast<int>(cleared.bytes[0]), 0);
        for (int i = 0; i < 8; ++i) QCOMPARE(static_cast<int>(out.bytes[1][i]), 0);
    }

    void addressesOfEveryForm() {
        Matrix from, out;
        for (int r = 0; r < 16; ++r) {
            for (int i = 0; i < 64; ++i) from.bytes[r][i] = static_cast<uint8_t>(64 * r + i + 1);
        }
        load(Config{}.tile(3, 2, 8));
        const auto base = reinterpret_cast<uint64_t>(&from);
        // Base r13 (no form without a displacement), index r12, scale 4, one byte of displacement; then four bytes, and
        // no index: all rows from one place.
        asm volatile(
            "movq %0, %%r13\n movq $32, %%r12\n tileloadd 8(%%r13,%%r12,4), %%tmm3\n tilestored %%tmm3, (%1,%2,1)\n"
            "tileloadd 0x100(%%r13), %%tmm3\n leaq 128(%1), %%r11\n tilestored %%tmm3, (%%r11,%2,1)" ::"r"(base),
            "r"(&out), "r"(int64_t{64})
            : "memory", "r11", "r12", "r13");
        release();
        QCOMPARE(std::memcmp(out.bytes[0], from.bytes[0] + 8, 8), 0);
        QCOMPARE(std::memcmp(out.bytes[1], from.bytes[2] + 8, 8), 0);
        QCOMPARE(std::memcmp(out.bytes[2], from.bytes[4], 8), 0);
        QCOMPARE(std::memcmp(out.bytes[3], from.bytes[4], 8), 0);
        // Relative to the instruction, and without a base.
        alignas(64) static Config fixed = Config{}.tile(5, 1, 4);
        Config seen;
        asm volatile("ldtilecfg %1\n sttilecfg %0\n tilerelease" : "=m"(seen) : "m"(fixed));
        QCOMPARE(std::memcmp(seen.bytes, fixed.bytes, 64), 0);
    }

    void badConfigurationsAreFaults() {
        AmxMachine machine;
        const auto refused = [&](const Config& config, const char* why) {
            configure(machine, config, AmxMachine::Outcome::Invalid);
            return std::string(machine.fault()).find(why) != std::string::npos;
        };
        Config config;
        config.bytes[0] = 2;
        QVERIFY(refused(config, "palette"));
        config = {};
        config.bytes[5] = 1;
        QVERIFY(refused(config, "reserved"));
        config = {};
        config.bytes[1] = 1;
        QVERIFY(refused(config, "start row"));
        QVERIFY(refused(Config{}.tile(0, 17, 4), "larger"));
        QVERIFY(refused(Config{}.tile(0, 1, 65), "larger"));
        QVERIFY(refused(Config{}.tile(0, 0, 4), "rows without bytes"));
        QVERIFY(refused(Config{}.tile(0, 4, 0), "rows without bytes"));
        QVERIFY(refused(Config{}.tile(8, 1, 4), "does not exist"));
    }

    void badProgramsAreFaults_data() {
        QTest::addColumn<QByteArray>("code");
        QTest::addColumn<QString>("why");
        const auto row = [](const char* name, std::initializer_list<int> code, const char* why) {
            QByteArray bytes;
            for (const int byte : code) bytes.append(static_cast<char>(byte));
            bytes.append(16, '\0');
            QTest::newRow(name) << bytes << QString(why);
        };
        row("no shape", {0xC4, 0xE2, 0x7B, 0x49, 0xD8}, "no shape");                   // tilezero tmm3
        row("load without shape", {0xC4, 0xE2, 0x7B, 0x4B, 0x1C, 0x18}, "no shape");   // tileloadd (%rax,%rbx), tmm3
        row("load without index byte", {0xC4, 0xE2, 0x7B, 0x4B, 0x00}, "not a form");  // tileloadd (%rax), tmm0
        row("product without shape", {0xC4, 0xE2, 0x63, 0x5E, 0xC1}, "no shape");      // tdpbssd tmm3, tmm1, tmm0
        row("sums twice", {0xC4, 0xE2, 0x6B, 0x5E, 0xC0}, "twice");                    // tdpbssd tmm2, tmm0, tmm0
        row("sides the same", {0xC4, 0xE2, 0x6B, 0x5E, 0xC2}, "twice");                // tdpbssd tmm2, tmm2, tmm0
        row("shapes do not fit", {0xC4, 0xE2, 0x73, 0x5E, 0xC2}, "do not fit");        // tdpbssd tmm1, tmm2, tmm0
        row("odd rows of bytes", {0xC4, 0xE2, 0x5B, 0x5E, 0xC1}, "32 bits");           // tdpbssd tmm4, tmm1, tmm0
        row("operand in memory", {0xC4, 0xE2, 0x6B, 0x5E, 0x00}, "memory");
        row("fp16", {0xC4, 0xE2, 0x6B, 0x5C, 0xC1}, "not known");  // tdpfp16ps tmm2, tmm1, tmm0
        row("wide", {0xC4, 0xE2, 0xEB, 0x5E, 0xC1}, "W or L");
        row("unknown of opcode 49", {0xC4, 0xE2, 0x7A, 0x49, 0xC0}, "unknown");
        row("vvvv", {0xC4, 0xE2, 0x70, 0x49, 0xC0}, "vvvv");
    }
    void badProgramsAreFaults() {
        QFETCH(QByteArray, code);
        QFETCH(QString, why);
        AmxMachine machine;
        configure(machine, smallShapes().tile(4, 2, 6));
        AmxRegisters registers;
        registers.rip = reinterpret_cast<uint64_t>(code.constData());
        const uint64_t before = registers.rip;
        QCOMPARE(machine.step(registers), AmxMachine::Outcome::Invalid);
        QVERIFY2(QString(machine.fault()).contains(why), machine.fault());
        QCOMPARE(registers.rip, before);
        releaseTiles(machine);
        QCOMPARE(machine.step(registers), AmxMachine::Outcome::Invalid);  // and still without a configuration
    }

    void otherInstructionsAreNotTouched() {
        AmxMachine machine;
        for (const std::vector<uint8_t>& code :
             {std::vector<uint8_t>{0x0F, 0x0B, 0, 0, 0}, {0xC4, 0xE2, 0x79, 0x18, 0}, {0xC4, 0xE1, 0x78, 0x49, 0}}) {
            AmxRegisters registers;
            registers.rip = reinterpret_cast<uint64_t>(code.data());
            QCOMPARE(machine.step(registers), AmxMachine::Outcome::NotTile);
        }
    }

    void theTrapStopsAtWhatItDoesNotKnow() {
        if (!quibble::testing::emulateAmx()) QSKIP("this CPU has AMX: there is no trap");
        std::fflush(nullptr);
        const pid_t child = fork();
        if (child == 0) {
            std::freopen("/dev/null", "w", stderr);
            asm volatile("ud2");
            _exit(0);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFSIGNALED(status));
        QCOMPARE(WTERMSIG(status), SIGABRT);
    }
};

int main(int argc, char** argv) {
    quibble::testing::emulateAmx();
    TstAmxEmulator test;
    return quibble::testing::runWithoutCrashHandler(test, argc, argv);
}
#include "tst_amx_emulator.moc"
