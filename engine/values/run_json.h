// RunRequest and RunProvenance as JSON, the shape in which they are stored and exported. Reading is strict: what is
// missing or of the wrong type is an error that names the key, since a stored request is input from a file.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

namespace json_detail {

// Reads keys of one object; the first fault is kept and everything after it is a no-op.
class Reader {
public:
    explicit Reader(const nlohmann::json& object) : object_(object) {
        if (!object.is_object()) fault_ = "not an object";
    }
    template <typename T>
    void get(const char* key, T& target) {
        if (!fault_.empty()) return;
        const auto found = object_.find(key);
        if (found == object_.end()) {
            fault_ = std::string("\"") + key + "\" is missing";
            return;
        }
        if (!holds<T>(*found)) {
            fault_ = std::string("\"") + key + "\" has the wrong type";
            return;
        }
        found->get_to(target);
    }
    /// A key that earlier versions did not write: without it the target stays as it is.
    template <typename T>
    void getIfThere(const char* key, T& target) {
        if (fault_.empty() && object_.contains(key)) get(key, target);
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    template <typename T>
    static bool holds(const nlohmann::json& value) {
        if constexpr (std::is_same_v<T, bool>)
            return value.is_boolean();
        else if constexpr (std::is_same_v<T, std::string>)
            return value.is_string();
        else if constexpr (std::is_floating_point_v<T>)
            return value.is_number();
        else if constexpr (std::is_integral_v<T>)
            return value.is_number_integer();
        else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            return value.is_array() &&
                   std::all_of(value.begin(), value.end(), [](const auto& item) { return item.is_string(); });
        } else if constexpr (std::is_same_v<T, std::vector<TokenId>>) {
            return value.is_array() &&
                   std::all_of(value.begin(), value.end(), [](const auto& item) { return item.is_number_integer(); });
        } else {
            return value.is_array() || value.is_object();
        }
    }
    const nlohmann::json& object_;
    std::string fault_;
};

inline nlohmann::json methodToJson(const MethodChoice& method) {
    nlohmann::json params = nlohmann::json::object();
    for (const auto& [key, value] : method.params)
        std::visit([&params, &key = key](const auto& plain) { params[key] = plain; }, value);
    return {{"id", method.id}, {"params", params}};
}

inline std::string methodFromJson(const nlohmann::json& value, MethodChoice& method) {
    Reader reader(value);
    nlohmann::json params;
    reader.get("id", method.id);
    reader.get("params", params);
    if (!reader.fault().empty()) return reader.fault();
    if (!params.is_object()) return "\"params\" is not an object";
    method.params.clear();
    for (const auto& [key, given] : params.items()) {
        if (given.is_number())
            method.params.emplace_back(key, given.get<double>());
        else if (given.is_string())
            method.params.emplace_back(key, given.get<std::string>());
        else
            return "parameter \"" + key + "\" is neither a number nor a text";
    }
    return {};
}

inline std::vector<std::string> methodTexts(const std::vector<MethodChoice>& methods) {
    std::vector<std::string> texts;
    texts.reserve(methods.size());
    for (const MethodChoice& method : methods) texts.push_back(method.text());
    return texts;
}

// A request of a version without rules has none.
inline std::string methodsFromJson(const nlohmann::json& holder, const char* key, std::vector<MethodChoice>& methods) {
    const auto found = holder.find(key);
    if (found == holder.end()) return {};
    std::vector<std::string> texts;
    Reader reader(holder);
    reader.get(key, texts);
    if (!reader.fault().empty()) return reader.fault();
    for (const std::string& text : texts) {
        auto method = parseMethodChoice(text);
        if (!method) return std::string(key) + ": " + method.error().what;
        methods.push_back(std::move(*method));
    }
    return {};
}

inline nlohmann::json looksToJson(const std::vector<RuleLook>& looks) {
    nlohmann::json out = nlohmann::json::array();
    for (const RuleLook& look : looks) out.push_back({{"rule", look.rule}, {"pos", look.pos}, {"found", look.found}});
    return out;
}

// A branch of a version without looks has none.
inline std::string looksFromJson(const nlohmann::json& branch, std::vector<RuleLook>& looks) {
    const auto found = branch.find("looks");
    if (found == branch.end()) return {};
    if (!found->is_array()) return "\"looks\" has the wrong type";
    for (const nlohmann::json& item : *found) {
        Reader reader(item);
        RuleLook look;
        reader.get("rule", look.rule);
        reader.get("pos", look.pos);
        reader.get("found", look.found);
        if (!reader.fault().empty()) return "looks: " + reader.fault();
        looks.push_back(std::move(look));
    }
    return {};
}

inline const char* referenceKindText(ReferenceKind kind) {
    return kind == ReferenceKind::None ? "none" : kind == ReferenceKind::File ? "file" : "unquantized";
}

inline nlohmann::json clockToJson(const PromptClock& clock) {
    return {{"unix_s", clock.unix_s}, {"utc_offset_s", clock.utc_offset_s}};
}

// Returns the fault; empty: none, also where there is no clock.
inline std::string clockFromJson(const nlohmann::json& holder, std::optional<PromptClock>& clock) {
    const auto found = holder.find("clock");
    if (found == holder.end()) return {};
    PromptClock read;
    Reader reader(*found);
    reader.get("unix_s", read.unix_s);
    reader.get("utc_offset_s", read.utc_offset_s);
    if (reader.fault().empty()) clock = read;
    return reader.fault().empty() ? std::string() : "clock: " + reader.fault();
}

// Likewise; earlier versions did not write these.
inline std::string promptFromJson(const nlohmann::json& value, RunRequest& r) {
    if (const std::string fault = clockFromJson(value, r.clock); !fault.empty()) return fault;
    const auto found = value.find("recorded_prompt");
    if (found == value.end()) return {};
    Reader reader(*found);
    reader.get("tokens", r.recorded_prompt.tokens);
    reader.get("thinking_open", r.recorded_prompt.thinking_open);
    reader.getIfThere("second", r.recorded_prompt.second);
    const std::string fault = reader.fault().empty() ? clockFromJson(*found, r.recorded_prompt.clock) : reader.fault();
    return fault.empty() ? fault : "recorded_prompt: " + fault;
}

}  // namespace json_detail

