#include "data/store/trace_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/store/alternatives_blob.h"
#include "data/store/row_reader.h"
#include "data/store/speculation_reader.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxBranchDepth = 10000;

// One row of table run, as far as a trace needs it.
struct RunRow {
    RunId id = kNoRun;
    RunId parent = kNoRun;
    Position branch_pos = 0;
    std::string state;
    std::string request;
    std::optional<std::string> provenance;
    ModelShape shape;            // from the provenance, when it is parsed
    std::int64_t tokenizer = 0;  // 0: none yet
    std::optional<RunFinished> finished;
};

Error damaged(RunId run, const std::string& why) {
    return {ErrorCode::FileCorrupt, "table run, run " + std::to_string(raw(run)) + ": " + why,
            "The session file is damaged: restore a backup, or delete this run"};
}

RunFinished finishedFrom(RowReader& reader) {
    RunFinished f;
    const std::string reason = reader.text(7, "finish_reason");
    const auto known = finishReasonFrom(reason);
    if (reader.ok() && !known) reader.setFault("finish_reason", "is \"" + reason.substr(0, 40) + "\"");
    f.reason = known.value_or(FinishReason::Failed);
    f.message = reader.text(8, "message");
    f.prefill_ns = reader.integer(9, "prefill_ns", 0, kMaxInt64);
    f.decode_ns = reader.integer(10, "decode_ns", 0, kMaxInt64);
    f.reference_ns = reader.integer(11, "reference_ns", 0, kMaxInt64);
    f.wall_ns = reader.integer(12, "wall_ns", 0, kMaxInt64);
    f.peak_memory_bytes = reader.integer(13, "peak_memory_bytes", 0, kMaxInt64);
    return f;
}

Result<RunRow> readRow(SQLite::Database& db, RunId run) {
    SQLite::Statement query(db,
                            "SELECT parent, branch_pos, state, request, provenance, tokenizer, finish_reason IS NOT "
                            "NULL, finish_reason, message,"
                            " prefill_ns, decode_ns, reference_ns, wall_ns, peak_memory_bytes FROM run WHERE id = ?");
    query.bind(1, raw(run));
    if (!query.executeStep()) {
        return fail(ErrorCode::NotFound, "there is no run " + std::to_string(raw(run)),
                    "It may have been deleted for good");
    }
    RowReader reader(query, "run", raw(run));
    RunRow row;
    row.id = run;
    if (!reader.null(0)) row.parent = RunId{reader.integer(0, "parent", 1, kMaxInt64)};
    row.branch_pos = reader.integer32(1, "branch_pos", 0, kMaxPosition);
    row.state = reader.text(2, "state");
    row.request = reader.text(3, "request");
    if (!reader.null(4)) row.provenance = reader.text(4, "provenance");
    if (!reader.null(5)) row.tokenizer = reader.integer(5, "tokenizer", 1, kMaxInt64);
    if (reader.flag(6, "finish_reason")) row.finished = finishedFrom(reader);
    if (!reader.ok()) return reader.error();
    return row;
}

Result<RunProvenance> parseProvenance(const RunRow& row) {
    const auto json = nlohmann::json::parse(*row.provenance, nullptr, false);
    if (json.is_discarded()) return tl::unexpected(damaged(row.id, "provenance is not JSON"));
    auto provenance = runProvenanceFromJson(json);
    if (!provenance) return tl::unexpected(damaged(row.id, provenance.error().what));
    const auto vocab = provenance->vocab_size;
    const auto known = [vocab](TokenId id) { return id >= 0 && (vocab == 0 || id < vocab); };
    if (vocab < 0 || provenance->context < 0 || provenance->threads < 0)
        return tl::unexpected(damaged(row.id, "provenance has a negative size"));
    const bool sound_experts = provenance->experts >= 0 && provenance->experts <= kMaxExperts &&
                               provenance->experts_used >= 0 && provenance->experts_used <= provenance->experts &&
                               provenance->expert_layers >= 0 && provenance->expert_layers <= kMaxExperts;
    if (!sound_experts) return tl::unexpected(damaged(row.id, "provenance has a number of experts that cannot be"));
    if (!std::all_of(provenance->prompt_tokens.begin(), provenance->prompt_tokens.end(), known)) {
        return tl::unexpected(damaged(row.id, "provenance has a prompt token that is not in the vocabulary"));
    }
    if (!std::all_of(provenance->markers.begin(), provenance->markers.end(),
                     [&](const ResolvedMarker& m) { return known(m.id); })) {
        return tl::unexpected(damaged(row.id, "provenance has a marker that is not in the vocabulary"));
    }
    return provenance;
}

