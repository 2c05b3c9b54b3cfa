// Problems with known answers, one JSON object a line: {"id": "...", "text": "...", "answer": "...", "steps": 3}.
// The answer may be a number, or a worked solution that ends in "#### 42" or holds \boxed{42}.
// The file is input from outside: sizes are limited and every error names its line.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/values/problem.h"
#include "engine/values/result.h"

namespace quibble {

class ProblemSet {
public:
    /// `name` stands in messages. Errors: FileCorrupt with the line number; at most 64 MiB, 1 MiB a line, 1,000,000
    /// problems.
    [[nodiscard]] static Result<ProblemSet> read(std::istream& in, std::string_view name);
    [[nodiscard]] static Result<ProblemSet> load(const std::filesystem::path& path);

    [[nodiscard]] const std::string& name() const { return name_; }  // file stem for load()
    [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
    /// NotFound names the set and the range of its ids.
    [[nodiscard]] Result<Problem> find(std::string_view id) const;

private:
    std::string name_;
    std::vector<Problem> problems_;
};

}  // namespace quibble