[[nodiscard]] inline nlohmann::json toJson(const RunRequest& r) {
    nlohmann::json out = {
        {"model_path", r.model_path},
        {"weight_quant", json_detail::methodToJson(r.weight_quant)},
        {"arithmetic", r.arithmetic == Arithmetic::F32 ? "f32" : "native"},
        {"prefill", prefillModeText(r.prefill)},
        {"kv_type", kvTypeText(r.kv_type)},
        {"reference",
         {{"kind", json_detail::referenceKindText(r.reference.kind)},
          {"path", r.reference.path},
          {"block", r.reference.block}}},
        {"prompt", r.prompt},
        {"raw", r.raw},
        {"problem_id", r.problem_id},
        {"known_answer", r.known_answer},
        {"sampler",
         {{"temperature", r.sampler.temperature},
          {"top_k", r.sampler.top_k},
          {"top_p", r.sampler.top_p},
          {"min_p", r.sampler.min_p}}},
        {"penalty",
         {{"strength", r.penalty.strength},
          {"set_name", r.penalty.set_name},
          {"words", r.penalty.words},
          {"disabled_words", r.penalty.disabled_words},
          {"only_thinking", r.penalty.only_thinking}}},
        {"draft",
         {{"method", json_detail::methodToJson(r.draft.method)},
          {"path", r.draft.path},
          {"second_path", r.draft.second_path},
          {"verify", json_detail::methodToJson(r.draft.verify)}}},
        {"experts", json_detail::methodToJson(r.experts)},
        {"logits", json_detail::methodTexts(r.logits)},
        {"control", json_detail::methodTexts(r.control)},
        {"seed", r.seed},
        {"max_tokens", r.max_tokens},
        {"context", r.context},
        {"threads", r.threads},
        {"top_alternatives", r.top_alternatives},
        {"branch", {{"parent", raw(r.branch.parent)}, {"pos", r.branch.pos}, {"prefix", r.branch.prefix}}},
    };
    if (!r.branch.acted.empty()) out["branch"]["acted"] = r.branch.acted;
    if (!r.branch.injected.empty()) out["branch"]["injected"] = r.branch.injected;
    if (!r.branch.looks.empty()) out["branch"]["looks"] = json_detail::looksToJson(r.branch.looks);
    if (!r.recorded_prompt.tokens.empty()) {
        out["recorded_prompt"] = {{"tokens", r.recorded_prompt.tokens},
                                  {"thinking_open", r.recorded_prompt.thinking_open}};
        if (!r.recorded_prompt.second.empty()) out["recorded_prompt"]["second"] = r.recorded_prompt.second;
        if (r.recorded_prompt.clock)
            out["recorded_prompt"]["clock"] = json_detail::clockToJson(*r.recorded_prompt.clock);
    }
    if (r.clock) out["clock"] = json_detail::clockToJson(*r.clock);
    return out;
}

