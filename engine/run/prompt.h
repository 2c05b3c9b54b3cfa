// What is fed to the model before it generates: the user's text through the chat template, as tokens.
#pragma once

#include <string>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

struct PromptTokens {
    std::string text;               // after the template
    std::vector<TokenId> ids;
    bool thinking_open = false;     // the prompt ends inside the reasoning span
};

/// `clock`: the time that a template may print; the same request and clock give the same prompt on any machine.
/// Errors: InvalidArgument for an empty prompt, a model without chat template (hint: raw), or a template that fails.
[[nodiscard]] Result<PromptTokens> buildPrompt(const RunRequest& request, const Tokenizer& tokenizer, const PromptClock& clock);

}  // namespace quibble
