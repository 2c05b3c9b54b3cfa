// The step loop of one run: draft -> forward pass over the drafted tree -> penalty -> verify or sample -> measurements,
// with the reference scored in blocks behind it. One step appends the accepted tokens and one of the model's own
// (without a draft: that one) and returns the events of that step. Lives on the engine thread; knows no threads, no
// store and no window.
//
// What a run needs computed it names as rows (PassRows). Alone it passes them through its models itself:
// prefillChunk(), step(), flushReference(). A Scheduler gathers the rows of many runs into common passes instead and
// calls the phases around them.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "engine/base/memory_use.h"
#include "engine/control/control_method.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/experts/expert_recorder.h"
#include "engine/forward/sequence.h"
#include "engine/logits/marker_penalty.h"
#include "engine/run/cache_cost.h"
#include "engine/run/prompt.h"
#include "engine/run/reference_scorer.h"
#include "engine/run/run_models.h"
#include "engine/sampler/stage_table.h"
#include "engine/text/thinking.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "engine/verify/verify_method.h"

namespace quibble {

class RunLoop {
public:
    /// Checks the request against the models and reserves all memory. device and prefixes must outlive the loop.
    /// `replayed` are control changes that take effect at their positions, as recorded in a stored run. `prefixes`:
    /// what earlier runs have computed of the same text is taken from there and not computed again, which changes no
    /// bit; nullptr: all is computed. free_memory: what the caches must fit in. passes: of the device, for a run that
    /// shares passes with others. Errors say which setting and what to do.
    [[nodiscard]] static Result<std::unique_ptr<RunLoop>> create(
        const RunRequest& request, RunModels models, CpuDevice& device, std::vector<ControlChange> replayed = {},
        PrefixCache* prefixes = nullptr, const FreeMemory& free_memory = memoryLimit, ForwardPasses* passes = nullptr);

    ~RunLoop();
    RunLoop(const RunLoop&) = delete;
    RunLoop& operator=(const RunLoop&) = delete;

    [[nodiscard]] const RunProvenance& provenance() const { return provenance_; }
    [[nodiscard]] bool finished() const { return finish_reason_.has_value(); }
    /// Position of the token that the next step() appends.
    [[nodiscard]] Position position() const { return static_cast<Position>(tokens_.size()); }

    // A run by itself.
    /// One chunk of the prompt. Returns whether the prefill is complete. Errors: Cancelled (call again to go on).
    [[nodiscard]] Result<bool> prefillChunk(std::vector<RunEvent>& events, const std::stop_token& stop);
    /// Appends one token, or with a draft one and all that were accepted. Scores a reference block when one is full.
    /// Nothing happens once finished(). Errors: Cancelled (nothing was appended, call again to go on), or the reason
    /// why the run cannot go on.
    [[nodiscard]] Result<void> step(std::vector<RunEvent>& events, const std::stop_token& stop);
    /// Scores the tokens that wait for the reference, so that the KL curve reaches the end of the text. Called on pause
    /// and at the end.
    [[nodiscard]] Result<void> flushReference(std::vector<RunEvent>& events, const std::stop_token& stop);

    /// Prefill, steps until finished() or `limit` tokens were appended, and the rest of the reference: for callers that
    /// never pause. Errors: Cancelled, and what step() says.
    [[nodiscard]] Result<void> runToEnd(std::vector<RunEvent>& events,
                                        std::int64_t limit = std::numeric_limits<std::int64_t>::max(),
                                        const std::stop_token& stop = {});

