#include "data/store/event_sink.h"

#include <cmath>
#include <optional>
#include <utility>

#include <sqlite3.h>
#include <nlohmann/json.hpp>

#include "data/store/alternatives_blob.h"
#include "data/store/database.h"
#include "data/store/run_titles.h"
#include "data/store/store_impl.h"
#include "data/store/trace_reader.h"
#include "engine/grading/run_grade.h"
#include "engine/metrics/summary.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

// An event that would make its run unreadable.
struct Unsound {
    std::string why;
};

template <typename Value>
void checkSound(const char* what, const Value& value, const ModelShape& shape) {
    const std::string fault = value.pos < 0 ? "stands at position " + std::to_string(value.pos) : faultOf(value, shape);
    if (!fault.empty()) throw Unsound{std::string(what) + " at position " + std::to_string(value.pos) + " " + fault};
}

// NaN is NULL in SQLite: "not measured".
void bindFloat(SQLite::Statement& statement, int index, float value) {
    statement.bind(index, static_cast<double>(value));
}

void bindBytes(SQLite::Statement& statement, int index, const std::string& bytes) {
    statement.bind(index, static_cast<const void*>(bytes.data()), static_cast<int>(bytes.size()));
}

// Leaves the statement ready for the next bind, also when it fails. (tryReset, since reset would throw the same error
// again.)
void run(SQLite::Statement& statement) {
    struct Reset {
        SQLite::Statement& statement;
        ~Reset() { statement.tryReset(); }
    } const reset{statement};
    statement.exec();
}

// The request as it will be read back, or why it cannot be kept.
Result<std::string> storableRequest(const RunRequest& request) {
    std::string text;
    try {
        text = toJson(request).dump();
    } catch (const nlohmann::json::exception&) {
        return fail(ErrorCode::InvalidArgument, "the prompt or a name in the request is not UTF-8",
                    "Convert the text to UTF-8");
    }
    if (const auto again = parseRequest(text, kNoRun); !again) {
        return fail(ErrorCode::InvalidArgument, "the request cannot be stored: " + again.error().what,
                    "Use finite numbers");
    }
    return text;
}

