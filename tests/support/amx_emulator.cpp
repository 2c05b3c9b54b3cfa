#include "tests/support/amx_emulator.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/cpu/cpu_probe.h"
#include "kernels/cpu/variants.h"
#include "kernels/ops.h"

namespace quibble::testing {

namespace {

constexpr int kPrefixNone = 0, kPrefix66 = 1, kPrefixF3 = 2, kPrefixF2 = 3;

uint8_t byteAt(uint64_t address) {
    uint8_t byte = 0;
    std::memcpy(&byte, reinterpret_cast<const void*>(address), 1);
    return byte;
}

int64_t displacement(uint64_t address, unsigned bytes) {
    if (bytes == 1) return static_cast<int8_t>(byteAt(address));
    int32_t value = 0;
    if (bytes == 4) std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof(value));
    return value;
}

// sum[i] += the products of four bytes of `left` with four of right.rows[k], widened as the instruction says.
__attribute__((target("avx512f"))) void addBytes(AmxTile& sums, const AmxTile& left, const AmxTile& right,
                                                 unsigned rows, unsigned depth, bool left_signed, bool right_signed) {
    for (unsigned m = 0; m < rows; ++m) {
        __m512i sum = _mm512_load_si512(sums.rows[m].data());
        for (unsigned k = 0; k < depth; ++k) {
            const __m512i words = _mm512_load_si512(right.rows[k].data());
            for (unsigned t = 0; t < 4; ++t) {
                const auto byte = std::to_integer<uint8_t>(left.rows[m][4 * k + t]);
                const int value = left_signed ? static_cast<int8_t>(byte) : byte;
                const __m512i up = _mm512_sll_epi32(words, _mm_cvtsi32_si128(static_cast<int>(24 - 8 * t)));
                const __m512i four = right_signed ? _mm512_srai_epi32(up, 24) : _mm512_srli_epi32(up, 24);
                sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(four, _mm512_set1_epi32(value)));
            }
        }
        _mm512_store_si512(sums.rows[m].data(), sum);
    }
}

// Even and odd elements are summed apart, from zero, by fused multiply-adds; both sums are then added, and that to the
// old value. Denormals count as zero, as operands and as results.
__attribute__((target("avx512f"))) void addBf16(AmxTile& sums, const AmxTile& left, const AmxTile& right, unsigned rows,
                                                unsigned depth) {
    const unsigned control = _mm_getcsr();
    _mm_setcsr(0x9FC0);  // nearest even, all exceptions masked, denormals are zero in and out
    for (unsigned m = 0; m < rows; ++m) {
        __m512 even = _mm512_setzero_ps();
        __m512 odd = _mm512_setzero_ps();
        for (unsigned k = 0; k < depth; ++k) {
            uint32_t pair = 0;
            std::memcpy(&pair, left.rows[m].data() + 4 * k, sizeof(pair));
            const __m512i words = _mm512_load_si512(right.rows[k].data());
            const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
            const __m512i pairs = _mm512_set1_epi32(static_cast<int>(pair));
            even = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)),
                                   _mm512_castsi512_ps(_mm512_slli_epi32(words, 16)), even);
            odd = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(pairs, high)),
                                  _mm512_castsi512_ps(_mm512_and_si512(words, high)), odd);
        }
        float* row = reinterpret_cast<float*>(sums.rows[m].data());
        _mm512_store_ps(row, _mm512_add_ps(_mm512_load_ps(row), _mm512_add_ps(even, odd)));
    }
    _mm_setcsr(control);
}

// What the architecture leaves in a written tile outside of its shape.
void clearOutside(AmxTile& tile, unsigned rows, unsigned row_bytes) {
    for (unsigned r = 0; r < 16; ++r) {
        const unsigned kept = r < rows ? row_bytes : 0;
        std::memset(tile.rows[r].data() + kept, 0, 64 - kept);
    }
}

}  // namespace

struct AmxMachine::Instruction {
    unsigned opcode = 0;
    int prefix = 0;
    bool wide = false;  // W or L, which all of AMX leave at zero
    unsigned reg = 0;
    unsigned rm = 0;
    unsigned extra = 0;  // vvvv
    bool memory = false;
    bool sib = false;
    uint64_t address = 0;  // without the index
    uint64_t stride = 0;   // index times scale
    uint64_t next = 0;

    // False if these are not the first bytes of a VEX instruction of map 0F38 with an opcode of AMX.
    bool decode(const AmxRegisters& registers) {
        uint64_t at = registers.rip;
        if (byteAt(at) != 0xC4 || (byteAt(at + 1) & 0x1F) != 2) return false;
        const unsigned first = byteAt(at + 1), second = byteAt(at + 2), modrm = byteAt(at + 4);
        opcode = byteAt(at + 3);
        if (opcode != 0x49 && opcode != 0x4B && opcode != 0x5C && opcode != 0x5E) return false;
        const unsigned r = (~first >> 7) & 1U, x = (~first >> 6) & 1U, b = (~first >> 5) & 1U;
        prefix = static_cast<int>(second & 3U);
        wide = (second & 0x84U) != 0;
        extra = (~second >> 3) & 15U;
        reg = 8 * r + ((modrm >> 3) & 7U);
        rm = 8 * b + (modrm & 7U);
        memory = modrm >> 6 != 3;
        at += 5;
        if (memory) decodeAddress(registers, at, modrm, x, b);
        next = at;
        if (memory && !sib && modrm >> 6 == 0 && (modrm & 7U) == 5) address += next;  // relative to what follows
        return true;
    }

