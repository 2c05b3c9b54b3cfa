#include "data/store/speculation_reader.h"

#include "data/store/row_reader.h"

namespace quibble {

namespace {

void fault(RowReader& reader, const char* name, const std::string& why) {
    if (!why.empty()) reader.setFault(name, why);
}

DraftRound roundFrom(RowReader& reader, const ModelShape& shape) {
    DraftRound round;
    round.pos = reader.integer32(0, "pos", 0, kMaxPosition);
    reader.setPosition(round.pos);
    const auto accepted =
        static_cast<std::size_t>(reader.integer32(1, "accepted", 0, static_cast<std::int32_t>(kMaxDraftNodes)));
    round.added = reader.integer32(2, "added", kNoToken);
    round.corrected = reader.flag(3, "corrected");
    round.rows = reader.integer32(4, "rows");
    round.draft_ns = reader.integer(5, "draft_ns", 0, kMaxInt64);
    round.verify_ns = reader.integer(6, "verify_ns", 0, kMaxInt64);
    round.other_ns = reader.integer(7, "other_ns", 0, kMaxInt64);
    fault(reader, "nodes", unpackNodes(reader.blob(8, "nodes"), round.nodes));
    round.path = acceptedNodes(round);
    if (accepted > round.path.size())
        reader.setFault("accepted", "is " + std::to_string(accepted) + ", but " + std::to_string(round.path.size()) +
                                        " nodes were");
    else
        round.path.resize(accepted);
    if (reader.ok()) fault(reader, "nodes", faultOf(round, shape));
    return round;
}

// Whether the accepted tokens of the round are the tokens of the text. In a sound file they always are.
bool saysTheText(const DraftRound& round, const RunTrace& trace) {
    const Position first = trace.points().front().token.pos;
    const auto token = [&](Position pos) { return trace.points()[static_cast<std::size_t>(pos - first)].token.id; };
    Position pos = round.pos;
    for (const std::int32_t node : round.path) {
        if (token(pos++) != round.nodes[static_cast<std::size_t>(node)].id) return false;
    }
    return round.added == kNoToken || token(pos) == round.added;
}

}  // namespace

Result<void> addDraftRounds(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace,
                            std::unordered_set<TokenId>& ids) {
    SQLite::Statement query(db,
                            "SELECT pos, accepted, added, corrected, rows, draft_ns, verify_ns, other_ns, nodes FROM "
                            "draft_round WHERE run = ? AND pos < ? ORDER BY pos");
    query.bind(1, raw(source.run));
    query.bind(2, source.end);
    RowReader reader(query, "draft_round", raw(source.run));
    while (query.executeStep()) {
        const DraftRound round = beginningOf(roundFrom(reader, source.shape), source.end);
        const auto& before = trace.draftRounds();
        const Position free = before.empty() ? source.begin : before.back().pos + before.back().tokens();
        if (round.pos < free)
            reader.setFault("pos", "lies before position " + std::to_string(free) + ", where a round may begin");
        if (reader.ok() && !saysTheText(round, trace)) reader.setFault("nodes", "has other tokens than the text");
        if (!reader.ok()) return reader.error();
        for (const DraftNode& node : round.nodes) ids.insert(node.id);
        trace.apply(round);
    }
    return {};
}

Result<void> addTokenExperts(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace) {
    SQLite::Statement query(
        db, "SELECT pos, layers, per_token, experts FROM token_experts WHERE run = ? AND pos < ? ORDER BY pos");
    query.bind(1, raw(source.run));
    query.bind(2, source.end);
    RowReader reader(query, "token_experts", raw(source.run));
    while (query.executeStep()) {
        TokenExperts experts;
        experts.pos = reader.integer32(0, "pos", 0, kMaxPosition);
        reader.setPosition(experts.pos);
        experts.layers = reader.integer32(1, "layers", 1, kMaxExperts);
        experts.per_token = reader.integer32(2, "per_token", 1, kMaxExperts);
        const std::string_view bytes = reader.blob(3, "experts");
        if (reader.ok()) fault(reader, "experts", unpackExperts(bytes, experts));
        if (reader.ok()) fault(reader, "experts", faultOf(experts, source.shape));
        if (!reader.ok()) return reader.error();
        trace.apply(std::move(experts));
    }
    return {};
}

Result<void> addExpertPasses(SQLite::Database& db, const SpeculationSource& source, RunTrace& trace) {
    SQLite::Statement query(
        db,
        "SELECT pos, rows, verify, budget, expert_bytes, total_bytes, time_ns, layers, coverage FROM expert_pass"
        " WHERE run = ? AND pos < ? ORDER BY seq");
    query.bind(1, raw(source.run));
    query.bind(2, source.end);
    RowReader reader(query, "expert_pass", raw(source.run));
    while (query.executeStep()) {
        ExpertPass pass;
        pass.pos = reader.integer32(0, "pos", 0, kMaxPosition);
        reader.setPosition(pass.pos);
        pass.rows = reader.integer32(1, "rows");
        pass.verify = reader.flag(2, "verify");
        pass.budget = reader.integer32(3, "budget");
        pass.expert_bytes = reader.integer(4, "expert_bytes", 0, kMaxInt64);
        pass.total_bytes = reader.integer(5, "total_bytes", 0, kMaxInt64);
        pass.pass_ns = reader.integer(6, "time_ns", 0, kMaxInt64);
        fault(reader, "layers", unpackLayers(reader.blob(7, "layers"), pass.layers));
        fault(reader, "coverage",
              unpackFloats(reader.blob(8, "coverage"), static_cast<std::size_t>(kMaxExperts), pass.coverage_by_budget));
        if (reader.ok()) fault(reader, "layers", faultOf(pass, source.shape));
        if (!reader.ok()) return reader.error();
        trace.apply(std::move(pass));
    }
    return {};
}

}  // namespace quibble
