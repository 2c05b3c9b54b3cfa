#include "data/store/store.h"

#include <system_error>

#include "data/store/store_impl.h"
#include "data/store/trace_reader.h"

namespace quibble {

namespace {

Result<void> makeFolder(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (!error) return {};
    return fail(ErrorCode::Io, "cannot create the folder " + path.parent_path().string() + ": " + error.message(),
                "Choose a folder that you may write to");
}

}  // namespace

Result<void> Store::Impl::writable() const {
    if (mode == OpenMode::ReadWrite) return {};
    return fail(ErrorCode::InvalidArgument, path.string() + " is open read only", "Open it for writing, or import it into another file");
}

Result<void> Store::Impl::change(std::string_view doing, std::string_view what, std::int64_t id, SQLite::Statement& statement) {
    if (const auto allowed = writable(); !allowed) return allowed;
    return guarded(doing, [&]() -> Result<void> {
        if (statement.exec() > 0) return {};
        return fail(ErrorCode::NotFound, std::string(doing) + ": there is no " + std::string(what) + " " + std::to_string(id));
    });
}

Result<void> Store::Impl::setText(std::string_view doing, std::string_view what, const char* sql, std::string_view text, std::int64_t id) {
    return guarded(doing, [&]() -> Result<void> {
        SQLite::Statement update(*db, sql);
        update.bind(1, std::string(text));
        update.bind(2, id);
        return change(doing, what, id, update);
    });
}

std::int64_t Store::Impl::deletionStamp() {
    const std::int64_t last =
        db->execAndGet("SELECT MAX(COALESCE((SELECT MAX(deleted_ms) FROM run), 0), COALESCE((SELECT MAX(deleted_ms) FROM session), 0))").getInt64();
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
    } else if (!std::filesystem::exists(impl->path, error)) {
        return fail(ErrorCode::NotFound, impl->path.string() + " is not there", "Check the name");
    }
    auto db = openDatabase(impl->path, mode);
    if (!db) return tl::unexpected(db.error());
    impl->db = std::move(*db);
    if (mode == OpenMode::ReadWrite) {
        // We hold the lock, so nobody is writing: what is still "running" was killed.
        const auto marked = guarded("opening " + impl->path.string(), [&]() -> Result<void> {
            impl->interrupted = impl->db->exec("UPDATE run SET state = 'interrupted' WHERE state = 'running'");
            return {};
        });
        if (!marked) return tl::unexpected(marked.error());
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const std::filesystem::path& Store::path() const { return impl_->path; }
bool Store::readOnly() const { return impl_->mode == OpenMode::ReadOnly; }
int Store::interruptedRuns() const { return impl_->interrupted; }
std::shared_ptr<DatabaseLock> Store::lock() const { return impl_->lock; }

Result<RunRequest> Store::loadRequest(RunId id) const {
    return guarded("loading run " + std::to_string(raw(id)), [&] { return readRequest(*impl_->db, id); });
}

Result<RunTrace> Store::loadRun(RunId id) const {
    return guarded("loading run " + std::to_string(raw(id)), [&]() -> Result<RunTrace> {
        // One snapshot for all its tables: a writer may be on this run now.
        SQLite::Transaction snapshot(*impl_->db);
        return readTrace(*impl_->db, id);
    });
}

Result<std::int64_t> Store::purge(std::int64_t older_than_ms) {
    if (const auto allowed = impl_->writable(); !allowed) return tl::unexpected(allowed.error());
    return guarded("removing what was deleted", [&]() -> Result<std::int64_t> {
        SQLite::Database& db = *impl_->db;
        const std::int64_t before = nowMs() - older_than_ms;
        WriteTransaction transaction(db);
        std::int64_t removed = 0;
        const auto run = [&](const char* sql) {
            SQLite::Statement statement(db, sql);
            // A stamp may lie some milliseconds ahead of the clock (deletionStamp).
            if (statement.getBindParameterCount() > 0) statement.bind(1, older_than_ms == 0 ? std::numeric_limits<std::int64_t>::max() : before);
            return statement.exec();
        };
        removed += run("DELETE FROM session WHERE deleted_ms <= ?1");
        removed += run("WITH RECURSIVE kept (id) AS (SELECT id FROM run WHERE deleted_ms IS NULL OR deleted_ms > ?1 UNION"
                       " SELECT run.parent FROM run JOIN kept ON run.id = kept.id WHERE run.parent IS NOT NULL)"
                       " DELETE FROM run WHERE id NOT IN (SELECT id FROM kept)");
        run("DELETE FROM tokenizer WHERE id NOT IN (SELECT tokenizer FROM run WHERE tokenizer IS NOT NULL)");
        transaction.commit();
        return removed;
    });
}

Result<void> Store::runIntegrityCheck() const { return checkIntegrity(*impl_->db, impl_->path.string()); }

}  // namespace quibble
