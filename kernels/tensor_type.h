// The storage types a weight can have, with the numbers GGUF gives them, and the facts every reader needs.
#pragma once

#include <cstdint>

namespace quibble::kernels {

enum class TensorType : uint32_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ2_XXS = 16,
    IQ2_XS = 17,
    IQ3_XXS = 18,
    IQ1_S = 19,
    IQ4_NL = 20,
    IQ3_S = 21,
    IQ2_S = 22,
    IQ4_XS = 23,
    IQ1_M = 29,
    BF16 = 30,
    TQ1_0 = 34,
    TQ2_0 = 35,
    MXFP4 = 39,
    NVFP4 = 40,
    RtnGroup = 1000,  // ours, in memory only: see RtnGroupView. Never a number in a file.
};

struct TypeTraits {
    const char* name;         // as GGUF tools print it: "Q4_K"
    uint32_t block_elements;  // a row is a whole number of blocks
    uint32_t block_bytes;
    bool readable;  // dequantizeRow and the float matmul take it
    bool native;    // has its own matmul kernel; readable but not native types are dequantized piece by piece
};

// Traits of a type number found in a file; nullptr for a number that GGUF does not define or that we know nothing
// about. 1000 (RtnGroup) is nullptr too: a file cannot hold it.
const TypeTraits* typeTraits(uint32_t ggml_type);
inline const TypeTraits* typeTraits(TensorType type) { return typeTraits(static_cast<uint32_t>(type)); }

}  // namespace quibble::kernels
