// ConciseHint (arXiv 2506.18810), the version without training: again and again a hint to be concise is put into the
// thought, not at its end but inside the chunk that was just generated, whose tail is kept behind it. The intervals
// grow with the text, prompt and hints included, and so does the place of the hint within its chunk. Lengths are those
// of the model's own tokens. Unlike the published code, nothing is put into the answer.
#include <charconv>
#include <cmath>

#include "engine/control/control_method.h"
#include "engine/control/formulas.h"
#include "engine/control/text_ends.h"
#include "engine/text/utf8.h"

namespace quibble::control {

namespace {

constexpr ParamSpec kParams[] = {
    {"alpha", "Shortest interval", "tokens", 1, 100000, 1, 128, "Tokens before the first hint"},
    {"beta", "Growth", "", 0, 10, 0, 0.2, "Every token of the text makes the next interval so much longer"},
    {"most", "Longest interval", "tokens", 1, 100000, 1, 1024, "Intervals grow up to here"},
    {"hints", "Most hints", "", 0, 10000, 1, 10000, "After so many there are no more; 0: none"},
    textParam("hint", "Hint", "-<|im_start|>user\nmake answer concise!<|im_end|>-",
              "What is put into the thought; control tokens in it are recognised"),
};

// The bytes of a chunk, and where its tokens begin in them.
struct Chunk {
    std::vector<TokenId> ids;
    std::vector<std::size_t> begins;
    std::string bytes;

    void add(TokenId id, const Tokenizer& tokenizer) {
        ids.push_back(id);
        begins.push_back(bytes.size());
        bytes += tokenizer.tokenBytes(id);
    }
};

// First byte of the character at `share` of the text, as int(share * (characters - 1)) counts them.
std::size_t byteAtShare(std::string_view bytes, double share) {
    std::vector<std::size_t> characters;
    for (std::size_t at = 0; at < bytes.size(); at += std::max<std::size_t>(1, utf8Length(bytes, at)))
        characters.push_back(at);
    if (characters.empty()) return 0;
    return characters[static_cast<std::size_t>(share * static_cast<double>(characters.size() - 1))];
}

// Behind the first '.' or ',' at or after `start` that a space follows; npos: there is none.
std::size_t placeOfHint(std::string_view bytes, std::size_t start) {
    for (std::size_t at = start; at + 1 < bytes.size(); ++at) {
        if ((bytes[at] == '.' || bytes[at] == ',') && bytes[at + 1] == ' ') return at + 1;
    }
    return std::string_view::npos;
}

class ConciseHint final : public ControlRule {
public:
    explicit ConciseHint(const LogitsSetup& setup)
        : choice_(setup.choice),
          tokenizer_(setup.tokenizer),
          interval_(static_cast<std::int64_t>(choice_.value(kParams[0]))) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<ConciseHint>(*this); }

    ControlAction decide(const ControlStep& step) override {
        const auto here = static_cast<std::int64_t>(step.text.size());
        if (begin_ < 0 || begin_ > here) begin_ = here;
        const bool goes_on = step.thinking && !step.closes_thought && !step.ends_turn;
        if (!goes_on || hints_ >= static_cast<int>(choice_.value(kParams[3])) || here + 1 - begin_ < interval_)
            return {};
        const std::int64_t used = interval_;
        ControlAction action = hinted(step, used);
        const std::int64_t length =
            action.kind == ControlAction::Kind::Accept ? here + 1 : action.at + std::ssize(action.tokens);
        beginChunk(length);
        action.found = "a chunk ends at " + std::to_string(length) + " tokens";
        return action;
    }
    void resume(std::size_t /*tokens*/) override { ++hints_; }
    void recall(std::string_view found) override {
        std::int64_t length = 0;
        const std::size_t digits = std::min(found.find_first_of("0123456789"), found.size());
        if (std::from_chars(found.data() + digits, found.data() + found.size(), length).ec == std::errc{})
            beginChunk(length);
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        if (auto changed = changeParam(choice_, kParams, key, value); !changed) return changed;
        if (hints_ == 0 && key == kParams[0].key) interval_ = static_cast<std::int64_t>(choice_.value(kParams[0]));
        return {};
    }
    std::string note() const override {
        const std::string hint = choice_.textOf(kParams[4]);
        return hint.find("<|") != std::string::npos && tokenizer_->controlPlaces(hint).empty()
                   ? "the marks in the hint are no tokens of this vocabulary and are read as letters"
                   : "";
    }

private:
    void beginChunk(std::int64_t length) {
        interval_ =
            hintInterval(length, choice_.value(kParams[0]), choice_.value(kParams[1]), choice_.value(kParams[2]));
        begin_ = length;
    }
    // The chunk with the hint in it; Accept where no place for one is found.
    [[nodiscard]] ControlAction hinted(const ControlStep& step, std::int64_t used) {
        Chunk chunk;
        for (const TokenId id : step.text.subspan(static_cast<std::size_t>(begin_))) chunk.add(id, *tokenizer_);
        chunk.add(step.candidate, *tokenizer_);
        const double share = hintShare(used, choice_.value(kParams[0]), choice_.value(kParams[2]));
        const auto fixed = static_cast<std::size_t>(
            std::clamp<std::int64_t>(step.fixed - begin_, 0, static_cast<std::int64_t>(chunk.ids.size()) - 1));
        const std::size_t place =
            placeOfHint(chunk.bytes, std::max(byteAtShare(chunk.bytes, share), chunk.begins[fixed]));
        if (place == std::string_view::npos) return {};
        const auto hint = tokenizer_->encode(choice_.textOf(kParams[4]), {.parse_special = true, .continuation = true});
        if (hint.empty()) return {};

        // The token that holds the first byte behind the hint; where it begins before, it is cut in two.
        const auto behind = std::upper_bound(chunk.begins.begin(), chunk.begins.end(), place);
        auto token = static_cast<std::size_t>(behind - chunk.begins.begin()) - 1;
        ControlAction action{ControlAction::Kind::Rewrite, {}, "a hint to be concise"};
        action.at = static_cast<Position>(begin_ + static_cast<std::int64_t>(token));
        const auto append = [&](std::span<const TokenId> ids) {
            action.tokens.insert(action.tokens.end(), ids.begin(), ids.end());
        };
        const std::size_t begin = chunk.begins[token];
        const bool cut = begin < place;
        const std::string_view bytes = tokenizer_->tokenBytes(chunk.ids[token]);
        if (cut) append(tokenizer_->encode(bytes.substr(0, place - begin), {.continuation = true}));
        append(hint);
        if (cut) append(tokenizer_->encode(bytes.substr(place - begin), {.continuation = true}));
        if (cut) ++token;
        append(std::span(chunk.ids).subspan(token));
        action.kept = chunk.ids.size() - token;
        ++hints_;
        return action;
    }

    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::int64_t interval_;    // of the chunk that is being generated
    std::int64_t begin_ = -1;  // where it begins in the text; -1: with the next token
    int hints_ = 0;
};

Result<std::unique_ptr<ControlRule>> make(const LogitsSetup& setup) {
    if (auto closing = closingOfThought(*setup.tokenizer); !closing) return tl::unexpected(closing.error());
    return std::make_unique<ConciseHint>(setup);
}

}  // namespace

const ControlMethod kConciseHint{{"concise_hint",
                                  "Hints to be concise (ConciseHint)",
                                  "arXiv 2506.18810",
                                  "Puts a hint to be concise into what was just thought, at growing intervals.",
                                  kParams,
                                  false,
                                  {Need::ThoughtMarks}},
                                 &make,
                                 false,
                                 true};

}  // namespace quibble::control
