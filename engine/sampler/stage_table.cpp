#include "engine/sampler/stage_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

#include "engine/logits/logits_method.h"
#include "engine/run/distribution.h"

namespace quibble {

namespace {

constexpr float kOut = -std::numeric_limits<float>::infinity();
// ln p of a banned token at any temperature is below this, and that of every other token far above.
constexpr float kBannedLogprob = -1e6F;

double settingOf(std::string_view stage, const SamplerSettings& settings) {
    if (stage == "temperature") return settings.temperature;
    if (stage == "top_k") return settings.top_k;
    if (stage == "top_p") return settings.top_p;
    return stage == "min_p" ? settings.min_p : 0;
}

}  // namespace

void StageTableMaker::begin(Position pos, TokenId chosen, const SamplerSettings& settings, std::uint64_t seed,
                            std::vector<std::string> rule_ids) {
    settings_ = settings;
    seed_ = seed;
    logprobs_.clear();
    touched_.clear();
    table_ = {};
    table_.rule_ids = std::move(rule_ids);
    table_.pos = pos;
    table_.chosen = chosen;
    table_.drawn = settings.temperature > 0 && settings.top_k != 1;
}

void StageTableMaker::see(const StageView& stage) {
    StageColumn column;
    column.name = stage.name;
    column.rule = stage.rule;
    column.dropped = stage.dropped;
    column.setting = settingOf(stage.name, settings_);
    table_.vocabulary = static_cast<std::int64_t>(stage.vocabulary());
    const bool raw = table_.columns.empty();
    touched_.emplace_back();
    if (stage.rule >= 0) seeRule(stage, column);
    if (raw || stage.rule >= 0) {
        before_.assign(stage.logits().begin(), stage.logits().end());
        table_.takes = column.takes = sampler_.choose(stage.logits(), settings_, seed_, table_.pos);
    }
    if (stage.rule >= 0) table_.after = stage.best(rows_);
    std::vector<float>& all = logprobs_.emplace_back();
    stage.logprobs(all);
    for (float& logprob : all) {
        if (logprob < kBannedLogprob)
            logprob = kOut;
        else
            ++column.kept;
    }
    table_.columns.push_back(std::move(column));
}

void StageTableMaker::seeRule(const StageView& stage, StageColumn& column) {
    const std::span<const float> after = stage.logits();
    std::vector<bool>& touched = touched_.back();
    touched.resize(after.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i] == before_[i]) continue;
        touched[i] = true;
        if (after[i] <= kBannedLogit) {
            ++column.banned;
            continue;
        }
        const double added = static_cast<double>(after[i]) - static_cast<double>(before_[i]);
        column.least = column.changed == 0 ? added : std::min(column.least, added);
        column.most = column.changed == 0 ? added : std::max(column.most, added);
        ++column.changed;
    }
}

void StageTableMaker::chooseRows() {
    const std::vector<float>& raw = logprobs_.front();
    for (const Alternative& best : topAlternatives(raw, 0, rows_)) table_.ids.push_back(best.id);
    std::vector<TokenId> extra{table_.chosen};
    for (const StageColumn& column : table_.columns) {
        if (column.takes != kNoToken) extra.push_back(column.takes);
    }
    std::sort(extra.begin(), extra.end(), [&raw](TokenId a, TokenId b) {
        const float of_a = raw[static_cast<std::size_t>(a)], of_b = raw[static_cast<std::size_t>(b)];
        return of_a != of_b ? of_a > of_b : a < b;
    });
    std::unordered_set<TokenId> there(table_.ids.begin(), table_.ids.end());
    for (const TokenId id : extra) {
        if (there.insert(id).second) table_.ids.push_back(id);
    }
}

void StageTableMaker::fillScores() {
    const std::vector<float>& left = table_.columns.back().logprob;
    for (std::size_t row = 0; row < left.size(); ++row) {
        const bool drawn = table_.drawn && left[row] > kOut;
        table_.score.push_back(
            drawn ? static_cast<float>(static_cast<double>(left[row]) + gumbelNoise(seed_, table_.pos, table_.ids[row]))
                  : kNotMeasured);
    }
}

StageTable StageTableMaker::take() {
    chooseRows();
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
        StageColumn& column = table_.columns[i];
        double shown = 0;
        std::int64_t kept = 0;
        for (const TokenId id : table_.ids) {
            const float logprob = logprobs_[i][static_cast<std::size_t>(id)];
            column.logprob.push_back(logprob);
            if (column.rule >= 0) column.touched.push_back(touched_[i][static_cast<std::size_t>(id)]);
            shown += std::exp(static_cast<double>(logprob));
            kept += logprob > kOut ? 1 : 0;
        }
        column.others = kept == column.kept ? 0 : std::max(0.0, 1 - shown);
    }
    fillScores();
    logprobs_.clear();
    touched_.clear();
    return std::exchange(table_, {});
}

}  // namespace quibble
