#include "engine/text/chat_template.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/text/jinja/template.h"
#include "engine/text/thinking.h"
#include "engine/text/utf8.h"

namespace quibble {

namespace {

using jinja::Value;

// The messages with the context's variables; `harmless`: a plain word in place of what the user wrote.
std::vector<std::pair<std::string, Value>> variablesFor(std::span<const ChatMessage> messages,
                                                        const ChatTemplateContext& context, bool harmless) {
    std::vector<Value> turns;
    for (const ChatMessage& message : messages) {
        const bool replaced = harmless && message.role == "user";
        turns.push_back(Value::dict(
            {{"role", Value::string(message.role)}, {"content", Value::string(replaced ? "text" : message.content)}}));
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
    // Templates are published for a library that always passes these, as none when there are none.
    variables.emplace_back("tools", Value::none());
    variables.emplace_back("documents", Value::none());
    return variables;
}

// A character that is in no text: one of the noncharacters U+FDD0 to U+FDEF, which mean nothing by themselves. Empty
// when all are taken.
std::string unusedCharacter(std::string_view jinja_template, std::span<const ChatMessage> messages) {
    for (char32_t candidate = 0xFDD0; candidate <= 0xFDEF; ++candidate) {
        std::string mark;
        utf8Append(mark, candidate);
        const auto holds = [&](std::string_view text) { return text.find(mark) != std::string_view::npos; };
        if (!holds(jinja_template) && std::none_of(messages.begin(), messages.end(),
                                                   [&](const ChatMessage& message) { return holds(message.content); }))
            return mark;
    }
    return {};
}

// What others than the assistant wrote, with the mark in front of each place; false when there is none.
bool markPlaces(std::vector<ChatMessage>& messages, const std::string& mark,
                const std::function<std::vector<std::size_t>(std::string_view)>& control_places) {
    bool any = false;
    for (ChatMessage& message : messages) {
        if (message.role == "assistant") continue;
        const auto places = control_places(message.content);
        std::string marked;
        std::size_t done = 0;
        for (const std::size_t place : places) {
            marked.append(message.content, done, place - done).append(mark);
            done = place;
        }
        message.content = marked.append(message.content, done);
        any = any || !places.empty();
    }
    return any;
}

// Takes the marks out again.
void collectPlaces(ChatPrompt& prompt, const std::string& mark) {
    std::string text;
    std::size_t done = 0;
    for (std::size_t at = prompt.text.find(mark); at != std::string::npos; at = prompt.text.find(mark, done)) {
        text.append(prompt.text, done, at - done);
        prompt.literal.push_back(text.size());
        done = at + mark.size();
    }
    prompt.text = text.append(prompt.text, done);
}

}  // namespace

Result<ChatPrompt> renderChat(std::string_view jinja_template, std::span<const ChatMessage> messages,
                              const ChatTemplateContext& context,
                              const std::function<std::vector<std::size_t>(std::string_view)>& control_places) {
    if (!context.extra.is_null() && !context.extra.is_object()) {
        return fail(ErrorCode::InvalidArgument, "the extra template variables are not a JSON object",
                    "Write them as {\"name\": value}");
    }
    const auto parsed = jinja::Template::parse(jinja_template);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    std::vector<ChatMessage> marked(messages.begin(), messages.end());
    const std::string mark = unusedCharacter(jinja_template, messages);
    const bool has_places = control_places && markPlaces(marked, mark, control_places);
    if (has_places && mark.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    "the conversation holds control tokens and every character from U+FDD0 to U+FDEF",
                    "Leave one of these out: none of them means anything");
    }
    auto text = parsed->render(variablesFor(marked, context, false), context.clock);
    if (!text) return tl::unexpected<Error>(text.error());
    ChatPrompt prompt;
    prompt.text = std::move(*text);
    if (has_places) collectPlaces(prompt, mark);
    prompt.thinking_open = endsInsideThinking(prompt.text);
    // A mark that the user wrote is text: what the template itself opens shows in a conversation without it.
    if (std::any_of(messages.begin(), messages.end(), [](const ChatMessage& message) {
            return message.role == "user" && holdsThoughtMark(message.content);
        })) {
        if (const auto plain = parsed->render(variablesFor(messages, context, true), context.clock))
            prompt.thinking_open = endsInsideThinking(*plain);
    }
    return prompt;
}

}  // namespace quibble
