#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "train/evaluate.h"
#include "train/optimizer.h"

namespace quibble::train {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_asked = 0;

/// From here on, the first SIGTERM or SIGINT ends training behind the step in hand, with a checkpoint.
void stopOnSignal() {
    for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { stop_asked = 1; });
}

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void report(const TrainOptions& options, const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (options.log.empty()) return;
    std::ofstream(options.log, std::ios::app) << line << "\n";
}

template <class... Args>
std::string format(const char* pattern, Args... args) {
    char buffer[256];
    std::snprintf(buffer, sizeof buffer, pattern, args...);
    return buffer;
}

/// Linear warm-up, then linear decay to 0 at the last step.
double rateAt(const TrainOptions& o, int64_t step) {
    const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(o.warmup));
    return warm * static_cast<double>(o.steps - step) / static_cast<double>(o.steps);
}

/// Fills the gradients; returns the cross-entropy (nats a token).
double backward(const Transformer& model, const Batch& batch, const TrainOptions& options) {
    const Forward forward = model.forward(batch);
    const torch::Tensor loss = torch::nn::functional::cross_entropy(forward.logits, batch.targets);
    torch::Tensor total = loss;
    if (forward.balance_loss.defined())
        total = total + forward.balance_loss * options.balance + forward.z_loss * options.z_loss;
    total.backward();
    return loss.item<double>();
}

void quickEval(const TrainOptions& options, Transformer& model, const ToyTokenizer& tokenizer, int64_t step) {
    EvalOptions eval;
    eval.count = 64;
    const EvalResult sampled = evaluate(model, tokenizer, eval);
    eval.temperature = 0.0;
    const EvalResult greedy = evaluate(model, tokenizer, eval);
    report(options,
           format("eval step %lld: T 0.6 right %.1f%% tokens %.1f markers %.2f unfinished %d | greedy right %.1f%% "
                  "tokens %.1f markers %.2f",
                  static_cast<long long>(step), 100.0 * sampled.right, sampled.mean_tokens, sampled.mean_markers,
                  sampled.unfinished, 100.0 * greedy.right, greedy.mean_tokens, greedy.mean_markers));
}

}  // namespace

Batch batchOf(std::vector<Document> docs) {
    std::stable_sort(docs.begin(), docs.end(),
                     [](const Document& a, const Document& b) { return a.ids.size() < b.ids.size(); });
    Batch batch;
    std::vector<int64_t> tokens, positions, rows, targets;
    for (const Document& doc : docs) {
        const std::size_t length = doc.ids.size();
        batch.groups.push_back({static_cast<int64_t>(tokens.size()), 1, static_cast<int64_t>(length)});
        for (std::size_t i = 0; i < length; ++i) {
            if (i + 1 < length && doc.learned[i + 1] != 0) {
                rows.push_back(static_cast<int64_t>(tokens.size()));
                targets.push_back(doc.ids[i + 1]);
            }
            tokens.push_back(doc.ids[i]);
            positions.push_back(static_cast<int64_t>(i));
        }
    }
    const auto tensor = [](const std::vector<int64_t>& v) { return torch::tensor(v, torch::kInt64); };
    batch.tokens = tensor(tokens);
    batch.positions = tensor(positions);
    batch.loss_rows = tensor(rows);
    batch.targets = tensor(targets);
    return batch;
}

Batch makeBatch(const ToyTokenizer& tokenizer, uint64_t seed, int64_t step, int64_t batch_tokens, double progress) {
    std::vector<Document> docs;
    int64_t count = 0;
    for (uint64_t i = 0; count < batch_tokens; ++i) {
        docs.push_back(makeDocument(tokenizer, seed, (static_cast<uint64_t>(step) << 12U) + i, progress));
        count += static_cast<int64_t>(docs.back().ids.size());
    }
    return batchOf(std::move(docs));
}

void saveCheckpoint(const std::string& path, const Transformer& model, const std::vector<torch::Tensor>& state,
                    int64_t step) {
    std::vector<torch::Tensor> all;
    for (const auto& [name, tensor] : model.named()) all.push_back(tensor.detach());
    all.insert(all.end(), state.begin(), state.end());
    all.push_back(torch::tensor({step}));
    torch::save(all, path + ".part");
    std::filesystem::rename(path + ".part", path);  // a kill while saving leaves the last good file
}

