// The magnitudes of FP4 E2M1, the weights of MXFP4 and NVFP4; the fourth bit of a code is the sign.
#pragma once

namespace quibble::kernels {

inline constexpr float kE2m1Magnitudes[8] = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};

}  // namespace quibble::kernels
