// The tile instructions of AMX (AMX-TILE, AMX-INT8, AMX-BF16) for CPUs that have AVX-512 but no AMX: their machine code
// traps there, and the trap carries them out. So what the tests run is the code of the kernels themselves, bit for bit
// what the CPU would run.
//
// What the architecture calls an invalid use (shapes that do not fit, registers without a shape, a register twice in a
// product, a bad configuration) ends the program with a message, and so does an instruction that is not known here.
// Semantics: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, TDPBSSD ff., TDPBF16PS, LDTILECFG.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quibble::testing {

// What has been carried out.
struct AmxCounts {
    int64_t traps = 0;  // a trap serves all tile instructions that follow each other directly
    int64_t configs = 0;
    int64_t releases = 0;
    int64_t zeros = 0;
    int64_t loads = 0;
    int64_t stores = 0;
    int64_t products = 0;
};

// General registers by their number in machine code (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15), and where to
// go on.
struct AmxRegisters {
    std::array<uint64_t, 16> general{};
    uint64_t rip = 0;
};

struct AmxTile {
    alignas(64) std::array<std::array<std::byte, 64>, 16> rows{};
};

// The tile registers of one thread.
class AmxMachine {
public:
    enum class Outcome { Done, NotTile, Invalid };

    // Carries out the instruction at registers.rip and moves on behind it. NotTile: it is none of AMX, and nothing has
    // changed. Invalid: fault() says why, and nothing has changed.
    Outcome step(AmxRegisters& registers);

    const char* fault() const { return fault_; }
    const AmxTile& tile(size_t t) const { return tiles_[t]; }
    AmxCounts& counts() { return counts_; }

private:
    struct Instruction;

    Outcome invalid(const char* why) {
        fault_ = why;
        return Outcome::Invalid;
    }
    bool shapeOf(unsigned t) const { return configured_ && t < 8 && rows_[t] > 0; }
    Outcome configure(const std::byte* memory);
    void storeConfig(std::byte* memory) const;
    void release();
    Outcome stepConfig(const Instruction& i);
    Outcome stepMemory(const Instruction& i);
    Outcome stepProduct(const Instruction& i);

    const char* fault_ = "";
    bool configured_ = false;
    std::array<unsigned, 8> rows_{};
    std::array<unsigned, 8> row_bytes_{};
    std::array<AmxTile, 8> tiles_{};
    AmxCounts counts_;
};

// Those of the calling thread that the trap uses.
AmxMachine& amxMachine();

// True from the first call on if this CPU can stand in for one with AMX: it has AVX-512 and no AMX. Installs the trap,
// and offers the amx table to kernels::allOps() as one that runs here; must be called before that list is first asked
// for. On other CPUs nothing happens.
bool emulateAmx();

}  // namespace quibble::testing
