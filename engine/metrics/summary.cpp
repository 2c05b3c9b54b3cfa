#include "engine/metrics/summary.h"

#include <algorithm>
#include <cmath>

#include "engine/metrics/statistics.h"

namespace quibble {

namespace {

// Figures of one kind, gathered over the trace.
class Column {
public:
    void add(float value) { values_.push_back(static_cast<double>(value)); }
    [[nodiscard]] std::optional<double> average() const { return mean(values_); }

private:
    std::vector<double> values_;
};

double massIn(const std::vector<Alternative>& alternatives, TokenId id) {
    for (const Alternative& alternative : alternatives) {
        if (alternative.id == id) return std::exp(static_cast<double>(alternative.logprob));
    }
    return 0;
}

}  // namespace

std::int64_t decodedTokens(const RunTrace& trace) {
    const auto own = trace.ownPoints();
    return std::count_if(own.begin(), own.end(), [](const TracePoint& point) { return !point.token.injected; });
}

std::int64_t prefilledTokens(const RunTrace& trace) {
    const std::size_t prefix =
        trace.request().branch.prefix.size();  // its last token is the injected one, which is not part of the prefill
    const auto all = static_cast<std::int64_t>(trace.provenance().prompt_tokens.size() + (prefix > 0 ? prefix - 1 : 0));
    return std::max<std::int64_t>(0, all - trace.provenance().reused_positions);
}

std::optional<double> decodingSpeed(const RunTrace& trace, SpeedOf parts) {
    const std::int64_t decoded = decodedTokens(trace);
    if (decoded == 0 || !trace.finished()) return std::nullopt;
    const RunFinished& end = *trace.finished();
    const std::int64_t spent_ns = end.decode_ns + (parts == SpeedOf::DecodingAndReference ? end.reference_ns : 0);
    if (spent_ns <= 0) return std::nullopt;
    return static_cast<double>(decoded) * 1e9 / static_cast<double>(spent_ns);
}

RunSummaryNumbers summarize(const RunTrace& trace) {
    RunSummaryNumbers s;
    s.prompt_tokens = static_cast<std::int64_t>(trace.provenance().prompt_tokens.size());
    s.inherited = static_cast<std::int64_t>(trace.inherited().points);
    Column entropy, varentropy, logprob, mass, kl, ref_entropy;
    for (const TracePoint& point : trace.points()) {
        const TokenRecord& token = point.token;
        ++s.tokens;
        s.thinking_tokens += token.thinking;
        s.penalized += token.penalized;
        s.interventions += token.intervened();
        s.referenced += point.hasReference();
        if (token.injected) {
            ++s.injected;
            continue;
        }
        s.markers += token.sampledMarker();
        entropy.add(token.entropy);
        varentropy.add(token.varentropy);
        logprob.add(token.logprob);
        mass.add(token.marker_mass);
        if (!point.hasReference()) continue;
        kl.add(point.reference.kl);
        ref_entropy.add(point.reference.entropy);
        const auto here = static_cast<double>(point.reference.kl);
        if (std::isfinite(here) && (!s.max_kl || here > *s.max_kl)) {
            s.max_kl = here;
            s.max_kl_pos = token.pos;
        }
    }
    s.mean_entropy = entropy.average();
    s.mean_varentropy = varentropy.average();
    s.mean_logprob = logprob.average();
    s.mean_marker_mass = mass.average();
    s.mean_kl = kl.average();
    s.mean_ref_entropy = ref_entropy.average();
    s.tokens_per_second = decodingSpeed(trace);
    return s;
}

std::vector<MarkerCount> countMarkers(const RunTrace& trace) {
    std::vector<MarkerCount> counts;
    for (const ResolvedMarker& marker : trace.provenance().markers) {
        MarkerCount row{marker.word, marker.id, 0, 0, 0, 0};
        for (const TracePoint& point : trace.points()) {
            const TokenRecord& token = point.token;
            row.count += !token.injected && token.id == marker.id;
            row.avoided += token.intervened() && token.without_penalty_id == marker.id;
            const double before = massIn(token.top, marker.id);
            row.mass += before;
            row.mass_after += token.top_after.empty() ? before : massIn(token.top_after, marker.id);
        }
        counts.push_back(std::move(row));
    }
    return counts;
}

}  // namespace quibble
