// All fields of a RunRequest, said once. Its JSON (run_json.h), the comparison of two requests and the axes of an
// experiment (run_settings.h) are made from this list. Whoever adds a field to the struct adds it here as well;
// tst_run_fields does not compile before it knows of the field, and fails while the list does not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/values/run_request.h"

namespace quibble {

/// What a field is about.
enum class FieldAbout : std::uint8_t {
    State,    // changes the numbers that are computed for given tokens: what is kept of one run serves another only
              // where all of these agree
    Choice,   // may change which tokens come
    View,     // changes how a run is measured, shown or how fast it is, and never its tokens
    Problem,  // says which problem it is
};

/// When a field stands in stored JSON.
enum class FieldStored : std::uint8_t {
    Always,
    Later,     // always, since a version that is not the first: without it the field is as it is made
    WhenSaid,  // only where it is not as it is made
};

enum class FieldKind : std::uint8_t {
    Text,
    Number,
    Whole,
    Switch,
    Choice,  // one of RequestField::options
    Method,  // id:key=value,key=value
    Rules,   // several methods, in order
    Texts,
    Wholes,
    Clock,
};

struct RequestField {
    std::string_view key;    // of stored JSON, the keys of nested objects with a point between them
    std::string_view label;  // as the window calls it
    std::string_view brief;  // in front of the value in the title of a run
    FieldAbout about = FieldAbout::Choice;
    FieldStored stored = FieldStored::Always;
    std::string_view zero{};  // what a value of 0 is called; empty: 0
    // Filled in by visitFields.
    FieldKind kind = FieldKind::Text;
    std::span<const ParamOption> options{};  // of a choice; the index is that of the enumerator

