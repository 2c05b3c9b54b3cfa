// What a run is asked to do: a value that goes from a front end to the engine, is stored with the run, and repeats it.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/kv_type.h"
#include "engine/values/param_spec.h"
#include "engine/values/prompt_clock.h"

namespace quibble {

/// temperature 0 is greedy. Order: penalty -> temperature -> top-k -> top-p -> min-p -> sample.
struct SamplerSettings {
    double temperature = 0.6;
    int top_k = 0;        // 0: off
    double top_p = 0.95;  // 1: off
    double min_p = 0;     // 0: off
    bool operator==(const SamplerSettings&) const = default;
};

/// Marker penalty (arXiv 2606.00206, Eq. 1): z'(v) = z(v) - strength for every v in the marker set.
struct PenaltySettings {
    double strength = 0;                        // lambda, logits; negative boosts
    std::string set_name = "published-50";      // label of the list below
    std::vector<std::string> words{};           // entries as written in the list; empty: the built-in list of that name
    std::vector<std::string> disabled_words{};  // entries of the list that are switched off
    bool only_thinking = false;                 // outside the reasoning span nothing is penalized
    bool operator==(const PenaltySettings&) const = default;
};

enum class ReferenceKind { None, Unquantized, File };  // Unquantized: the same file as it is stored

struct ReferenceSettings {
    ReferenceKind kind = ReferenceKind::Unquantized;
    std::string path;  // for File
    int block = 16;    // tokens scored in one pass; the KL curve trails the text by at most this many
    bool operator==(const ReferenceSettings&) const = default;
};

enum class Arithmetic { Native, F32 };  // Native: 8-bit activation blocks where the format has such a kernel

/// How the prompt is computed. Exact: as everything else, so that no bit depends on what was a prompt. Throughput: all
/// its positions but the last round the inputs of BF16 weights to BF16, which is faster. Which positions those are
/// depends on the prompt alone, so a run still repeats bit for bit.
enum class PrefillMode { Exact, Throughput };

[[nodiscard]] inline const char* prefillModeText(PrefillMode mode) {
    return mode == PrefillMode::Throughput ? "throughput" : "exact";
}

/// What a rule of slot control found when it looked at the text before `pos`.
struct RuleLook {
    int rule = 0;  // index into `control` of the request
    Position pos = 0;
    std::string found;

    /// "0@123 sure 0.83"
    [[nodiscard]] std::string text() const { return std::to_string(rule) + "@" + std::to_string(pos) + " " + found; }
    /// What text() gave; nothing: it is no such text.
    [[nodiscard]] static std::optional<RuleLook> parse(std::string_view text) {
        RuleLook look;
        const char* const end = text.data() + text.size();
        const auto rule = std::from_chars(text.data(), end, look.rule);
        if (rule.ec != std::errc{} || rule.ptr == end || *rule.ptr != '@') return std::nullopt;
        const auto at = std::from_chars(rule.ptr + 1, end, look.pos);
        if (at.ec != std::errc{} || at.ptr == end || *at.ptr != ' ') return std::nullopt;
        look.found.assign(at.ptr + 1, end);
        return look;
    }
};

/// Where a branch leaves its parent: `prefix` are the generated tokens that are kept, the last of them is the injected
/// one.
struct BranchPoint {
    RunId parent = kNoRun;
    Position pos = 0;             // position of the injected token
    std::vector<TokenId> prefix;  // all generated tokens up to and including the injected one
    /// Rules of slot control that put tokens into the prefix before the injected one, one entry an act: indices into
    /// `control` of the request. Such a rule goes on as one that has acted.
    std::vector<int> acted{};
    /// Where each of these acts began; empty in a branch that an earlier version stored.
    std::vector<Position> acted_at{};
    /// Positions of the prefix whose tokens such a rule put there, by rising position: they were not sampled.
    std::vector<Position> injected{};
    /// What the rules found in the prefix, in that order: texts of RuleLook.
    std::vector<std::string> looks{};
    bool operator==(const BranchPoint&) const = default;
};

/// The prompt as an earlier run recorded it. A run that repeats or continues that one begins with these tokens as they
/// are, whatever the chat template would make of the prompt today.
struct RecordedPrompt {
    std::vector<TokenId> tokens;       // empty: the prompt is made when the run starts
    bool thinking_open = false;        // it ends inside the reasoning span
    std::optional<PromptClock> clock;  // the time that its template was given
    std::vector<TokenId> second{};     // RunProvenance::second_prompt_tokens
    bool operator==(const RecordedPrompt&) const = default;
};

/// Speculative decoding: who drafts, and by which rule the target accepts. Methods and parameters: slots draft and
/// verify.
struct DraftSettings {
    MethodChoice method;      // "none": plain decoding
    std::string path;         // model file of methods that need one
    std::string second_path;  // the smallest model of a chain of three
    MethodChoice verify{"match", {}};
    bool operator==(const DraftSettings&) const = default;
};

struct RunRequest {
    std::string model_path;
    MethodChoice weight_quant;  // "none": as stored in the file
    Arithmetic arithmetic = Arithmetic::Native;
    PrefillMode prefill = PrefillMode::Exact;  // of the model and its drafts; the reference stays exact
    KvType kv_type = KvType::F32;              // of the model and its drafts; the reference keeps F32
    ReferenceSettings reference;

    std::string prompt;  // the user's text
    bool raw = false;    // complete the text as it is, without the chat template
    RecordedPrompt recorded_prompt;
    std::optional<PromptClock>
        clock;                 // that a chat template may show; nothing: the clock on the wall when the run starts
    std::string problem_id;    // of a shipped problem set; may be empty
    std::string known_answer;  // of that problem; may be empty

    SamplerSettings sampler;
    PenaltySettings penalty;
    /// Slots logits and control: rules in the order in which they act. The marker penalty acts first, or where an entry
    /// "marker_penalty" stands among the logits rules; what it does is in `penalty` alone.
    std::vector<MethodChoice> logits, control;
    DraftSettings draft;
    MethodChoice experts{"observe", {}};  // slot experts; nothing happens in a dense model
    std::uint64_t seed = 1;
    int max_tokens = 512;  // generated tokens
    int context = 0;       // positions in the KV cache; 0: prompt + max_tokens, at most what the model was made for
    int threads = 0;       // 0: all cores
    int top_alternatives = 10;

    BranchPoint branch;  // parent == kNoRun and prefix empty: not a branch

    bool operator==(const RunRequest&) const = default;
};

}  // namespace quibble