// The run, its parent, its parent's parent ... to the root.
Result<std::vector<RunRow>> readChain(SQLite::Database& db, RunId run) {
    std::vector<RunRow> chain;
    std::set<RunId> seen;
    for (RunId next = run; next != kNoRun; next = chain.back().parent) {
        if (!seen.insert(next).second || chain.size() == kMaxBranchDepth)
            return tl::unexpected(damaged(run, "its chain of parents does not end"));
        auto row = readRow(db, next);
        if (!row)
            return tl::unexpected(chain.empty() ? row.error()
                                                : damaged(chain.back().id, "its parent: " + row.error().what));
        chain.push_back(std::move(*row));
    }
    return chain;
}

void readToken(RowReader& reader, int vocab, TokenRecord& t) {
    const TokenId last = vocab > 0 ? vocab - 1 : std::numeric_limits<TokenId>::max();
    const auto alternatives = [&](int column, const char* name, std::vector<Alternative>& list) {
        const std::string why = unpackAlternatives(reader.blob(column, name), vocab, list);
        if (!why.empty()) reader.setFault(name, why);
    };
    t.id = reader.integer32(1, "id", 0, last);
    t.without_penalty_id = reader.integer32(2, "without_penalty_id", kNoToken, last);
    t.logprob = reader.real32(3, "logprob");
    t.rank = reader.integer32(4, "rank");
    t.entropy = reader.real32(5, "entropy");
    t.varentropy = reader.real32(6, "varentropy");
    t.marker_mass = reader.real32(7, "marker_mass");
    t.marker_mass_after = reader.real32(8, "marker_mass_after");
    t.penalty = reader.real32(9, "penalty");
    t.time_ns = reader.integer(10, "time_ns", 0, kMaxInt64);
    t.thinking = reader.flag(11, "thinking");
    t.marker = reader.flag(12, "marker");
    t.penalized = reader.flag(13, "penalized");
    t.injected = reader.flag(14, "injected");
    alternatives(15, "top", t.top);
    alternatives(16, "top_after", t.top_after);
}

void readReference(RowReader& reader, int vocab, ReferenceRecord& r) {
    r.kl = reader.real32(1, "kl");
    r.entropy = reader.real32(2, "entropy");
    r.varentropy = reader.real32(3, "varentropy");
    r.logprob = reader.real32(4, "logprob");
    r.rank = reader.integer32(5, "rank");
    const std::string why = unpackAlternatives(reader.blob(6, "top"), vocab, r.top);
    if (!why.empty()) reader.setFault("top", why);
}

// Builds the trace from the chain, and remembers which token ids it names.
class TraceBuilder {
public:
    TraceBuilder(SQLite::Database& db, RunTrace& trace, const RunProvenance& provenance, Position first)
        : db_(db),
          trace_(trace),
          vocab_(provenance.vocab_size),
          shape_(shapeOf(provenance)),
          first_(first),
          next_(first) {
        ids_.insert(provenance.prompt_tokens.begin(), provenance.prompt_tokens.end());
        for (const ResolvedMarker& marker : provenance.markers) ids_.insert(marker.id);
    }

