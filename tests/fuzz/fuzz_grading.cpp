// libFuzzer target: any two texts as answers. Verdicts must not depend on their order, and nothing may be wrong for
// itself.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/grading/answer_reader.h"
#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = all.find('\n');
    const std::string_view a = all.substr(0, cut), b = cut == std::string_view::npos ? a : all.substr(cut + 1);
    const quibble::Grade grade = quibble::gradeAnswer(a, b);
    if (grade.verdict != quibble::gradeAnswer(b, a).verdict || grade.reason.empty()) __builtin_trap();
    if (quibble::gradeAnswer(a, a).verdict == quibble::Verdict::Wrong) __builtin_trap();
    (void)quibble::describe(quibble::readAnswer(a));
    (void)quibble::shownAnswer(b);
    if (const auto found = quibble::answerIn(all); found && found->text.size() > all.size()) __builtin_trap();
    if (const auto end = quibble::firstMention(b, a); end && *end > b.size()) __builtin_trap();
    return 0;
}
