// Sessions and runs in one SQLite file: opening, migrating, listing, loading, renaming, deleting with undo, and a
// session as one file. Tokens are written by StoreWriter (store_writer.h), which has its own thread and connection.
//
// One Store is one connection, used from one thread at a time. Whatever is read is validated: a damaged or hostile file
// gives an Error that names table, run and position. Floats come back bit for bit, except that -0 comes back as 0
// (SQLite).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "data/store/store_types.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble {

class DatabaseLock;

class Store {
public:
    /// Creates the file and its folders where they are missing (ReadWrite), brings an older schema up to date after a
    /// backup beside it, and marks runs that a killed program left "running" as interrupted. Errors: Busy (another
    /// window writes this file: open it read only), Unsupported (written by a newer version, or by another program),
    /// FileCorrupt, NotFound (ReadOnly; or the file is gone and its -wal, with runs in it, is still there), Io.
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path,
                                                             OpenMode mode = OpenMode::ReadWrite);
    /// Another connection that writes the same file, for another thread. The file stays locked until all of them are
    /// closed.
    [[nodiscard]] Result<std::unique_ptr<Store>> openAgain() const;
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] bool readOnly() const;
    /// Runs that open() found unfinished: the program was killed. The next open() does not find them again.
    [[nodiscard]] const std::vector<RecoveredRun>& recovered() const;

    // --- sessions ---
    [[nodiscard]] Result<SessionId> createSession(std::string_view name);
    [[nodiscard]] Result<void> renameSession(SessionId id, std::string_view name);
    [[nodiscard]] Result<void> setSessionNotes(SessionId id, std::string_view notes);
    [[nodiscard]] Result<void> deleteSession(SessionId id);  // undo: restoreSession
    [[nodiscard]] Result<void> restoreSession(SessionId id);
    /// Newest first. `search`: case-insensitive (ASCII) part of a name, a note, or of a title, prompt or answer of a
    /// run.
    [[nodiscard]] Result<std::vector<SessionSummary>> listSessions(std::string_view search = {},
                                                                   Listed which = Listed::Live) const;
    /// The session that was opened or created last; kNoSession: there is none.
    [[nodiscard]] Result<SessionId> lastSession() const;
    /// Makes it the one that lastSession() names.
    [[nodiscard]] Result<void> markOpened(SessionId id);

    // --- lists for a window: each call reads no more rows than it gives ---
    /// Live sessions, the one that was changed last first, behind `after`; `models` is left empty.
    [[nodiscard]] Result<std::vector<SessionSummary>> sessionPage(const std::optional<SessionSummary>& after,
                                                                  int limit) const;
    [[nodiscard]] Result<SessionSummary> sessionSummary(SessionId id) const;  // `models` is left empty
    [[nodiscard]] Result<std::string> sessionModels(SessionId id) const;
    /// The newest `limit` live runs of those made before `before` (kNoRun: of all).
    [[nodiscard]] Result<RunPage> runPage(SessionId session, RunId before, int limit) const;
    /// A live run of a live session as it stands in a page. Errors: NotFound.
    [[nodiscard]] Result<RunSummary> listedRun(RunId id) const;
    [[nodiscard]] Result<RunId> newestRun(SessionId session) const;  // kNoRun: there is none
    /// Prompt of the first run that was ever made in the session, deleted or not; empty: there was none.
    [[nodiscard]] Result<std::optional<std::string>> firstPrompt(SessionId session) const;
    /// The run, what it is a branch of, and so on to the root; as they stand in a page, by rising id. Errors: NotFound.
    [[nodiscard]] Result<std::vector<RunSummary>> stemOf(RunId id) const;
    /// The run and what grew from it, at most `limit` runs; as they stand in a page, by rising id.
    [[nodiscard]] Result<std::vector<RunSummary>> branchesOf(RunId id, int limit) const;
    /// Live sessions whose name or notes have that part, the one that was changed last first; `models` is left empty.
    [[nodiscard]] Result<std::vector<SessionSummary>> sessionsNamed(std::string_view search, int limit) const;
    /// Runs that searchRuns() finds, as they stand in a page.
    [[nodiscard]] Result<std::vector<RunSummary>> findRuns(std::string_view search, int limit) const;
    /// Tokens that loadRun would read, those of its parents included; never less.
    [[nodiscard]] Result<std::int64_t> traceSize(RunId id) const;
    /// Rows that this store has read so far, as sessions, runs and tokens: how much work its caller asked for.
    [[nodiscard]] std::int64_t rowsRead() const;

    // --- runs ---
    /// In the order of creation, so a parent stands before its branches.
    [[nodiscard]] Result<std::vector<RunSummary>> listRuns(SessionId session, std::string_view search = {},
                                                           Listed which = Listed::Live) const;
    /// Over all live sessions, newest first.
    [[nodiscard]] Result<std::vector<RunSummary>> searchRuns(std::string_view search, int limit = 200) const;
    [[nodiscard]] Result<RunSummary> runSummary(RunId id) const;
    [[nodiscard]] Result<void> renameRun(RunId id, std::string_view title);
    /// As renameRun, with a title that the program chooses: whatever tells the run from a run that is called so already
    /// and has other settings is added behind it.
    [[nodiscard]] Result<void> nameRun(RunId id, std::string_view title);
    [[nodiscard]] Result<void> setRunNotes(RunId id, std::string_view notes);
    /// Deletes the run with all branches that grew from it. Undo: restoreRun. Busy while the run is running.
    [[nodiscard]] Result<void> deleteRun(RunId id);
    /// Brings back what went with that deleteRun, and the ancestors it stands on.
    [[nodiscard]] Result<void> restoreRun(RunId id);
    [[nodiscard]] Result<RunRequest> loadRequest(RunId id) const;
    /// The whole trace. A branch starts with its parents' tokens before the branch position; control changes are its
    /// own only. trace.finished() is empty for a run that is running or was interrupted.
    [[nodiscard]] Result<RunTrace> loadRun(RunId id) const;

    // --- notes on positions ---
    [[nodiscard]] Result<std::int64_t> addNote(RunId run, Position from, Position to, std::string_view text);
    [[nodiscard]] Result<void> setNoteText(std::int64_t note, std::string_view text);
    [[nodiscard]] Result<void> deleteNote(std::int64_t note);
    [[nodiscard]] Result<std::vector<Note>> listNotes(RunId run) const;

    // --- the file ---
    /// A number that is another one after another connection has changed the file.
    [[nodiscard]] Result<std::int64_t> dataVersion() const;
    /// Whether the file is still where it was opened.
    [[nodiscard]] FilePlace place() const;
    /// Moves what stands in the -wal into the file, so that the file alone holds everything. Never waits for anybody:
    /// false when a reader or writer was in the way.
    [[nodiscard]] Result<bool> checkpoint();
    /// Writes everything as a new database file at `path`, also when the open file was moved or removed; replaces
    /// `path` in one step. Errors: Cancelled, and those of a file that cannot be written.
    [[nodiscard]] Result<void> saveCopy(const std::filesystem::path& path, const std::stop_token& stop = {}) const;
    /// Removes for good what was deleted at least `older_than_ms` ago. Runs that a kept branch stands on stay.
    /// Returns how many sessions and runs went. Busy while a session is being imported.
    [[nodiscard]] Result<std::int64_t> purge(std::int64_t older_than_ms = 0);
    /// SQLite's integrity_check and foreign_key_check; FileCorrupt with the first findings. Reads the whole file.
    [[nodiscard]] Result<void> runIntegrityCheck() const;
    /// One session with its live runs as a database file of its own; replaces `path` in one step or leaves it alone.
    [[nodiscard]] Result<void> exportSession(SessionId id, const std::filesystem::path& path,
                                             const std::stop_token& stop = {}) const;
    /// Takes in a file made by exportSession, whole or not at all. Every run of it is validated; ids are given anew.
    /// Others may read and write the database meanwhile: it is written in many small transactions, and nobody sees the
    /// session before the last of them.
    [[nodiscard]] Result<SessionId> importSession(const std::filesystem::path& path, const std::stop_token& stop = {});

private:
    friend class StoreWriter;
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    [[nodiscard]] std::shared_ptr<DatabaseLock> lock() const;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quibble
