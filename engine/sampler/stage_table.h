// Makes the table of one choice from its stages.
#pragma once

#include <span>
#include <vector>

#include "engine/sampler/stages.h"
#include "engine/values/stage_table.h"

namespace quibble {

class StageTableMaker {
public:
    /// rows: candidates that the table shows, the likeliest of the raw logits. The chosen token and those that the
    /// noise takes behind a rule come as rows of their own behind them.
    explicit StageTableMaker(int rows) : rows_(rows) {}

    /// A choice begins. rule_ids: methods of the rules of the chain.
    void begin(Position pos, TokenId chosen, const SamplerSettings& settings, std::uint64_t seed,
               std::vector<std::string> rule_ids);
    /// Its stages, in the order in which they act.
    void see(const StageView& stage);
    void unchanged(int rule) { table_.unchanged.push_back(rule); }
    /// After the last stage. The texts of the rows and the time are the caller's.
    [[nodiscard]] StageTable take();

private:
    void seeRule(const StageView& stage, StageColumn& column);
    void chooseRows();
    void fillScores();

    int rows_;
    SamplerSettings settings_;
    std::uint64_t seed_ = 0;
    Sampler sampler_;
    StageTable table_;
    std::vector<float> before_;  // logits in front of the rule that is seen
    /// Of each column, [vocab_size]; touched: of rules.
    std::vector<std::vector<float>> logprobs_;
    std::vector<std::vector<bool>> touched_;
};

}  // namespace quibble