    // The phases of a run whose rows share passes with those of other runs. Between the call that names rows and the
    // one that says that they are computed nothing else happens to the run.
    /// Tokens of the text that must be read before the first step.
    [[nodiscard]] std::int64_t prefillRowsLeft() const;
    /// The next of them, `most` at most; a model with experts takes as many as it would alone.
    [[nodiscard]] PassRows prefillRows(std::int64_t most = Sequence::kMaxPassRows);
    void prefillDone(const PassRows& rows, std::int64_t pass_ns, std::vector<RunEvent>& events);
    /// Begins a step: recorded controls take effect, and the draft is made. Errors: Cancelled (no step was begun), and
    /// what the drafter says.
    [[nodiscard]] Result<void> beginStep(std::vector<RunEvent>& events, const std::stop_token& stop);
    /// The rows of the step, which may share a pass; none where the prefill has left the logits that it needs. Valid
    /// until the step ends.
    [[nodiscard]] std::span<const PassRows> stepRows();
    /// The step is as if it had not begun.
    void abandonStep();
    /// Appends the tokens of the step. Steps of different runs may end on different threads at once, but for those that
    /// pass rows of their own meanwhile (probes()). Errors: Cancelled (while such rows were passed; nothing was
    /// appended, and the next step goes on from there), or the reason why the run cannot go on.
    [[nodiscard]] Result<void> endStep(std::int64_t pass_ns, std::vector<RunEvent>& events,
                                       const std::stop_token& stop);
    /// A rule reads on from the text on trial while a step ends: the step must end on the thread of the device.
    [[nodiscard]] bool probes() const { return probes_; }
    /// Tokens wait for the reference; a full block of them.
    [[nodiscard]] bool referenceWaiting() const { return scorer_ && scorer_->pending() > 0; }
    [[nodiscard]] bool referenceDue() const { return scorer_ && scorer_->blockReady(); }
    [[nodiscard]] PassRows referenceRows(std::int64_t most) { return scorer_->nextRows(most); }
    /// device: measures on its threads; nullptr: on this one.
    void referenceDone(std::int64_t pass_ns, std::vector<RunEvent>& events, CpuDevice* device);

    /// From now on each token comes with the stages of its choice (TokenStages). `table` is shown those of the last
    /// token too, and outlives the loop. Changes no number of the run.
    void showStages(StageTableMaker* table = nullptr) {
        shows_stages_ = true;
        table_ = table;
    }

    /// For the repetition of a stored run, whose length says where it ended: tokens that end a turn do not end it.
    /// Versions differ in what they take for such a token.
    void passEnds() { passes_ends_ = true; }

    /// Takes effect at the next token and is recorded as an event of that step. Errors: InvalidArgument (unknown key,
    /// range).
    [[nodiscard]] Result<void> setControl(std::string_view key, const ParamValue& value, std::vector<RunEvent>& events);

