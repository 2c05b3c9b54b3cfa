// What the step loop does for a model with experts: the run's policy on every pass, and its record.
#include "engine/run/run_loop.h"

namespace quibble {

namespace {

std::int64_t denseBytes(const Model& model) {
    std::size_t bytes = weightBytes(model.output());
    for (const LayerWeights& layer : model.layers()) {
        for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.router})
            bytes += weightBytes(*linear);
    }
    return static_cast<std::int64_t>(bytes);
}

}  // namespace

Result<void> RunLoop::prepareExperts() {
    SequenceExperts* layers = sequence_->experts();
    auto method = findExpertMethod(request_.experts);
    if (!method) return tl::unexpected(method.error());
    if (layers == nullptr) {
        return checkNeeds(**method, "expert method", {.model = sequence_->model().config().name});
    }
    const ModelConfig& c = sequence_->model().config();
    auto policy = makeExpertPolicy(request_.experts, c.experts, request_.seed);
    if (!policy) return tl::unexpected(policy.error());
    if (probes_ && !(*method)->lossless) {
        return fail(ErrorCode::InvalidArgument,
                    "a rule that lets the model answer on trial asks all experts, and this run leaves some out",
                    "Leave the rule out, or choose to observe the experts only");
    }
    experts_ = std::move(*policy);
    recorder_.emplace(c.n_layers, c.experts);
    dense_bytes_ = denseBytes(sequence_->model());
    layers->setSelector(experts_.get());
    layers->setTap([this](const RouterScores& scores, const ExpertChoice& choice) {
        recorder_->record(scores, choice, experts_->allowed());
    });
    return {};
}

void RunLoop::beginPass(bool verify) {
    if (experts_ == nullptr) return;
    experts_->setVerifyPass(verify);
    recorder_->beginPass();
}

void RunLoop::announceExperts(Position pos, std::span<const std::int32_t> rows, bool verify, std::int64_t pass_ns,
                              std::vector<RunEvent>& events) {
    if (experts_ == nullptr) return;
    ExpertPass pass = recorder_->pass();
    pass.pos = pos;
    pass.verify = verify;
    pass.budget = experts_->budget();
    pass.expert_bytes = sequence_->experts()->traffic().bytes;
    pass.total_bytes = pass.expert_bytes + dense_bytes_;
    pass.pass_ns = pass_ns;
    events.emplace_back(std::move(pass));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        TokenExperts experts = recorder_->row(rows[i]);
        experts.pos = pos + static_cast<Position>(i);
        if (prefixes_ != nullptr) sequence_->tellExperts(experts);
        events.emplace_back(std::move(experts));
    }
}

}  // namespace quibble
