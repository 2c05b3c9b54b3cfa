#include <algorithm>
#include <string>

#include "engine/experts/expert_method.h"

namespace quibble {

void ExpertPolicy::select(const RouterScores& scores, ExpertChoice& choice) {
    allowed_.assign(static_cast<std::size_t>(scores.config.count), 1);
    const bool restricted = restrict(scores, allowed_);
    if (!restricted) allowed_.clear();
    for (std::int64_t row = 0; row < scores.rows(); ++row) {
        if (restricted && truncates()) {
            std::vector<std::int32_t> chosen = topExperts(scores.logitsOf(row), scores.config.used);
            std::erase_if(chosen, [&](std::int32_t expert) { return allowed_[static_cast<std::size_t>(expert)] == 0; });
            addWeighted(scores, row, chosen, choice);
        } else {
            addWeighted(scores, row, topExperts(scores.logitsOf(row), scores.config.used, allowed_), choice);
        }
    }
}

Result<void> ExpertPolicy::check(const MethodChoice&, const ExpertConfig&) const { return {}; }

Result<void> ExpertPolicy::setParam(std::string_view key, double value) {
    MethodChoice changed = choice_;
    if (auto checked = changeParam(changed, specs_, key, value); !checked) return checked;
    if (auto checked = check(changed, config_); !checked) return checked;
    choice_ = std::move(changed);
    return {};
}

std::span<const ExpertMethod* const> expertMethods() {
    static const ExpertMethod* const kTable[] = {&experts::kObserve, &experts::kMoeSpec, &experts::kRandom,
                                                 &experts::kFrequent, &experts::kThreshold};
    return kTable;
}

Result<const ExpertMethod*> findExpertMethod(const MethodChoice& choice) {
    return findMethod(expertMethods(), choice, "expert method");
}

Result<std::unique_ptr<ExpertPolicy>> makeExpertPolicy(const MethodChoice& choice, const ExpertConfig& config,
                                                       std::uint64_t seed) {
    auto method = findExpertMethod(choice);
    if (!method) return tl::unexpected(method.error());
    auto policy = (*method)->make(choice, seed);
    policy->setConfig(config);
    if (auto checked = policy->check(choice, config); !checked) return tl::unexpected(checked.error());
    return policy;
}

std::string whyExpertsChangeNothing(const RunRequest& request) {
    const auto method = findExpertMethod(request.experts);
    if (!method || (*method)->lossless || request.draft.method.id != MethodChoice{}.id) return {};
    const auto& params = (*method)->params;
    const auto all_passes =
        std::find_if(params.begin(), params.end(), [](const ParamSpec& spec) { return spec.key == kAllPassesKey; });
    if (all_passes == params.end() || request.experts.value(*all_passes) != 0) return {};
    return std::string((*method)->label) +
           " acts in passes that verify a draft, and this run has no drafts: choose who drafts, or switch on \"" +
           std::string(all_passes->label) + "\"";
}

}  // namespace quibble
