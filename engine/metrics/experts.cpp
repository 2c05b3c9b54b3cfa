#include "engine/metrics/experts.h"

#include <algorithm>
#include <map>

namespace quibble {

namespace {

// Calls use(record) for each position of the range that has a record.
template <typename Use>
void eachRecord(const RunTrace& trace, Position begin, Position end, const Use& use) {
    const auto& records = trace.tokenExperts();
    const auto last = std::min(records.size(), static_cast<std::size_t>(std::max<Position>(0, end)));
    for (auto i = static_cast<std::size_t>(std::max<Position>(0, begin)); i < last; ++i) {
        const TokenExperts& record = records[i];
        const auto cells = static_cast<std::size_t>(std::max(0, record.layers)) *
                           static_cast<std::size_t>(std::max(0, record.per_token));
        if (record.layers > 0 && record.ids.size() >= cells) use(record);
    }
}

}  // namespace

double ExpertCounts::imbalance(int layer) const {
    const auto begin = counts.begin() + static_cast<std::ptrdiff_t>(layer) * experts, end = begin + experts;
    std::int64_t sum = 0, largest = 0;
    for (auto at = begin; at != end; ++at) {
        sum += *at;
        largest = std::max(largest, *at);
    }
    return sum > 0 ? static_cast<double>(largest) * experts / static_cast<double>(sum) : 0.0;
}

ExpertCounts countExperts(const RunTrace& trace, Position begin, Position end) {
    ExpertCounts out;
    out.layers = std::max(0, trace.provenance().expert_layers);
    out.experts = std::max(0, trace.provenance().experts);
    out.counts.resize(static_cast<std::size_t>(out.layers) * static_cast<std::size_t>(out.experts));
    out.dropped_mass.resize(static_cast<std::size_t>(out.layers));
    eachRecord(trace, begin, end, [&](const TokenExperts& record) {
        ++out.tokens;
        const int layers = std::min(record.layers, out.layers);
        for (int layer = 0; layer < layers; ++layer) {
            const std::size_t row = static_cast<std::size_t>(layer) * static_cast<std::size_t>(out.experts);
            for (int slot = 0; slot < record.per_token; ++slot) {
                const std::int16_t id =
                    record.ids[static_cast<std::size_t>(layer) * static_cast<std::size_t>(record.per_token) +
                               static_cast<std::size_t>(slot)];
                if (id >= 0 && id < out.experts) ++out.counts[row + static_cast<std::size_t>(id)];
            }
            if (static_cast<std::size_t>(layer) < record.dropped_mass.size()) {
                out.dropped_mass[static_cast<std::size_t>(layer)] +=
                    static_cast<double>(record.dropped_mass[static_cast<std::size_t>(layer)]);
            }
        }
    });
    for (double& mass : out.dropped_mass) mass = out.tokens > 0 ? mass / static_cast<double>(out.tokens) : 0.0;
    return out;
}

std::vector<UnionSize> unionByRows(const RunTrace& trace, Position begin, Position end) {
    std::map<std::int32_t, UnionSize> by_rows;
    for (const ExpertPass& pass : trace.expertPasses()) {
        if (pass.pos < begin || pass.pos >= end || pass.layers.empty()) continue;
        UnionSize& size = by_rows[pass.rows];
        size.rows = pass.rows;
        ++size.passes;
        size.bytes += static_cast<double>(pass.expert_bytes);
        size.ns += static_cast<double>(pass.pass_ns);
        const auto layers = static_cast<double>(pass.layers.size());
        for (const ExpertLayerUse& use : pass.layers) {
            size.natural += use.natural / layers;
            size.executed += use.executed / layers;
        }
    }
    std::vector<UnionSize> out;
    for (auto& [rows, size] : by_rows) {
        size.natural /= static_cast<double>(size.passes);
        size.executed /= static_cast<double>(size.passes);
        size.bytes /= static_cast<double>(size.passes);
        size.ns /= static_cast<double>(size.passes);
        out.push_back(size);
    }
    return out;
}

std::vector<double> coverageByBudget(const RunTrace& trace, Position begin, Position end) {
    const auto mean = [&](bool several) {
        std::vector<double> sum;
        std::int64_t passes = 0;
        for (const ExpertPass& pass : trace.expertPasses()) {
            if (pass.pos < begin || pass.pos >= end || pass.coverage_by_budget.empty() || (several && pass.rows < 2))
                continue;
            if (sum.empty()) sum.resize(pass.coverage_by_budget.size());
            if (sum.size() != pass.coverage_by_budget.size()) continue;
            ++passes;
            for (std::size_t b = 0; b < sum.size(); ++b) sum[b] += static_cast<double>(pass.coverage_by_budget[b]);
        }
        for (double& value : sum) value /= static_cast<double>(passes);
        return sum;
    };
    std::vector<double> out = mean(true);
    return out.empty() ? mean(false) : out;
}

std::vector<std::int64_t> coActivation(const RunTrace& trace, int layer, Position begin, Position end) {
    const int experts = std::max(0, trace.provenance().experts);
    std::vector<std::int64_t> out(static_cast<std::size_t>(experts) * static_cast<std::size_t>(experts));
    eachRecord(trace, begin, end, [&](const TokenExperts& record) {
        if (layer < 0 || layer >= record.layers) return;
        const auto row = record.ids.begin() + static_cast<std::ptrdiff_t>(layer) * record.per_token;
        for (int a = 0; a < record.per_token; ++a) {
            for (int b = 0; b < record.per_token; ++b) {
                if (row[a] < 0 || row[b] < 0 || row[a] >= experts || row[b] >= experts) continue;
                ++out[static_cast<std::size_t>(row[a]) * static_cast<std::size_t>(experts) +
                      static_cast<std::size_t>(row[b])];
            }
        }
    });
    return out;
}

}  // namespace quibble
