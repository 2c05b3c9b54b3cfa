#include "data/store/store.h"

#include <system_error>

#include "data/store/store_impl.h"
#include "data/store/trace_reader.h"
#include "engine/values/move_into_place.h"

namespace quibble {

namespace {

Result<void> makeFolder(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (!error) return {};
    return fail(ErrorCode::Io, "cannot create the folder " + path.parent_path().string() + ": " + error.message(),
                "Choose a folder that you may write to");
}

// Refuses a database file that is missing or empty beside a -wal with runs in it. A new file there would overwrite the
// last copy of these runs.
Result<void> refuseOrphanedLog(const std::filesystem::path& path) {
    std::error_code error;
    const bool has_content = std::filesystem::exists(path, error) && std::filesystem::file_size(path, error) > 0;
    const std::string log = path.string() + "-wal";
    if (has_content || !std::filesystem::exists(log, error) || std::filesystem::file_size(log, error) == 0) return {};
    return fail(ErrorCode::NotFound,
                path.string() + " is not there, but " + log + ", which holds the last runs of it, is",
                "Put the database back beside it; or move that file away to begin with an empty database");
}

// Marks runs that were killed. The lock is ours, so nobody is writing, and a run that is still "running" has no program
// any more.
Result<std::vector<RecoveredRun>> recoverRuns(SQLite::Database& db, const std::filesystem::path& path) {
    return guarded("opening " + path.string(), [&]() -> Result<std::vector<RecoveredRun>> {
        std::vector<RecoveredRun> recovered;
        SQLite::Statement query(db, "SELECT id, title, tokens FROM run WHERE state = 'running' ORDER BY id");
        while (query.executeStep())
            recovered.push_back(
                {RunId{query.getColumn(0).getInt64()}, query.getColumn(1).getString(), query.getColumn(2).getInt64()});
        query.reset();
        removeHalfImported(db);
        if (!recovered.empty()) db.exec("UPDATE run SET state = 'interrupted' WHERE state = 'running'");
        return recovered;
    });
}

}  // namespace

Result<void> Store::Impl::writable() const {
    if (mode == OpenMode::ReadWrite) return {};
    return fail(ErrorCode::InvalidArgument, path.string() + " is open read only",
                "Open it for writing, or import it into another file");
}

Result<void> Store::Impl::change(std::string_view doing, std::string_view what, std::int64_t id,
                                 SQLite::Statement& statement) {
    if (const auto allowed = writable(); !allowed) return allowed;
    return guarded(doing, [&]() -> Result<void> {
        if (statement.exec() > 0) return {};
        return fail(ErrorCode::NotFound,
                    std::string(doing) + ": there is no " + std::string(what) + " " + std::to_string(id));
    });
}

Result<void> Store::Impl::setText(std::string_view doing, std::string_view what, const char* sql, std::string_view text,
                                  std::int64_t id) {
    return guarded(doing, [&]() -> Result<void> {
        SQLite::Statement update(*db, sql);
        update.bind(1, std::string(text));
        update.bind(2, id);
        return change(doing, what, id, update);
    });
}

Result<void> Store::Impl::changeAfterReading(std::string_view doing, const std::function<Result<void>()>& body) {
    if (const auto allowed = writable(); !allowed) return allowed;
    return guarded(doing, [&]() -> Result<void> {
        WriteTransaction transaction(*db);
        auto changed = body();
        if (changed) transaction.commit();
        return changed;
    });
}

std::int64_t Store::Impl::deletionStamp() {
    const std::int64_t last = db->execAndGet(
                                    "SELECT MAX(COALESCE((SELECT MAX(deleted_ms) FROM run), 0), COALESCE((SELECT "
                                    "MAX(deleted_ms) FROM session), 0))")
                                  .getInt64();
    return std::max(nowMs(), last + 1);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path, OpenMode mode) {
    auto impl = std::make_unique<Impl>();
    std::error_code error;
    impl->path = std::filesystem::absolute(path, error);
    if (error || path.empty()) return fail(ErrorCode::InvalidArgument, "\"" + path.string() + "\" is not a file name");
    impl->mode = mode;
    if (mode == OpenMode::ReadWrite) {
        if (const auto made = makeFolder(impl->path); !made) return tl::unexpected(made.error());
        auto lock = DatabaseLock::acquire(impl->path);
        if (!lock) return tl::unexpected(lock.error());
        impl->lock = std::move(*lock);
        if (const auto whole = refuseOrphanedLog(impl->path); !whole) return tl::unexpected(whole.error());
    } else if (!std::filesystem::exists(impl->path, error)) {
        return fail(ErrorCode::NotFound, impl->path.string() + " is not there", "Check the name");
    }
    auto db = openDatabase(impl->path, mode);
    if (!db) return tl::unexpected(db.error());
    impl->db = std::move(*db);
    if (mode == OpenMode::ReadWrite) {
        auto recovered = recoverRuns(*impl->db, impl->path);
        if (!recovered) return tl::unexpected(recovered.error());
        impl->recovered = std::move(*recovered);
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::unique_ptr<Store>> Store::openAgain() const {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    auto db = openConnection(impl_->path);
    if (!db) return tl::unexpected(db.error());
    auto impl = std::make_unique<Impl>();
    impl->path = impl_->path;
    impl->mode = impl_->mode;
    impl->lock = impl_->lock;
    impl->db = std::move(*db);
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const std::filesystem::path& Store::path() const { return impl_->path; }
bool Store::readOnly() const { return impl_->mode == OpenMode::ReadOnly; }
const std::vector<RecoveredRun>& Store::recovered() const { return impl_->recovered; }
std::shared_ptr<DatabaseLock> Store::lock() const { return impl_->lock; }

Result<RunRequest> Store::loadRequest(RunId id) const {
    return guarded("loading run " + std::to_string(raw(id)), [&] { return readRequest(*impl_->db, id); });
}

Result<RunTrace> Store::loadRun(RunId id) const {
    return guarded("loading run " + std::to_string(raw(id)), [&]() -> Result<RunTrace> {
        // One snapshot for all its tables: a writer may be on this run now.
        SQLite::Transaction snapshot(*impl_->db);
        auto trace = readTrace(*impl_->db, id);
        if (trace) impl_->rows_read += static_cast<std::int64_t>(trace->points().size());
        return trace;
    });
}

Result<std::int64_t> Store::dataVersion() const {
    return guarded("looking at " + impl_->path.string(),
                   [&]() -> Result<std::int64_t> { return pragmaInteger(*impl_->db, "data_version"); });
}

FilePlace Store::place() const { return placeOf(*impl_->db); }

Result<bool> Store::checkpoint() { return foldLog(*impl_->db); }

Result<void> Store::saveCopy(const std::filesystem::path& target, const std::stop_token& stop) const {
    const std::filesystem::path path = std::filesystem::absolute(target);
    std::error_code ignored;
    if (place() == FilePlace::InPlace && std::filesystem::equivalent(path, impl_->path, ignored)) {
        return fail(ErrorCode::InvalidArgument, path.string() + " is the open database itself", "Choose another name");
    }
    if (auto allowed = checkReplaceable(path); !allowed) return allowed;
    const std::filesystem::path part = path.string() + ".part";
    std::filesystem::remove(part, ignored);  // VACUUM INTO wants no file there
    auto saved = guarded("saving a copy as " + path.string(), [&]() -> Result<void> {
        const Interruptible interruptible(*impl_->db, stop);
        SQLite::Statement vacuum(*impl_->db, "VACUUM INTO ?");
        vacuum.bind(1, part.string());
        vacuum.exec();
        return {};
    });
    if (saved && !stop.stop_requested()) return moveIntoPlace(part, path);
    std::filesystem::remove(part, ignored);
    if (!saved) return saved;
    return fail(ErrorCode::Cancelled, "saving a copy as " + path.string() + " was cancelled");
}

Result<std::int64_t> Store::purge(std::int64_t older_than_ms) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    return guarded("removing what was deleted", [&]() -> Result<std::int64_t> {
        SQLite::Database& db = *impl_->db;
        const std::int64_t before = nowMs() - older_than_ms;
        WriteTransaction transaction(db);
        SQLite::Statement importing(db, "SELECT 1 FROM session WHERE deleted_ms = ?");
        importing.bind(1, kBeingImported);
        if (importing.executeStep()) return fail(ErrorCode::Busy, "a session is being imported", "Wait for its end");
        std::int64_t removed = 0;
        const auto run = [&](const char* sql) {
            SQLite::Statement statement(db, sql);
            // A stamp may lie some milliseconds ahead of the clock (deletionStamp).
            if (statement.getBindParameterCount() > 0)
                statement.bind(1, older_than_ms == 0 ? std::numeric_limits<std::int64_t>::max() : before);
            return statement.exec();
        };
        removed += run("DELETE FROM session WHERE deleted_ms <= ?1");
        removed +=
            run("WITH RECURSIVE kept (id) AS (SELECT id FROM run WHERE deleted_ms IS NULL OR deleted_ms > ?1 UNION"
                " SELECT run.parent FROM run JOIN kept ON run.id = kept.id WHERE run.parent IS NOT NULL)"
                " DELETE FROM run WHERE id NOT IN (SELECT id FROM kept)");
        run("DELETE FROM tokenizer WHERE id NOT IN (SELECT tokenizer FROM run WHERE tokenizer IS NOT NULL)");
        transaction.commit();
        return removed;
    });
}

Result<void> Store::runIntegrityCheck() const { return checkIntegrity(*impl_->db, impl_->path.string()); }

}  // namespace quibble
