#include "engine/forward/experts.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/values/check.h"

namespace quibble {

void ExpertChoice::clear() {
    experts_.clear();
    weights_.clear();
    ends_.clear();
}

void ExpertChoice::append(const ExpertChoice& other) {
    const std::size_t before = experts_.size();
    experts_.insert(experts_.end(), other.experts_.begin(), other.experts_.end());
    weights_.insert(weights_.end(), other.weights_.begin(), other.weights_.end());
    for (const std::size_t end : other.ends_) ends_.push_back(before + end);
}

void ExpertChoice::add(std::int32_t expert, float weight) {
    experts_.push_back(expert);
    weights_.push_back(weight);
}

std::vector<std::int32_t> topExperts(std::span<const float> scores, int k, std::span<const char> allowed) {
    std::vector<char> open(allowed.begin(), allowed.end());
    if (open.empty()) open.assign(scores.size(), 1);
    std::vector<std::int32_t> best;
    for (int n = 0; n < k; ++n) {
        std::int32_t found = -1;
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (open[i] != 0 && (found < 0 || scores[i] > scores[static_cast<std::size_t>(found)]))
                found = static_cast<std::int32_t>(i);
        }
        if (found < 0) break;
        open[static_cast<std::size_t>(found)] = 0;
        best.push_back(found);
    }
    return best;
}

void addWeighted(const RouterScores& scores, std::int64_t row, std::span<const std::int32_t> chosen,
                 ExpertChoice& choice) {
    const std::span<const float> probabilities = scores.probabilitiesOf(row);
    float divisor = 1;
    if (scores.config.renormalise) {
        float sum = 0;
        for (const std::int32_t expert : chosen) sum += probabilities[static_cast<std::size_t>(expert)];
        divisor = sum > kMinExpertWeightSum || std::isnan(sum) ? sum : kMinExpertWeightSum;
    }
    for (const std::int32_t expert : chosen) {
        choice.add(expert, probabilities[static_cast<std::size_t>(expert)] / divisor * scores.config.weight_scale);
    }
    choice.endRow();
}

void NaturalSelector::select(const RouterScores& scores, ExpertChoice& choice) {
    for (std::int64_t row = 0; row < scores.rows(); ++row) {
        addWeighted(scores, row, topExperts(scores.logitsOf(row), scores.config.used), choice);
    }
}

ExpertLayers::ExpertLayers(const ModelConfig& config) : config_(config) {}

void ExpertLayers::reserveRows(std::int64_t n_rows) {
    const auto sized = [](std::int64_t rows, int width) {
        return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
    };
    const std::int64_t slots = n_rows * config_.experts.used;
    logits_.resize(sized(n_rows, config_.experts.count));
    probabilities_.resize(logits_.size());
    produced_.resize(sized(slots, config_.d_model));
    gate_.resize(sized(slots, config_.experts.d_ff));
    up_.resize(gate_.size());
}

void ExpertLayers::beginPass(std::span<const ExpertRows> parts) {
    for (const ExpertRows& part : parts) {
        part.experts->traffic_.bytes = 0;
        std::fill(part.experts->traffic_.distinct.begin(), part.experts->traffic_.distinct.end(), 0);
    }
}

void ExpertLayers::route(CpuDevice& device, const LayerWeights& weights, int layer, std::span<const Position> positions,
                         std::span<const ExpertRows> parts, Products products, const float* x) {
    products.bf16_inputs = false;
    const auto n_rows = static_cast<std::int64_t>(positions.size());
    const auto count = static_cast<std::size_t>(config_.experts.count);
    device.linear(x, n_rows, products, {{&weights.router, logits_.data()}});
    if (device.interrupted()) return;  // the scores are unfinished, and no selector or tap may see them
    device.forEach(n_rows, [&](std::int64_t index) {
        const auto row = static_cast<std::size_t>(index);
        const std::span<const float> logits(logits_.data() + row * count, count);
        const double top = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
        for (std::size_t i = 0; i < count; ++i)
            probabilities_[row * count + i] = static_cast<float>(std::exp(static_cast<double>(logits[i]) - top) / sum);
    });
    choice_.clear();
    for (const ExpertRows& part : parts) chooseFor(part, weights, layer, positions);
}

// A sequence chooses from its own rows alone, whatever other rows share the pass.
void ExpertLayers::chooseFor(const ExpertRows& part, const LayerWeights& weights, int layer,
                             std::span<const Position> positions) {
    const auto count = static_cast<std::size_t>(config_.experts.count);
    const auto first = static_cast<std::size_t>(part.first_row), rows = static_cast<std::size_t>(part.n_rows);
    const RouterScores scores{layer,
                              config_.experts,
                              positions.subspan(first, rows),
                              {logits_.data() + first * count, rows * count},
                              {probabilities_.data() + first * count, rows * count}};
    part_choice_.clear();
    ExpertSelector& selector = part.experts->selector_ != nullptr ? *part.experts->selector_ : natural_;
    selector.select(scores, part_choice_);
    QUIBBLE_CHECK(part_choice_.rows() == part.n_rows, "an expert selector answers for every row");
    for (std::int64_t row = 0; row < part.n_rows; ++row) {
        QUIBBLE_CHECK(part_choice_.size(row) <= static_cast<std::size_t>(config_.experts.used),
                      "an expert selector chose too many experts");
    }
    if (part.experts->tap_) part.experts->tap_(scores, part_choice_);
    countTraffic(*part.experts, weights, layer);
    choice_.append(part_choice_);
}

