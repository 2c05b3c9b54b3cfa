// Lists of class Store that are read in pages, and the small questions that a window asks on its own thread. None of
// them reads more rows than its answer needs.
#include <algorithm>
#include <iterator>
#include <set>

#include "data/store/row_reader.h"
#include "data/store/store_impl.h"
#include "data/store/summary_reader.h"

namespace quibble {

namespace {

// So many ancestors are read for one page. The rest of a longer chain is left out, and the chain hangs under its
// session.
constexpr std::size_t kMostAncestors = 1000;

template <typename Row>
Result<std::vector<Row>> counted(Result<std::vector<Row>> rows, std::int64_t& read) {
    if (rows) read += static_cast<std::int64_t>(rows->size());
    return rows;
}

// Adds the ancestors of the runs that are not among the runs themselves. They stand behind the others in `runs`.
Result<void> addAncestors(SQLite::Database& db, SessionId session, std::vector<RunSummary>& runs) {
    std::set<RunId> known;
    for (const RunSummary& run : runs) known.insert(run.id);
    SQLite::Statement query(
        db, selectSummaries(SummaryDetail::Listed) + "WHERE r.id = ?1 AND r.session = ?2 AND r.deleted_ms IS NULL");
    query.bind(2, raw(session));
    const std::size_t most = runs.size() + kMostAncestors;
    for (std::size_t i = 0; i < runs.size() && runs.size() < most; ++i) {
        const RunId parent = runs[i].parent;
        if (parent == kNoRun || !known.insert(parent).second) continue;
        query.bind(1, raw(parent));
        auto found = summariesFrom(query);
        if (!found) return tl::unexpected(found.error());
        runs.insert(runs.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
        query.reset();
    }
    return {};
}

}  // namespace

Result<std::vector<SessionSummary>> Store::sessionPage(const std::optional<SessionSummary>& after, int limit) const {
    return guarded("listing sessions", [&]() -> Result<std::vector<SessionSummary>> {
        SQLite::Statement query(
            *impl_->db,
            selectSessions() +
                "(SELECT * FROM session WHERE deleted_ms IS NULL AND (?1 = 0 OR (updated_ms, id) < (?2, ?1))"
                " ORDER BY updated_ms DESC, id DESC LIMIT ?3) s ORDER BY s.updated_ms DESC, s.id DESC");
        query.bind(1, after ? raw(after->id) : std::int64_t{0});
        query.bind(2, after ? after->updated_ms : std::int64_t{0});
        query.bind(3, limit);
        return counted(sessionsFrom(query), impl_->rows_read);
    });
}

Result<SessionSummary> Store::sessionSummary(SessionId id) const {
    return guarded("reading session " + std::to_string(raw(id)), [&]() -> Result<SessionSummary> {
        SQLite::Statement query(*impl_->db, selectSessions() + "session s WHERE s.id = ?1");
        query.bind(1, raw(id));
        auto found = counted(sessionsFrom(query), impl_->rows_read);
        if (!found) return tl::unexpected(found.error());
        if (found->empty()) return fail(ErrorCode::NotFound, "there is no session " + std::to_string(raw(id)));
        return std::move(found->front());
    });
}

Result<std::string> Store::sessionModels(SessionId id) const {
    return guarded("reading session " + std::to_string(raw(id)), [&]() -> Result<std::string> {
        SQLite::Statement query(
            *impl_->db,
            "SELECT COALESCE(GROUP_CONCAT(name, ', '), '') FROM (SELECT DISTINCT model_name AS name FROM run"
            " WHERE session = ?1 AND deleted_ms IS NULL AND model_name <> '' ORDER BY 1)");
        query.bind(1, raw(id));
        query.executeStep();
        RowReader reader(query, "session", raw(id));
        std::string models = reader.text(0, "models");
        if (!reader.ok()) return reader.error();
        return models;
    });
}

Result<RunPage> Store::runPage(SessionId session, RunId before, int limit) const {
    return guarded("listing runs", [&]() -> Result<RunPage> {
        SQLite::Database& db = *impl_->db;
        RunPage page;
        SQLite::Statement query(
            db, selectSummaries(SummaryDetail::Listed) +
                    "WHERE r.session = ?1 AND r.deleted_ms IS NULL AND r.id < ?2 ORDER BY r.id DESC LIMIT ?3");
        query.bind(1, raw(session));
        query.bind(2, before == kNoRun ? kMaxInt64 : raw(before));
        query.bind(3, limit);
        auto runs = summariesFrom(query);
        if (!runs) return tl::unexpected(runs.error());
        page.runs = std::move(*runs);
        if (!page.runs.empty()) {
            page.first = page.runs.back().id;
            SQLite::Statement earlier(db,
                                      "SELECT COUNT(*) FROM run WHERE session = ?1 AND deleted_ms IS NULL AND id < ?2");
            earlier.bind(1, raw(session));
            earlier.bind(2, raw(page.first));
            earlier.executeStep();
            page.earlier = earlier.getColumn(0).getInt64();
        }
        if (auto added = addAncestors(db, session, page.runs); !added) return tl::unexpected(added.error());
        std::sort(page.runs.begin(), page.runs.end(),
                  [](const RunSummary& a, const RunSummary& b) { return a.id < b.id; });
        impl_->rows_read += static_cast<std::int64_t>(page.runs.size());
        return page;
    });
}

Result<RunSummary> Store::listedRun(RunId id) const {
    return guarded("reading run " + std::to_string(raw(id)), [&]() -> Result<RunSummary> {
        SQLite::Statement query(
            *impl_->db,
            selectSummaries(SummaryDetail::Listed) +
                "JOIN session s ON s.id = r.session WHERE r.id = ?1 AND r.deleted_ms IS NULL AND s.deleted_ms IS NULL");
        query.bind(1, raw(id));
        if (!query.executeStep()) return fail(ErrorCode::NotFound, "there is no run " + std::to_string(raw(id)));
        ++impl_->rows_read;
        return summaryFrom(query);
    });
}

Result<RunId> Store::newestRun(SessionId session) const {
    return guarded("listing runs", [&]() -> Result<RunId> {
        SQLite::Statement query(
            *impl_->db, "SELECT id FROM run WHERE session = ?1 AND deleted_ms IS NULL ORDER BY id DESC LIMIT 1");
        query.bind(1, raw(session));
        return query.executeStep() ? RunId{query.getColumn(0).getInt64()} : kNoRun;
    });
}

Result<std::optional<std::string>> Store::firstPrompt(SessionId session) const {
    return guarded("listing runs", [&]() -> Result<std::optional<std::string>> {
        SQLite::Statement query(*impl_->db,
                                "SELECT prompt FROM run WHERE id = (SELECT MIN(id) FROM run WHERE session = ?1)");
        query.bind(1, raw(session));
        if (!query.executeStep()) return std::nullopt;
        RowReader reader(query, "run");
        std::string prompt = reader.text(0, "prompt");
        if (!reader.ok()) return reader.error();
        return prompt;
    });
}

Result<std::vector<RunSummary>> Store::stemOf(RunId id) const {
    return guarded("listing runs", [&]() -> Result<std::vector<RunSummary>> {
        auto run = listedRun(id);
        if (!run) return tl::unexpected(run.error());
        std::vector<RunSummary> stem{std::move(*run)};
        if (auto added = addAncestors(*impl_->db, stem.front().session, stem); !added)
            return tl::unexpected(added.error());
        impl_->rows_read += static_cast<std::int64_t>(stem.size() - 1);
        std::sort(stem.begin(), stem.end(), [](const RunSummary& a, const RunSummary& b) { return a.id < b.id; });
        return stem;
    });
}

Result<std::vector<RunSummary>> Store::branchesOf(RunId id, int limit) const {
    return guarded("listing runs", [&]() -> Result<std::vector<RunSummary>> {
        SQLite::Statement query(*impl_->db,
                                "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION SELECT run.id FROM run JOIN tree ON "
                                "run.parent = tree.id LIMIT ?2) " +
                                    selectSummaries(SummaryDetail::Listed) +
                                    "WHERE r.deleted_ms IS NULL AND r.id IN (SELECT id FROM tree) ORDER BY r.id");
        query.bind(1, raw(id));
        query.bind(2, limit);
        return counted(summariesFrom(query), impl_->rows_read);
    });
}

Result<std::vector<SessionSummary>> Store::sessionsNamed(std::string_view search, int limit) const {
    return guarded("searching sessions", [&]() -> Result<std::vector<SessionSummary>> {
        SQLite::Statement query(
            *impl_->db, selectSessions() +
                            "(SELECT * FROM session WHERE deleted_ms IS NULL AND (instr(lower(name), lower(?1)) OR "
                            "instr(lower(notes), lower(?1)))"
                            " ORDER BY updated_ms DESC, id DESC LIMIT ?2) s ORDER BY s.updated_ms DESC, s.id DESC");
        query.bind(1, std::string(search));
        query.bind(2, limit);
        return counted(sessionsFrom(query), impl_->rows_read);
    });
}

Result<std::int64_t> Store::traceSize(RunId id) const {
    return guarded("reading run " + std::to_string(raw(id)), [&]() -> Result<std::int64_t> {
        SQLite::Statement query(
            *impl_->db,
            "WITH RECURSIVE chain (id) AS (SELECT ?1 UNION SELECT run.parent FROM run JOIN chain ON run.id = chain.id"
            " WHERE run.parent IS NOT NULL) SELECT COALESCE(SUM(tokens), 0) FROM run WHERE id IN (SELECT id FROM "
            "chain)");
        query.bind(1, raw(id));
        query.executeStep();
        return query.getColumn(0).getInt64();
    });
}

std::int64_t Store::rowsRead() const { return impl_->rows_read; }

}  // namespace quibble
