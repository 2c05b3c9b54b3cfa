#include "kernels/cpu/amx_check.h"

#include "kernels/cpu/variants.h"
#include "kernels/packing/layout.h"

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstring>

#include <sys/syscall.h>
#include <unistd.h>

namespace quibble::kernels::amx {

namespace {

constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr int kTileData = 18;               // the state component of the tiles' contents

bool permitted() { return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0; }

// Where a signal of this thread lands; null in every thread that is not checking.
thread_local sigjmp_buf* landing = nullptr;
struct sigaction old_illegal;
struct sigaction old_fault;

extern "C" void onSignal(int signal, siginfo_t* info, void* context) {
    if (landing != nullptr) {
        siglongjmp(*landing, 1);
    }
    // Of another thread: the old handler's business. If there is none, the instruction runs once more and meets the
    // default.
    const struct sigaction& old = signal == SIGILL ? old_illegal : old_fault;
    if ((old.sa_flags & SA_SIGINFO) != 0) {
        old.sa_sigaction(signal, info, context);
    } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
        old.sa_handler(signal);
    } else {
        sigaction(signal, &old, nullptr);
    }
}

bool guarded(bool (*work)()) {
    struct sigaction action {};
    action.sa_sigaction = onSignal;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    // The old ones are known before a signal can ask for them.
    if (sigaction(SIGILL, nullptr, &old_illegal) != 0 || sigaction(SIGSEGV, nullptr, &old_fault) != 0) {
        return false;
    }
    if (sigaction(SIGILL, &action, nullptr) != 0) {
        return false;
    }
    if (sigaction(SIGSEGV, &action, nullptr) != 0) {
        sigaction(SIGILL, &old_illegal, nullptr);
        return false;
    }
    volatile bool result = false;
    sigjmp_buf jump;
    if (sigsetjmp(jump, 1) == 0) {
        landing = &jump;
        result = work();
    }
    landing = nullptr;
    sigaction(SIGSEGV, &old_fault, nullptr);
    sigaction(SIGILL, &old_illegal, nullptr);
    return result;
}

constexpr int64_t kInputs = 256;
constexpr int64_t kRows = 9;         // enough for tiles
constexpr size_t kMostBytes = 4608;  // of a packed panel
static_assert(kPackedQ8_0.unitBytes(kUnitBlocks) <= kMostBytes && kPackedQ6_K.unitBytes(kUnitBlocks) <= kMostBytes);

// Any bytes will do for codes. The first ones are scales, which must be finite halves.
void fillBytes(std::byte* out, size_t n) {
    uint32_t state = 1;
    for (size_t i = 0; i < n; ++i) {
        state = state * 1664525U + 1013904223U;
        out[i] = static_cast<std::byte>((state >> 24) & (i < 256 ? 0x3BU : 0xFFU));
    }
}

// Small whole numbers, whose sums are exact in any order.
bool floatsAgree() {
    std::array<uint16_t, kPanelOutputs * kInputs> weights;
    std::array<float, kRows * kInputs> x;
    for (size_t i = 0; i < weights.size(); ++i) {
        const auto value = static_cast<float>(static_cast<int>(i * 29 % 61) - 30);
        avx512::kOps.storeKv(TensorType::BF16, &value, 1, reinterpret_cast<std::byte*>(&weights[i]));
    }
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(static_cast<int>(i * 37 % 1013) - 506);
    }
    std::array<float, kRows * kPanelOutputs> ours{};
    std::array<float, kRows * kPanelOutputs> theirs{};
    MatmulArgs args{
        {TensorType::BF16, kPanelOutputs, kInputs, reinterpret_cast<const std::byte*>(weights.data()), 2 * kInputs, {}},
        x.data(),
        kInputs,
        kRows,
        ours.data(),
        kPanelOutputs,
        0,
        kPanelOutputs};
    kOps.matmul(args);
    args.y = theirs.data();
    avx512::kOps.matmul(args);
    return std::memcmp(ours.data(), theirs.data(), sizeof(ours)) == 0;
}

bool agrees() {
    alignas(64) std::array<std::byte, kMostBytes> weights;
    fillBytes(weights.data(), weights.size());
    const size_t stride = q8RowBytes(kInputs);
    std::array<std::byte, 1024 * kRows> activations;
    std::array<float, kInputs> x;
    for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t k = 0; k < kInputs; ++k) {
            x[static_cast<size_t>(k)] = static_cast<float>((k * 37 + r * 11) % 101 - 50);
        }
        avx512::kOps.quantizeQ8(x.data(), kInputs, activations.data() + static_cast<size_t>(r) * stride);
    }
    for (const TensorType type : {TensorType::Q8_0, TensorType::Q6_K}) {
        std::array<float, kRows * kPanelOutputs> ours{};
        std::array<float, kRows * kPanelOutputs> theirs{};
        const PackedView view{type, kPanelOutputs, kInputs, weights.data()};
        MatmulPackedArgs args{view, activations.data(), stride, kRows, ours.data(), kPanelOutputs, 0, kPanelOutputs};
        kOps.matmulPacked(args);
        args.y = theirs.data();
        avx512::kOps.matmulPacked(args);
        if (std::memcmp(ours.data(), theirs.data(), sizeof(ours)) != 0) {
            return false;
        }
    }
    return floatsAgree();
}

}  // namespace

bool productsAgree() { return guarded(agrees); }

const char* whyUnusable(const CpuFeatures& cpu) {
    if (!cpu.amx) {
        return "the CPU has no AMX, or its operating system does not enable it";
    }
    if (!permitted()) {
        return "the operating system does not let this process use the tile registers of AMX";
    }
    if (!productsAgree()) {
        return "a product with the tile registers of AMX failed, or was wrong, when it was tried";
    }
    return nullptr;
}

}  // namespace quibble::kernels::amx