    // Tokens of one run at positions below `bound`; they go on where the last call ended.
    Result<void> addTokens(RunId run, Position bound) {
        SQLite::Statement query(db_,
                                "SELECT pos, id, without_penalty_id, logprob, rank, entropy, varentropy, marker_mass, "
                                "marker_mass_after, penalty,"
                                " time_ns, thinking, marker, penalized, injected, top, top_after FROM token WHERE run "
                                "= ? AND pos < ? ORDER BY pos");
        query.bind(1, raw(run));
        query.bind(2, bound);
        RowReader reader(query, "token", raw(run));
        while (query.executeStep()) {
            TokenRecord token;
            token.pos = reader.integer32(0, "pos", 0, kMaxPosition);
            reader.setPosition(token.pos);
            if (token.pos != next_) reader.setFault("pos", "does not follow " + std::to_string(next_ - 1));
            readToken(reader, vocab_, token);
            if (!reader.ok()) return reader.error();
            ++next_;
            ids_.insert(token.id);
            if (token.without_penalty_id != kNoToken) ids_.insert(token.without_penalty_id);
            note(token.top);
            note(token.top_after);
            trace_.apply(std::move(token));
        }
        return {};
    }

    Result<void> addReferences(RunId run, Position bound) {
        SQLite::Statement query(db_,
                                "SELECT pos, kl, entropy, varentropy, logprob, rank, top FROM reference WHERE run = ? "
                                "AND pos < ? ORDER BY pos");
        query.bind(1, raw(run));
        query.bind(2, bound);
        RowReader reader(query, "reference", raw(run));
        while (query.executeStep()) {
            ReferenceRecord record;
            record.pos = reader.integer32(0, "pos", 0, kMaxPosition);
            reader.setPosition(record.pos);
            if (trace_.points().empty() || record.pos < trace_.points().front().token.pos || record.pos >= next_)
                reader.setFault("pos", "has no token");
            readReference(reader, vocab_, record);
            if (!reader.ok()) return reader.error();
            note(record.top);
            trace_.apply(std::move(record));
        }
        return {};
    }

    // Adds draft rounds and experts; called after the tokens of the same run. Where a parent ran another model, its
    // experts mean nothing in this trace and are left out.
    Result<void> addSpeculation(const RunRow& row, Position bound) {
        const SpeculationSource source{row.id, row.shape, first_, std::min(bound, next_)};
        if (auto added = addDraftRounds(db_, source, trace_, ids_); !added) return added;
        if (row.shape.expert_layers != shape_.expert_layers || row.shape.experts != shape_.experts) return {};
        if (auto added = addTokenExperts(db_, source, trace_); !added) return added;
        return addExpertPasses(db_, source, trace_);
    }

    // Adds the texts of the ids that this trace names. The stored vocabulary of a tokenizer has the ids of all runs
    // with that tokenizer.
    Result<void> addTexts(std::int64_t tokenizer) {
        if (auto sound = checkVocabulary(tokenizer); !sound) return sound;
        std::vector<TokenId> ids(ids_.begin(), ids_.end());
        std::sort(ids.begin(), ids.end());
        SQLite::Statement query(db_, "SELECT bytes FROM vocab WHERE tokenizer = ? AND token = ?");
        query.bind(1, tokenizer);
        RowReader reader(query, "vocab", tokenizer);
        for (const TokenId id : ids) {
            query.bind(2, id);
            if (query.executeStep()) {
                const std::string_view bytes = reader.blob(0, "bytes");
                if (!reader.ok()) return reader.error();
                trace_.apply(TokenText{id, std::string(bytes)});
            }
            query.reset();
        }
        return {};
    }

private:
    // The rows are ordered by token, so the ends say whether all of them can be ids.
    Result<void> checkVocabulary(std::int64_t tokenizer) {
        for (const char* sql : {"SELECT token FROM vocab WHERE tokenizer = ? ORDER BY token LIMIT 1",
                                "SELECT token FROM vocab WHERE tokenizer = ? ORDER BY token DESC LIMIT 1"}) {
            SQLite::Statement query(db_, sql);
            query.bind(1, tokenizer);
            if (!query.executeStep()) return {};
            RowReader reader(query, "vocab", tokenizer);
            (void)reader.integer32(0, "token");
            if (!reader.ok()) return reader.error();
        }
        return {};
    }