    /// The closing event of a run that ends here, for the reason finishReason().
    [[nodiscard]] RunFinished closing() const;
    /// Why the run ended; Stopped where nothing else has ended it.
    [[nodiscard]] FinishReason finishReason() const { return finish_reason_.value_or(FinishReason::Stopped); }

private:
    RunLoop(RunRequest request, RunModels models, CpuDevice& device, PrefixCache* prefixes);
    [[nodiscard]] Result<void> prepare(std::vector<ControlChange> replayed, const FreeMemory& free_memory,
                                       ForwardPasses* passes);
    [[nodiscard]] Result<void> prepareSequences(const FreeMemory& free_memory, ForwardPasses* passes);
    /// The settings of the model that is measured and of its drafts. The reference is computed exactly, and with F32
    /// rows.
    [[nodiscard]] SequenceSettings ownSettings() const {
        return {request_.arithmetic, request_.kv_type, throughput_end_};
    }
    [[nodiscard]] Result<void> checkMemory(const CacheCost& cost, const FreeMemory& free_memory);
    void fillProvenance();
    [[nodiscard]] Result<void> prepareSecond(ForwardPasses& passes, Position context);
    void announcePrompt(std::vector<RunEvent>& events);
    [[nodiscard]] Result<void> applyControl(const ControlChange& change);
    [[nodiscard]] Result<void> changeRule(std::string_view key, const ParamValue& value);
    /// Those of the recorded controls that hold for the token at `pos`.
    [[nodiscard]] Result<void> applyReplayed(Position pos, std::vector<RunEvent>& events);
    [[nodiscard]] Result<void> prepareDraft();
    [[nodiscard]] Result<void> prepareDrafter();
    [[nodiscard]] Result<void> prepareExperts();
    [[nodiscard]] Result<void> prepareRules();
    [[nodiscard]] Result<void> addLogitsRule(const MethodChoice& choice);
    [[nodiscard]] Result<void> addControlRule(const MethodChoice& choice);
    [[nodiscard]] Result<void> readSecondPrompt(const std::string& text);
    [[nodiscard]] Result<void> checkBranch() const;
    void takeOverBranch();
    [[nodiscard]] Result<void> followPrefix();
    /// Tells the rules that put tokens into the text from `pos` on that they did; first: the text of a branch begins.
    void resumeRules(Position pos, bool first);
    struct Round;
    /// Position of the next token behind the second prompt.
    [[nodiscard]] Position secondPosition() const {
        return static_cast<Position>(second_prompt_size_ + tokens_.size() - prompt_size_);
    }
    [[nodiscard]] PassRows secondPrefillRows(std::int64_t most);
    /// Tokens that the context still takes.
    [[nodiscard]] Position roomLeft() const;
    /// Where the text stands now.
    [[nodiscard]] LogitsStep logitsStep() const;
    /// Tells the rules of a token that has been appended.
    void pushRules(TokenId id);
    [[nodiscard]] ControlStep controlStep(TokenId candidate) const;
    /// Index of the first rule of slot control in the chain.
    [[nodiscard]] std::size_t firstControl() const { return chain_.size() - controls_.size(); }
    /// Asks the control rules about the token that was chosen, and carries out what they say. Errors: Cancelled (no
    /// rule was asked; the token is not to be appended), and what a probe ran into.
    [[nodiscard]] Result<void> control(Round& round, TokenRecord& record, std::span<const float> raw,
                                       std::vector<RunEvent>& events, const std::stop_token& stop);
    /// Carries out what the control rule `index` says. Returns whether it decides: no further rule is asked.
    [[nodiscard]] bool carryOut(std::size_t index, ControlAction action, std::int32_t read, Round& round,
                                TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events);
    /// Takes the text back and lets the tokens of the action follow.
    void takeBack(const Round& round, std::vector<RunEvent>& events);
    void force(const ControlAction& action);
    /// Forced tokens that a round takes at once: in a chain, whose rows share a pass.
    void chainForced(Round& round, std::int64_t room) const;
    /// What the run knows of the reply beside its tokens: where it thinks, and how much.
    void followReply(TokenId id, bool sampled);
    /// The first of the forced tokens stands where the chosen one would have stood.
    void putInPlace(Round& round, TokenRecord& record, std::span<const float> raw);
    /// What a Prober is asked.
    struct Trial {
        std::span<const TokenId> appended;
        int max_new;
        const std::function<bool(TokenId)>& enough;
    };
    /// Reads on behind the text as it stands in the round, whose logits are `raw`, on rows of the open tree that are
    /// dropped again (Prober). Adds the rows that it read to `read`. Errors: those of a pass.
    [[nodiscard]] Result<std::optional<ProbeResult>> probe(const Round& round, std::span<const float> raw,
                                                           const Trial& trial, std::int32_t& read,
                                                           const std::stop_token& stop);
    [[nodiscard]] Result<std::optional<ProbeResult>> answerOnTrial(const Round& round, std::span<const float> raw,
                                                                   const Trial& trial, std::int32_t& read,
                                                                   const std::stop_token& stop);
    /// Appends rows to the open tree, one behind the other, behind the row `parent`, which is then the last of them.
    /// logits: [vocab], of the last one.
    [[nodiscard]] Result<void> readOnTrial(std::span<const TokenId> tokens, std::int32_t& parent,
                                           std::span<float> logits, const std::stop_token& stop);
    /// Shows every stage of a choice but the last, "chosen", which is returned.
    [[nodiscard]] TokenStage seeStages(std::span<const float> raw, TokenId chosen, const SeeStage& see);
    /// Tells the table which token is next, and which rules change nothing there.
    void beginTable(const TokenRecord& record);
    void announceStages(const TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events);
    /// Which rules turned the choice away from what it was without them.
    void announceTurns(const TokenRecord& record, std::span<const float> raw, std::vector<RunEvent>& events);
    void beginPass(bool verify);
    /// Adds events for the pass that began at `pos`: the pass itself, and the experts of those of its rows that stay in
    /// the text.
    void announceExperts(Position pos, std::span<const std::int32_t> rows, bool verify, std::int64_t pass_ns,
                         std::vector<RunEvent>& events);

    // One round (run_loop_step.cpp).
    [[nodiscard]] Result<void> draft(Round& round, std::vector<RunEvent>& events, const std::stop_token& stop);
    void layOut(Round& round);
    [[nodiscard]] Result<void> walk(Round& round, std::vector<RunEvent>& events, const std::stop_token& stop);
    void choose(Round& round, std::span<const float> raw, TokenRecord& record);
    [[nodiscard]] Result<kernels::LogitStats> statsOf(std::span<const float> raw) const;
    [[nodiscard]] TokenRecord measure(std::span<const float> raw, const kernels::LogitStats& stats);
    void append(TokenRecord record, std::vector<RunEvent>& events);
    void closeRound(Round& round, std::vector<RunEvent>& events);

