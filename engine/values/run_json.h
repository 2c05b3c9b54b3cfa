// RunRequest and RunProvenance as JSON, the shape in which they are stored and exported. Reading is strict: what is
// missing or of the wrong type is an error that names the key, since a stored request is input from a file.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/result.h"
#include "engine/values/run_event.h"
#include "engine/values/run_fields.h"

namespace quibble {

namespace json_detail {

template <typename T>
[[nodiscard]] bool holds(const nlohmann::json& value) {
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

inline std::string isMissing(std::string_view key) { return "\"" + std::string(key) + "\" is missing"; }
inline std::string hasWrongType(std::string_view key) { return "\"" + std::string(key) + "\" has the wrong type"; }

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
            fault_ = isMissing(key);
            return;
        }
        if (!holds<T>(*found)) {
            fault_ = hasWrongType(key);
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

inline nlohmann::json clockToJson(const PromptClock& clock) {
    return {{"unix_s", clock.unix_s}, {"utc_offset_s", clock.utc_offset_s}};
}

// Returns the fault; empty: none.
inline std::string clockFromJson(const nlohmann::json& value, std::optional<PromptClock>& clock) {
    PromptClock read;
    Reader reader(value);
    reader.get("unix_s", read.unix_s);
    reader.get("utc_offset_s", read.utc_offset_s);
    if (reader.fault().empty()) clock = read;
    return reader.fault().empty() ? std::string() : "clock: " + reader.fault();
}

// A field as it is stored.
template <typename T>
nlohmann::json fieldToJson(const RequestField& field, const T& value) {
    if constexpr (std::is_same_v<T, MethodChoice>) {
        return methodToJson(value);
    } else if constexpr (std::is_same_v<T, std::vector<MethodChoice>>) {
        nlohmann::json texts = nlohmann::json::array();
        for (const MethodChoice& method : value) texts.push_back(method.text());
        return texts;
    } else if constexpr (std::is_same_v<T, std::optional<PromptClock>>) {
        return value ? clockToJson(*value) : nlohmann::json();
    } else if constexpr (std::is_same_v<T, RunId>) {
        return raw(value);
    } else if constexpr (std::is_enum_v<T>) {
        return std::string(field.options[static_cast<std::size_t>(value)].id);
    } else {
        return value;
    }
}

// Reads stored values of all kinds; each returns the fault, empty: none. `where` stands in front of it.
inline std::string valueFromJson(const nlohmann::json& value, const RequestField& field, const std::string& where,
                                 MethodChoice& target) {
    if (!holds<nlohmann::json>(value)) return where + hasWrongType(field.name());
    const std::string fault = methodFromJson(value, target);
    const std::string_view slot = field.name() == "method" ? field.group() : field.name();
    return fault.empty() ? fault : std::string(slot) + ": " + fault;
}

inline std::string valueFromJson(const nlohmann::json& value, const RequestField& field, const std::string& where,
                                 std::vector<MethodChoice>& target) {
    if (!holds<std::vector<std::string>>(value)) return where + hasWrongType(field.name());
    for (const nlohmann::json& text : value) {
        auto method = parseMethodChoice(text.get_ref<const std::string&>());
        if (!method) return std::string(field.key) + ": " + method.error().what;
        target.push_back(std::move(*method));
    }
    return {};
}

inline std::string valueFromJson(const nlohmann::json& value, const RequestField& /*field*/, const std::string& where,
                                 std::optional<PromptClock>& target) {
    const std::string fault = clockFromJson(value, target);
    return fault.empty() ? fault : where + fault;
}

inline std::string valueFromJson(const nlohmann::json& value, const RequestField& field, const std::string& where,
                                 RunId& target) {
    if (!holds<std::int64_t>(value)) return where + hasWrongType(field.name());
    target = RunId{value.get<std::int64_t>()};
    return {};
}

template <typename T>
std::string valueFromJson(const nlohmann::json& value, const RequestField& field, const std::string& where, T& target) {
    if constexpr (std::is_enum_v<T>) {
        if (!value.is_string()) return where + hasWrongType(field.name());
        const auto& word = value.get_ref<const std::string&>();
        for (std::size_t i = 0; i < field.options.size(); ++i) {
            if (field.options[i].id != word) continue;
            target = static_cast<T>(i);
            return {};
        }
        return "\"" + std::string(field.key) + "\" is \"" + word + "\"";
    } else {
        if (!holds<T>(value)) return where + hasWrongType(field.name());
        value.get_to(target);
        return {};
    }
}

// Objects in a request that the first version did not write. Faults within them begin with their name.
inline bool isLaterGroup(std::string_view group) { return group == "draft" || group == "recorded_prompt"; }

// Returns the fault; empty: none, also where a field may be missing and is.
template <typename T>
std::string fieldFromJson(const nlohmann::json& request, const RequestField& field, T& target) {
    const std::string group(field.group()), name(field.name());
    const nlohmann::json* holder = &request;
    std::string where;
    if (!group.empty()) {
        const auto found = request.find(group);
        if (found == request.end()) return isLaterGroup(group) ? std::string() : isMissing(group);
        if (isLaterGroup(group)) where = group + ": ";
        if (!found->is_object()) {
            const bool known = found->is_array() || group == "recorded_prompt";
            return known ? where + "not an object" : hasWrongType(group);
        }
        holder = &*found;
    }
    const auto found = holder->find(name);
    if (found == holder->end()) return field.stored == FieldStored::Always ? where + isMissing(name) : std::string();
    return valueFromJson(*found, field, where, target);
}

}  // namespace json_detail

[[nodiscard]] inline nlohmann::json toJson(const RunRequest& r) {
    nlohmann::json out = nlohmann::json::object();
    static const RunRequest kMade;  // GCC 12 takes a temporary one for half made
    visitFields(r, kMade, [&](const RequestField& field, const auto& value, const auto& made) {
        if (field.stored == FieldStored::WhenSaid && value == made) return;
        if (field.group() == "recorded_prompt" && r.recorded_prompt.tokens.empty()) return;
        nlohmann::json& holder = field.group().empty() ? out : out[std::string(field.group())];
        holder[std::string(field.name())] = json_detail::fieldToJson(field, value);
    });
    return out;
}

[[nodiscard]] inline Result<RunRequest> runRequestFromJson(const nlohmann::json& value) {
    RunRequest r;
    std::string fault = value.is_object() ? "" : "not an object";
    visitFields(r, [&](const RequestField& field, auto& member) {
        if (fault.empty()) fault = json_detail::fieldFromJson(value, field, member);
    });
    if (!fault.empty()) {
        return fail(ErrorCode::FileCorrupt, "stored run request: " + fault,
                    "The session file was damaged or written by another program");
    }
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
    if (const auto clock = value.find("clock"); fault.empty() && clock != value.end())
        fault = json_detail::clockFromJson(*clock, p.clock);
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
