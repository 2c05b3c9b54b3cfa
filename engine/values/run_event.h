// What the engine tells while it runs. Events are values; batches of them are shared, immutable, and go one way:
// engine thread -> {store writer thread, UI timer}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/values/draft_round.h"
#include "engine/values/expert_record.h"
#include "engine/values/ids.h"
#include "engine/values/param_spec.h"
#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"
#include "engine/values/token_record.h"

namespace quibble {

enum class RunState { Idle, Loading, Prefilling, Running, Paused, Finished };
enum class FinishReason { EndOfText, TokenLimit, ContextFull, Stopped, Failed, Rule };

[[nodiscard]] inline const char* finishReasonText(FinishReason reason) {
    switch (reason) {
        case FinishReason::EndOfText: return "end_of_text";
        case FinishReason::TokenLimit: return "token_limit";
        case FinishReason::ContextFull: return "context_full";
        case FinishReason::Stopped: return "stopped";
        case FinishReason::Failed: return "failed";
        case FinishReason::Rule: return "rule";
    }
    return "failed";
}

/// A marker entry that is one token of this vocabulary.
struct ResolvedMarker {
    std::string word;  // as written in the list
    TokenId id = kNoToken;
    bool operator==(const ResolvedMarker&) const = default;
};

/// Everything that made the numbers, fixed when the run starts.
struct RunProvenance {
    std::string engine_version;
    std::string model_name;
    std::string model_hash;
    std::string tokenizer_hash;
    std::string architecture;
    std::string weight_format;  // "F16", "Q4_K_M", "RTN 3 bit g64 of Q4_K_M"
    double bits_per_weight = 0;
    std::int64_t parameters = 0;
    std::string reference_name;  // empty: no reference
    std::string reference_hash;
    std::string reference_format;
    std::string draft_name;  // empty: no draft model
    std::string draft_hash;
    std::string draft_format;
    int expert_layers = 0;   // layers with experts; 0: a dense model
    int experts = 0;         // a layer
    int experts_used = 0;    // a token
    std::string arithmetic;  // "native (8-bit activation blocks)", "f32"
    int throughput_positions =
        0;  // of the prompt, from its beginning, that were computed with rounded inputs (PrefillMode::Throughput)
    std::string kv_cache = "f32";   // type of its rows; the reference always keeps f32
    std::int64_t kv_bytes = 0;      // of all caches of the run, when every position is written
    int reused_positions = 0;       // of the model's cache that an earlier run had computed ...
    std::int64_t reused_bytes = 0;  // ... and that the caches of model and reference share with it
    std::string isa;                // "avx512"
    int threads = 0;
    int vocab_size = 0;
    int context = 0;             // positions in the KV cache
    bool thinking_open = false;  // the prompt ends inside the reasoning span
    std::vector<TokenId> prompt_tokens;
    std::vector<TokenId> second_prompt_tokens;  // of a rule that reads the reply behind another prompt too
    std::optional<PromptClock> clock;           // the time that the chat template was given; nothing: it asks for none
    std::vector<ResolvedMarker> markers;
    std::vector<std::string> dropped_markers;  // with the reason
    std::vector<std::string> rules;  // methods of the slots logits and control with their parameters, in the order in
                                     // which they act: "marker_penalty:strength=2"; a run without any has none
    std::vector<std::string> notes;  // what the user should know of the model file or the settings, a sentence each
    bool operator==(const RunProvenance&) const = default;
};

struct StateChanged {
    RunState state = RunState::Idle;
    bool operator==(const StateChanged&) const = default;
};

struct Progress {  // of loading or prefill
    std::int64_t done = 0, total = 0;
    bool operator==(const Progress&) const = default;
};

struct TokenText {  // sent once a run for each id that an event names
    TokenId id = kNoToken;
    std::string bytes;  // raw bytes, not necessarily UTF-8
    bool operator==(const TokenText&) const = default;
};

/// A live control took effect. Replaying these at their positions repeats the run.
struct ControlChange {
    Position pos = 0;  // first position sampled under the new value
    std::string key;   // "penalty", "penalty.only_thinking", "word:<entry>", "temperature", "top_k", "top_p", "min_p",
                       // "max_tokens", "draft:<parameter>", "experts:<parameter>", "rule:<index>:<parameter>"
    ParamValue value;  // switches: 0 or 1
    /// How often the text had been taken back before (TakenBack): a position may be reached more than once.
    int rewrites = 0;

    /// 0 for a text.
    [[nodiscard]] double number() const {
        const auto* held = std::get_if<double>(&value);
        return held == nullptr ? 0 : *held;
    }
    bool operator==(const ControlChange&) const = default;
};

/// What a rule of the slots logits or control did to the text at one position.
struct RuleAct {
    enum class Kind : std::uint8_t {
        Turned,    // another token stands here than without this rule, with the same noise
        Injected,  // the rule put tokens into the text, from here on
        Ended,     // the rule ended the run behind this token
        Looked,    // the rule looked at the text before this token, on trial, and found `why`
    };
    Position pos = 0;
    std::int32_t rule = 0;  // index into RunProvenance::rules
    Kind kind = Kind::Turned;
    std::int32_t tokens = 0;  // that were injected; of Looked: that were read and generated on trial
    std::string why;          // for people; may be empty. Of Looked also for the rule of a branch
    bool operator==(const RuleAct&) const = default;
};

[[nodiscard]] inline const char* ruleActText(RuleAct::Kind kind) {
    switch (kind) {
        case RuleAct::Kind::Turned: return "turned";
        case RuleAct::Kind::Injected: return "injected";
        case RuleAct::Kind::Ended: return "ended";
        case RuleAct::Kind::Looked: return "looked";
    }
    return "turned";
}

/// A rule took the text back: the tokens from position `size` on are no more, and others are appended there.
struct TakenBack {
    Position size = 0;
    bool operator==(const TakenBack&) const = default;
};

struct RunFinished {
    FinishReason reason = FinishReason::EndOfText;
    std::string message;  // for Failed: what and what to do
    std::int64_t prefill_ns = 0, decode_ns = 0, reference_ns = 0, wall_ns = 0;
    std::int64_t peak_memory_bytes = 0;
    std::optional<ErrorCode> code = std::nullopt;  // for Failed; a stored run has none
    bool operator==(const RunFinished&) const = default;
};

using RunEvent =
    std::variant<RunProvenance, StateChanged, Progress, TokenText, TokenRecord, ReferenceRecord, ControlChange,
                 DraftRound, TokenExperts, ExpertPass, RuleAct, TokenStages, TakenBack, RunFinished>;

struct EventBatch {
    RunId run = kNoRun;
    std::vector<RunEvent> events;
};
using EventBatchPtr = std::shared_ptr<const EventBatch>;

}  // namespace quibble
