#include "engine/text/chat_template.h"

#include <utility>
#include <vector>

#include "engine/text/jinja/template.h"

namespace quibble {

Result<ChatPrompt> renderChat(std::string_view jinja_template, std::span<const ChatMessage> messages, const ChatTemplateContext& context) {
    using jinja::Value;
    if (!context.extra.is_null() && !context.extra.is_object()) {
        return fail(ErrorCode::InvalidArgument, "the extra template variables are not a JSON object", "Write them as {\"name\": value}");
    }
    const auto parsed = jinja::Template::parse(jinja_template);
    if (!parsed) return tl::unexpected<Error>(parsed.error());

    std::vector<Value> turns;
    for (const ChatMessage& message : messages) {
        turns.push_back(Value::dict({{"role", Value::string(message.role)}, {"content", Value::string(message.content)}}));
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

    auto text = parsed->render(std::move(variables), context.now);
    if (!text) return tl::unexpected<Error>(text.error());
    ChatPrompt prompt;
    prompt.text = std::move(*text);
    prompt.thinking_open = endsInsideThinking(prompt.text);
    return prompt;
}

bool endsInsideThinking(std::string_view text) {
    const std::size_t open = text.rfind("<think>");
    return open != std::string_view::npos && text.find("</think>", open) == std::string_view::npos;
}

}  // namespace quibble
