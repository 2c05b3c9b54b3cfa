#pragma once

#include <torch/torch.h>

#include <vector>

#include "train/model.h"

namespace quibble::train {

/// Causal attention of every row of every group, forward and backward, in float32.
/// q [n, heads * 32], k and v [n, kv_heads * 32], all flat over the batch; returns [n, heads * 32]. The head size
/// is 32.
torch::Tensor causalAttention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                              const std::vector<RowGroup>& groups, int64_t heads, int64_t kv_heads);

}  // namespace quibble::train