    void decodeAddress(const AmxRegisters& registers, uint64_t& at, unsigned modrm, unsigned x, unsigned b) {
        const unsigned mod = modrm >> 6;
        sib = (modrm & 7U) == 4;
        unsigned base = modrm & 7U;
        if (sib) {
            const unsigned byte = byteAt(at++);
            const unsigned index = 8 * x + ((byte >> 3) & 7U);
            if (index != 4) stride = registers.general[index] << (byte >> 6);
            base = byte & 7U;
        }
        const bool no_base = mod == 0 && base == 5;
        if (!no_base) address = registers.general[8 * b + base];
        const unsigned bytes = no_base || mod == 2 ? 4 : mod;
        address += static_cast<uint64_t>(displacement(at, bytes));
        at += bytes;
    }
};

AmxMachine::Outcome AmxMachine::step(AmxRegisters& registers) {
    Instruction i;
    if (!i.decode(registers)) return Outcome::NotTile;
    if (i.wide) return invalid("W or L is set");
    Outcome outcome = Outcome::Invalid;
    switch (i.opcode) {
        case 0x49: outcome = stepConfig(i); break;
        case 0x4B: outcome = stepMemory(i); break;
        default: outcome = stepProduct(i); break;
    }
    if (outcome == Outcome::Done) registers.rip = i.next;
    return outcome;
}

AmxMachine::Outcome AmxMachine::configure(const std::byte* memory) {
    const auto byte = [memory](unsigned at) { return std::to_integer<unsigned>(memory[at]); };
    if (byte(0) == 0) {
        release();
        return Outcome::Done;
    }
    if (byte(0) != 1) return invalid("ldtilecfg: unknown palette");
    if (byte(1) != 0) return invalid("ldtilecfg: a start row, which only an interrupted instruction leaves");
    for (unsigned i = 2; i < 16; ++i) {
        if (byte(i) != 0) return invalid("ldtilecfg: a reserved byte is not zero");
    }
    std::array<unsigned, 8> rows{}, row_bytes{};
    for (unsigned t = 0; t < 16; ++t) {
        const unsigned bytes = byte(16 + 2 * t) | byte(17 + 2 * t) << 8;
        const unsigned height = byte(48 + t);
        if (t >= 8 && (bytes != 0 || height != 0))
            return invalid("ldtilecfg: a shape for a register that does not exist");
        if (bytes > 64 || height > 16) return invalid("ldtilecfg: a shape larger than a tile");
        if ((bytes == 0) != (height == 0)) return invalid("ldtilecfg: rows without bytes or bytes without rows");
        if (t < 8) rows[t] = height, row_bytes[t] = bytes;
    }
    release();
    configured_ = true;
    rows_ = rows;
    row_bytes_ = row_bytes;
    return Outcome::Done;
}

void AmxMachine::storeConfig(std::byte* memory) const {
    std::array<std::byte, 64> out{};
    out[0] = std::byte{configured_ ? uint8_t{1} : uint8_t{0}};
    for (unsigned t = 0; t < 8; ++t) {
        out[16 + 2 * t] = static_cast<std::byte>(row_bytes_[t]);
        out[48 + t] = static_cast<std::byte>(rows_[t]);
    }
    std::memcpy(memory, out.data(), out.size());
}

void AmxMachine::release() {
    configured_ = false;
    rows_ = {};
    row_bytes_ = {};
    tiles_ = {};
}

AmxMachine::Outcome AmxMachine::stepConfig(const Instruction& i) {
    if (i.extra != 0) return invalid("vvvv is set");
    if (i.memory) {
        auto* memory = reinterpret_cast<std::byte*>(i.address + i.stride);
        if (i.reg != 0) return invalid("unknown instruction of the configuration's opcode");
        if (i.prefix == kPrefixNone) {
            ++counts_.configs;
            return configure(memory);
        }
        if (i.prefix != kPrefix66) return invalid("unknown prefix of the configuration's opcode");
        storeConfig(memory);
        return Outcome::Done;
    }
    if (i.prefix == kPrefixNone && i.reg == 0 && i.rm == 0) {
        ++counts_.releases;
        release();
        return Outcome::Done;
    }
    if (i.prefix != kPrefixF2 || i.rm != 0) return invalid("unknown instruction of the configuration's opcode");
    if (!shapeOf(i.reg)) return invalid("tilezero: the register has no shape");
    ++counts_.zeros;
    tiles_[i.reg] = {};
    return Outcome::Done;
}