namespace json_detail {

// The draft and experts slots of a stored request; returns the fault, empty when there is none.
inline std::string slotsFromJson(const nlohmann::json& value, RunRequest& r) {
    Reader top(value);
    nlohmann::json draft, experts;
    top.getIfThere("draft", draft);
    top.getIfThere("experts", experts);
    if (!top.fault().empty()) return top.fault();
    if (!experts.is_null()) {
        if (const std::string fault = methodFromJson(experts, r.experts); !fault.empty()) return "experts: " + fault;
    }
    for (auto [key, methods] : {std::pair{"logits", &r.logits}, std::pair{"control", &r.control}}) {
        if (std::string fault = methodsFromJson(value, key, *methods); !fault.empty()) return fault;
    }
    if (draft.is_null()) return {};
    Reader reader(draft);
    nlohmann::json method, verify;
    reader.get("method", method);
    reader.get("path", r.draft.path);
    reader.get("second_path", r.draft.second_path);
    reader.get("verify", verify);
    if (!reader.fault().empty()) return "draft: " + reader.fault();
    if (const std::string fault = methodFromJson(method, r.draft.method); !fault.empty()) return "draft: " + fault;
    const std::string fault = methodFromJson(verify, r.draft.verify);
    return fault.empty() ? fault : "verify: " + fault;
}

}  // namespace json_detail