    void announce(const TokenRecord& record, std::vector<RunEvent>& events);
    void announce(const std::vector<Alternative>& alternatives, std::vector<RunEvent>& events);
    void announceText(TokenId id, std::vector<RunEvent>& events);
    /// Passes rows of this run alone; gives the nanoseconds.
    [[nodiscard]] static Result<std::int64_t> passAlone(std::span<const PassRows> rows, const std::stop_token& stop);
    [[nodiscard]] Result<void> scoreAlone(std::vector<RunEvent>& events, const std::stop_token& stop);
    [[nodiscard]] Result<void> scoreFullBlocks(std::vector<RunEvent>& events, const std::stop_token& stop);
    void decideEnd(const TokenRecord& record);
    [[nodiscard]] std::int64_t elapsedNs() const;

    RunRequest request_;
    RunModels models_;
    CpuDevice& device_;
    PrefixCache* prefixes_;
    RunProvenance provenance_;
    std::unique_ptr<Sequence> sequence_;  // of the model that decides: the quantized model, or the reference where the
                                          // quantized model drafts for it
    std::unique_ptr<Sequence> second_;    // the same reply behind a rule's second prompt; nullptr: no rule has one
    std::vector<TokenId> second_text_;    // that it begins with: the prompt, and what a branch took over
    std::size_t second_prompt_size_ = 0;
    std::unique_ptr<Drafter> drafter_;       // nullptr: plain decoding
    std::unique_ptr<ExpertPolicy> experts_;  // nullptr: a dense model
    std::optional<ExpertRecorder> recorder_;
    std::int64_t measured_from_ = 1;  // generated tokens from which on the next step measures plain decoding
    std::int64_t dense_bytes_ = 0;    // weights that every pass reads
    const DraftMethod* draft_method_ = nullptr;
    const VerifyMethod* verify_method_ = nullptr;
    std::optional<ReferenceScorer> scorer_;
    std::optional<MarkerPenalty> penalty_;
    std::vector<std::string> rule_ids_;   // of the rules of the chain
    LogitsChain chain_;                   // the penalty, the rules of slot logits and those of slot control
    std::vector<ControlRule*> controls_;  // those of them that are of slot control
    bool probes_ = false;                 // one of these reads on on trial
    bool rewrites_text_ = false;          // one of these takes text back
    bool ended_by_rule_ = false;
    std::vector<float> turned_;        // logits behind the first rules of the chain
    std::int64_t thought_tokens_ = 0;  // sampled, inside reasoning spans, the opening mark not counted
    std::optional<ThinkingTracker> thinking_;
    Sampler sampler_;
    std::vector<ControlChange> replayed_;  // not yet in force, by position
    std::vector<TokenId> tokens_;          // prompt and everything appended
    std::size_t prompt_size_ = 0;
    Position throughput_end_ = 0;  // positions of the prompt before this one have rounded inputs; generated tokens,
                                   // those of a parent included, never have
    bool prompt_announced_ = false;
    bool prefilled_ = false;
    std::unique_ptr<Round> round_;     // the step that was begun
    std::vector<PassRows> step_rows_;  // its rows: of the text, and of the reply behind the second prompt
    bool passes_ends_ = false;
    bool shows_stages_ = false;
    StageTableMaker* table_ = nullptr;
    struct Forced {
        TokenId id = kNoToken;
        bool injected = true;  // false: it was sampled, and stands again behind what a rule put before it
    };
    std::deque<Forced> forced_;  // tokens that are not sampled and wait to be appended: of a branch, of a rule
    std::vector<bool> sampled_;  // of the tokens behind the prompt
    int rewrites_ = 0;           // times that the text was taken back
    std::vector<float>
        logits_;  // raw logits of the next position; within a round those of all rows of its tree, [rows, vocab]
    std::vector<float> second_logits_;     // likewise behind the second prompt
    std::span<const float> second_here_;   // those of them that belong to the token that is chosen
    std::vector<float> penalized_;         // logits behind the rules: of the model that is measured ...
    std::vector<float> target_penalized_;  // ... and of the one that decides
    std::unordered_set<TokenId> announced_;
    std::vector<ReferenceRecord> scored_;
    std::optional<FinishReason> finish_reason_;
    std::int64_t started_ns_ = 0, prefill_ns_ = 0, decode_ns_ = 0;
};

}  // namespace quibble
