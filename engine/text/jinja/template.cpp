#include "engine/text/jinja/template.h"

#include "engine/text/jinja/interpreter.h"
#include "engine/text/jinja/lexer.h"
#include "engine/text/jinja/parser.h"

namespace quibble::jinja {
namespace {

constexpr std::size_t kMaxSource = 1u << 20;

}  // namespace

struct Template::Parsed {
    std::string source;
    Body body;
};

Template::Template(std::unique_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view source) {
    if (source.size() > kMaxSource) {
        return fail(ErrorCode::InvalidArgument,
                    "the chat template has " + std::to_string(source.size()) + " bytes; the limit is " +
                        std::to_string(kMaxSource),
                    "Use raw completion");
    }
    auto parsed = std::make_unique<Parsed>();
    parsed->source = normalizeSource(source);
    auto tokens = tokenize(parsed->source);
    if (!tokens) return tl::unexpected<Error>(tokens.error());
    auto body = Parser(parsed->source, std::move(*tokens)).parse();
    if (!body) return tl::unexpected<Error>(body.error());
    parsed->body = std::move(*body);
    return Template(std::move(parsed));
}

Result<std::string> Template::render(std::vector<std::pair<std::string, Value>> variables,
                                     std::optional<PromptClock> clock, Limits limits) const {
    return Interpreter(parsed_->source, std::move(variables), clock, limits).run(parsed_->body);
}

}  // namespace quibble::jinja
