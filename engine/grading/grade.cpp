#include "engine/grading/grade.h"

#include <exception>

#include "engine/grading/answer_text.h"
#include "engine/grading/compare.h"

namespace quibble {

const char* verdictText(Verdict verdict) {
    switch (verdict) {
        case Verdict::Right: return "right";
        case Verdict::Wrong: return "wrong";
        case Verdict::NotGradable: return "not gradable";
    }
    return "";
}

Grade gradeAnswer(std::string_view answer, std::string_view known) noexcept {
    try {
        const std::string given = knownAnswer(answer), wanted = knownAnswer(known);
        if (given.empty() || wanted.empty())
            return notGradable(wanted.empty() ? "the known answer is empty" : "the answer is empty");
        if (given == wanted) return right("the texts are equal");
        return compareReadings(readAnswer(given), readAnswer(wanted));
    } catch (const std::exception&) {
        return {};  // out of memory
    }
}

bool sameAnswer(std::string_view a, std::string_view b) noexcept { return gradeAnswer(a, b).isRight(); }

}  // namespace quibble