[[nodiscard]] inline Result<RunRequest> runRequestFromJson(const nlohmann::json& value) {
    RunRequest r;
    const auto bad = [](const std::string& where, const std::string& why) {
        return fail(ErrorCode::FileCorrupt, "stored run request: " + where + why,
                    "The session file was damaged or written by another program");
    };
    json_detail::Reader top(value);
    nlohmann::json quant, reference, sampler, penalty, branch;
    std::string arithmetic, prefill = prefillModeText(r.prefill), kv_type = kvTypeText(r.kv_type);
    top.get("model_path", r.model_path);
    top.get("weight_quant", quant);
    top.get("arithmetic", arithmetic);
    top.getIfThere("prefill", prefill);
    top.getIfThere("kv_type", kv_type);
    top.get("reference", reference);
    top.get("prompt", r.prompt);
    top.get("raw", r.raw);
    top.get("problem_id", r.problem_id);
    top.get("known_answer", r.known_answer);
    top.get("sampler", sampler);
    top.get("penalty", penalty);
    top.get("seed", r.seed);
    top.get("max_tokens", r.max_tokens);
    top.get("context", r.context);
    top.get("threads", r.threads);
    top.get("top_alternatives", r.top_alternatives);
    top.get("branch", branch);
    if (!top.fault().empty()) return bad("", top.fault());
    if (arithmetic != "native" && arithmetic != "f32") return bad("\"arithmetic\" is ", "\"" + arithmetic + "\"");
    r.arithmetic = arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native;
    if (prefill != "exact" && prefill != "throughput") return bad("\"prefill\" is ", "\"" + prefill + "\"");
    r.prefill = prefill == "throughput" ? PrefillMode::Throughput : PrefillMode::Exact;
    const auto stored_kv = kvTypeOf(kv_type);
    if (!stored_kv) return bad("\"kv_type\" is ", "\"" + kv_type + "\"");
    r.kv_type = *stored_kv;
    if (const std::string fault = json_detail::methodFromJson(quant, r.weight_quant); !fault.empty())
        return bad("weight_quant: ", fault);
    if (const std::string fault = json_detail::slotsFromJson(value, r); !fault.empty()) return bad("", fault);
    if (const std::string fault = json_detail::promptFromJson(value, r); !fault.empty()) return bad("", fault);

    json_detail::Reader reference_reader(reference), sampler_reader(sampler), penalty_reader(penalty),
        branch_reader(branch);
    std::string kind;
    std::int64_t parent = 0;
    reference_reader.get("kind", kind);
    reference_reader.get("path", r.reference.path);
    reference_reader.get("block", r.reference.block);
    sampler_reader.get("temperature", r.sampler.temperature);
    sampler_reader.get("top_k", r.sampler.top_k);
    sampler_reader.get("top_p", r.sampler.top_p);
    sampler_reader.get("min_p", r.sampler.min_p);
    penalty_reader.get("strength", r.penalty.strength);
    penalty_reader.get("set_name", r.penalty.set_name);
    penalty_reader.get("words", r.penalty.words);
    penalty_reader.get("disabled_words", r.penalty.disabled_words);
    penalty_reader.get("only_thinking", r.penalty.only_thinking);
    branch_reader.get("parent", parent);
    branch_reader.get("pos", r.branch.pos);
    branch_reader.get("prefix", r.branch.prefix);
    branch_reader.getIfThere("acted", r.branch.acted);
    branch_reader.getIfThere("injected", r.branch.injected);
    if (const std::string fault = json_detail::looksFromJson(branch, r.branch.looks); !fault.empty())
        return bad("branch: ", fault);
    for (const auto* reader : {&reference_reader, &sampler_reader, &penalty_reader, &branch_reader}) {
        if (!reader->fault().empty()) return bad("", reader->fault());
    }
    if (kind != "none" && kind != "file" && kind != "unquantized")
        return bad("\"reference.kind\" is ", "\"" + kind + "\"");
    r.reference.kind = kind == "none"   ? ReferenceKind::None
                       : kind == "file" ? ReferenceKind::File
                                        : ReferenceKind::Unquantized;
    r.branch.parent = RunId{parent};
    return r;
}

