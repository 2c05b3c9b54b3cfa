// Where the text goes in circles, the token that would go on with the circle is banned. Our own method.
#include <array>

#include "engine/logits/logits_method.h"
#include "engine/logits/loop_finder.h"

namespace quibble::logits {

namespace {

constexpr std::array kParams = loopParams(3);

class LoopStop final : public LogitsRule {
public:
    explicit LoopStop(MethodChoice choice) : choice_(std::move(choice)), finder_(loopFinderOf(choice_, kParams)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<LoopStop>(*this); }
    void push(TokenId id) override {
        finder_.push(id);
        banned_ = finder_.continuations();
    }
    void rewritten(std::span<const TokenId> reply) override {
        finder_ = loopFinderOf(choice_, kParams);
        for (const TokenId id : reply) finder_.push(id);
        banned_ = finder_.continuations();
    }
    bool active(const LogitsStep& /*step*/) const override { return !banned_.empty(); }
    void apply(std::span<float> logits, const LogitsStep& /*step*/) const override {
        for (const TokenId id : banned_) logits[static_cast<std::size_t>(id)] = kBannedLogit;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        if (auto changed = changeParam(choice_, kParams, key, value); !changed) return changed;
        finder_.setLimits(static_cast<int>(choice_.value(kParams[1])), static_cast<int>(choice_.value(kParams[0])));
        banned_ = finder_.continuations();
        return {};
    }

private:
    MethodChoice choice_;
    LoopFinder finder_;
    std::vector<TokenId> banned_;
};

Result<std::unique_ptr<LogitsRule>> make(const LogitsSetup& setup) { return std::make_unique<LoopStop>(setup.choice); }

}  // namespace

const LogitsMethod kLoopStop{
    {"loop_stop", "Loop stop", "Our own",
     "Where a stretch of tokens stands several times in a row, the token that would repeat it once more is banned.",
     kParams},
    &make};

}  // namespace quibble::logits
