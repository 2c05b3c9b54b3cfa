// Runs and notes of class Store: listing, naming, deleting with undo.

#include "data/store/row_reader.h"
#include "data/store/run_titles.h"
#include "data/store/store_impl.h"
#include "data/store/summary_reader.h"
#include "data/store/trace_reader.h"

namespace quibble {

namespace {

constexpr const char* kMatches =
    " (instr(lower(r.title), lower(?2)) OR instr(lower(r.answer), lower(?2)) OR instr(lower(r.model_name), lower(?2))"
    " OR instr(lower(r.weight_format), lower(?2)) OR instr(lower(r.prompt), lower(?2)) OR instr(lower(r.notes), "
    "lower(?2))) ";

// The run and all that grew from it, by way of runs that satisfy the condition.
std::string treeOf(const char* condition) {
    return std::string(" id IN (WITH RECURSIVE tree (id) AS (SELECT id FROM run WHERE id = ?2 AND ") + condition +
           " UNION SELECT run.id FROM run JOIN tree ON run.parent = tree.id WHERE " + condition +
           ") SELECT id FROM tree)";
}

// Over all live sessions, newest first.
Result<std::vector<RunSummary>> matchingRuns(SQLite::Database& db, SummaryDetail detail, std::string_view search,
                                             int limit) {
    SQLite::Statement query(db, selectSummaries(detail) + "JOIN session s ON s.id = r.session WHERE" + kMatches +
                                    "AND r.deleted_ms IS NULL AND s.deleted_ms IS NULL ORDER BY r.id DESC LIMIT ?1");
    query.bind(1, limit);
    query.bind(2, std::string(search));
    return summariesFrom(query);
}

}  // namespace

Result<std::vector<RunSummary>> Store::listRuns(SessionId session, std::string_view search, Listed which) const {
    return guarded("listing runs", [&]() -> Result<std::vector<RunSummary>> {
        SQLite::Statement query(*impl_->db, selectSummaries() + "WHERE r.session = ?1 AND" + kMatches +
                                                "AND (r.deleted_ms IS NOT NULL) = ?3 ORDER BY r.id");
        query.bind(1, raw(session));
        query.bind(2, std::string(search));
        query.bind(3, which == Listed::Deleted ? 1 : 0);
        return summariesFrom(query);
    });
}

Result<std::vector<RunSummary>> Store::searchRuns(std::string_view search, int limit) const {
    return guarded("searching runs", [&] { return matchingRuns(*impl_->db, SummaryDetail::Whole, search, limit); });
}

Result<std::vector<RunSummary>> Store::findRuns(std::string_view search, int limit) const {
    return guarded("searching runs", [&] { return matchingRuns(*impl_->db, SummaryDetail::Listed, search, limit); });
}

Result<RunSummary> Store::runSummary(RunId id) const {
    return guarded("reading run " + std::to_string(raw(id)), [&]() -> Result<RunSummary> {
        SQLite::Statement query(*impl_->db, selectSummaries() + "WHERE r.id = ?");
        query.bind(1, raw(id));
        if (!query.executeStep()) return fail(ErrorCode::NotFound, "there is no run " + std::to_string(raw(id)));
        return summaryFrom(query);
    });
}

Result<void> Store::renameRun(RunId id, std::string_view title) {
    return impl_->setText("renaming a run", "run", "UPDATE run SET title = ? WHERE id = ?", title, raw(id));
}

Result<void> Store::nameRun(RunId id, std::string_view title) {
    return impl_->changeAfterReading("naming a run", [&]() -> Result<void> {
        SQLite::Statement query(*impl_->db, "SELECT session FROM run WHERE id = ?");
        query.bind(1, raw(id));
        if (!query.executeStep()) return fail(ErrorCode::NotFound, "there is no run " + std::to_string(raw(id)));
        const auto request = readRequest(*impl_->db, id);
        if (!request) return tl::unexpected(request.error());
        return renameRun(id, distinctTitle(*impl_->db, SessionId{query.getColumn(0).getInt64()}, id, title, *request));
    });
}

Result<void> Store::setRunNotes(RunId id, std::string_view notes) {
    return impl_->setText("keeping notes of a run", "run", "UPDATE run SET notes = ? WHERE id = ?", notes, raw(id));
}

Result<void> Store::deleteRun(RunId id) {
    return impl_->changeAfterReading("deleting a run", [&]() -> Result<void> {
        SQLite::Statement running(*impl_->db, "SELECT 1 FROM run WHERE state = 'running' AND" + treeOf("?1 IS ?1"));
        running.bind(2, raw(id));
        if (running.executeStep())
            return fail(ErrorCode::Busy, "this run or a branch of it is running", "Stop it first");
        SQLite::Statement update(*impl_->db, "UPDATE run SET deleted_ms = ?1 WHERE" + treeOf("run.deleted_ms IS NULL"));
        update.bind(1, impl_->deletionStamp());
        update.bind(2, raw(id));
        return impl_->change("deleting a run", "run", raw(id), update);
    });
}

Result<void> Store::restoreRun(RunId id) {
    return impl_->changeAfterReading("restoring a run", [&]() -> Result<void> {
        SQLite::Statement stamp(*impl_->db, "SELECT deleted_ms FROM run WHERE id = ? AND deleted_ms IS NOT NULL");
        stamp.bind(1, raw(id));
        if (!stamp.executeStep())
            return fail(ErrorCode::NotFound, "there is no deleted run " + std::to_string(raw(id)));
        SQLite::Statement update(
            *impl_->db,
            "UPDATE run SET deleted_ms = NULL WHERE" + treeOf("run.deleted_ms IS ?1") +
                " OR id IN (WITH RECURSIVE stem (id) AS (SELECT ?2 UNION SELECT run.parent FROM run JOIN stem"
                " ON run.id = stem.id WHERE run.parent IS NOT NULL) SELECT id FROM stem)");
        update.bind(1, stamp.getColumn(0).getInt64());
        update.bind(2, raw(id));
        return impl_->change("restoring a run", "run", raw(id), update);
    });
}

Result<std::int64_t> Store::addNote(RunId run, Position from, Position to, std::string_view text) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    if (from < 0 || to < from)
        return fail(ErrorCode::InvalidArgument, "a note needs a range of positions",
                    "Select the tokens from left to right");
    return guarded("adding a note", [&]() -> Result<std::int64_t> {
        SQLite::Statement insert(*impl_->db,
                                 "INSERT INTO note (run, from_pos, to_pos, text, created_ms) SELECT id, ?2, ?3, ?4, ?5 "
                                 "FROM run WHERE id = ?1");
        insert.bind(1, raw(run));
        insert.bind(2, from);
        insert.bind(3, to);
        insert.bind(4, std::string(text));
        insert.bind(5, nowMs());
        if (insert.exec() == 0) return fail(ErrorCode::NotFound, "there is no run " + std::to_string(raw(run)));
        return impl_->db->getLastInsertRowid();
    });
}

