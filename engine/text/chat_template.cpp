#include "engine/text/chat_template.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/text/jinja/template.h"

namespace quibble {

namespace {

using jinja::Value;

constexpr std::string_view kChannel = "<|channel|>";

// The messages with the context's variables; `harmless`: a plain word in place of what the user wrote.
std::vector<std::pair<std::string, Value>> variablesFor(std::span<const ChatMessage> messages, const ChatTemplateContext& context, bool harmless) {
    std::vector<Value> turns;
    for (const ChatMessage& message : messages) {
        const bool replaced = harmless && message.role == "user";
        turns.push_back(Value::dict({{"role", Value::string(message.role)}, {"content", Value::string(replaced ? "text" : message.content)}}));
    }
    std::vector<std::pair<std::string, Value>> variables;
    // The extra variables come first: they may replace the others.
    if (context.extra.is_object()) {
        for (const auto& [name, value] : context.extra.items()) variables.emplace_back(name, Value::fromJson(value));
    }
    variables.emplace_back("messages", Value::list(std::move(turns)));
    variables.emplace_back("bos_token", Value::string(context.bos_token));
    variables.emplace_back("eos_token", Value::string(context.eos_token));
    variables.emplace_back("add_generation_prompt", Value::boolean(context.add_generation_prompt));
    return variables;
}

bool holdsMark(const ChatMessage& message) {
    return message.content.find("think>") != std::string::npos || message.content.find(kChannel) != std::string::npos || message.content.find("<|end|>") != std::string::npos;
}

}  // namespace

Result<ChatPrompt> renderChat(std::string_view jinja_template, std::span<const ChatMessage> messages, const ChatTemplateContext& context) {
    if (!context.extra.is_null() && !context.extra.is_object()) {
        return fail(ErrorCode::InvalidArgument, "the extra template variables are not a JSON object", "Write them as {\"name\": value}");
    }
    const auto parsed = jinja::Template::parse(jinja_template);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    auto text = parsed->render(variablesFor(messages, context, false), context.now);
    if (!text) return tl::unexpected<Error>(text.error());
    ChatPrompt prompt;
    prompt.text = std::move(*text);
    prompt.thinking_open = endsInsideThinking(prompt.text);
    // A mark that the user wrote is text: what the template itself opens shows in a conversation without it.
    if (std::any_of(messages.begin(), messages.end(), [](const ChatMessage& message) { return message.role == "user" && holdsMark(message); })) {
        if (const auto plain = parsed->render(variablesFor(messages, context, true), context.now)) prompt.thinking_open = endsInsideThinking(*plain);
    }
    return prompt;
}

bool endsInsideThinking(std::string_view text) {
    // Places behind the first character of the last such mark; 0 when there is none.
    const auto last = [&](std::string_view mark) { return text.rfind(mark) + 1; };
    const std::size_t channel = last(kChannel);
    const bool complete = channel > 0 && text.find("<|message|>", channel) != std::string_view::npos;
    const bool final_channel = complete && text.substr(channel - 1 + kChannel.size()).starts_with("final");
    const std::size_t opened = std::max(last("<think>"), complete && !final_channel ? channel : 0);
    const std::size_t closed = std::max({last("</think>"), last("<|end|>"), final_channel ? channel : 0});
    return opened > closed;
}

}  // namespace quibble
