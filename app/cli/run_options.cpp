#include "app/cli/run_options.h"

#include <utility>

#include "app/cli/cli.h"
#include "app/cli/numbers.h"
#include "engine/control/control_method.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/logits/marker_penalty.h"
#include "engine/run/method_slots.h"
#include "engine/text/marker_set.h"
#include "engine/values/prompt_clock_text.h"
#include "engine/verify/verify_method.h"

namespace quibble::cli {

namespace {

template <typename Methods>
std::string idsOf(const Methods& methods) {
    std::string ids;
    for (const auto* method : methods) ids += (ids.empty() ? "" : ", ") + std::string(method->id);
    return ids;
}

// The penalty as a rule: its strength is that of the request, and the entry says where it acts.
Result<void> takePenalty(MethodChoice& choice, PenaltySettings& penalty) {
    static constexpr ParamSpec kPenaltyParams[] = {
        {"strength", "Strength", "logits", -100, 100, 0, 0, "What is subtracted from the logits of the markers"},
        switchParam("only_thinking", "Only in the thought", false, "Outside of the reasoning span nothing is changed"),
    };
    choice = normalized(std::move(choice), kPenaltyParams);
    if (auto checked = checkParams(choice, kPenaltyParams); !checked) return checked;
    if (choice.find("strength") != nullptr) penalty.strength = choice.value(kPenaltyParams[0]);
    if (choice.find("only_thinking") != nullptr) penalty.only_thinking = choice.flag(kPenaltyParams[1]);
    choice.params.clear();
    return {};
}

Result<void> takeRules(const RunOptions& options, RunRequest& r) {
    for (const std::string& text : options.logits) {
        if (text.substr(0, text.find(':')) == kMarkerPenaltyId) {
            auto choice = parseMethodChoice(text);
            if (!choice) return tl::unexpected(choice.error());
            if (auto taken = takePenalty(*choice, r.penalty); !taken) return taken;
            if (!r.logits.empty()) r.logits.push_back(std::move(*choice));  // in front it acts anyway
            continue;
        }
        auto choice = parseMethodChoice(text);
        if (!choice) return tl::unexpected(choice.error());
        r.logits.push_back(std::move(*choice));
    }
    for (const std::string& text : options.control) {
        auto choice = parseMethodChoice(text);
        if (!choice) return tl::unexpected(choice.error());
        r.control.push_back(std::move(*choice));
    }
    return {};
}

}  // namespace

void RunOptions::addTo(CLI::App& command) {
    command.add_option("model", model, kModelHelp)->required();
    command
        .add_option(
            "--quant", quant,
            "Quantize in memory, also what is stored quantized: rtn:bits=3,group=64,symmetric=1; none: as stored")
        ->capture_default_str();
    command.add_option("--reference", reference,
                       "What KL is measured against: a model of the same tokenizer (file or folder, as the model), "
                       "self (the weights as stored in the file), none. Default: self with --quant, else none");
    command
        .add_option("--arithmetic", arithmetic,
                    "native: 8-bit activation blocks where the format has such a kernel; f32")
        ->check(CLI::IsMember({"native", "f32"}))
        ->capture_default_str();
    command
        .add_option("--prefill", prefill,
                    "exact: the prompt is computed as everything else; throughput: BF16 weights take it with BF16 "
                    "activations, which is faster and rounds")
        ->check(CLI::IsMember({"exact", "throughput"}))
        ->capture_default_str();
    command.add_option("--kv", kv_type, "Type of the KV cache; the reference keeps f32")
        ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))
        ->capture_default_str();
    command
        .add_option("--draft", draft, "Speculative decoding, method:key=value,...: " + idsOf(draftMethods()) + ", none")
        ->capture_default_str();
    command
        .add_option("--draft-model", draft_models,
                    "Model that drafts (file or folder); for cascade twice, the smaller one second")
        ->expected(1, 2);
    command.add_option("--verify", verify, "Rule by which drafted tokens are accepted: " + idsOf(verifyMethods()))
        ->capture_default_str();
    command.add_option("--experts", experts, "What mixtures of experts may use: " + idsOf(expertMethods()))
        ->capture_default_str();
    addNumber(command, "--penalty", penalty, "Subtracted from the logits of the marker words");
    command.add_option("--markers", markers, "published-50, expanded, or a file with one entry a line")
        ->capture_default_str();
    command.add_option("--without-word", without_words,
                       "Switch an entry of the marker set off, as \" wait\" or _wait (repeatable)");
    command.add_flag("--only-thinking", only_thinking, "Penalize inside the reasoning span only");
    addNumber(command, "--temperature", temperature, "0 is greedy");
    addNumber(command, "--top-k", top_k, "0: off", 0);
    addNumber(command, "--top-p", top_p, "1: off");
    addNumber(command, "--min-p", min_p, "0: off");
    addNumber(command, "--seed", seed, "Of the noise");
    addNumber(command, "--max-tokens", max_tokens, "Limit of generated tokens", 1);
    command
        .add_option("--logits", logits,
                    "A rule on the logits, id:key=value,key=value; repeatable, they act in order. Known: "
                    "marker_penalty, " +
                        idsOf(logitsMethods()))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        .add_option("--control", control,
                    "A rule on the text, asked about each token; repeatable, the first that acts decides. Known: " +
                        idsOf(controlMethods()))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    addNumber(command, "--context", context,
              "Positions of the KV cache, at most those that the model was made for; 0: as needed", 0);
    addNumber(command, "--threads", threads, "0: all cores", 0, 256);
    addNumber(command, "--block", block, "Tokens the reference scores in one pass", 1, 64);
    addNumber(command, "--alternatives", alternatives, "Recorded alternatives a token", 1, 1000);
    command.add_option("--clock", clock,
                       "Date and time that a chat template may show, YYYY-MM-DDTHH:MM:SS; default: now, here");
    command.add_flag("--raw", raw,
                     "Complete the prompt as it is, without the chat template; control tokens written in it count");
}