    void note(const std::vector<Alternative>& list) {
        for (const Alternative& alternative : list) ids_.insert(alternative.id);
    }

    SQLite::Database& db_;
    RunTrace& trace_;
    int vocab_;
    ModelShape shape_;
    Position first_;  // of the generated text
    Position next_;
    std::unordered_set<TokenId> ids_;
};

Result<void> addControls(SQLite::Database& db, RunId run, RunTrace& trace) {
    SQLite::Statement query(db,
                            "SELECT pos, key, value, text, rewrites FROM control_change WHERE run = ? ORDER BY seq");
    query.bind(1, raw(run));
    RowReader reader(query, "control_change", raw(run));
    while (query.executeStep()) {
        ControlChange change;
        change.pos = reader.integer32(0, "pos", 0, kMaxPosition);
        reader.setPosition(change.pos);
        change.key = reader.text(1, "key");
        change.value = reader.real(2, "value");
        if (std::isnan(change.number())) reader.setFault("value", "is missing");
        if (!query.getColumn(3).isNull()) change.value = reader.text(3, "text");
        change.rewrites = reader.integer32(4, "rewrites", 0, kMaxPosition);
        if (!reader.ok()) return reader.error();
        trace.apply(std::move(change));
    }
    return {};
}

std::optional<RuleAct::Kind> actKindFrom(std::string_view text) {
    for (const auto kind :
         {RuleAct::Kind::Turned, RuleAct::Kind::Injected, RuleAct::Kind::Ended, RuleAct::Kind::Looked}) {
        if (text == ruleActText(kind)) return kind;
    }
    return std::nullopt;
}

// Acts at positions below `end`. A branch has the rules of its parent; acts of a parent that had others are left out.
Result<void> addRuleActs(SQLite::Database& db, RunId run, Position end, bool own, RunTrace& trace) {
    SQLite::Statement query(db,
                            "SELECT pos, rule, kind, tokens, why FROM rule_act WHERE run = ? AND pos < ? ORDER BY seq");
    query.bind(1, raw(run));
    query.bind(2, end);
    RowReader reader(query, "rule_act", raw(run));
    const auto rules = static_cast<std::int32_t>(trace.provenance().rules.size());
    while (query.executeStep()) {
        RuleAct act;
        act.pos = reader.integer32(0, "pos", 0, kMaxPosition);
        reader.setPosition(act.pos);
        act.rule = reader.integer32(1, "rule", 0, own ? rules - 1 : kMaxPosition);
        const auto kind = actKindFrom(reader.text(2, "kind"));
        if (!kind) reader.setFault("kind", "is unknown");
        act.kind = kind.value_or(RuleAct::Kind::Turned);
        act.tokens = reader.integer32(3, "tokens", 0, kMaxPosition);
        act.why = reader.text(4, "why");
        if (!reader.ok()) return reader.error();
        if (act.rule >= rules) continue;
        trace.apply(std::move(act));
    }
    return {};
}

// Up to which position each run of the chain (leaf first) gives its tokens: a parent gives them up to where its branch
// leaves it.
std::vector<Position> boundsOf(SQLite::Database& db, const std::vector<RunRow>& chain) {
    std::vector<Position> bounds(chain.size(), std::numeric_limits<Position>::max());
    for (std::size_t i = 1; i < chain.size(); ++i) {
        SQLite::Statement first(db, "SELECT MIN(pos) FROM token WHERE run = ?");
        first.bind(1, raw(chain[i - 1].id));
        first.executeStep();
        bounds[i] = std::min(bounds[i - 1], chain[i - 1].branch_pos);
        if (!first.isColumnNull(0))
            bounds[i] = std::min<Position>(bounds[i], static_cast<Position>(std::clamp<std::int64_t>(
                                                          first.getColumn(0).getInt64(), 0, kMaxPosition)));
    }
    return bounds;
}

bool hasTokens(SQLite::Database& db, RunId run) {
    SQLite::Statement query(db, "SELECT 1 FROM token WHERE run = ? LIMIT 1");
    query.bind(1, raw(run));
    return query.executeStep();
}