void ExpertLayers::countTraffic(SequenceExperts& experts, const LayerWeights& weights, int layer) {
    chosen_.assign(static_cast<std::size_t>(config_.experts.count), 0);
    for (std::int64_t row = 0; row < part_choice_.rows(); ++row) {
        for (const std::int32_t expert : part_choice_.expertsOf(row)) chosen_[static_cast<std::size_t>(expert)] = 1;
    }
    std::int32_t& distinct = experts.traffic_.distinct[static_cast<std::size_t>(layer)];
    for (std::size_t expert = 0; expert < chosen_.size(); ++expert) {
        if (chosen_[expert] == 0) continue;
        ++distinct;
        for (const auto* linears : {&weights.gate_exps, &weights.up_exps, &weights.down_exps})
            experts.traffic_.bytes += static_cast<std::int64_t>(weightBytes((*linears)[expert]));
    }
}

// Slots are sorted by expert, and those of one expert by row.
void ExpertLayers::groupByExpert(std::int64_t n_rows) {
    count_of_.assign(static_cast<std::size_t>(config_.experts.count), 0);
    for (std::int64_t row = 0; row < n_rows; ++row) {
        for (const std::int32_t expert : choice_.expertsOf(row)) ++count_of_[static_cast<std::size_t>(expert)];
    }
    groups_.clear();
    std::vector<std::int64_t> next(count_of_.size());
    std::int64_t slot = 0;
    for (std::size_t expert = 0; expert < count_of_.size(); ++expert) {
        next[expert] = slot;
        if (count_of_[expert] > 0) groups_.push_back({static_cast<std::int32_t>(expert), slot, count_of_[expert]});
        slot += count_of_[expert];
    }
    slot_of_.clear();
    row_of_slot_.resize(static_cast<std::size_t>(slot));
    for (std::int64_t row = 0; row < n_rows; ++row) {
        for (const std::int32_t expert : choice_.expertsOf(row)) {
            const std::int64_t at = next[static_cast<std::size_t>(expert)]++;
            slot_of_.push_back(static_cast<std::int32_t>(at));
            row_of_slot_[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(row);
        }
    }
}

void ExpertLayers::run(CpuDevice& device, const LayerWeights& weights, int layer, std::span<const Position> positions,
                       std::span<const ExpertRows> parts, Products products, const float* x, float* y) {
    const auto n_rows = static_cast<std::int64_t>(positions.size());
    const std::int64_t d_model = config_.d_model, d_ff = config_.experts.d_ff;
    route(device, weights, layer, positions, parts, products, x);
    if (device.interrupted()) return;
    groupByExpert(n_rows);
    const auto slots = static_cast<std::int64_t>(row_of_slot_.size());
    // Experts lie side by side in memory, so that what the processor fetches behind one expert is often the next
    // expert.
    tasks_.clear();
    for (const Group& group : groups_) {
        tasks_.push_back({&weights.gate_exps[static_cast<std::size_t>(group.expert)], gate_.data() + group.first * d_ff,
                          group.first, group.count});
    }
    for (const Group& group : groups_) {
        tasks_.push_back({&weights.up_exps[static_cast<std::size_t>(group.expert)], up_.data() + group.first * d_ff,
                          group.first, group.count});
    }
    if (n_rows == 1) {  // every slot's row is this one
        for (LinearTask& task : tasks_) task.first_row = 0;
        device.linear(x, n_rows, products, tasks_);
    } else {
        device.linear(x, n_rows, products, tasks_, row_of_slot_);
    }
    device.gate(gate_.data(), up_.data(), slots * d_ff, config_.clamped_swiglu, gate_.data());
    tasks_.clear();
    for (const Group& group : groups_) {
        tasks_.push_back({&weights.down_exps[static_cast<std::size_t>(group.expert)],
                          produced_.data() + group.first * d_model, group.first, group.count});
    }
    device.linear(gate_.data(), slots, products, tasks_);
    device.forEach(n_rows, [&](std::int64_t row) {
        float* sum = y + row * d_model;
        std::fill(sum, sum + d_model, 0.0F);
        const std::span<const float> row_weights = choice_.weightsOf(row);
        for (std::size_t i = 0; i < row_weights.size(); ++i) {
            const float* part = produced_.data() + slot_of_[choice_.begin(row) + i] * d_model;
            const float weight = row_weights[i];
            for (std::int64_t d = 0; d < d_model; ++d) sum[d] += weight * part[d];
        }
    });
}

}  // namespace quibble
