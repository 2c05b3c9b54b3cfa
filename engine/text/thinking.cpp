#include "engine/text/thinking.h"

#include <algorithm>
#include <vector>

namespace quibble {

struct ThinkingTracker::Mark {
    enum class Kind { Open, Close, Channel, Message, TurnEnd };
    Kind kind;
    int pair;  // of a tag; -1 for the others
    std::string_view text;
    std::optional<TokenId> id;  // where the vocabulary has it as one token
};

struct ThinkingTracker::MarkTable {
    std::vector<Mark> marks;
    Form form = Form::Unknown;  // the only one that the vocabulary has tokens for

    explicit MarkTable(const Tokenizer& tokenizer) {
        bool tags = false;
        for (std::size_t i = 0; i < kThoughtTags.size(); ++i) {
            add(tokenizer, Mark::Kind::Open, static_cast<int>(i), kThoughtTags[i].open);
            add(tokenizer, Mark::Kind::Close, static_cast<int>(i), kThoughtTags[i].close);
            tags = tags || marks.back().id || marks[marks.size() - 2].id;
        }
        add(tokenizer, Mark::Kind::Channel, -1, kChannelMark);
        const bool channels = marks.back().id.has_value();
        add(tokenizer, Mark::Kind::Message, -1, kMessageMark);
        add(tokenizer, Mark::Kind::TurnEnd, -1, kTurnEndMark);
        if (tags != channels) form = tags ? Form::Tags : Form::Channels;
    }

