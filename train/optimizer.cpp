#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace quibble::train {
namespace {

using torch::Tensor;

/// Five steps of the quintic Newton-Schulz iteration on a stack [n, rows <= cols]; singular values end near 1.
Tensor orthogonalize(const Tensor& stack) {
    Tensor x = stack / (stack.norm(2, {1, 2}, true) + 1e-7);
    x = x.to(torch::kBFloat16);
    for (int i = 0; i < 5; ++i) {
        const Tensor a = torch::bmm(x, x.transpose(1, 2));
        const Tensor b = torch::baddbmm(a, a, a, -4.7750, 2.0315);
        x = torch::baddbmm(x, b, x, 3.4445, 1.0);
    }
    return x.to(torch::kFloat32);
}

}  // namespace

Optimizer::Optimizer(std::vector<Tensor> matrices, std::vector<Tensor> others)
    : matrices_(std::move(matrices)), others_(std::move(others)) {
    for (const Tensor& t : matrices_) momentum_.push_back(torch::zeros_like(t).detach());
    for (const Tensor& t : others_) {
        first_.push_back(torch::zeros_like(t).detach());
        second_.push_back(torch::zeros_like(t).detach());
    }
}

double Optimizer::step(double muon_rate, double adam_rate, double clip) {
    const torch::NoGradGuard no_grad;
    double square = 0.0;
    for (const auto* list : {&matrices_, &others_}) {
        for (const Tensor& t : *list) {  // an expert that no row chose has no gradient
            if (!t.grad().defined()) t.mutable_grad() = torch::zeros_like(t).detach();
        }
        for (const Tensor& t : *list) square += t.grad().square().sum().item<double>();
    }
    const double norm = std::sqrt(square);
    if (norm > clip) {
        for (const auto* list : {&matrices_, &others_}) {
            for (const Tensor& t : *list) t.mutable_grad().mul_(clip / norm);
        }
    }
    ++count_;
    stepMuon(muon_rate);
    stepAdam(adam_rate);
    for (const auto* list : {&matrices_, &others_}) {
        for (const Tensor& t : *list) t.mutable_grad().reset();
    }
    return norm;
}

void Optimizer::stepMuon(double rate) {
    constexpr double kMomentum = 0.95;
    std::map<std::pair<int64_t, int64_t>, std::vector<std::size_t>>
        by_shape;  // (short side, long side): one batched product each
    for (std::size_t i = 0; i < matrices_.size(); ++i) {
        momentum_[i].mul_(kMomentum).add_(matrices_[i].grad());
        const int64_t a = matrices_[i].size(0);
        const int64_t b = matrices_[i].size(1);
        by_shape[{std::min(a, b), std::max(a, b)}].push_back(i);
    }
    for (const auto& [shape, members] : by_shape) {
        std::vector<Tensor> stack;
        for (const std::size_t i : members) {
            const Tensor update = matrices_[i].grad() + kMomentum * momentum_[i];  // Nesterov
            stack.push_back(update.size(0) > update.size(1) ? update.t() : update);
        }
        const Tensor flat = orthogonalize(torch::stack(stack));
        for (std::size_t j = 0; j < members.size(); ++j) {
            Tensor w = matrices_[members[j]];
            const bool tall = w.size(0) > w.size(1);
            const double gain =
                std::sqrt(std::max(1.0, static_cast<double>(w.size(0)) / static_cast<double>(w.size(1))));
            const Tensor update = flat[static_cast<int64_t>(j)];
            w.mul_(1.0 - rate * 0.1).add_(tall ? update.t() : update, -rate * gain);
        }
    }
}

void Optimizer::stepAdam(double rate) {
    constexpr double kBeta1 = 0.9;
    constexpr double kBeta2 = 0.95;
    const double c1 = 1.0 - std::pow(kBeta1, static_cast<double>(count_));
    const double c2 = 1.0 - std::pow(kBeta2, static_cast<double>(count_));
    for (std::size_t i = 0; i < others_.size(); ++i) {
        const Tensor g = others_[i].grad();
        first_[i].mul_(kBeta1).add_(g, 1.0 - kBeta1);
        second_[i].mul_(kBeta2).addcmul_(g, g, 1.0 - kBeta2);
        others_[i].addcdiv_(first_[i] / c1, (second_[i] / c2).sqrt_().add_(1e-10), -rate);
    }
}

std::vector<Tensor> Optimizer::state() const {
    std::vector<Tensor> all = momentum_;
    all.insert(all.end(), first_.begin(), first_.end());
    all.insert(all.end(), second_.begin(), second_.end());
    all.push_back(torch::tensor({count_}));
    return all;
}

void Optimizer::setState(const std::vector<Tensor>& state) {
    std::size_t at = 0;
    for (auto* list : {&momentum_, &first_, &second_}) {
        for (Tensor& t : *list) t.copy_(state.at(at++));
    }
    count_ = state.at(at).item<int64_t>();
}

}  // namespace quibble::train
