#include "views/token_stream/token_navigation.h"

#include <algorithm>

#include "views/token_stream/token_pieces.h"

namespace quibble {

int findToken(const RunTrace& trace, int from, bool backwards, const std::function<bool(const TracePoint&)>& passes) {
    const int size = static_cast<int>(trace.points().size());
    const int step = backwards ? -1 : 1;
    int index = from < 0 ? (backwards ? size - 1 : 0) : from + step;
    for (; index >= 0 && index < size; index += step) {
        if (passes(trace.points()[static_cast<std::size_t>(index)])) return index;
    }
    return -1;
}

int nextMarker(const RunTrace& trace, int from, bool backwards) {
    return findToken(trace, from, backwards, [](const TracePoint& point) { return point.token.sampledMarker(); });
}

int nextUncertain(const RunTrace& trace, int from, bool backwards) {
    return findToken(trace, from, backwards, [](const TracePoint& point) {
        return static_cast<double>(point.token.entropy) >= kUncertainNats;
    });
}

int nextIntervention(const RunTrace& trace, int from, bool backwards) {
    return findToken(trace, from, backwards, [](const TracePoint& point) { return point.token.intervened(); });
}

static bool endsSentence(QStringView text) {
    if (text.contains(QLatin1Char('\n'))) return true;
    const QStringView trimmed = text.trimmed();
    if (trimmed.isEmpty()) return false;
    const QChar last = trimmed.back();
    return last == QLatin1Char('.') || last == QLatin1Char('!') || last == QLatin1Char('?');
}

int nextSentence(const TokenPieces& pieces, int from, bool backwards) {
    const int last = pieces.size() - 1;
    if (last < 0) return -1;
    const auto starts = [&pieces](int index) {
        return index == 0 || (endsSentence(pieces.textOf(index - 1)) && !pieces.textOf(index).trimmed().isEmpty());
    };
    if (backwards) {
        int index = std::max(0, from - 1);
        while (index > 0 && !starts(index)) --index;
        return index;
    }
    int index = std::min(last, std::max(from, -1) + 1);
    while (index < last && !starts(index)) ++index;
    return index;
}

}  // namespace quibble
