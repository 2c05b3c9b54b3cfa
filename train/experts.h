#pragma once

#include <torch/torch.h>

#include <vector>

namespace quibble::train {

/// One layer's experts: router [experts, width]; gate and up [ffn, width], down [width, ffn], one of each an expert.
struct Experts {
    torch::Tensor router;
    std::vector<torch::Tensor> gate, up, down;
};

/// Where the rows of a batch went. Assignments are numbered by expert, then by row.
struct Routing {
    torch::Tensor weights;             ///< float32 [n, used], differentiable; each row sums to 1
    std::vector<int64_t> load;         ///< assignments of each expert; sums to n * used
    std::vector<int64_t> row_of;       ///< [n * used] row of an assignment
    std::vector<int64_t> position_of;  ///< [n * used] assignment of (row, place): the inverse of the sorting
    torch::Tensor balance_loss;  ///< scalar: experts * sum_e share of assignments_e * mean probability_e (Fedus et al.
                                 ///< 2021); 1 = even
    torch::Tensor z_loss;        ///< scalar: mean of logsumexp(router logits)^2 (Zoph et al. 2022)
};

/// The qwen3moe rule: softmax over all experts, the `used` largest, renormalised to sum 1. x is float32 [n, width].
Routing route(const torch::Tensor& x, const torch::Tensor& router, int64_t used);

/// sum over a row's experts of weight * down(silu(gate x) * up x), float32 [n, width]. Each expert sees only its own
/// rows, gathered, so the work is that of the experts used. x is float32; products run in `type` (BF16 or float32).
torch::Tensor mixExperts(const torch::Tensor& x, const Experts& experts, const Routing& routing,
                         torch::ScalarType type);

}  // namespace quibble::train
