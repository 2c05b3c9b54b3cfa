// One session as a file of its own: a database with the same schema that holds nothing else.

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "data/store/store_impl.h"
#include "engine/values/move_into_place.h"

namespace quibble {

namespace {

// Removed unless it was renamed into place.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::filesystem::path& target)
        : path_(target.string() + ".part" + std::to_string(::getpid())) {
        remove();
    }
    ~TemporaryFile() { remove(); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] Result<void> moveTo(const std::filesystem::path& target) {
        if (auto moved = moveIntoPlace(path_, target); !moved) return moved;
        // The new name itself must survive a power cut; a file system that cannot sync a folder has done what it can.
        const int folder = ::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
            ::fsync(folder);
            ::close(folder);
        }
        return {};
    }

private:
    void remove() {
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(path_.string() + suffix, ignored);
    }
    std::filesystem::path path_;
};

void copySession(SQLite::Database& out, SessionId id) {
    const auto run = [&](const char* sql) {
        SQLite::Statement statement(out, sql);
        if (statement.getBindParameterCount() > 0) statement.bind(1, raw(id));
        return statement.exec();
    };
    // Live runs, and what their branches stand on.
    run("CREATE TEMP TABLE kept AS WITH RECURSIVE kept (id) AS (SELECT id FROM src.run WHERE session = ?1 AND "
        "deleted_ms IS NULL UNION"
        " SELECT parent.parent FROM src.run parent JOIN kept ON parent.id = kept.id WHERE parent.parent IS NOT NULL) "
        "SELECT id FROM kept");
    run("INSERT INTO main.session SELECT * FROM src.session WHERE id = ?1");
    run("UPDATE main.session SET deleted_ms = NULL");
    run("INSERT INTO main.tokenizer SELECT * FROM src.tokenizer WHERE id IN (SELECT tokenizer FROM src.run WHERE id IN "
        "(SELECT id FROM kept))");
    run("INSERT INTO main.vocab SELECT * FROM src.vocab WHERE tokenizer IN (SELECT id FROM main.tokenizer)");
    run("INSERT INTO main.run SELECT * FROM src.run WHERE id IN (SELECT id FROM kept)");
    run("UPDATE main.run SET state = 'interrupted' WHERE state = 'running'");
    run("INSERT INTO main.token SELECT * FROM src.token WHERE run IN (SELECT id FROM kept)");
    run("INSERT INTO main.reference SELECT * FROM src.reference WHERE run IN (SELECT id FROM kept)");
    for (const char* table : {"draft_round", "token_experts", "expert_pass", "rule_act"}) {
        run(("INSERT INTO main." + std::string(table) + " SELECT * FROM src." + table +
             " WHERE run IN (SELECT id FROM kept)")
                .c_str());
    }
    run("INSERT INTO main.control_change SELECT * FROM src.control_change WHERE run IN (SELECT id FROM kept)");
    run("INSERT INTO main.note SELECT * FROM src.note WHERE run IN (SELECT id FROM kept)");
}

}  // namespace

Result<void> Store::exportSession(SessionId id, const std::filesystem::path& target,
                                  const std::stop_token& stop) const {
    const std::filesystem::path path = std::filesystem::absolute(target);
    if (auto allowed = checkReplaceable(path); !allowed) return allowed;
    std::error_code ignored;
    if (std::filesystem::equivalent(path, impl_->path, ignored)) {
        return fail(ErrorCode::InvalidArgument, path.string() + " is the open session file itself",
                    "Choose another name");
    }
    return guarded("saving a session as " + path.string(), [&]() -> Result<void> {
        SQLite::Statement known(*impl_->db, "SELECT 1 FROM session WHERE id = ?");
        known.bind(1, raw(id));
        if (!known.executeStep()) return fail(ErrorCode::NotFound, "there is no session " + std::to_string(raw(id)));
        known.reset();

        TemporaryFile file(path);
        {
            auto out = openDatabase(file.path(), OpenMode::ReadWrite);
            if (!out) return tl::unexpected(out.error());
            // A file that travels has no -wal beside it, and can be read where nothing can be written.
            (*out)->execAndGet("PRAGMA journal_mode = DELETE");
            (*out)->exec("PRAGMA synchronous = FULL");
            SQLite::Statement attach(**out, "ATTACH ? AS src");
            attach.bind(1, readOnlyUri(impl_->path));
            attach.exec();
            WriteTransaction transaction(**out);
            {
                const Interruptible interruptible(**out, stop);
                copySession(**out, id);
            }
            transaction.commit();
        }
        if (stop.stop_requested())
            return fail(ErrorCode::Cancelled, "saving a session as " + path.string() + " was cancelled");
        return file.moveTo(path);
    });
}

}  // namespace quibble
