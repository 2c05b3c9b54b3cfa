// A conversation to the text a model was trained on, with the Jinja template from its file. The template is untrusted:
// it runs in an interpreter of our own (jinja/), which has no access to anything but the variables named here and stops
// at limits of steps, depth, output and memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"

namespace quibble {

struct ChatMessage {
    std::string role;  // "system", "user", "assistant"
    std::string content;
    bool operator==(const ChatMessage&) const = default;
};

struct ChatTemplateContext {
    std::string bos_token;  // text; empty when the vocabulary has none
    std::string eos_token;
    bool add_generation_prompt = true;  // end with the opening of the assistant's turn
    /// More variables by name (enable_thinking, reasoning_effort, tools ...); must be an object or null. Keys keep
    /// their order. Without them tools and documents are none, as in the library that templates are published for.
    nlohmann::ordered_json extra = nlohmann::ordered_json::object();
    /// What strftime_now shows; a template that asks for the time is refused without it.
    std::optional<PromptClock> clock;
};

struct ChatPrompt {
    std::string text;
    std::vector<std::size_t>
        literal;  // places where the content of a message, not the template, wrote what looks like a control token
    bool thinking_open =
        false;  // the text ends inside a thought that the model continues; marks in what the user wrote do not count
    bool operator==(const ChatPrompt&) const = default;
};

/// Renders with trim_blocks and lstrip_blocks, one trailing newline of the template removed, as the Python reference
/// does for chat templates. Errors: InvalidArgument (syntax or evaluation error with line and column, the template's
/// own raise_exception, a limit reached). `control_places`: where control tokens could begin in a text
/// (Tokenizer::controlPlaces). Such places in what others than the assistant wrote are followed through the template by
/// a mark in front of each, and come out as ChatPrompt::literal.
[[nodiscard]] Result<ChatPrompt> renderChat(
    std::string_view jinja_template, std::span<const ChatMessage> messages, const ChatTemplateContext& context,
    const std::function<std::vector<std::size_t>(std::string_view)>& control_places = {});

}  // namespace quibble
