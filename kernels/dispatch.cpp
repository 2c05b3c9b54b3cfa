// Which table this process uses. Tables are listed in the order of preference, slowest first.
#include "kernels/cpu/amx_check.h"
#include "kernels/cpu/cpu_probe.h"
#include "kernels/cpu/variants.h"
#include "kernels/ops.h"
#include "kernels/reference/reference.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace quibble::kernels {

namespace {

constexpr std::string_view kNames = "reference, portable, avx2, avx512, amx";

const Ops* emulated = nullptr;

struct Runnable {
    std::array<const Ops*, 5> tables{};
    size_t count = 0;
    const char* why_no_amx = nullptr;

    void add(const Ops& table) { tables[count++] = &table; }
};

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
            // Not every CPU with AVX-512 has the products of BF16.
            static Ops table = avx512::kOps;
            table.matmulBf16 = cpu.avx512_bf16 ? avx512::matmulBf16 : nullptr;
            r.add(table);
        }
        r.why_no_amx = amx::whyUnusable(cpu);
        if (r.why_no_amx == nullptr || emulated != nullptr) {
            r.add(emulated != nullptr ? *emulated : amx::kOps);
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

void offerEmulated(const Ops& table) { emulated = &table; }

std::span<const Ops* const> allOps() { return {runnable().tables.data(), runnable().count}; }

std::string whyNoMatmulBf16(const Ops& table) {
    if (table.matmulBf16 != nullptr) {
        return {};
    }
    return std::string("the ") + table.isa +
           " kernels have no faster product of BF16 here: it takes a CPU with AVX512-BF16 or AMX";
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
    const std::string asked = "instruction set '" + std::string(forced) + "' ";
    const char* why = forced == "amx" ? runnable().why_no_amx : nullptr;
    if (why != nullptr) {
        return {nullptr, asked + "cannot run here: " + why + "; this machine runs: " + namesOfRunnable()};
    }
    if (forced == "avx2" || forced == "avx512" || forced == "amx") {
        return {nullptr, asked +
                             "cannot run on this CPU (or its operating system does not enable it); this one runs: " +
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