Result<RunRequest> RunOptions::request() const {
    RunRequest r;
    r.model_path = model;
    for (const auto& [text, choice] : {std::pair{&quant, &r.weight_quant}, std::pair{&draft, &r.draft.method},
                                       std::pair{&verify, &r.draft.verify}, std::pair{&experts, &r.experts}}) {
        auto parsed = parseMethodChoice(*text);
        if (!parsed) return tl::unexpected(parsed.error());
        *choice = *parsed;
    }
    if (!draft_models.empty()) r.draft.path = draft_models[0];
    if (draft_models.size() > 1) r.draft.second_path = draft_models[1];
    r.arithmetic = arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native;
    r.prefill = prefill == "throughput" ? PrefillMode::Throughput : PrefillMode::Exact;
    r.kv_type = kvTypeOf(kv_type).value_or(KvType::F32);
    const std::string asked = reference.empty() ? (r.weight_quant.id == "none" ? "none" : "self") : reference;
    r.reference.kind = asked == "none"   ? ReferenceKind::None
                       : asked == "self" ? ReferenceKind::Unquantized
                                         : ReferenceKind::File;
    if (r.reference.kind == ReferenceKind::File) r.reference.path = asked;
    r.reference.block = block;
    r.penalty.strength = penalty;
    r.penalty.set_name = markers;
    r.penalty.only_thinking = only_thinking;
    bool builtin = false;
    for (const MarkerSet& set : builtinMarkerSets()) {
        if (set.name != markers) continue;
        r.penalty.words = set.words;
        builtin = true;
    }
    if (!builtin) {
        auto set = loadMarkerSet(markers);
        if (!set) return tl::unexpected(set.error());
        r.penalty.set_name = set->name;
        r.penalty.words = set->words;
    }
    for (const std::string& word : without_words) {
        auto entry = findMarkerEntry(r.penalty.words, word);
        if (!entry) return tl::unexpected(entry.error());
        r.penalty.disabled_words.push_back(std::move(*entry));
    }
    if (auto rules = takeRules(*this, r); !rules) return tl::unexpected(rules.error());
    if (auto methods = readMethods(r); !methods) return tl::unexpected(methods.error());
    r.sampler = {temperature, top_k, top_p, min_p};
    r.seed = seed;
    r.max_tokens = max_tokens;
    r.context = context;
    r.threads = threads;
    r.top_alternatives = alternatives;
    r.raw = raw;
    if (!clock.empty()) {
        auto parsed = parsePromptClock(clock);
        if (!parsed) return fail(parsed.error().code, "--clock: " + parsed.error().what, parsed.error().hint);
        r.clock = *parsed;
    }
    return r;
}

}  // namespace quibble::cli
