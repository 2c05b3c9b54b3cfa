#include "engine/run/prompt.h"

#include "engine/text/chat_template.h"
#include "engine/text/thinking.h"

namespace quibble {

namespace {

Result<PromptTokens> recordedPrompt(const RunRequest& request, const Tokenizer& tokenizer) {
    PromptTokens prompt;
    prompt.ids = request.recorded_prompt.tokens;
    prompt.thinking_open = request.recorded_prompt.thinking_open;
    prompt.clock = request.recorded_prompt.clock;
    for (const TokenId id : prompt.ids) {
        if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocabSize()) {
            return fail(
                ErrorCode::InvalidArgument,
                "the recorded prompt holds the token " + std::to_string(id) + ", which this model does not have",
                "Name the model that made the run");
        }
        prompt.text += tokenizer.tokenBytes(id);
    }
    return prompt;
}

}  // namespace

Result<PromptTokens> buildPrompt(const RunRequest& request, const Tokenizer& tokenizer, const PromptClock& clock) {
    if (!request.recorded_prompt.tokens.empty()) return recordedPrompt(request, tokenizer);
    if (request.prompt.empty())
        return fail(ErrorCode::InvalidArgument, "the prompt is empty", "Write a prompt or choose a problem");
    PromptTokens prompt;
    std::vector<std::size_t> literal;  // stretches that the user wrote: they are text, whatever they look like
    ChatTemplateContext context;
    context.clock = request.clock.value_or(clock);
    if (const auto bos = tokenizer.bos()) context.bos_token = tokenizer.tokenBytes(*bos);
    if (const auto eos = tokenizer.eos()) context.eos_token = tokenizer.tokenBytes(*eos);
    EncodeOptions options{.parse_special = true, .add_bos = false, .vocabulary_bos_eos = false};
    if (request.raw) {
        prompt.text = request.prompt;
        prompt.thinking_open = endsInsideThinking(prompt.text);
    } else {
        if (tokenizer.chatTemplate().empty()) {
            return fail(ErrorCode::InvalidArgument, "this model has no chat template",
                        "Switch on raw completion (--raw) and write the whole prompt");
        }
        const ChatMessage message{"user", request.prompt};
        auto rendered = renderChat(tokenizer.chatTemplate(), {&message, 1}, context,
                                   [&](std::string_view text) { return tokenizer.controlPlaces(text); });
        if (!rendered) return tl::unexpected(rendered.error());
        prompt.text = std::move(rendered->text);
        literal = std::move(rendered->literal);
        prompt.thinking_open = rendered->thinking_open;
        if (tokenizer.chatTemplate().find("strftime_now") != std::string_view::npos) prompt.clock = context.clock;
    }
    // Where the template or the raw prompt begins with the token itself, no second one is added.
    const bool begins = !context.bos_token.empty() && prompt.text.starts_with(context.bos_token) &&
                        (literal.empty() || literal.front() > 0);
    options.add_bos = tokenizer.addsBos() && !begins;
    options.literal = literal;
    prompt.ids = tokenizer.encode(prompt.text, options);
    if (prompt.ids.empty()) return fail(ErrorCode::InvalidArgument, "the prompt has no tokens", "Write a prompt");
    return prompt;
}

}  // namespace quibble
