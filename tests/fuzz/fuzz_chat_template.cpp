// libFuzzer target: any bytes as a chat template, rendered for a short conversation under small limits.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/jinja/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using quibble::jinja::Value;
    const auto parsed = quibble::jinja::Template::parse({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    const auto turn = [](const char* role, const char* content) {
        return Value::dict(
            {{"role", Value::string(role)}, {"content", Value::string(content)}, {"calls", Value::none()}});
    };
    std::vector<std::pair<std::string, Value>> variables;
    variables.emplace_back("messages", Value::list({turn("system", "Be brief."), turn("user", "2+2? \xff"),
                                                    turn("assistant", "<think>hm</think>\n4")}));
    variables.emplace_back("bos_token", Value::string("<s>"));
    variables.emplace_back("eos_token", Value::string("</s>"));
    variables.emplace_back("add_generation_prompt", Value::boolean(true));
    variables.emplace_back("x", Value::integer(-7));
    variables.emplace_back("f", Value::real(2.5));
    // Small limits keep a single input fast; the limits themselves are what is tested.
    const quibble::jinja::Limits limits{
        .steps = 100'000, .output_bytes = 1 << 20, .memory_bytes = 8 << 20, .depth = 200};
    const auto text = parsed->render(std::move(variables), quibble::PromptClock{1790000000, 3600}, limits);
    if (!text && text.error().what.empty()) __builtin_trap();
    if (text && text->size() > limits.output_bytes) __builtin_trap();
    return 0;
}