[[nodiscard]] inline nlohmann::json toJson(const RunProvenance& p) {
    nlohmann::json markers = nlohmann::json::array();
    for (const ResolvedMarker& marker : p.markers) markers.push_back({{"word", marker.word}, {"id", marker.id}});
    nlohmann::json out = {{"engine_version", p.engine_version},
                          {"model_name", p.model_name},
                          {"model_hash", p.model_hash},
                          {"tokenizer_hash", p.tokenizer_hash},
                          {"architecture", p.architecture},
                          {"weight_format", p.weight_format},
                          {"bits_per_weight", p.bits_per_weight},
                          {"parameters", p.parameters},
                          {"reference_name", p.reference_name},
                          {"reference_hash", p.reference_hash},
                          {"reference_format", p.reference_format},
                          {"draft_name", p.draft_name},
                          {"draft_hash", p.draft_hash},
                          {"draft_format", p.draft_format},
                          {"expert_layers", p.expert_layers},
                          {"experts", p.experts},
                          {"experts_used", p.experts_used},
                          {"arithmetic", p.arithmetic},
                          {"throughput_positions", p.throughput_positions},
                          {"kv_cache", p.kv_cache},
                          {"kv_bytes", p.kv_bytes},
                          {"reused_positions", p.reused_positions},
                          {"reused_bytes", p.reused_bytes},
                          {"isa", p.isa},
                          {"threads", p.threads},
                          {"vocab_size", p.vocab_size},
                          {"context", p.context},
                          {"thinking_open", p.thinking_open},
                          {"prompt_tokens", p.prompt_tokens},
                          {"markers", markers},
                          {"dropped_markers", p.dropped_markers}};
    if (!p.second_prompt_tokens.empty()) out["second_prompt_tokens"] = p.second_prompt_tokens;
    if (!p.rules.empty()) out["rules"] = p.rules;
    if (!p.notes.empty()) out["notes"] = p.notes;
    if (p.clock) out["clock"] = json_detail::clockToJson(*p.clock);
    return out;
}

[[nodiscard]] inline Result<RunProvenance> runProvenanceFromJson(const nlohmann::json& value) {
    RunProvenance p;
    json_detail::Reader reader(value);
    nlohmann::json markers;
    reader.get("engine_version", p.engine_version);
    reader.get("model_name", p.model_name);
    reader.get("model_hash", p.model_hash);
    reader.get("tokenizer_hash", p.tokenizer_hash);
    reader.get("architecture", p.architecture);
    reader.get("weight_format", p.weight_format);
    reader.get("bits_per_weight", p.bits_per_weight);
    reader.get("parameters", p.parameters);
    reader.get("reference_name", p.reference_name);
    reader.get("reference_hash", p.reference_hash);
    reader.get("reference_format", p.reference_format);
    reader.getIfThere("draft_name", p.draft_name);
    reader.getIfThere("draft_hash", p.draft_hash);
    reader.getIfThere("draft_format", p.draft_format);
    reader.getIfThere("expert_layers", p.expert_layers);
    reader.getIfThere("experts", p.experts);
    reader.getIfThere("experts_used", p.experts_used);
    reader.get("arithmetic", p.arithmetic);
    reader.getIfThere("throughput_positions", p.throughput_positions);
    reader.getIfThere("kv_cache", p.kv_cache);
    reader.getIfThere("kv_bytes", p.kv_bytes);
    reader.getIfThere("reused_positions", p.reused_positions);
    reader.getIfThere("reused_bytes", p.reused_bytes);
    reader.get("isa", p.isa);
    reader.get("threads", p.threads);
    reader.get("vocab_size", p.vocab_size);
    reader.get("context", p.context);
    reader.get("thinking_open", p.thinking_open);
    reader.get("prompt_tokens", p.prompt_tokens);
    reader.get("markers", markers);
    reader.get("dropped_markers", p.dropped_markers);
    reader.getIfThere("second_prompt_tokens", p.second_prompt_tokens);
    reader.getIfThere("rules", p.rules);
    reader.getIfThere("notes", p.notes);
    std::string fault = reader.fault();
    if (fault.empty()) fault = json_detail::clockFromJson(value, p.clock);
    for (const auto& item : fault.empty() ? markers : nlohmann::json::array()) {
        ResolvedMarker marker;
        json_detail::Reader one(item);
        one.get("word", marker.word);
        one.get("id", marker.id);
        if (!one.fault().empty()) fault = "markers: " + one.fault();
        p.markers.push_back(std::move(marker));
    }
    if (!fault.empty()) {
        return fail(ErrorCode::FileCorrupt, "stored run provenance: " + fault,
                    "The session file was damaged or written by another program");
    }
    return p;
}

}  // namespace quibble
