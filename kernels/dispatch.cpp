// Which table this process uses. Order of kVariants is the order of preference, slowest first.
#include "kernels/cpu/cpu_probe.h"
#include "kernels/cpu/variants.h"
#include "kernels/ops.h"
#include "kernels/reference/reference.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace quibble::kernels {

namespace {

constexpr std::string_view kNames = "reference, portable, avx2, avx512";

struct Runnable {
    std::array<const Ops*, 4> tables{};
    size_t count = 0;

    void add(const Ops& table) { tables[count++] = &table; }
};

#if defined(QUIBBLE_KERNELS_X86)
// Not every CPU with AVX-512 has the products of BF16.
const Ops& avx512Table(const CpuFeatures& cpu) {
    static const Ops table = [&cpu] {
        Ops filled = avx512::kOps;
        if (cpu.avx512_bf16) {
            filled.matmulBf16 = avx512::matmulBf16;
        }
        return filled;
    }();
    return table;
}
#endif

const Runnable& runnable() {
    static const Runnable found = [] {
        Runnable r;
        r.add(reference::kOps);
        r.add(portable::kOps);
#if defined(QUIBBLE_KERNELS_X86)
        const CpuFeatures cpu = probeCpu();
        if (cpu.avx2) {
            r.add(avx2::kOps);
        }
        if (cpu.avx512) {
            r.add(avx512Table(cpu));
        }
#endif
        return r;
    }();
    return found;
}

std::string namesOfRunnable() {
    std::string names;
    for (const Ops* table : allOps()) {
        names += (names.empty() ? "" : ", ") + std::string(table->isa);
    }
    return names;
}

}  // namespace

std::span<const Ops* const> allOps() { return {runnable().tables.data(), runnable().count}; }

std::string whyNoMatmulBf16(const Ops& table) {
    if (table.matmulBf16 != nullptr) {
        return {};
    }
    return std::string("the ") + table.isa + " kernels have no faster product of BF16 here: it takes a CPU with AVX512-BF16";
}

IsaChoice selectIsa(std::string_view forced) {
    if (forced.empty()) {
        return {allOps().back(), {}};
    }
    for (const Ops* table : allOps()) {
        if (forced == table->isa) {
            return {table, {}};
        }
    }
    const bool known = forced == "avx2" || forced == "avx512";
    const std::string asked = "instruction set '" + std::string(forced) + "' ";
    if (known) {
        return {nullptr, asked + "cannot run on this CPU (or its operating system does not enable it); this one runs: " +
                             namesOfRunnable()};
    }
    return {nullptr, asked + "is unknown; QUIBBLE_ISA takes one of: " + std::string(kNames) +
                         " (unset it for the best this CPU has)"};
}

IsaChoice isaFromEnvironment() {
    const char* forced = std::getenv("QUIBBLE_ISA");
    return selectIsa(forced == nullptr ? std::string_view{} : std::string_view{forced});
}

const Ops& ops() {
    static const Ops* const chosen = [] {
        const IsaChoice choice = isaFromEnvironment();
        if (choice.ops == nullptr) {
            std::fprintf(stderr, "quibble: %s\n", choice.error.c_str());
            std::exit(2);
        }
        return choice.ops;
    }();
    return *chosen;
}

}  // namespace quibble::kernels