// The provenance of a trace is that of the leaf, or of its parent where the leaf ended before its model was loaded. The
// prompt is that of the root where the two differ in length, because a trace starts behind the root's prompt: earlier
// versions made the prompt of a branch anew.
Result<std::optional<RunProvenance>> provenanceOf(std::vector<RunRow>& chain) {
    std::optional<RunProvenance> chosen;
    for (RunRow& row : chain) {
        if (!row.provenance) continue;
        auto provenance = parseProvenance(row);
        if (!provenance) return tl::unexpected(provenance.error());
        row.shape = shapeOf(*provenance);
        if (!chosen)
            chosen = std::move(*provenance);
        else if (chosen->tokenizer_hash != provenance->tokenizer_hash)
            return tl::unexpected(damaged(row.id, "its branch has another tokenizer"));
        else if (&row == &chain.back() && chosen->prompt_tokens.size() != provenance->prompt_tokens.size())
            chosen->prompt_tokens = std::move(provenance->prompt_tokens);
    }
    return chosen;
}

}  // namespace

std::optional<FinishReason> finishReasonFrom(std::string_view text) {
    for (const FinishReason reason : {FinishReason::EndOfText, FinishReason::TokenLimit, FinishReason::ContextFull,
                                      FinishReason::Stopped, FinishReason::Failed, FinishReason::Rule}) {
        if (text == finishReasonText(reason)) return reason;
    }
    return std::nullopt;
}

Result<RunRequest> parseRequest(const std::string& text, RunId run) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return tl::unexpected(damaged(run, "request is not JSON"));
    auto request = runRequestFromJson(json);
    if (!request) return tl::unexpected(damaged(run, request.error().what));
    return request;
}

Result<RunRequest> readRequest(SQLite::Database& db, RunId run) {
    const auto row = readRow(db, run);
    if (!row) return tl::unexpected(row.error());
    return parseRequest(row->request, run);
}

Result<RunTrace> readTrace(SQLite::Database& db, RunId run) {
    auto chain = readChain(db, run);
    if (!chain) return tl::unexpected(chain.error());
    const RunRow& leaf = chain->front();
    auto request = parseRequest(leaf.request, run);
    if (!request) return tl::unexpected(request.error());
    const auto provenance = provenanceOf(*chain);
    if (!provenance) return tl::unexpected(provenance.error());

    RunTrace trace(std::move(*request));
    if (*provenance) {
        trace.apply(**provenance);
        // A branch that is in the file without its parent starts where it left that parent.
        const Position first = std::max(trace.firstPosition(), chain->back().branch_pos);
        TraceBuilder builder(db, trace, **provenance, first);
        const std::vector<Position> bounds = boundsOf(db, *chain);
        for (std::size_t i = chain->size(); i-- > 0;) {
            if (i == 0) trace.closeInherited();
            if (auto added = builder.addTokens((*chain)[i].id, bounds[i]); !added) return tl::unexpected(added.error());
            if (auto added = builder.addReferences((*chain)[i].id, bounds[i]); !added)
                return tl::unexpected(added.error());
            if (auto added = builder.addSpeculation((*chain)[i], bounds[i]); !added)
                return tl::unexpected(added.error());
            if (auto added = addRuleActs(db, (*chain)[i].id, bounds[i], i == 0, trace); !added)
                return tl::unexpected(added.error());
        }
        for (const RunRow& row : *chain) {
            if (row.tokenizer == 0) continue;
            if (auto added = builder.addTexts(row.tokenizer); !added) return tl::unexpected(added.error());
            break;
        }
    } else if (hasTokens(db, run)) {
        return tl::unexpected(damaged(run, "has tokens but no provenance"));
    }
    if (auto added = addControls(db, run, trace); !added) return tl::unexpected(added.error());
    if (leaf.finished)
        trace.apply(*leaf.finished);
    else
        trace.apply(StateChanged{leaf.state == "running" ? RunState::Running : RunState::Finished});
    return trace;
}

}  // namespace quibble
