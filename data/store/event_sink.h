// Events -> rows, on the writer's connection. write() is all or nothing: after an error the same batches can be written
// again. Internal to data/store.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "data/store/speculation_blob.h"
#include "engine/values/result.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble {

class EventSink {
public:
    /// Prepares its statements: call inside guarded(). `db` outlives the sink.
    explicit EventSink(SQLite::Database& db);

    [[nodiscard]] Result<RunId> insertRun(SessionId session, const RunRequest& request);
    /// One transaction. Events that the database will never take (of a run it does not know, a position twice, a draft
    /// tree that no reader could accept) are left out and told in `refused`; everything else is an Error and nothing
    /// was written.
    [[nodiscard]] Result<void> write(std::span<const EventBatchPtr> batches, std::vector<Error>& refused);
    /// The runs that insertRun began and no RunFinished ended are marked as interrupted.
    [[nodiscard]] Result<void> endRuns();

    /// Grades the newest finished run again that rules before kGradingVersion have graded. Reading it takes its time;
    /// what is written takes little. A run that cannot be read keeps its grade and is not found again. Empty: there is
    /// none left, or a session is being imported.
    struct Regraded {
        RunId run = kNoRun;
        bool changed = false;  // its answer or its grade is another than before
    };
    [[nodiscard]] Result<std::optional<Regraded>> regradeNext();

private:
    struct Counts {
        std::int64_t tokens = 0, thinking = 0, markers = 0, interventions = 0;
    };
    struct RunContext {
        std::int64_t tokenizer = 0;  // row of the run's tokenizer; 0: the provenance of the run has not come yet
        ModelShape shape;            // of the run's model
        std::vector<TokenText> early_texts;  // came before the provenance and wait for the tokenizer's row
        Counts added;                        // in this transaction
    };

    void apply(RunId run, const RunProvenance& value);
    void apply(RunId run, const TokenText& value);
    void apply(RunId run, const TokenRecord& value);
    void apply(RunId run, const ReferenceRecord& value);
    void apply(RunId run, const ControlChange& value);
    void apply(RunId run, const RuleAct& value);
    void apply(RunId run, const TakenBack& value);
    void apply(RunId, const TokenStages&) {}  // for those who look on
    void apply(RunId run, const DraftRound& value);
    void apply(RunId run, const TokenExperts& value);
    void apply(RunId run, const ExpertPass& value);
    void apply(RunId run, const RunFinished& value);
    void apply(RunId, const StateChanged&) {}  // what the store keeps of the state follows from the other events
    void apply(RunId, const Progress&) {}
    void writeCounts();
    void grade(RunId run);
    void storeGrade(RunId run, const RunTrace& trace);

    SQLite::Database& db_;
    SQLite::Statement insert_token_, insert_reference_, insert_text_, insert_control_, insert_act_, insert_round_,
        insert_experts_, insert_pass_, add_counts_;
    std::map<RunId, RunContext> runs_;
};

}  // namespace quibble
