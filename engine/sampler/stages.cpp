#include "engine/sampler/stages.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/run/distribution.h"
#include "kernels/ops.h"

namespace quibble {

StageView::StageView(std::string_view the_name, std::span<const float> logits)
    : name(the_name), logits_(logits), vocabulary_(logits.size()) {
    kernels::LogitStats stats;
    kernels::ops().logitStats(logits.data(), static_cast<std::int64_t>(logits.size()), &stats);
    log_sum_exp_ = stats.log_sum_exp;
}

StageView::StageView(std::string_view the_name, const TokenDistribution& kept, std::size_t vocabulary)
    : name(the_name), kept_(&kept), vocabulary_(vocabulary) {}

std::vector<Alternative> StageView::best(int count) const {
    if (kept_ == nullptr) return topAlternatives(logits_, log_sum_exp_, count);
    std::vector<TokenProbability> best(kept_->begin(), kept_->end());
    std::sort(best.begin(), best.end(), [](const TokenProbability& a, const TokenProbability& b) {
        return a.p != b.p ? a.p > b.p : a.id < b.id;
    });
    if (best.size() > static_cast<std::size_t>(count)) best.resize(static_cast<std::size_t>(count));
    std::vector<Alternative> candidates;
    candidates.reserve(best.size());
    for (const TokenProbability& token : best) candidates.push_back({token.id, static_cast<float>(std::log(token.p))});
    return candidates;
}

void StageView::logprobs(std::vector<float>& all) const {
    all.assign(vocabulary_, -std::numeric_limits<float>::infinity());
    for (std::size_t i = 0; i < logits_.size(); ++i)
        all[i] = static_cast<float>(static_cast<double>(logits_[i]) - log_sum_exp_);
    if (kept_ == nullptr) return;
    for (const TokenProbability& token : *kept_)
        all[static_cast<std::size_t>(token.id)] = static_cast<float>(std::log(token.p));
}

TokenDistribution seeSamplerStages(Sampler& sampler, std::span<const float> logits, const SamplerSettings& settings,
                                   const SeeStage& see) {
    auto left = static_cast<std::int64_t>(logits.size());
    if (settings.temperature > 0) {
        std::vector<float> scaled(logits.begin(), logits.end());
        for (float& logit : scaled) logit = static_cast<float>(static_cast<double>(logit) / settings.temperature);
        see(StageView("temperature", scaled));
    }
    TokenDistribution kept;
    const auto filter = [&](const char* name, const SamplerSettings& so_far) {
        kept = sampler.distribution(logits, so_far);
        StageView stage(name, kept, logits.size());
        stage.dropped = left - std::ssize(kept);
        left = std::ssize(kept);
        see(stage);
    };
    SamplerSettings so_far{settings.temperature, 0, 1, 0};
    if (settings.temperature <= 0) {
        filter("temperature", so_far);  // the largest alone
    } else {
        if (settings.top_k > 0) filter("top_k", so_far = {settings.temperature, settings.top_k, 1, 0});
        if (settings.top_p < 1) filter("top_p", so_far = {settings.temperature, settings.top_k, settings.top_p, 0});
        if (settings.min_p > 0) filter("min_p", so_far = settings);
        if (kept.empty()) kept = sampler.distribution(logits, so_far);
    }
    return kept;
}

TokenStage chosenStage(const TokenDistribution& left, TokenId chosen) {
    const double p = probabilityOf(left, chosen);
    return {"chosen", {{chosen, p > 0 ? static_cast<float>(std::log(p)) : kNotMeasured}}, 0};
}

}  // namespace quibble
