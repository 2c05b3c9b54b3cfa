// Stable answers (arXiv 2506.02536): after every sentence the thought is closed on trial and the answer decoded; when k
// answers in a row are the same, the thought ends. A trial without an answer breaks the row. Answers are found and
// compared as those of whole runs are (docs/grading.md).
#include "engine/control/early_stop.h"
#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"k", "Equal answers", "", 0, 100, 1, 3, "The thought ends when so many in a row are the same; 0: never"},
    {"length", "Probe length", "tokens", 1, 512, 1, 32, "Tokens of an answer on trial, at most; it ends with its line"},
    textParam("probe", "Probe", "\n{end}\n\nFinal answer:", "What makes the model answer on trial"),
    textParam("exit", "Exit", "\n{end}\n\n", kExitHelp),
};

class KStable final : public EarlyStop {
public:
    KStable(const LogitsSetup& setup, std::vector<TokenId> closing) : EarlyStop(setup, kParams, std::move(closing)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<KStable>(*this); }
    void push(TokenId id) override {
        // Blanks and line ends behind a sentence are no further sentence.
        sentence_ = sentence_ || tokenizer_->tokenBytes(id).find_first_not_of(" \t\r\n") != std::string_view::npos;
    }

    ControlAction decide(const ControlStep& step) override {
        const auto k = static_cast<int>(choice_.value(kParams[0]));
        if (k == 0 || !sentence_ || !mayProbe(step) || !sentenceEndsBefore(*tokenizer_, step.text, step.candidate)) {
            return {};
        }
        std::string said;
        const auto result =
            (*step.probe)(encoded(kParams[2]), static_cast<int>(choice_.value(kParams[1])), [&](TokenId id) {
                if (tokenizer_->isEndOfGeneration(id)) return true;
                said += tokenizer_->tokenBytes(id);
                const std::size_t begin = said.find_first_not_of(" \t\r\n");
                return begin != std::string::npos && said.find('\n', begin) != std::string::npos;
            });
        if (!result) return {};
        const std::optional<std::string> answer = answerOf(said);
        std::string found = answer ? std::string(kFound) + *answer : "no answer";
        count(answer);
        if (row_ < k) return looked(std::move(found));
        return stopped(kParams[3], std::to_string(row_) + " times in a row the answer was " + shownAnswer(answer_),
                       std::move(found));
    }
    void recall(std::string_view found) override {
        count(found.starts_with(kFound) ? std::optional(std::string(found.substr(kFound.size()))) : std::nullopt);
    }

private:
    static constexpr std::string_view kFound = "answer ";

    [[nodiscard]] std::optional<std::string> answerOf(const std::string& said) const {
        const std::string probe = choice_.textOf(kParams[2]);
        const std::size_t end = probe.rfind("{end}");
        const auto answer = answerIn((end == std::string::npos ? "" : probe.substr(end + 5)) + said);
        return answer ? std::optional(answer->text) : std::nullopt;
    }
    void count(const std::optional<std::string>& answer) {
        sentence_ = false;
        row_ = !answer ? 0 : row_ > 0 && sameAnswer(*answer, answer_) ? row_ + 1 : 1;
        answer_ = answer.value_or("");
    }

    bool sentence_ = false;  // something was said since the last probe
    int row_ = 0;            // equal answers up to now
    std::string answer_;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) { return makeEarlyStop<KStable>(setup); }

}  // namespace

const ControlMethod kKStable{{"k_stable",
                              "Early stop when the answer stays",
                              "arXiv 2506.02536",
                              "After every sentence the model answers on trial; when the answer stays the same, the "
                              "thought ends.",
                              kParams,
                              false,
                              {Need::ThoughtMarks}},
                             &make,
                             true};

}  // namespace quibble::control