    [[nodiscard]] const Mark* byId(TokenId id) const {
        const auto found = std::find_if(marks.begin(), marks.end(), [id](const Mark& mark) { return mark.id == id; });
        return found == marks.end() ? nullptr : &*found;
    }

private:
    void add(const Tokenizer& tokenizer, Mark::Kind kind, int pair, std::string_view text) {
        marks.push_back({kind, pair, text, tokenizer.idOf(text)});
    }
};

namespace {

bool isBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

ThinkingTracker::ThinkingTracker(const Tokenizer& tokenizer, bool open)
    : tokenizer_(&tokenizer),
      marks_(std::make_shared<const MarkTable>(tokenizer)),
      place_(open ? Place::Thought : Place::Begin),
      form_(marks_->form),
      inside_(open) {}

bool ThinkingTracker::push(TokenId id) {
    if (const Mark* mark = marks_->byId(id)) {
        const std::string before = std::move(tail_);
        tail_.clear();
        // What could have become a mark in letters has not.
        if (place_ == Place::Begin && form_ != Form::Channels && !before.empty()) place_ = Place::Answer;
        if (counts(*mark))
            take(*mark, before);
        else if (place_ == Place::Header)
            tail_ = before;
    } else if (place_ == Place::Header || !tokenizer_->isSpecial(id)) {
        tail_ += tokenizer_->tokenBytes(id);
        scanText();
    }
    return inside_;
}

// Whether the mark says anything where the stream stands.
bool ThinkingTracker::counts(const Mark& mark) const {
    switch (mark.kind) {
        case Mark::Kind::Open: return place_ == Place::Begin && form_ != Form::Channels;
        case Mark::Kind::Close:
            return place_ == Place::Thought && form_ != Form::Channels && (pair_ < 0 || pair_ == mark.pair);
        // Letters count where a message may begin; a control token is no text wherever it stands.
        case Mark::Kind::Channel:
            return form_ == Form::Channels ? mark.id || place_ == Place::Begin
                                           : form_ == Form::Unknown && place_ == Place::Begin;
        case Mark::Kind::Message: return place_ == Place::Header;
        case Mark::Kind::TurnEnd:
            return form_ == Form::Channels ? place_ == Place::Thought || place_ == Place::Answer
                                           : form_ == Form::Unknown && place_ == Place::Thought;
    }
    return false;
}

// `text_before`: what stands between the last mark and this one, as far as it was kept.
void ThinkingTracker::take(const Mark& mark, std::string_view text_before) {
    switch (mark.kind) {
        case Mark::Kind::Open: openThought(Form::Tags, mark.pair); break;
        case Mark::Kind::Close:
            form_ = Form::Tags;
            closeThought(Place::Begin);
            break;
        case Mark::Kind::Channel:
            form_ = Form::Channels;
            place_ = Place::Header;  // what it opens is known when its name is
            break;
        case Mark::Kind::Message:
            if (text_before.starts_with(kFinalChannel))
                closeThought(Place::Answer);
            else
                openThought(Form::Channels, -1);
            break;
        case Mark::Kind::TurnEnd:
            form_ = Form::Channels;
            closeThought(Place::Begin);
            break;
    }
}

void ThinkingTracker::openThought(Form form, int pair) {
    form_ = form;
    pair_ = pair;
    place_ = Place::Thought;
    inside_ = true;
}

void ThinkingTracker::closeThought(Place next) {
    if (inside_) ++closed_spans_;
    inside_ = false;
    place_ = next;
}

void ThinkingTracker::scanText() {
    while (!tail_.empty() && (place_ == Place::Begin && form_ != Form::Channels ? scanBegin() : scanForMark())) {}
}

// Where a reply begins only blanks may stand in front of a mark. False when the tail says no more.
bool ThinkingTracker::scanBegin() {
    tail_.erase(0, static_cast<std::size_t>(std::find_if_not(tail_.begin(), tail_.end(), isBlank) - tail_.begin()));
    if (tail_.empty()) return false;
    bool could_become = false;
    for (const Mark& mark : marks_->marks) {
        if (mark.id || !counts(mark)) continue;
        if (tail_.starts_with(mark.text)) {
            tail_.erase(0, mark.text.size());
            take(mark, {});
            return true;
        }
        could_become = could_become || mark.text.starts_with(tail_);
    }
    if (!could_become) place_ = Place::Answer;
    return !could_become;
}

// Takes the first mark of the tail that counts, else keeps what could still begin one. False when the tail says no
// more.
bool ThinkingTracker::scanForMark() {
    const Mark* first = nullptr;
    std::size_t at = std::string::npos, longest = 1;
    for (const Mark& mark : marks_->marks) {
        if (mark.id || !counts(mark)) continue;
        longest = std::max(longest, mark.text.size());
        if (const std::size_t found = tail_.find(mark.text); found < at) {
            first = &mark;
            at = found;
        }
    }
    if (first != nullptr) {
        const std::string before = tail_.substr(0, at);
        tail_.erase(0, at + first->text.size());
        take(*first, before);
        return true;
    }
    if (place_ == Place::Header) {
        if (tail_.size() > kLongestChannelName) closeThought(Place::Answer);  // no name is as long
        return place_ != Place::Header;
    }
    if (tail_.size() >= longest) tail_.erase(0, tail_.size() - (longest - 1));
    return false;
}

namespace {

// Whether a tag at this place stands at the edge of a line or behind another mark, and is no word of a sentence.
bool opensHere(std::string_view text, std::size_t at, std::size_t length) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '>' || text[at - 1] == ']') return true;
    const std::size_t rest = text.find_first_not_of(" \t\r", at + length);
    return rest == std::string_view::npos || text[rest] == '\n';
}

bool endsInsideChannel(std::string_view text, std::size_t channel) {
    const std::size_t message = text.find(kMessageMark, channel);
    if (message == std::string_view::npos || text.substr(channel + kChannelMark.size()).starts_with(kFinalChannel))
        return false;
    const std::size_t closed = text.rfind(kTurnEndMark);
    return closed == std::string_view::npos || closed < channel;
}

}  // namespace

bool endsInsideThinking(std::string_view text) {
    if (text.find(kMessageMark) != std::string_view::npos) {
        if (const std::size_t channel = text.rfind(kChannelMark); channel != std::string_view::npos)
            return endsInsideChannel(text, channel);
    }
    for (const TagPair& tags : kThoughtTags) {
        const std::size_t closed = text.rfind(tags.close);
        for (std::size_t at = text.rfind(tags.open); at != std::string_view::npos;
             at = at == 0 ? std::string_view::npos : text.rfind(tags.open, at - 1)) {
            if (closed != std::string_view::npos && at < closed) break;
            if (opensHere(text, at, tags.open.size())) return true;
        }
    }
    return false;
}

bool holdsThoughtMark(std::string_view text) {
    const auto holds = [text](std::string_view mark) { return text.find(mark) != std::string_view::npos; };
    return holds(kChannelMark) || holds(kMessageMark) || holds(kTurnEndMark) ||
           std::any_of(kThoughtTags.begin(), kThoughtTags.end(),
                       [&](const TagPair& tags) { return holds(tags.open) || holds(tags.close); });
}

}  // namespace quibble
