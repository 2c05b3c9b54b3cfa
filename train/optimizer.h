#pragma once

#include <torch/torch.h>

#include <vector>

namespace quibble::train {

/// Muon for the hidden matrices (momentum, then orthogonalised by five Newton-Schulz steps; Jordan et al. 2024) and
/// Adam for embeddings and norms.
class Optimizer {
public:
    Optimizer(std::vector<torch::Tensor> matrices, std::vector<torch::Tensor> others);

    /// Clips the global gradient norm, applies one update and clears the gradients. Returns the norm before clipping.
    double step(double muon_rate, double adam_rate, double clip);

    /// Momenta, for checkpoints: one tensor a matrix, then two for each other parameter, then the step count.
    std::vector<torch::Tensor> state() const;
    void setState(const std::vector<torch::Tensor>& state);

private:
    void stepMuon(double rate);
    void stepAdam(double rate);

    std::vector<torch::Tensor> matrices_, others_, momentum_, first_, second_;
    int64_t count_ = 0;
};

}  // namespace quibble::train
