#include "train/evaluate.h"

#include <algorithm>
#include <cmath>

#include "train/problem_files.h"

namespace quibble::train {
namespace {

using torch::Tensor;

/// Top-p sampling at a temperature from raw logits; greedy at temperature 0.
int choose(const float* logits, std::size_t size, const EvalOptions& options, Rng& rng) {
    const auto best = static_cast<int>(std::max_element(logits, logits + size) - logits);
    if (options.temperature <= 0.0) return best;
    std::vector<std::pair<double, int>> weights;
    double total = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
        const double w =
            std::exp((static_cast<double>(logits[i]) - static_cast<double>(logits[best])) / options.temperature);
        total += w;
        if (w > 1e-6) weights.emplace_back(w, static_cast<int>(i));
    }
    std::sort(weights.rbegin(), weights.rend());
    double kept = 0.0;
    std::size_t count = 0;
    while (count < weights.size() && kept < options.top_p * total) kept += weights[count++].first;
    double u = rng.unit() * kept;
    for (std::size_t i = 0; i < count; ++i) {
        u -= weights[i].first;
        if (u < 0.0) return weights[i].second;
    }
    return weights.front().second;
}

struct Row {
    std::vector<int> ids;
    std::size_t prompt = 0;
    bool done = false;
    Rng rng{0, 0};
};

/// Feeds one token of every row a step: prompt tokens while there are some, then sampled ones.
void generate(const Transformer& model, const ToyTokenizer& tokenizer, const EvalOptions& options,
              std::vector<Row>& rows) {
    const auto count = static_cast<int64_t>(rows.size());
    const ModelShape& shape = model.shape();
    std::size_t longest = 0;
    for (const Row& row : rows) longest = std::max(longest, row.prompt);
    const auto length = static_cast<int64_t>(longest) + options.max_tokens;
    std::vector<Tensor> k, v;
    for (int64_t i = 0; i < shape.layers; ++i) {
        k.push_back(torch::zeros({count, shape.kv_heads, length, shape.head_dim}));
        v.push_back(torch::zeros({count, shape.kv_heads, length, shape.head_dim}));
    }
    Tensor bias = torch::zeros({shape.vocab});
    for (const std::string& word : publishedMarkers()) {
        const std::vector<int> ids = tokenizer.encode(" " + word);
        if (ids.size() == 1) bias[ids[0]] = -options.penalty;
    }
    const int end = tokenizer.special("<|end|>");
    for (int64_t pos = 0; pos + 1 < length; ++pos) {
        std::vector<int64_t> tokens, positions;
        bool any = false;
        for (Row& row : rows) {
            const auto at = std::min(static_cast<std::size_t>(pos), row.ids.size() - 1);
            tokens.push_back(row.ids[at]);
            positions.push_back(static_cast<int64_t>(at));
            any = any || !row.done;
        }
        if (!any) return;
        const Tensor logits =
            (model.decode(torch::tensor(tokens, torch::kInt64), torch::tensor(positions, torch::kInt64), pos, k, v) +
             bias)
                .contiguous();
        const float* data = logits.data_ptr<float>();
        for (std::size_t r = 0; r < rows.size(); ++r) {
            Row& row = rows[r];
            if (row.done || static_cast<std::size_t>(pos) + 1 < row.ids.size()) continue;
            row.ids.push_back(choose(data + r * static_cast<std::size_t>(shape.vocab),
                                     static_cast<std::size_t>(shape.vocab), options, row.rng));
            row.done =
                row.ids.back() == end || row.ids.size() - row.prompt >= static_cast<std::size_t>(options.max_tokens);
        }
    }
}

}  // namespace

EvalResult evaluate(Transformer& model, const ToyTokenizer& tokenizer, const EvalOptions& options) {
    const torch::NoGradGuard no_grad;
    std::vector<Row> rows(static_cast<std::size_t>(options.count));
    for (int i = 0; i < options.count; ++i) {
        Row& row = rows[static_cast<std::size_t>(i)];
        row.ids = promptIds(tokenizer, heldOutProblem(i).text);
        row.prompt = row.ids.size();
        row.rng = Rng(options.seed, static_cast<uint64_t>(i));
    }
    const bool bf16 = model.bf16();
    model.setBf16(false);
    generate(model, tokenizer, options, rows);
    model.setBf16(bf16);
    std::vector<char> marker(tokenizer.size(), 0);
    for (const std::string& word : publishedMarkers()) {
        const std::vector<int> ids = tokenizer.encode(" " + word);
        if (ids.size() == 1) marker[static_cast<std::size_t>(ids[0])] = 1;
    }
    EvalResult result;
    const int end = tokenizer.special("<|end|>");
    for (int i = 0; i < options.count; ++i) {
        const Row& row = rows[static_cast<std::size_t>(i)];
        const std::vector<int> made(row.ids.begin() + static_cast<std::ptrdiff_t>(row.prompt), row.ids.end());
        result.chains.push_back({row.ids, row.prompt, tokenizer.decode(made)});
        result.right_count += readAnswer(result.chains.back().text) == heldOutProblem(i).answer ? 1 : 0;
        result.unfinished += made.back() == end ? 0 : 1;
        result.mean_tokens += static_cast<double>(made.size()) / options.count;
        for (const int id : made)
            result.mean_markers += static_cast<double>(marker[static_cast<std::size_t>(id)]) / options.count;
    }
    result.right = static_cast<double>(result.right_count) / options.count;
    return result;
}

void quantizeRtn(Transformer& model, int bits, int64_t group) {
    const torch::NoGradGuard no_grad;
    const double top = std::pow(2.0, bits - 1) - 1.0;
    for (Tensor w : model.hiddenMatrices()) {
        const Tensor blocks = w.detach().reshape({w.size(0), -1, group});
        const Tensor scale = (blocks.abs().amax(2, true) / top).clamp_min(1e-12);
        w.detach().copy_(((blocks / scale).round().clamp(-top - 1.0, top) * scale).view_as(w));
    }
}

}  // namespace quibble::train
