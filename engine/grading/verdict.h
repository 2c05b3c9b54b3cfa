// What grading says: three values, since not every answer can be judged by rules.
#pragma once

#include <string>
#include <utility>

namespace quibble {

enum class Verdict { Right, Wrong, NotGradable };

struct Grade {
    Verdict verdict = Verdict::NotGradable;
    std::string reason;  // one clause for the user: "the values differ"
    [[nodiscard]] bool isRight() const { return verdict == Verdict::Right; }
};

[[nodiscard]] inline Grade right(std::string reason) { return {Verdict::Right, std::move(reason)}; }
[[nodiscard]] inline Grade wrong(std::string reason) { return {Verdict::Wrong, std::move(reason)}; }
[[nodiscard]] inline Grade notGradable(std::string reason) { return {Verdict::NotGradable, std::move(reason)}; }

/// "right", "wrong", "not gradable"
[[nodiscard]] const char* verdictText(Verdict verdict);

}  // namespace quibble
