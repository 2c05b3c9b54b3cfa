// NoWait (arXiv 2506.08343): tokens that hold a keyword are never chosen. The list of tokens is made once.
#include <algorithm>
#include <memory>
#include <vector>

#include "engine/logits/logits_method.h"

namespace quibble::logits {

namespace {

constexpr ParamOption kMatches[] = {{"substring", "anywhere in a token, as published"},
                                    {"word", "as a word of its own"}};
constexpr ParamSpec kParams[] = {
    textParam("words", "Words",
              "wait, alternatively, hmm, but, however, alternative, another, check, double-check, oh, maybe, verify, "
              "other, again, now, ah, any",
              "Separated by commas; case does not count"),
    textParam("except", "Except",
              "ohio, many, company, germany, button, butter, attribut, distribut, contribut, know, snow, brother, "
              "mother, checksum, against, yeah, utah, rebut, debut, tribut, joh, sarah, noah, hannah, jonah, leah, "
              "deborah, savannah, raham, elijah, oprah, mohamm, mohame, idaho, ahoma, omaha, yahoo, yamaha, bahamas, "
              "brittany, tiffany, albany, canyon, kuwait, ahead, fahren, ahrenheit, cohol, bohydr, cohe, cohort, "
              "prohib, nown, nowled, nowhere, bother, smoother, otherapy, othermal, butler, butcher, checkbox, "
              "checkpoint, checkout, checklist, paycheck, await",
              "Tokens that hold one of these stay: false hits, separated by commas"),
    choiceParam("match", "A word counts", kMatches, "substring",
                "Substrings of the published list hit many harmless tokens; words are found where no letter stands "
                "beside them"),
    switchParam("only_thinking", "Only in the thought", false, "Outside of the reasoning span nothing is banned"),
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

std::vector<std::string> listOf(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        std::size_t begin = at, end = comma;
        while (begin < end && text[begin] == ' ') ++begin;
        while (end > begin && text[end - 1] == ' ') --end;
        if (end > begin) words.push_back(lower(std::string_view(text).substr(begin, end - begin)));
        at = comma + 1;
    }
    return words;
}

bool holds(std::string_view token, const std::string& word, bool whole) {
    for (std::size_t at = token.find(word); at != std::string_view::npos; at = token.find(word, at + 1)) {
        const bool letter_before = at > 0 && isLetter(token[at - 1]);
        const bool letter_behind = at + word.size() < token.size() && isLetter(token[at + word.size()]);
        if (!whole || (!letter_before && !letter_behind)) return true;
    }
    return false;
}

using Ids = std::vector<TokenId>;

std::shared_ptr<const Ids> bannedIds(const MethodChoice& choice, const Tokenizer& tokenizer) {
    const std::vector<std::string> words = listOf(choice.textOf(kParams[0])),
                                   spared = listOf(choice.textOf(kParams[1]));
    const bool whole = choice.textOf(kParams[2]) == "word";
    auto ids = std::make_shared<Ids>();
    for (std::size_t i = 0; i < tokenizer.vocabSize(); ++i) {
        const auto id = static_cast<TokenId>(i);
        if (tokenizer.isSpecial(id)) continue;
        const std::string token = lower(tokenizer.tokenBytes(id));
        const auto hit = [&](const std::string& word) { return holds(token, word, whole); };
        const auto excepted = [&](const std::string& word) { return token.find(word) != std::string::npos; };
        if (std::any_of(words.begin(), words.end(), hit) && std::none_of(spared.begin(), spared.end(), excepted))
            ids->push_back(id);
    }
    return ids;
}

class Ban final : public LogitsRule {
public:
    Ban(MethodChoice choice, const Tokenizer& tokenizer)
        : choice_(std::move(choice)), tokenizer_(&tokenizer), ids_(bannedIds(choice_, tokenizer)) {}

    std::unique_ptr<LogitsRule> clone() const override { return std::make_unique<Ban>(*this); }
    bool active(const LogitsStep& step) const override {
        return !ids_->empty() && (step.thinking || !choice_.flag(kParams[3]));
    }
    void apply(std::span<float> logits, const LogitsStep& /*step*/) const override {
        for (const TokenId id : *ids_) logits[static_cast<std::size_t>(id)] = kBannedLogit;
    }
    Result<void> setParam(std::string_view key, const ParamValue& value) override {
        if (auto changed = changeParam(choice_, kParams, key, value); !changed) return changed;
        if (key != kParams[3].key) ids_ = bannedIds(choice_, *tokenizer_);
        return {};
    }
    std::string note() const override { return std::to_string(ids_->size()) + " tokens of the vocabulary are banned"; }

private:
    MethodChoice choice_;
    const Tokenizer* tokenizer_;
    std::shared_ptr<const Ids> ids_;
};

Result<std::unique_ptr<LogitsRule>> make(const LogitsSetup& setup) {
    return std::make_unique<Ban>(setup.choice, *setup.tokenizer);
}

}  // namespace

const LogitsMethod kBan{
    {"ban", "Ban words (NoWait)", "arXiv 2506.08343", "Tokens that hold one of the words are never chosen.", kParams},
    &make};

}  // namespace quibble::logits
