// What the store tells about sessions and runs without loading their tokens. Plain values; times are Unix time in
// milliseconds, UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/run_event.h"

namespace quibble {

enum class OpenMode {
    ReadWrite,  // the one writer of this file: others get ErrorCode::Busy until it is closed
    ReadOnly,   // any number, also beside a writer
};

/// Running: a writer is on it now. Interrupted: the program ended before the run did; what was measured is kept.
enum class RunStatus { Running, Finished, Interrupted };

[[nodiscard]] inline const char* runStatusText(RunStatus status) {
    switch (status) {
        case RunStatus::Running: return "running";
        case RunStatus::Finished: return "finished";
        case RunStatus::Interrupted: return "interrupted";
    }
    return "interrupted";
}

/// Live: what a browser shows. Deleted: what undo or the bin shows.
enum class Listed { Live, Deleted };

struct SessionSummary {
    SessionId id = kNoSession;
    std::string name;
    std::string notes;
    std::int64_t created_ms = 0;
    std::int64_t updated_ms = 0;  // when it was made, or when its last run started or ended
    // Deleted runs are not counted in the next three.
    std::int64_t runs = 0;
    std::int64_t tokens = 0;
    std::string models;  // names of the models of its runs, separated by ", "
    bool operator==(const SessionSummary&) const = default;
};

struct RunSummary {
    RunId id = kNoRun;
    SessionId session = kNoSession;
    RunId parent = kNoRun;    // kNoRun: not a branch
    Position branch_pos = 0;  // where it leaves its parent
    std::string title;
    std::string prompt;
    RunStatus status = RunStatus::Running;
    std::optional<FinishReason> finish_reason;
    std::int64_t created_ms = 0;

    std::string model_name;  // empty until the model is loaded
    std::string weight_format;
    std::uint64_t seed = 0;
    double penalty = 0;  // strength at the start

    // Of the run's own tokens: a branch does not count what it inherits.
    std::int64_t tokens = 0;
    std::int64_t thinking_tokens = 0;
    std::int64_t markers = 0;        // sampled, not injected
    std::int64_t interventions = 0;  // the penalty changed the outcome

    // Known when the run has finished.
    std::optional<double> mean_entropy;  // nats
    std::optional<double> mean_kl;       // nats
    std::int64_t decode_ns = 0;
    std::int64_t wall_ns = 0;
    std::string answer;        // empty: none found
    std::string known_answer;  // of the problem; empty: none
    // Empty: nothing to grade, or no rule can decide. A run that finished without an answer to a problem is wrong.
    std::optional<bool> correct;
    std::string notes;
    bool operator==(const RunSummary&) const = default;
};

/// A part of a session's list of runs.
struct RunPage {
    std::vector<RunSummary>
        runs;              // by rising id, without prompt and notes: the page, and whatever its runs are branches of
    RunId first = kNoRun;  // of the page itself; kNoRun: the page is empty
    std::int64_t earlier = 0;  // runs of the session before `first`
};

/// A run that an earlier process left unfinished because it was killed. What had been measured is kept.
struct RecoveredRun {
    RunId id = kNoRun;
    std::string title;
    std::int64_t tokens = 0;
    bool operator==(const RecoveredRun&) const = default;
};

/// Where the file is that a connection has open.
enum class FilePlace {
    InPlace,
    Elsewhere,  // moved, replaced or removed since it was opened; the connection still reads and writes the file that
                // it opened
};

/// A remark on a range of positions [from, to) of a run.
struct Note {
    std::int64_t id = 0;
    RunId run = kNoRun;
    Position from = 0, to = 0;
    std::string text;
    std::int64_t created_ms = 0;
    bool operator==(const Note&) const = default;
};

}  // namespace quibble