std::string storableProvenance(RunProvenance provenance) {
    // JSON has no NaN, and names from a model file may be anything: neither may cost the run.
    if (!std::isfinite(provenance.bits_per_weight)) provenance.bits_per_weight = 0;
    return toJson(provenance).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

EventSink::EventSink(SQLite::Database& db)
    : db_(db),
      insert_token_(db,
                    "INSERT INTO token (run, pos, id, without_penalty_id, logprob, rank, entropy, varentropy, "
                    "marker_mass, marker_mass_after, penalty,"
                    " time_ns, thinking, marker, penalized, injected, top, top_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
                    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_reference_(db,
                        "INSERT INTO reference (run, pos, kl, entropy, varentropy, logprob, rank, top) VALUES (?, ?, "
                        "?, ?, ?, ?, ?, ?)"),
      // The text that the model gives now is right. An imported session may have given another for the same tokenizer.
      insert_text_(
          db,
          "INSERT INTO vocab (tokenizer, token, bytes) VALUES (?, ?, ?)"
          " ON CONFLICT (tokenizer, token) DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes"),
      insert_control_(db,
                      "INSERT INTO control_change (run, seq, pos, key, value, text, rewrites)"
                      " SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3, ?4, ?5, ?6 FROM control_change WHERE run = ?1"),
      insert_act_(db,
                  "INSERT INTO rule_act (run, seq, pos, rule, kind, tokens, why)"
                  " SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3, ?4, ?5, ?6 FROM rule_act WHERE run = ?1"),
      insert_round_(
          db,
          "INSERT INTO draft_round (run, pos, accepted, added, corrected, rows, draft_ns, verify_ns, other_ns, nodes)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      // A branch computes the rows of its beginning again, and the newer row counts.
      insert_experts_(
          db, "INSERT OR REPLACE INTO token_experts (run, pos, layers, per_token, experts) VALUES (?, ?, ?, ?, ?)"),
      insert_pass_(
          db,
          "INSERT INTO expert_pass (run, seq, pos, rows, verify, budget, expert_bytes, total_bytes, time_ns, layers, "
          "coverage)"
          " SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM expert_pass WHERE run = ?1"),
      add_counts_(db,
                  "UPDATE run SET tokens = tokens + ?, thinking_tokens = thinking_tokens + ?, markers = markers + ?,"
                  " interventions = interventions + ? WHERE id = ?") {}

Result<RunId> EventSink::insertRun(SessionId session, const RunRequest& request) {
    const auto text = storableRequest(request);
    if (!text) return tl::unexpected(text.error());
    return guarded("starting a run", [&]() -> Result<RunId> {
        WriteTransaction transaction(db_);
        SQLite::Statement known(db_, "SELECT 1 FROM session WHERE id = ? AND deleted_ms IS NULL");
        known.bind(1, raw(session));
        if (!known.executeStep())
            return fail(ErrorCode::NotFound, "there is no session " + std::to_string(raw(session)),
                        "Open or create a session first");
        if (request.branch.parent != kNoRun) {
            SQLite::Statement parent(db_, "SELECT 1 FROM run WHERE id = ? AND session = ?");
            parent.bind(1, raw(request.branch.parent));
            parent.bind(2, raw(session));
            if (!parent.executeStep()) {
                return fail(ErrorCode::NotFound,
                            "run " + std::to_string(raw(request.branch.parent)) +
                                ", from which to branch, is not in this session",
                            "Branch from a run of the open session");
            }
        }
        SQLite::Statement insert(db_,
                                 "INSERT INTO run (session, parent, branch_pos, title, state, created_ms, request, "
                                 "prompt, known_answer, seed, penalty)"
                                 " VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?)");
        insert.bind(1, raw(session));
        if (request.branch.parent != kNoRun) insert.bind(2, raw(request.branch.parent));
        insert.bind(3, request.branch.pos);
        insert.bind(4, firstTitle(request));
        const std::int64_t now = nowMs();
        insert.bind(5, now);
        insert.bind(6, *text);
        insert.bind(7, request.prompt);
        insert.bind(8, request.known_answer);
        insert.bind(9, static_cast<std::int64_t>(request.seed));
        insert.bind(10, request.penalty.strength);
        insert.exec();
        const RunId id{db_.getLastInsertRowid()};
        SQLite::Statement name(db_, "UPDATE run SET title = ? WHERE id = ?");
        name.bind(1, distinctTitle(db_, session, id, firstTitle(request), request));
        name.bind(2, raw(id));
        name.exec();
        SQLite::Statement touch(db_, std::string("UPDATE session SET updated_ms = ") + kNextUpdate + " WHERE id = ?2");
        touch.bind(1, now);
        touch.bind(2, raw(session));
        touch.exec();
        transaction.commit();
        runs_[id] = {};
        return id;
    });
}

Result<void> EventSink::write(std::span<const EventBatchPtr> batches, std::vector<Error>& refused) {
    const auto before = runs_;  // a transaction that fails is repeated from here
    refused.clear();
    auto written = guarded("writing a run", [&]() -> Result<void> {
        WriteTransaction transaction(db_);
        for (const EventBatchPtr& batch : batches) {
            for (const RunEvent& event : batch->events) {
                try {
                    std::visit([&](const auto& value) { apply(batch->run, value); }, event);
                } catch (const SQLite::Exception& exception) {
                    if ((exception.getErrorCode() & 0xff) != SQLITE_CONSTRAINT) throw;
                    refused.push_back(databaseError(
                        exception, "an event of run " + std::to_string(raw(batch->run)) + " was refused"));
                } catch (const Unsound& unsound) {
                    refused.push_back(
                        {ErrorCode::InvalidArgument,
                         "an event of run " + std::to_string(raw(batch->run)) + " was refused: " + unsound.why,
                         "The rest of the run is kept; tell the developers"});
                }
            }
        }
        writeCounts();
        transaction.commit();
        return {};
    });
    if (!written) runs_ = before;
    return written;
}

void EventSink::apply(RunId id, const RunProvenance& value) {
    // A run without a hash shares its vocabulary with no other, here or in a file that it is imported into.
    const std::string hash = value.tokenizer_hash.empty()
                                 ? "unnamed " + std::to_string(raw(id)) + " " + std::to_string(nowMs())
                                 : value.tokenizer_hash;
    SQLite::Statement add(db_, "INSERT INTO tokenizer (hash) VALUES (?) ON CONFLICT (hash) DO NOTHING");
    add.bind(1, hash);
    add.exec();
    SQLite::Statement find(db_, "SELECT id FROM tokenizer WHERE hash = ?");
    find.bind(1, hash);
    find.executeStep();
    RunContext& context = runs_[id];
    context.tokenizer = find.getColumn(0).getInt64();
    context.shape = shapeOf(value);
    SQLite::Statement update(
        db_,
        "UPDATE run SET provenance = ?, tokenizer = ?, model_name = ?, model_hash = ?, weight_format = ? WHERE id = ?");
    update.bind(1, storableProvenance(value));
    update.bind(2, context.tokenizer);
    update.bind(3, value.model_name);
    update.bind(4, value.model_hash);
    update.bind(5, value.weight_format);
    update.bind(6, raw(id));
    update.exec();
    const std::vector<TokenText> waiting = std::exchange(context.early_texts, {});
    for (const TokenText& text : waiting) apply(id, text);
}

void EventSink::apply(RunId id, const TokenText& value) {
    RunContext& context = runs_[id];
    if (context.tokenizer == 0) {
        context.early_texts.push_back(value);
        return;
    }
    insert_text_.bind(1, context.tokenizer);
    insert_text_.bind(2, value.id);
    bindBytes(insert_text_, 3, value.bytes);
    run(insert_text_);
}

void EventSink::apply(RunId id, const TokenRecord& t) {
    SQLite::Statement& s = insert_token_;
    s.bind(1, raw(id));
    s.bind(2, t.pos);
    s.bind(3, t.id);
    s.bind(4, t.without_penalty_id);
    bindFloat(s, 5, t.logprob);
    s.bind(6, t.rank);
    bindFloat(s, 7, t.entropy);
    bindFloat(s, 8, t.varentropy);
    bindFloat(s, 9, t.marker_mass);
    bindFloat(s, 10, t.marker_mass_after);
    bindFloat(s, 11, t.penalty);
    s.bind(12, t.time_ns);
    s.bind(13, static_cast<int>(t.thinking));
    s.bind(14, static_cast<int>(t.marker));
    s.bind(15, static_cast<int>(t.penalized));
    s.bind(16, static_cast<int>(t.injected));
    bindBytes(s, 17, packAlternatives(t.top));
    bindBytes(s, 18, packAlternatives(t.top_after));
    run(s);
    Counts& added = runs_[id].added;
    ++added.tokens;
    added.thinking += t.thinking;
    added.markers += t.sampledMarker();
    added.interventions += t.intervened();
}

void EventSink::apply(RunId id, const ReferenceRecord& r) {
    SQLite::Statement& s = insert_reference_;
    s.bind(1, raw(id));
    s.bind(2, r.pos);
    bindFloat(s, 3, r.kl);
    bindFloat(s, 4, r.entropy);
    bindFloat(s, 5, r.varentropy);
    bindFloat(s, 6, r.logprob);
    s.bind(7, r.rank);
    bindBytes(s, 8, packAlternatives(r.top));
    run(s);
}

void EventSink::apply(RunId id, const ControlChange& change) {
    insert_control_.bind(1, raw(id));
    insert_control_.bind(2, change.pos);
    insert_control_.bind(3, change.key);
    insert_control_.bind(4, change.number());
    if (const auto* text = std::get_if<std::string>(&change.value))
        insert_control_.bind(5, *text);
    else
        insert_control_.bind(5);
    insert_control_.bind(6, change.rewrites);
    run(insert_control_);
}

void EventSink::apply(RunId id, const RuleAct& act) {
    insert_act_.bind(1, raw(id));
    insert_act_.bind(2, act.pos);
    insert_act_.bind(3, act.rule);
    insert_act_.bind(4, std::string(ruleActText(act.kind)));
    insert_act_.bind(5, act.tokens);
    insert_act_.bind(6, act.why);
    run(insert_act_);
}

void EventSink::apply(RunId id, const TakenBack& taken) {
    SQLite::Statement gone(db_,
                           "SELECT COUNT(*), COALESCE(SUM(thinking), 0), COALESCE(SUM(marker AND NOT injected), 0),"
                           " COALESCE(SUM(NOT injected AND without_penalty_id <> id), 0)"
                           " FROM token WHERE run = ? AND pos >= ?");
    gone.bind(1, raw(id));
    gone.bind(2, taken.size);
    gone.executeStep();
    Counts& added = runs_[id].added;
    added.tokens -= gone.getColumn(0).getInt64();
    added.thinking -= gone.getColumn(1).getInt64();
    added.markers -= gone.getColumn(2).getInt64();
    added.interventions -= gone.getColumn(3).getInt64();
    for (const char* table : {"token", "reference", "token_experts"}) {
        SQLite::Statement take(db_, std::string("DELETE FROM ") + table + " WHERE run = ? AND pos >= ?");
        take.bind(1, raw(id));
        take.bind(2, taken.size);
        take.exec();
    }
    // What a rule found on trial stays: the rule still knows it.
    SQLite::Statement acts(db_, "DELETE FROM rule_act WHERE run = ? AND pos >= ? AND kind <> 'looked'");
    acts.bind(1, raw(id));
    acts.bind(2, taken.size);
    acts.exec();
}

void EventSink::apply(RunId id, const DraftRound& round) {
    checkSound("the draft round", round, runs_[id].shape);
    SQLite::Statement& s = insert_round_;
    s.bind(1, raw(id));
    s.bind(2, round.pos);
    s.bind(3, round.accepted());
    s.bind(4, round.added);
    s.bind(5, static_cast<int>(round.corrected));
    s.bind(6, round.rows);
    s.bind(7, round.draft_ns);
    s.bind(8, round.verify_ns);
    s.bind(9, round.other_ns);
    bindBytes(s, 10, packNodes(round.nodes));
    run(s);
}

void EventSink::apply(RunId id, const TokenExperts& experts) {
    checkSound("the list of experts", experts, runs_[id].shape);
    SQLite::Statement& s = insert_experts_;
    s.bind(1, raw(id));
    s.bind(2, experts.pos);
    s.bind(3, experts.layers);
    s.bind(4, experts.per_token);
    bindBytes(s, 5, packExperts(experts));
    run(s);
}

void EventSink::apply(RunId id, const ExpertPass& pass) {
    checkSound("the pass", pass, runs_[id].shape);
    SQLite::Statement& s = insert_pass_;
    s.bind(1, raw(id));
    s.bind(2, pass.pos);
    s.bind(3, pass.rows);
    s.bind(4, static_cast<int>(pass.verify));
    s.bind(5, pass.budget);
    s.bind(6, pass.expert_bytes);
    s.bind(7, pass.total_bytes);
    s.bind(8, pass.pass_ns);
    bindBytes(s, 9, packLayers(pass.layers));
    bindBytes(s, 10, packFloats(pass.coverage_by_budget));
    run(s);
}

void EventSink::apply(RunId id, const RunFinished& f) {
    SQLite::Statement update(db_,
                             "UPDATE run SET state = 'finished', finish_reason = ?, message = ?, prefill_ns = ?, "
                             "decode_ns = ?, reference_ns = ?,"
                             " wall_ns = ?, peak_memory_bytes = ? WHERE id = ?");
    update.bind(1, std::string(finishReasonText(f.reason)));
    update.bind(2, f.message);
    update.bind(3, f.prefill_ns);
    update.bind(4, f.decode_ns);
    update.bind(5, f.reference_ns);
    update.bind(6, f.wall_ns);
    update.bind(7, f.peak_memory_bytes);
    update.bind(8, raw(id));
    update.exec();
    SQLite::Statement touch(db_, std::string("UPDATE session SET updated_ms = ") + kNextUpdate +
                                     " WHERE id = (SELECT session FROM run WHERE id = ?2)");
    touch.bind(1, nowMs());
    touch.bind(2, raw(id));
    touch.exec();
    grade(id);
}

void EventSink::writeCounts() {
    for (auto& [id, context] : runs_) {
        const Counts added = std::exchange(context.added, {});
        if (added.tokens == 0) continue;
        add_counts_.bind(1, added.tokens);
        add_counts_.bind(2, added.thinking);
        add_counts_.bind(3, added.markers);
        add_counts_.bind(4, added.interventions);
        add_counts_.bind(5, raw(id));
        run(add_counts_);
    }
}

// Grades what a reader will read: the run is read back from the database, so that the list says what the loaded trace
// says.
void EventSink::grade(RunId id) {
    const auto trace = readTrace(db_, id);
    if (trace) storeGrade(id, *trace);  // else loading it tells why; the finish itself is kept
}

void EventSink::storeGrade(RunId id, const RunTrace& trace) {
    const RunSummaryNumbers numbers = summarize(trace);
    SQLite::Statement update(
        db_, "UPDATE run SET mean_entropy = ?, mean_kl = ?, answer = ?, correct = ?, graded_by = ? WHERE id = ?");
    if (numbers.mean_entropy) update.bind(1, *numbers.mean_entropy);
    if (numbers.mean_kl) update.bind(2, *numbers.mean_kl);
    update.bind(3, shownAnswer(trace).value_or(""));
    const auto grade = gradeOf(trace);
    if (grade && grade->verdict != Verdict::NotGradable) update.bind(4, static_cast<int>(grade->isRight()));
    update.bind(5, kGradingVersion);
    update.bind(6, raw(id));
    update.exec();
}

Result<std::optional<EventSink::Regraded>> EventSink::regradeNext() {
    return guarded("grading a run again", [&]() -> Result<std::optional<Regraded>> {
        // A session that is being taken in has runs whose tokens are still to come, and nobody sees its grades: it is
        // waited for.
        SQLite::Statement query(db_,
                                "SELECT MAX(id) FROM run WHERE state = 'finished' AND graded_by < ? AND NOT EXISTS "
                                "(SELECT 1 FROM session WHERE deleted_ms = ?)");
        query.bind(1, kGradingVersion);
        query.bind(2, kBeingImported);
        query.executeStep();
        if (query.isColumnNull(0)) return std::nullopt;
        const RunId id{query.getColumn(0).getInt64()};
        query.reset();
        // A finished run does not change, so that it can be read before others have to wait.
        const auto trace = readTrace(db_, id);
        WriteTransaction transaction(db_);
        const auto shown = [&] {
            SQLite::Statement row(db_, "SELECT quote(answer) || quote(correct) FROM run WHERE id = ?");
            row.bind(1, raw(id));
            return row.executeStep() ? row.getColumn(0).getString() : std::string();
        };
        const std::string before = shown();
        if (trace)
            storeGrade(id, *trace);
        else {
            SQLite::Statement looked_at(db_, "UPDATE run SET graded_by = ? WHERE id = ?");
            looked_at.bind(1, kGradingVersion);
            looked_at.bind(2, raw(id));
            looked_at.exec();
        }
        const Regraded done{id, shown() != before};
        transaction.commit();
        return done;
    });
}

Result<void> EventSink::endRuns() {
    return guarded("closing runs", [&]() -> Result<void> {
        SQLite::Statement update(db_, "UPDATE run SET state = 'interrupted' WHERE id = ? AND state = 'running'");
        for (const auto& [id, context] : runs_) {
            update.bind(1, raw(id));
            run(update);
        }
        return {};
    });
}

}  // namespace quibble