Result<int64_t> loadCheckpoint(const std::string& path, Transformer& model, std::vector<torch::Tensor>* state) {
    const torch::NoGradGuard no_grad;
    const std::string hint = "Give a file that `quibble-train --checkpoint` wrote.";
    std::vector<torch::Tensor> all;
    try {
        torch::load(all, path);
    } catch (const c10::Error& error) {
        return fail(ErrorCode::FileCorrupt, path + " is no checkpoint: " + error.what_without_backtrace(), hint);
    }
    const auto named = model.named();
    // Parameters; a momentum for each matrix and two for each other parameter; the optimizer's count; the step.
    const std::size_t expected = named.size() + model.hiddenMatrices().size() + 2 * model.otherParameters().size() + 2;
    if (all.size() != expected)
        return fail(ErrorCode::FileCorrupt,
                    path + " holds " + std::to_string(all.size()) + " tensors, not " + std::to_string(expected), hint);
    for (std::size_t i = 0; i < named.size(); ++i) {
        if (all[i].sizes() != named[i].second.sizes())
            return fail(ErrorCode::FileCorrupt, path + ": " + named[i].first + " has another shape than this model's",
                        hint);
    }
    for (std::size_t i = 0; i < named.size(); ++i) named[i].second.detach().copy_(all[i]);
    if (state != nullptr) state->assign(all.begin() + static_cast<std::ptrdiff_t>(named.size()), all.end() - 1);
    return all.back().item<int64_t>();
}

Result<void> train(Transformer& model, const ToyTokenizer& tokenizer, const TrainOptions& options) {
    Optimizer optimizer(model.hiddenMatrices(), model.otherParameters());
    int64_t first = 0;
    if (!options.resume.empty()) {
        std::vector<torch::Tensor> state;
        const auto loaded = loadCheckpoint(options.resume, model, &state);
        if (!loaded) return tl::unexpected(loaded.error());
        first = *loaded;
        optimizer.setState(state);
    }
    report(options,
           format("start: seed %llu steps %lld first %lld batch %lld muon %.4g adam %.4g bf16 %d vocab %lld",
                  static_cast<unsigned long long>(options.seed), static_cast<long long>(options.steps),
                  static_cast<long long>(first), static_cast<long long>(options.batch_tokens), options.muon_rate,
                  options.adam_rate, options.bf16 ? 1 : 0, static_cast<long long>(tokenizer.size())));
    stopOnSignal();
    const auto start = Clock::now();
    auto saved = start;
    auto logged = start;
    int64_t tokens = 0;
    int64_t tokens_logged = 0;
    double loss_sum = 0.0;
    int64_t loss_count = 0;
    const int64_t last = options.stop_after > 0 ? std::min(options.steps, first + options.stop_after) : options.steps;
    for (int64_t step = first; step < last && stop_asked == 0; ++step) {
        const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
        const Batch batch =
            makeBatch(tokenizer, options.seed, step, options.batch_tokens, options.curriculum ? progress : 1.0);
        loss_sum += backward(model, batch, options);
        ++loss_count;
        const double rate = rateAt(options, step);
        const double norm = optimizer.step(options.muon_rate * rate, options.adam_rate * rate, options.clip);
        tokens += batch.tokens.size(0);
        if ((step + 1) % options.log_every == 0) {
            report(options,
                   format("step %lld tokens %.3fM loss %.4f rate %.4f norm %.2f tok/s %.0f elapsed %.0f s",
                          static_cast<long long>(step + 1), static_cast<double>(tokens) * 1e-6,
                          loss_sum / static_cast<double>(loss_count), rate, norm,
                          static_cast<double>(tokens - tokens_logged) / secondsSince(logged), secondsSince(start)));
            loss_sum = 0.0;
            loss_count = 0;
            tokens_logged = tokens;
            logged = Clock::now();
        }
        if (options.eval_every > 0 && (step + 1) % options.eval_every == 0) {
            quickEval(options, model, tokenizer, step + 1);
            logged = Clock::now();
        }
        if (!options.checkpoint.empty() &&
            (secondsSince(saved) > options.save_seconds || step + 1 == last || stop_asked != 0)) {
            saveCheckpoint(options.checkpoint, model, optimizer.state(), step + 1);
            saved = Clock::now();
        }
    }
    return {};
}

}  // namespace quibble::train
