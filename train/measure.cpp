#include "train/measure.h"

#include <algorithm>
#include <numeric>

#include "train/trainer.h"

namespace quibble::train {
namespace {

using torch::Tensor;

constexpr std::size_t kChainsAtOnce = 25;  // bounds the memory of the attention probabilities

/// Calls visit with batches that hold every chain once; loss rows are those that predict sampled tokens.
template <class Visit>
void eachBatch(const std::vector<SampledChain>& chains, Visit visit) {
    for (std::size_t first = 0; first < chains.size(); first += kChainsAtOnce) {
        std::vector<Document> docs;
        for (std::size_t i = first; i < std::min(chains.size(), first + kChainsAtOnce); ++i) {
            Document doc;
            doc.ids = chains[i].ids;
            doc.learned.assign(chains[i].prompt, 0);
            doc.learned.resize(doc.ids.size(), 1);
            docs.push_back(std::move(doc));
        }
        visit(batchOf(std::move(docs)));
    }
}

/// Temperature, then the smallest set of most likely tokens that holds top_p, renormalised. logits [n, vocab].
Tensor nucleus(const Tensor& logits, const EvalOptions& options) {
    const Tensor probabilities = (logits / options.temperature).softmax(-1);
    const auto [sorted, order] = probabilities.sort(-1, true);
    const Tensor kept = sorted * (sorted.cumsum(-1) - sorted < options.top_p);
    const Tensor chosen = torch::zeros_like(probabilities).scatter(-1, order, kept);
    return chosen / chosen.sum(-1, true);
}

}  // namespace

Agreement measureAgreement(const Transformer& target, const Transformer& draft, const std::vector<SampledChain>& chains,
                           const EvalOptions& options) {
    const torch::NoGradGuard no_grad;
    Agreement sum;
    eachBatch(chains, [&](const Batch& batch) {
        const Tensor p = target.forward(batch).logits;
        const Tensor q = draft.forward(batch).logits;
        sum.tokens += p.size(0);
        sum.top1 += p.argmax(-1).eq(q.argmax(-1)).sum().item<double>();
        sum.acceptance += torch::minimum(nucleus(p, options), nucleus(q, options)).sum().item<double>();
    });
    sum.top1 /= static_cast<double>(sum.tokens);
    sum.acceptance /= static_cast<double>(sum.tokens);
    return sum;
}

std::vector<std::vector<double>> expertShares(const Transformer& model, const std::vector<SampledChain>& chains) {
    const torch::NoGradGuard no_grad;
    std::vector<std::vector<double>> shares;
    eachBatch(chains, [&](Batch batch) {
        batch.loss_rows = torch::arange(batch.tokens.size(0));  // the last layer, too, sees every token
        Observed observed;
        model.forward(batch, &observed);
        shares.resize(observed.load.size());
        for (std::size_t i = 0; i < shares.size(); ++i) {
            shares[i].resize(observed.load[i].size(), 0.0);
            for (std::size_t e = 0; e < shares[i].size(); ++e) shares[i][e] += static_cast<double>(observed.load[i][e]);
        }
    });
    for (std::vector<double>& layer : shares) {
        const double total = std::accumulate(layer.begin(), layer.end(), 0.0);
        for (double& share : layer) share /= total;
    }
    return shares;
}

}  // namespace quibble::train
