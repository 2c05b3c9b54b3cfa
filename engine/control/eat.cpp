// EAT (arXiv 2509.26522): behind every blank line of a thought one pass looks at how uncertain the model would be if
// the thought ended there. When that entropy has settled, the thought ends.
#include <charconv>

#include "engine/control/early_stop.h"
#include "engine/control/formulas.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"limit", "Variance below", "bit^2", 0, 100, 0, 1e-3, "The thought ends when the variance is smaller; 0: never"},
    {"decay", "Decay", "", 0.001, 1, 0, 0.1, "The share that the newest entropy has in mean and variance"},
    {"warm_up", "Warm-up", "probes", 1, 10000, 1, 20, "The thought is left alone before; published: 2 or 4 over decay"},
    textParam("probe", "Probe", "\n{end}\n", "What stands before the token whose entropy is measured"),
    textParam("exit", "Exit", "\n{end}\n", kExitHelp),
};

class Eat final : public EarlyStop {
public:
    Eat(const LogitsSetup& setup, std::vector<TokenId> closing) : EarlyStop(setup, kParams, std::move(closing)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Eat>(*this); }

    ControlAction decide(const ControlStep& step) override {
        const double limit = choice_.value(kParams[0]);
        if (limit == 0 || !mayProbe(step) || !blankLineEnded(step)) return {};
        const auto result = (*step.probe)(encoded(kParams[3]), 0, {});
        if (!result) return {};
        const double bits = result->entropy * kBitsPerNat;
        std::string found = paramText(bits) + " bit";
        trend_.add(bits, choice_.value(kParams[1]));
        if (!trend_.settled(static_cast<std::int64_t>(choice_.value(kParams[2])), limit))
            return looked(std::move(found));
        return stopped(kParams[4],
                       "the entropy behind the thought has settled after " + std::to_string(trend_.seen) +
                           " probes, at " + paramText(std::round(trend_.mean * 1e3) / 1e3) + " bit",
                       std::move(found));
    }
    void recall(std::string_view found) override {
        double bits = 0;
        if (std::from_chars(found.data(), found.data() + found.size(), bits).ec == std::errc{})
            trend_.add(bits, choice_.value(kParams[1]));
    }

private:
    /// Whether the last token of the reply brought the second line end in a row; a third one is no further blank line.
    [[nodiscard]] bool blankLineEnded(const ControlStep& step) const {
        if (step.generated < 1) return false;
        const auto reply = step.text.last(static_cast<std::size_t>(step.generated));
        const std::string_view last = tokenizer_->tokenBytes(reply.back());
        int run = 0;
        for (auto before = reply.rbegin() + 1; before != reply.rend(); ++before) {
            const std::string_view bytes = tokenizer_->tokenBytes(*before);
            const std::size_t text_end = bytes.find_last_not_of('\n');
            run += static_cast<int>(bytes.size() - (text_end == std::string_view::npos ? 0 : text_end + 1));
            if (run >= 2 || (!bytes.empty() && text_end != std::string_view::npos)) break;
        }
        for (const char c : last) {
            run = c == '\n' ? run + 1 : 0;
            if (run == 2) return true;
        }
        return false;
    }

    EntropyTrend trend_;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) { return makeEarlyStop<Eat>(setup); }

}  // namespace

const ControlMethod kEat{{"eat",
                          "Early stop when the entropy settles (EAT)",
                          "arXiv 2509.26522",
                          "At every blank line one pass asks how uncertain the answer would be; when that does not "
                          "change any more, the thought ends.",
                          kParams,
                          false,
                          {Need::ThoughtMarks}},
                         &make,
                         true};

}  // namespace quibble::control
