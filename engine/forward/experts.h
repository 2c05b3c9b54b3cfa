// Mixture of experts: which experts each row of a pass asks, and the products of the chosen ones. The decision is one
// replaceable object (ExpertSelector), asked once a layer and pass with the router's figures of all rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/aligned_vector.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model.h"
#include "engine/values/ids.h"
#include "engine/values/run_request.h"

namespace quibble {

/// What the router says about the rows of one pass in one layer.
struct RouterScores {
    int layer = 0;
    const ExpertConfig& config;
    std::span<const Position> positions;   // [n_rows]; rows of a token tree have the position of their depth
    std::span<const float> logits;         // [n_rows, config.count], with the router's bias
    std::span<const float> probabilities;  // softmax over all experts of a row

    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(positions.size()); }
    [[nodiscard]] std::span<const float> probabilitiesOf(std::int64_t row) const { return rowOf(probabilities, row); }
    [[nodiscard]] std::span<const float> logitsOf(std::int64_t row) const { return rowOf(logits, row); }

private:
    [[nodiscard]] std::span<const float> rowOf(std::span<const float> all, std::int64_t row) const {
        const auto count = static_cast<std::size_t>(config.count);
        return all.subspan(static_cast<std::size_t>(row) * count, count);
    }
};

/// The experts of each row in the order in which their outputs are added, with their weights. Rows are appended in
/// order.
class ExpertChoice {
public:
    void clear();
    void add(std::int32_t expert, float weight);
    void endRow() { ends_.push_back(experts_.size()); }
    /// All rows of `other`, behind those that are here.
    void append(const ExpertChoice& other);

    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(ends_.size()); }
    [[nodiscard]] std::span<const std::int32_t> expertsOf(std::int64_t row) const {
        return {experts_.data() + begin(row), size(row)};
    }
    [[nodiscard]] std::span<const float> weightsOf(std::int64_t row) const {
        return {weights_.data() + begin(row), size(row)};
    }
    [[nodiscard]] std::size_t begin(std::int64_t row) const {
        return row == 0 ? 0 : ends_[static_cast<std::size_t>(row) - 1];
    }
    [[nodiscard]] std::size_t size(std::int64_t row) const { return ends_[static_cast<std::size_t>(row)] - begin(row); }
    [[nodiscard]] std::size_t total() const { return experts_.size(); }

private:
    std::vector<std::int32_t> experts_;
    std::vector<float> weights_;
    std::vector<std::size_t> ends_;
};

/// Decides for a layer and pass. `choice` comes in empty and goes out with scores.rows() rows of at most config.used
/// distinct experts each. A row may have no expert at all; its output is then zeros.
class ExpertSelector {
public:
    virtual ~ExpertSelector() = default;
    virtual void select(const RouterScores& scores, ExpertChoice& choice) = 0;
};

/// The indices of the k largest scores, largest first, ties by the lower index. allowed: [n] or empty for all; fewer
/// than k allowed gives fewer.
[[nodiscard]] std::vector<std::int32_t> topExperts(std::span<const float> scores, int k,
                                                   std::span<const char> allowed = {});

/// Appends one row: `chosen` with the weights the architecture gives them, which are the router's probabilities,
/// divided by max(sum over the chosen, kMinExpertWeightSum) where it renormalises, times weight_scale.
void addWeighted(const RouterScores& scores, std::int64_t row, std::span<const std::int32_t> chosen,
                 ExpertChoice& choice);

/// What the model was trained with: the `used` experts with the largest router logits of each row.
class NaturalSelector final : public ExpertSelector {
public:
    void select(const RouterScores& scores, ExpertChoice& choice) override;
};

/// Sees each decision: called once for each layer of a pass.
using ExpertTap = std::function<void(const RouterScores&, const ExpertChoice&)>;

/// What the last pass read.
struct ExpertTraffic {
    std::int64_t bytes = 0;              // expert weights that were read
    std::vector<std::int32_t> distinct;  // experts that at least one row chose, by layer
};

/// What the experts are to one sequence: who chooses them, who looks on, and what its rows made the last pass read.
class SequenceExperts {
public:
    explicit SequenceExperts(const ModelConfig& config) {
        traffic_.distinct.resize(static_cast<std::size_t>(config.n_layers));
    }
    /// Who chooses from now on; nullptr: the natural top-k. The selector must outlive the passes.
    void setSelector(ExpertSelector* selector) { selector_ = selector; }
    void setTap(ExpertTap tap) { tap_ = std::move(tap); }
    [[nodiscard]] const ExpertTraffic& traffic() const { return traffic_; }

private:
    friend class ExpertLayers;
    ExpertSelector* selector_ = nullptr;
    ExpertTap tap_;
    ExpertTraffic traffic_;
};

/// Rows of a pass that belong to one sequence.
struct ExpertRows {
    SequenceExperts* experts = nullptr;
    std::int64_t first_row = 0, n_rows = 0;
};

/// The expert layers of a forward pass with their scratch memory. Results of a row do not depend on the rows beside it:
/// every product keeps its order, and a row adds its experts in the order of its own choice.
class ExpertLayers {
public:
    explicit ExpertLayers(const ModelConfig& config);

    /// Provides scratch memory for passes of up to n_rows rows.
    void reserveRows(std::int64_t n_rows);

    /// y [n_rows, d_model] = the weighted sum of the chosen experts' outputs for x [n_rows, d_model]. positions: of the
    /// rows. The router never takes inputs that are rounded to BF16.
    /// parts: the rows of each sequence, one behind the other, all rows.
    void run(CpuDevice& device, const LayerWeights& weights, int layer, std::span<const Position> positions,
             std::span<const ExpertRows> parts, Products products, const float* x, float* y);

    static void beginPass(std::span<const ExpertRows> parts);

private:
    void route(CpuDevice& device, const LayerWeights& weights, int layer, std::span<const Position> positions,
               std::span<const ExpertRows> parts, Products products, const float* x);
    void chooseFor(const ExpertRows& part, const LayerWeights& weights, int layer, std::span<const Position> positions);
    void countTraffic(SequenceExperts& experts, const LayerWeights& weights, int layer);
    void groupByExpert(std::int64_t n_rows);

    const ModelConfig& config_;
    NaturalSelector natural_;
    ExpertChoice choice_;       // of all rows
    ExpertChoice part_choice_;  // of those of one sequence
    std::vector<char> chosen_;  // by expert: a row of that sequence has it
    struct Group {
        std::int32_t expert;
        std::int64_t first, count;  // slots
    };
    std::vector<Group> groups_;
    std::vector<std::int32_t> slot_of_;  // of each entry of the choice: where its product lies
    std::vector<std::int32_t> row_of_slot_;
    std::vector<std::int64_t> count_of_;  // rows of each expert
    std::vector<LinearTask> tasks_;
    std::vector<float> logits_, probabilities_;  // [rows, count]
    AlignedVector<float> gate_, up_, produced_;  // [rows * used, width]
};

}  // namespace quibble