    /// "sampler" of "sampler.top_k"; empty: the field stands in the request itself.
    [[nodiscard]] constexpr std::string_view group() const {
        const std::size_t point = key.find('.');
        return point == std::string_view::npos ? std::string_view{} : key.substr(0, point);
    }
    /// "top_k"
    [[nodiscard]] constexpr std::string_view name() const { return key.substr(key.find('.') + 1); }
};

/// The words of an enumeration, in the order of its enumerators.
template <typename Enum>
[[nodiscard]] std::span<const ParamOption> enumOptions();

template <>
[[nodiscard]] inline std::span<const ParamOption> enumOptions<Arithmetic>() {
    static constexpr ParamOption kOptions[] = {{"native", "native"}, {"f32", "f32"}};
    return kOptions;
}
template <>
[[nodiscard]] inline std::span<const ParamOption> enumOptions<PrefillMode>() {
    static constexpr ParamOption kOptions[] = {{"exact", "exact"}, {"throughput", "throughput"}};
    return kOptions;
}
template <>
[[nodiscard]] inline std::span<const ParamOption> enumOptions<KvType>() {
    static constexpr ParamOption kOptions[] = {{"f32", "f32"}, {"f16", "f16"}, {"bf16", "bf16"}, {"q8_0", "q8_0"}};
    return kOptions;
}
template <>
[[nodiscard]] inline std::span<const ParamOption> enumOptions<ReferenceKind>() {
    static constexpr ParamOption kOptions[] = {
        {"none", "none"}, {"unquantized", "stored weights"}, {"file", "another file"}};
    return kOptions;
}

namespace field_detail {

template <typename T>
[[nodiscard]] constexpr FieldKind kindOf() {
    if constexpr (std::is_same_v<T, bool>)
        return FieldKind::Switch;
    else if constexpr (std::is_same_v<T, RunId> || std::is_integral_v<T>)
        return FieldKind::Whole;
    else if constexpr (std::is_floating_point_v<T>)
        return FieldKind::Number;
    else if constexpr (std::is_enum_v<T>)
        return FieldKind::Choice;
    else if constexpr (std::is_same_v<T, MethodChoice>)
        return FieldKind::Method;
    else if constexpr (std::is_same_v<T, std::vector<MethodChoice>>)
        return FieldKind::Rules;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>)
        return FieldKind::Texts;
    else if constexpr (std::is_same_v<T, std::vector<TokenId>>)
        return FieldKind::Wholes;
    else if constexpr (std::is_same_v<T, std::optional<PromptClock>>)
        return FieldKind::Clock;
    else {
        static_assert(std::is_same_v<T, std::string>);
        return FieldKind::Text;
    }
}

template <typename T>
[[nodiscard]] RequestField filledIn(RequestField field) {
    field.kind = kindOf<T>();
    if constexpr (std::is_enum_v<T> && !std::is_same_v<T, RunId>) field.options = enumOptions<T>();
    return field;
}

// The list. `list` is called with a field and with what gives its member of a request.
template <typename List>
void listModelFields(List&& list) {
    using enum FieldAbout;
    using enum FieldStored;
    list(
        RequestField{"model_path", "Model", "", State}, [](auto& r) -> auto& { return r.model_path; });
    list(
        RequestField{"weight_quant", "Weight format", "", State}, [](auto& r) -> auto& { return r.weight_quant; });
    list(
        RequestField{"arithmetic", "Arithmetic", "", State}, [](auto& r) -> auto& { return r.arithmetic; });
    list(
        RequestField{"prefill", "Prefill", "prefill ", State, Later}, [](auto& r) -> auto& { return r.prefill; });
    list(
        RequestField{"kv_type", "KV cache", "cache ", State, Later}, [](auto& r) -> auto& { return r.kv_type; });
    list(
        RequestField{"experts", "Experts", "", State, Later}, [](auto& r) -> auto& { return r.experts; });
    // A reference measures, but a method that drafts for it takes its tokens from it.
    list(
        RequestField{"reference.kind", "Reference", "reference ", Choice},
        [](auto& r) -> auto& { return r.reference.kind; });
    list(
        RequestField{"reference.path", "Reference file", "reference ", Choice},
        [](auto& r) -> auto& { return r.reference.path; });
    list(
        RequestField{"reference.block", "Reference block", "block ", View},
        [](auto& r) -> auto& { return r.reference.block; });
}

template <typename List>
void listPromptFields(List&& list) {
    using enum FieldAbout;
    using enum FieldStored;
    list(
        RequestField{"prompt", "Prompt", "", Problem}, [](auto& r) -> auto& { return r.prompt; });
    list(
        RequestField{"raw", "Raw completion", "raw ", Choice}, [](auto& r) -> auto& { return r.raw; });
    list(
        RequestField{"problem_id", "Problem", "", Problem}, [](auto& r) -> auto& { return r.problem_id; });
    list(
        RequestField{"known_answer", "Known answer", "answer ", Problem},
        [](auto& r) -> auto& { return r.known_answer; });
    list(
        RequestField{"clock", "Clock", "clock ", Choice, WhenSaid}, [](auto& r) -> auto& { return r.clock; });
    list(
        RequestField{"recorded_prompt.tokens", "Recorded prompt", "recorded prompt ", Choice},
        [](auto& r) -> auto& { return r.recorded_prompt.tokens; });
    list(
        RequestField{"recorded_prompt.thinking_open", "Recorded prompt opens a thought", "thinking open ", Choice},
        [](auto& r) -> auto& { return r.recorded_prompt.thinking_open; });
    list(
        RequestField{"recorded_prompt.clock", "Clock of the recorded prompt", "recorded clock ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.recorded_prompt.clock; });
    list(
        RequestField{"recorded_prompt.second", "Recorded second prompt", "second prompt ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.recorded_prompt.second; });
}

template <typename List>
void listTextFields(List&& list) {
    using enum FieldAbout;
    using enum FieldStored;
    list(
        RequestField{"sampler.temperature", "Temperature", "T ", Choice, Always, "0 (greedy)"},
        [](auto& r) -> auto& { return r.sampler.temperature; });
    list(
        RequestField{"sampler.top_k", "Top-k", "top-k ", Choice, Always, "off"},
        [](auto& r) -> auto& { return r.sampler.top_k; });
    list(
        RequestField{"sampler.top_p", "Top-p", "top-p ", Choice}, [](auto& r) -> auto& { return r.sampler.top_p; });
    list(
        RequestField{"sampler.min_p", "Min-p", "min-p ", Choice, Always, "off"},
        [](auto& r) -> auto& { return r.sampler.min_p; });
    list(
        RequestField{"penalty.strength", "Penalty λ", "λ ", Choice},
        [](auto& r) -> auto& { return r.penalty.strength; });
    list(
        RequestField{"penalty.set_name", "Marker list", "list ", Choice},
        [](auto& r) -> auto& { return r.penalty.set_name; });
    list(
        RequestField{"penalty.words", "Marker words", "words ", Choice},
        [](auto& r) -> auto& { return r.penalty.words; });
    list(
        RequestField{"penalty.disabled_words", "Marker words that are off", "disabled words ", Choice},
        [](auto& r) -> auto& { return r.penalty.disabled_words; });
    list(
        RequestField{"penalty.only_thinking", "Penalty only in thinking", "only thinking ", Choice},
        [](auto& r) -> auto& { return r.penalty.only_thinking; });
    list(
        RequestField{"logits", "Rules on the logits", "logits ", Choice, Later},
        [](auto& r) -> auto& { return r.logits; });
    list(
        RequestField{"control", "Rules on the text", "control ", Choice, Later},
        [](auto& r) -> auto& { return r.control; });
    list(
        RequestField{"seed", "Seed", "seed ", Choice}, [](auto& r) -> auto& { return r.seed; });
    list(
        RequestField{"max_tokens", "Limit", "limit ", Choice}, [](auto& r) -> auto& { return r.max_tokens; });
    list(
        RequestField{"context", "Context", "context ", Choice, Always, "as needed"},
        [](auto& r) -> auto& { return r.context; });
}

template <typename List>
void listRunFields(List&& list) {
    using enum FieldAbout;
    using enum FieldStored;
    list(
        RequestField{"draft.method", "Who drafts", "draft ", Choice}, [](auto& r) -> auto& { return r.draft.method; });
    list(
        RequestField{"draft.path", "Draft model", "draft ", Choice}, [](auto& r) -> auto& { return r.draft.path; });
    list(
        RequestField{"draft.second_path", "Smallest draft model", "second draft ", Choice},
        [](auto& r) -> auto& { return r.draft.second_path; });
    list(
        RequestField{"draft.verify", "Rule of acceptance", "verify ", Choice},
        [](auto& r) -> auto& { return r.draft.verify; });
    list(
        RequestField{"threads", "Threads", "threads ", View, Always, "all cores"},
        [](auto& r) -> auto& { return r.threads; });
    list(
        RequestField{"top_alternatives", "Recorded alternatives", "top alternatives ", View},
        [](auto& r) -> auto& { return r.top_alternatives; });
    list(
        RequestField{"branch.parent", "Parent run", "of run ", View, Always, "none"},
        [](auto& r) -> auto& { return r.branch.parent; });
    list(
        RequestField{"branch.pos", "Branch position", "at ", Choice}, [](auto& r) -> auto& { return r.branch.pos; });
    list(
        RequestField{"branch.prefix", "Tokens that the branch keeps", "prefix ", Choice},
        [](auto& r) -> auto& { return r.branch.prefix; });
    list(
        RequestField{"branch.acted", "Rules that acted before the branch", "acted ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.branch.acted; });
    list(
        RequestField{"branch.acted_at", "Where rules acted before the branch", "acted at ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.branch.acted_at; });
    list(
        RequestField{"branch.injected", "Injected tokens before the branch", "injected ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.branch.injected; });
    list(
        RequestField{"branch.looks", "What rules found before the branch", "found ", Choice, WhenSaid},
        [](auto& r) -> auto& { return r.branch.looks; });
}

template <typename List>
void listFields(List&& list) {
    listModelFields(list);
    listPromptFields(list);
    listTextFields(list);
    listRunFields(list);
}

}  // namespace field_detail

/// Calls visit(field, member) for every field of the request and its parts, in a fixed order. `request` may be const.
template <typename Request, typename Visit>
requires std::is_same_v<std::remove_const_t<Request>, RunRequest>
void visitFields(Request& request, Visit&& visit) {
    field_detail::listFields([&](const RequestField& field, const auto& of) {
        auto& member = of(request);
        visit(field_detail::filledIn<std::remove_cvref_t<decltype(member)>>(field), member);
    });
}

/// The fields without a request.
[[nodiscard]] inline const std::vector<RequestField>& requestFields() {
    static const std::vector<RequestField> kFields = [] {
        std::vector<RequestField> fields;
        const RunRequest request;
        visitFields(request, [&](const RequestField& field, const auto&) { fields.push_back(field); });
        return fields;
    }();
    return kFields;
}

/// Likewise visit(field, member of a, member of b); `a` may be const.
template <typename Request, typename Visit>
requires std::is_same_v<std::remove_const_t<Request>, RunRequest>
void visitFields(Request& a, const RunRequest& b, Visit&& visit) {
    field_detail::listFields([&](const RequestField& field, const auto& of) {
        auto& member = of(a);
        visit(field_detail::filledIn<std::remove_cvref_t<decltype(member)>>(field), member, of(b));
    });
}

}  // namespace quibble
