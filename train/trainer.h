#pragma once

#include <string>

#include "engine/values/result.h"
#include "train/corpus.h"
#include "train/model.h"

namespace quibble::train {

struct TrainOptions {
    uint64_t seed = 20261121;
    int64_t steps = 4340;
    int64_t batch_tokens = 4500;
    int64_t warmup = 100;
    double muon_rate = 0.02;
    double adam_rate = 4e-3;
    double clip = 1.0;
    double balance = 0.01;   ///< weight of the router's load-balancing loss
    double z_loss = 0.001;   ///< weight of the router's z-loss
    bool curriculum = true;  ///< the first tenth of the steps fades in from easy problems
    bool bf16 = true;
    int64_t stop_after = 0;  ///< end early after this many steps without changing the schedule; 0 = never
    std::string checkpoint;  ///< written every save_seconds and at the end; empty = none
    std::string resume;
    std::string log;  ///< appended; empty = standard output only
    double save_seconds = 300.0;
    int64_t eval_every = 1000;
    int64_t log_every = 50;
};

/// Documents as a batch, shortest first. Rows whose next token is learned carry loss.
Batch batchOf(std::vector<Document> docs);

/// Draws the batch of a step: documents of streams [step * 2^12, ...) until batch_tokens are reached, in groups of like
/// length.
Batch makeBatch(const ToyTokenizer& tokenizer, uint64_t seed, int64_t step, int64_t batch_tokens, double progress);

/// Trains the model, from where it is or from options.resume. Same options give the same batches; sums depend on the
/// BLAS in use.
Result<void> train(Transformer& model, const ToyTokenizer& tokenizer, const TrainOptions& options);

/// The model's parameters and the optimizer's state as one torch archive with the step count. loadCheckpoint returns
/// the step; a file that is no checkpoint of this shape is FileCorrupt and leaves the model as it was.
void saveCheckpoint(const std::string& path, const Transformer& model, const std::vector<torch::Tensor>& state,
                    int64_t step);
Result<int64_t> loadCheckpoint(const std::string& path, Transformer& model, std::vector<torch::Tensor>* state);

}  // namespace quibble::train
