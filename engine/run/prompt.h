// What is fed to the model before it generates: the user's text through the chat template, as tokens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/values/prompt_clock.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

struct PromptTokens {
    std::string text;  // after the template
    std::vector<TokenId> ids;
    bool thinking_open = false;        // the prompt ends inside the reasoning span
    std::optional<PromptClock> clock;  // the time that the template was given; nothing: the template asks for none
};

/// The recorded prompt of the request where it has one, else what the template makes of its text. `clock`: the time
/// that a template may print, unless the request says which; the same request and clock give the same prompt on any
/// machine. Errors: InvalidArgument for an empty prompt, a model without chat template (hint: raw), a template that
/// fails, or recorded tokens that the tokenizer does not have.
[[nodiscard]] Result<PromptTokens> buildPrompt(const RunRequest& request, const Tokenizer& tokenizer,
                                               const PromptClock& clock);

}  // namespace quibble
