#include "engine/sampler/stages.h"

#include <algorithm>
#include <cmath>

#include "engine/run/distribution.h"
#include "kernels/ops.h"

namespace quibble {

namespace {

TokenStage stageOf(std::string name, const TokenDistribution& kept, int count) {
    std::vector<TokenProbability> best(kept.begin(), kept.end());
    std::sort(best.begin(), best.end(), [](const TokenProbability& a, const TokenProbability& b) {
        return a.p != b.p ? a.p > b.p : a.id < b.id;
    });
    if (best.size() > static_cast<std::size_t>(count)) best.resize(static_cast<std::size_t>(count));
    TokenStage stage;
    stage.name = std::move(name);
    for (const TokenProbability& token : best)
        stage.candidates.push_back({token.id, static_cast<float>(std::log(token.p))});
    return stage;
}

}  // namespace

TokenStage stageOf(std::string name, std::span<const float> logits, int count) {
    kernels::LogitStats stats;
    kernels::ops().logitStats(logits.data(), static_cast<std::int64_t>(logits.size()), &stats);
    TokenStage stage;
    stage.name = std::move(name);
    stage.candidates = topAlternatives(logits, stats.log_sum_exp, count);
    return stage;
}

std::vector<TokenStage> samplerStages(Sampler& sampler, std::span<const float> logits, const SamplerSettings& settings,
                                      TokenId chosen, int count) {
    std::vector<TokenStage> stages;
    auto left = static_cast<std::int64_t>(logits.size());
    if (settings.temperature > 0) {
        std::vector<float> scaled(logits.begin(), logits.end());
        for (float& logit : scaled) logit = static_cast<float>(static_cast<double>(logit) / settings.temperature);
        stages.push_back(stageOf("temperature", scaled, count));
    }
    TokenDistribution kept;
    const auto filter = [&](const char* name, const SamplerSettings& so_far) {
        kept = sampler.distribution(logits, so_far);
        stages.push_back(stageOf(name, kept, count));
        stages.back().dropped = left - std::ssize(kept);
        left = std::ssize(kept);
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
    const double p = probabilityOf(kept, chosen);
    stages.push_back({"chosen", {{chosen, p > 0 ? static_cast<float>(std::log(p)) : kNotMeasured}}, 0});
    return stages;
}

}  // namespace quibble