Result<void> Store::setNoteText(std::int64_t note, std::string_view text) {
    return impl_->setText("changing a note", "note", "UPDATE note SET text = ? WHERE id = ?", text, note);
}

Result<void> Store::deleteNote(std::int64_t note) {
    return guarded("deleting a note", [&]() -> Result<void> {
        SQLite::Statement remove(*impl_->db, "DELETE FROM note WHERE id = ?");
        remove.bind(1, note);
        return impl_->change("deleting a note", "note", note, remove);
    });
}

Result<std::vector<Note>> Store::listNotes(RunId run) const {
    return guarded("listing notes", [&]() -> Result<std::vector<Note>> {
        SQLite::Statement query(
            *impl_->db, "SELECT id, from_pos, to_pos, text, created_ms FROM note WHERE run = ? ORDER BY from_pos, id");
        query.bind(1, raw(run));
        std::vector<Note> notes;
        RowReader reader(query, "note", raw(run));
        while (query.executeStep()) {
            Note note;
            note.id = reader.integer(0, "id", 1, kMaxInt64);
            note.run = run;
            note.from = reader.integer32(1, "from_pos");
            note.to = reader.integer32(2, "to_pos");
            note.text = reader.text(3, "text");
            note.created_ms = reader.integer(4, "created_ms", 0, kMaxInt64);
            if (!reader.ok()) return reader.error();
            notes.push_back(std::move(note));
        }
        return notes;
    });
}

}  // namespace quibble
