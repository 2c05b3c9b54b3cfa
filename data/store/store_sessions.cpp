// Sessions of class Store: creating, naming, listing, deleting with undo.
#include "data/store/store_impl.h"
#include "data/store/summary_reader.h"

namespace quibble {

Result<SessionId> Store::createSession(std::string_view name) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    return guarded("creating a session", [&]() -> Result<SessionId> {
        // Two sessions of one millisecond still have an order.
        SQLite::Statement insert(
            *impl_->db, std::string("INSERT INTO session (name, created_ms, updated_ms, opened_ms) VALUES (?2, ?1, ") +
                            kNextUpdate + ", (SELECT MAX(?1, COALESCE(MAX(opened_ms), 0) + 1) FROM session))");
        insert.bind(1, nowMs());
        insert.bind(2, std::string(name));
        insert.exec();
        return SessionId{impl_->db->getLastInsertRowid()};
    });
}

Result<void> Store::renameSession(SessionId id, std::string_view name) {
    return impl_->setText("renaming a session", "session", "UPDATE session SET name = ? WHERE id = ?", name, raw(id));
}

Result<void> Store::setSessionNotes(SessionId id, std::string_view notes) {
    return impl_->setText("keeping notes of a session", "session", "UPDATE session SET notes = ? WHERE id = ?", notes,
                          raw(id));
}

Result<void> Store::deleteSession(SessionId id) {
    return impl_->changeAfterReading("deleting a session", [&]() -> Result<void> {
        SQLite::Statement running(*impl_->db, "SELECT 1 FROM run WHERE session = ? AND state = 'running'");
        running.bind(1, raw(id));
        if (running.executeStep()) return fail(ErrorCode::Busy, "a run of this session is running", "Stop it first");
        SQLite::Statement update(*impl_->db, "UPDATE session SET deleted_ms = ? WHERE id = ? AND deleted_ms IS NULL");
        update.bind(1, impl_->deletionStamp());
        update.bind(2, raw(id));
        return impl_->change("deleting a session", "session", raw(id), update);
    });
}

Result<void> Store::restoreSession(SessionId id) {
    return guarded("restoring a session", [&]() -> Result<void> {
        SQLite::Statement update(*impl_->db, "UPDATE session SET deleted_ms = NULL WHERE deleted_ms <> ?1 AND id = ?2");
        update.bind(1, kBeingImported);
        update.bind(2, raw(id));
        return impl_->change("restoring a session", "deleted session", raw(id), update);
    });
}

Result<std::vector<SessionSummary>> Store::listSessions(std::string_view search, Listed which) const {
    return guarded("listing sessions", [&]() -> Result<std::vector<SessionSummary>> {
        SQLite::Statement query(
            *impl_->db,
            "SELECT s.id, s.name, s.notes, s.created_ms, s.updated_ms, COUNT(r.id), COALESCE(SUM(r.tokens), 0),"
            " COALESCE((SELECT GROUP_CONCAT(name, ', ') FROM (SELECT DISTINCT model_name AS name FROM run"
            "  WHERE session = s.id AND deleted_ms IS NULL AND model_name <> '' ORDER BY 1)), '')"
            " FROM session s LEFT JOIN run r ON r.session = s.id AND r.deleted_ms IS NULL"
            " WHERE (s.deleted_ms IS NOT NULL) = ?1 AND s.deleted_ms IS NOT ?3 AND (instr(lower(s.name), lower(?2)) OR "
            "instr(lower(s.notes), lower(?2))"
            "  OR EXISTS (SELECT 1 FROM run m WHERE m.session = s.id AND m.deleted_ms IS NULL AND "
            "(instr(lower(m.title), lower(?2))"
            "   OR instr(lower(m.prompt), lower(?2)) OR instr(lower(m.answer), lower(?2)) OR instr(lower(m.notes), "
            "lower(?2)))))"
            " GROUP BY s.id ORDER BY s.updated_ms DESC, s.id DESC");
        query.bind(1, which == Listed::Deleted ? 1 : 0);
        query.bind(2, std::string(search));
        query.bind(3, kBeingImported);
        return sessionsFrom(query);
    });
}

Result<SessionId> Store::lastSession() const {
    return guarded("finding the last session", [&]() -> Result<SessionId> {
        SQLite::Statement query(
            *impl_->db, "SELECT id FROM session WHERE deleted_ms IS NULL ORDER BY opened_ms DESC, id DESC LIMIT 1");
        if (!query.executeStep()) return kNoSession;
        return SessionId{query.getColumn(0).getInt64()};
    });
}

Result<void> Store::markOpened(SessionId id) {
    return guarded("opening a session", [&]() -> Result<void> {
        SQLite::Statement update(*impl_->db,
                                 "UPDATE session SET opened_ms = (SELECT MAX(?1, MAX(opened_ms) + 1) FROM session) "
                                 "WHERE id = ?2 AND deleted_ms IS NULL");
        update.bind(1, nowMs());
        update.bind(2, raw(id));
        return impl_->change("opening a session", "session", raw(id), update);
    });
}

}  // namespace quibble
