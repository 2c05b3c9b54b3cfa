#include "data/store/summary_reader.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "data/store/row_reader.h"
#include "data/store/trace_reader.h"

namespace quibble {

namespace {

constexpr std::int64_t kMinInt64 = std::numeric_limits<std::int64_t>::min();

std::optional<RunStatus> statusFrom(std::string_view text) {
    for (const RunStatus status : {RunStatus::Running, RunStatus::Finished, RunStatus::Interrupted}) {
        if (text == runStatusText(status)) return status;
    }
    return std::nullopt;
}

std::optional<double> measured(double value) { return std::isnan(value) ? std::nullopt : std::optional(value); }

void readStates(RowReader& reader, RunSummary& s) {
    const auto status = statusFrom(reader.text(6, "state"));
    if (reader.ok() && !status) reader.setFault("state", "is unknown");
    s.status = status.value_or(RunStatus::Interrupted);
    if (!reader.null(7)) {
        s.finish_reason = finishReasonFrom(reader.text(7, "finish_reason"));
        if (reader.ok() && !s.finish_reason) reader.setFault("finish_reason", "is unknown");
    }
    if (!reader.null(23)) s.correct = reader.flag(23, "correct");
}

}  // namespace

std::string selectSessions() {
    return "SELECT s.id, s.name, s.notes, s.created_ms, s.updated_ms, (SELECT COUNT(*) FROM run r WHERE r.session = "
           "s.id AND r.deleted_ms IS NULL),"
           " (SELECT COALESCE(SUM(r.tokens), 0) FROM run r WHERE r.session = s.id AND r.deleted_ms IS NULL) FROM ";
}

Result<std::vector<SessionSummary>> sessionsFrom(SQLite::Statement& query) {
    constexpr int kModels = 7;
    std::vector<SessionSummary> sessions;
    while (query.executeStep()) {
        RowReader reader(query, "session");
        SessionSummary s;
        s.id = SessionId{reader.integer(0, "id", 1, kMaxInt64)};
        reader.setId(raw(s.id));
        s.name = reader.text(1, "name");
        s.notes = reader.text(2, "notes");
        s.created_ms = reader.integer(3, "created_ms", 0, kMaxInt64);
        s.updated_ms = reader.integer(4, "updated_ms", 0, kMaxInt64);
        s.runs = reader.integer(5, "runs", 0, kMaxInt64);
        s.tokens = reader.integer(6, "tokens", 0, kMaxInt64);
        if (query.getColumnCount() > kModels) s.models = reader.text(kModels, "models");
        if (!reader.ok()) return reader.error();
        sessions.push_back(std::move(s));
    }
    return sessions;
}

std::string selectSummaries(SummaryDetail detail) {
    const bool whole = detail == SummaryDetail::Whole;
    return std::string("SELECT r.id, r.session, COALESCE(r.parent, 0), r.branch_pos, r.title, ") +
           (whole ? "r.prompt" : "''") +
           ", r.state, r.finish_reason, r.created_ms, r.model_name, r.weight_format, r.seed, r.penalty, r.tokens, "
           "r.thinking_tokens, r.markers,"
           " r.interventions, r.mean_entropy, r.mean_kl, r.decode_ns, r.wall_ns, r.answer, r.known_answer, "
           "r.correct, " +
           (whole ? "r.notes" : "''") + " FROM run r ";
}

Result<RunSummary> summaryFrom(SQLite::Statement& row) {
    RowReader reader(row, "run");
    RunSummary s;
    s.id = RunId{reader.integer(0, "id", 1, kMaxInt64)};
    reader.setId(raw(s.id));
    s.session = SessionId{reader.integer(1, "session", 1, kMaxInt64)};
    s.parent = RunId{reader.integer(2, "parent", 0, kMaxInt64)};
    s.branch_pos = reader.integer32(3, "branch_pos");
    s.title = reader.text(4, "title");
    s.prompt = reader.text(5, "prompt");
    readStates(reader, s);
    s.created_ms = reader.integer(8, "created_ms", 0, kMaxInt64);
    s.model_name = reader.text(9, "model_name");
    s.weight_format = reader.text(10, "weight_format");
    s.seed = static_cast<std::uint64_t>(reader.integer(11, "seed", kMinInt64, kMaxInt64));
    s.penalty = reader.real(12, "penalty");
    s.tokens = reader.integer(13, "tokens", 0, kMaxInt64);
    s.thinking_tokens = reader.integer(14, "thinking_tokens", 0, kMaxInt64);
    s.markers = reader.integer(15, "markers", 0, kMaxInt64);
    s.interventions = reader.integer(16, "interventions", 0, kMaxInt64);
    s.mean_entropy = measured(reader.real(17, "mean_entropy"));
    s.mean_kl = measured(reader.real(18, "mean_kl"));
    s.decode_ns = reader.integer(19, "decode_ns", 0, kMaxInt64);
    s.wall_ns = reader.integer(20, "wall_ns", 0, kMaxInt64);
    s.answer = reader.text(21, "answer");
    s.known_answer = reader.text(22, "known_answer");
    s.notes = reader.text(24, "notes");
    if (!reader.ok()) return reader.error();
    return s;
}

Result<std::vector<RunSummary>> summariesFrom(SQLite::Statement& query) {
    std::vector<RunSummary> runs;
    while (query.executeStep()) {
        auto summary = summaryFrom(query);
        if (!summary) return tl::unexpected(summary.error());
        runs.push_back(std::move(*summary));
    }
    return runs;
}

}  // namespace quibble