AmxMachine::Outcome AmxMachine::stepMemory(const Instruction& i) {
    if (i.extra != 0 || !i.sib || i.prefix == kPrefixNone)
        return invalid("tileload or tilestore: not a form that exists");
    if (!shapeOf(i.reg)) return invalid("tileload or tilestore: the register has no shape");
    AmxTile& tile = tiles_[i.reg];
    const bool is_store = i.prefix == kPrefixF3;
    for (unsigned r = 0; r < rows_[i.reg]; ++r) {
        auto* memory = reinterpret_cast<std::byte*>(i.address + r * i.stride);
        std::byte* row = tile.rows[r].data();
        std::memcpy(is_store ? memory : row, is_store ? row : memory, row_bytes_[i.reg]);
    }
    if (!is_store) clearOutside(tile, rows_[i.reg], row_bytes_[i.reg]);
    ++(is_store ? counts_.stores : counts_.loads);
    return Outcome::Done;
}

AmxMachine::Outcome AmxMachine::stepProduct(const Instruction& i) {
    const unsigned sums = i.reg, left = i.rm, right = i.extra;
    if (i.memory) return invalid("product: an operand in memory");
    if (i.opcode == 0x5C && i.prefix != kPrefixF3) return invalid("product: a type that is not known here");
    if (!shapeOf(sums) || !shapeOf(left) || !shapeOf(right)) return invalid("product: a register has no shape");
    if (sums == left || left == right || sums == right) return invalid("product: a register twice");
    if (row_bytes_[sums] % 4 != 0 || row_bytes_[left] % 4 != 0 || row_bytes_[right] % 4 != 0) {
        return invalid("product: rows that are no whole numbers of 32 bits");
    }
    if (rows_[sums] != rows_[left] || row_bytes_[left] / 4 != rows_[right] || row_bytes_[sums] != row_bytes_[right]) {
        return invalid("product: shapes that do not fit");
    }
    const unsigned depth = row_bytes_[left] / 4;
    if (i.opcode == 0x5C) {
        addBf16(tiles_[sums], tiles_[left], tiles_[right], rows_[sums], depth);
    } else {
        const bool left_signed = i.prefix == kPrefixF2 || i.prefix == kPrefixF3;
        const bool right_signed = i.prefix == kPrefixF2 || i.prefix == kPrefix66;
        addBytes(tiles_[sums], tiles_[left], tiles_[right], rows_[sums], depth, left_signed, right_signed);
    }
    clearOutside(tiles_[sums], rows_[sums], row_bytes_[sums]);
    ++counts_.products;
    return Outcome::Done;
}

AmxMachine& amxMachine() {
    thread_local AmxMachine machine;
    return machine;
}

namespace {

constexpr std::array<int, 16> kContextRegisters = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                                   REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                   REG_R12, REG_R13, REG_R14, REG_R15};

[[noreturn]] void stop(const char* why, uint64_t rip) {
    std::fprintf(stderr, "amx emulator: %s; bytes", why);
    for (uint64_t i = 0; i < 10; ++i) std::fprintf(stderr, " %02x", byteAt(rip + i));
    std::fprintf(stderr, "\n");
    std::abort();
}

void onIllegal(int, siginfo_t*, void* user) {
    auto* context = static_cast<ucontext_t*>(user);
    AmxRegisters registers;
    for (size_t i = 0; i < registers.general.size(); ++i) {
        registers.general[i] = static_cast<uint64_t>(context->uc_mcontext.gregs[kContextRegisters[i]]);
    }
    registers.rip = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RIP]);
    AmxMachine& machine = amxMachine();
    const uint64_t first = registers.rip;
    AmxMachine::Outcome outcome = machine.step(registers);
    while (outcome == AmxMachine::Outcome::Done) outcome = machine.step(registers);
    if (outcome == AmxMachine::Outcome::Invalid) stop(machine.fault(), registers.rip);
    if (registers.rip == first) stop("not an instruction of AMX", first);
    ++machine.counts().traps;
    context->uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(registers.rip);
}

}  // namespace

bool emulateAmx() {
    static const bool emulated = [] {
        const kernels::CpuFeatures cpu = kernels::probeCpu();
        if (!cpu.avx512 || cpu.amx) return false;
        struct sigaction action {};
        action.sa_sigaction = onIllegal;
        action.sa_flags = SA_SIGINFO;
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGILL, &action, nullptr) != 0) return false;
        kernels::offerEmulated(kernels::amx::kOps);
        if (kernels::selectIsa("amx").ops == nullptr) {
            std::fprintf(stderr, "emulateAmx: called after the instruction sets were first asked for\n");
            std::abort();
        }
        return true;
    }();
    return emulated;
}

}  // namespace quibble::testing

#else

namespace quibble::testing {

bool emulateAmx() { return false; }

}  // namespace quibble::testing

#endif
