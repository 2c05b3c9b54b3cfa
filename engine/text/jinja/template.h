// A template, parsed once, rendered any number of times.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/jinja/machine.h"
#include "engine/values/result.h"

namespace quibble::jinja {

class Template {
public:
    /// Errors: InvalidArgument with line and column. At most 1 MiB of source.
    [[nodiscard]] static Result<Template> parse(std::string_view source);

    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;
    ~Template();

    /// Errors: InvalidArgument: what the template did wrong, its own raise_exception, or the limit it reached.
    [[nodiscard]] Result<std::string> render(std::vector<std::pair<std::string, Value>> variables,
                                             std::optional<PromptClock> clock = {}, Limits limits = {}) const;

private:
    struct Parsed;
    explicit Template(std::unique_ptr<const Parsed> parsed);
    std::unique_ptr<const Parsed> parsed_;
};

}  // namespace quibble::jinja
