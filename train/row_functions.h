#pragma once

#include <torch/torch.h>

namespace quibble::train {

/// Which dimensions of a head turn together: (2i, 2i+1) in llama files, (i, i + half) in qwen files.
enum class RopePairs { kAdjacent, kHalves };

/// Rotates the pairs of every head of x [n, heads * head_dim] by the angles of each row, cos and sin [n, head_dim / 2].
/// Returns float32; differentiable in x.
torch::Tensor rope(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin, int64_t head_dim,
                   RopePairs pairs);

/// x / sqrt(mean(x^2) + eps) * w for every row of x [n, d], float32; differentiable in both.
torch::Tensor rmsNorm(const torch::Tensor& x, const torch::Tensor& w, double eps);

}  // namespace quibble::train
