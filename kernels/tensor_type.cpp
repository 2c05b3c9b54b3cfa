#include "kernels/tensor_type.h"

#include "kernels/formats/iq1.h"
#include "kernels/formats/iq2.h"
#include "kernels/formats/iq3.h"
#include "kernels/formats/iq4_nl.h"
#include "kernels/formats/iq4_xs.h"
#include "kernels/formats/mxfp4.h"
#include "kernels/formats/nvfp4.h"
#include "kernels/formats/q2_k.h"
#include "kernels/formats/q3_k.h"
#include "kernels/formats/q4_0.h"
#include "kernels/formats/q4_1.h"
#include "kernels/formats/q4_k.h"
#include "kernels/formats/q5_0.h"
#include "kernels/formats/q5_1.h"
#include "kernels/formats/q5_k.h"
#include "kernels/formats/q6_k.h"
#include "kernels/formats/q8_0.h"
#include "kernels/formats/tq.h"

namespace quibble::kernels {

namespace {

struct Row {
    TensorType type;
    TypeTraits traits;
};

constexpr Row kRows[] = {
    {TensorType::F32, {"F32", 1, 4, true, true}},
    {TensorType::F16, {"F16", 1, 2, true, true}},
    {TensorType::BF16, {"BF16", 1, 2, true, true}},
    {TensorType::Q4_0, {"Q4_0", kQ4_0Elements, sizeof(BlockQ4_0), true, true}},
    {TensorType::Q4_1, {"Q4_1", kQ4_1Elements, sizeof(BlockQ4_1), true, false}},
    {TensorType::Q5_0, {"Q5_0", kQ5_0Elements, sizeof(BlockQ5_0), true, false}},
    {TensorType::Q5_1, {"Q5_1", kQ5_1Elements, sizeof(BlockQ5_1), true, false}},
    {TensorType::Q8_0, {"Q8_0", kQ8_0Elements, sizeof(BlockQ8_0), true, true}},
    {TensorType::Q2_K, {"Q2_K", kQ2_KElements, sizeof(BlockQ2_K), true, false}},
    {TensorType::Q3_K, {"Q3_K", kQ3_KElements, sizeof(BlockQ3_K), true, false}},
    {TensorType::Q4_K, {"Q4_K", kQ4_KElements, sizeof(BlockQ4_K), true, true}},
    {TensorType::Q5_K, {"Q5_K", kQ5_KElements, sizeof(BlockQ5_K), true, false}},
    {TensorType::Q6_K, {"Q6_K", kQ6_KElements, sizeof(BlockQ6_K), true, true}},
    {TensorType::IQ4_NL, {"IQ4_NL", kIQ4_NLElements, sizeof(BlockIQ4_NL), true, false}},
    {TensorType::IQ4_XS, {"IQ4_XS", kIQ4_XSElements, sizeof(BlockIQ4_XS), true, false}},
    {TensorType::MXFP4, {"MXFP4", kMXFP4Elements, sizeof(BlockMXFP4), true, false}},
    {TensorType::IQ2_XXS, {"IQ2_XXS", kIQ2Elements, sizeof(BlockIQ2_XXS), true, false}},
    {TensorType::IQ2_XS, {"IQ2_XS", kIQ2Elements, sizeof(BlockIQ2_XS), true, false}},
    {TensorType::IQ2_S, {"IQ2_S", kIQ2Elements, sizeof(BlockIQ2_S), true, false}},
    {TensorType::IQ3_XXS, {"IQ3_XXS", kIQ3Elements, sizeof(BlockIQ3_XXS), true, false}},
    {TensorType::IQ3_S, {"IQ3_S", kIQ3Elements, sizeof(BlockIQ3_S), true, false}},
    {TensorType::IQ1_S, {"IQ1_S", kIQ1Elements, sizeof(BlockIQ1_S), true, false}},
    {TensorType::IQ1_M, {"IQ1_M", kIQ1Elements, sizeof(BlockIQ1_M), true, false}},
    {TensorType::TQ1_0, {"TQ1_0", kTQElements, sizeof(BlockTQ1_0), true, false}},
    {TensorType::TQ2_0, {"TQ2_0", kTQElements, sizeof(BlockTQ2_0), true, false}},
    {TensorType::NVFP4, {"NVFP4", kNVFP4Elements, sizeof(BlockNVFP4), true, false}},
};

}  // namespace

const TypeTraits* typeTraits(uint32_t ggml_type) {
    for (const Row& row : kRows) {
        if (static_cast<uint32_t>(row.type) == ggml_type) {
            return &row.traits;
        }
    }
    return nullptr;
}

}  // namespace quibble::kernels
