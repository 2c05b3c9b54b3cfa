// What every method of every slot says of itself, and how one is found by what the user chose.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "engine/values/param_spec.h"
#include "engine/values/result.h"

namespace quibble {

/// What a method asks of the run that it is chosen for.
enum class Need : std::uint8_t {
    DraftModel,
    SecondDraftModel,  // a smaller one, beside the first
    Reference,
    Experts,       // a mixture of experts
    ThoughtMarks,  // a mark in the vocabulary that closes a thought
};
inline constexpr Need kNeeds[] = {Need::DraftModel, Need::SecondDraftModel, Need::Reference, Need::Experts,
                                  Need::ThoughtMarks};

class Needs {
public:
    constexpr Needs() = default;
    constexpr Needs(std::initializer_list<Need> needs) {
        for (const Need need : needs) bits_ |= bit(need);
    }
    [[nodiscard]] constexpr bool has(Need need) const { return (bits_ & bit(need)) != 0; }

private:
    [[nodiscard]] static constexpr unsigned bit(Need need) { return 1U << static_cast<unsigned>(need); }
    unsigned bits_ = 0;
};

struct MethodHead {
    std::string_view id;      // the stem of its file
    std::string_view label;   // as it is shown
    std::string_view source;  // paper or common practice
    std::string_view help;    // one sentence
    std::span<const ParamSpec> params;
    /// The text is that of a run without the method, or distributed as that.
    bool lossless = false;
    Needs needs{};

    /// Draft models that the user names: 0, 1, 2.
    [[nodiscard]] constexpr int draftModels() const {
        return (needs.has(Need::DraftModel) ? 1 : 0) + (needs.has(Need::SecondDraftModel) ? 1 : 0);
    }
};

/// What a run has of what methods need.
struct RunTraits {
    std::string_view model{};  // what it is called, for messages
    int draft_models = 0;
    bool reference = false;
    bool experts = false;
    bool thought_marks = false;

    [[nodiscard]] bool meets(Need need) const {
        switch (need) {
            case Need::DraftModel: return draft_models > 0;
            case Need::SecondDraftModel: return draft_models > 1;
            case Need::Reference: return reference;
            case Need::Experts: return experts;
            case Need::ThoughtMarks: return thought_marks;
        }
        return false;
    }
};

/// What is said where a need is not met, and what to do. `method`: "draft method chain".
[[nodiscard]] inline Error unmetNeed(Need need, const std::string& method, std::string_view model) {
    switch (need) {
        case Need::DraftModel:
        case Need::SecondDraftModel:
            return {
                ErrorCode::InvalidArgument,
                "the " + method + " needs " + (need == Need::DraftModel ? "a" : "a second, smaller") + " draft model",
                "Name a model file of the same tokenizer"};
        case Need::Reference:
            return {ErrorCode::InvalidArgument, "the " + method + " drafts for the reference, and there is none",
                    "Choose a reference"};
        case Need::Experts:
            return {ErrorCode::InvalidArgument,
                    std::string(model) + " has no experts, so they cannot be given a budget",
                    "Open a mixture-of-experts model, or choose to observe only"};
        case Need::ThoughtMarks: break;
    }
    return {ErrorCode::Unsupported, "the vocabulary of this model has no mark that closes a thought",
            "Choose a model that thinks between marks, such as <think> and </think>"};
}

/// Whether a run of these traits can have the method. `what`: "draft method", for messages. Errors: InvalidArgument,
/// Unsupported, each with what to do.
[[nodiscard]] inline Result<void> checkNeeds(const MethodHead& head, std::string_view what, const RunTraits& traits) {
    for (const Need need : kNeeds) {
        if (!head.needs.has(need) || traits.meets(need)) continue;
        return tl::unexpected(unmetNeed(need, std::string(what) + " " + std::string(head.id), traits.model));
    }
    return {};
}

/// The same as a text for people; empty: it can.
[[nodiscard]] inline std::string whyNot(const MethodHead& head, std::string_view what, const RunTraits& traits) {
    const auto checked = checkNeeds(head, what, traits);
    return checked ? std::string() : checked.error().line();
}

/// The method of a slot's table that `choice` names, its parameters checked. `what`: "draft method", for messages.
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
template <typename Method>
[[nodiscard]] Result<const Method*> findMethod(std::span<const Method* const> table, const MethodChoice& choice,
                                               std::string_view what) {
    std::string known;
    for (const Method* method : table) {
        if (method->id == choice.id) {
            if (auto checked = checkParams(choice, method->params); !checked) return tl::unexpected(checked.error());
            return method;
        }
        known += (known.empty() ? "" : ", ") + std::string(method->id);
    }
    return fail(ErrorCode::InvalidArgument, "no " + std::string(what) + " is called \"" + choice.id + "\"",
                "Known are: " + known);
}

/// Likewise of a slot that may be left empty: "none" gives nullptr.
template <typename Method>
[[nodiscard]] Result<const Method*> findMethodOrNone(std::span<const Method* const> table, const MethodChoice& choice,
                                                     std::string_view what) {
    if (choice.id == MethodChoice{}.id) {
        if (auto checked = checkParams(choice, {}); !checked) return tl::unexpected(checked.error());
        return nullptr;
    }
    auto found = findMethod(table, choice, what);
    if (!found && found.error().hint.starts_with("Known are: "))
        found.error().hint.insert(std::string_view("Known are: ").size(), "none, ");
    return found;
}

/// `choice` as it is stored: a switch that was written on or off is 1 or 0. `find`: findDraftMethod or that of another
/// slot. Errors: those of `find`.
template <typename Find>
[[nodiscard]] Result<MethodChoice> checkedMethod(MethodChoice choice, const Find& find) {
    // Of an unknown method find() says what is known, and of a known one normalized() reads the words of switches.
    if (auto known = find({choice.id, {}}); known && *known != nullptr)
        choice = normalized(std::move(choice), (*known)->params);
    if (auto method = find(choice); !method) return tl::unexpected(method.error());
    return choice;
}

/// Reads "rtn:bits=3,symmetric=on" as a method of the slot that `find` looks in. Errors: InvalidArgument.
template <typename Find>
[[nodiscard]] Result<MethodChoice> readMethod(std::string_view text, const Find& find) {
    auto choice = parseMethodChoice(text);
    return choice ? checkedMethod(std::move(*choice), find) : choice;
}

}  // namespace quibble
