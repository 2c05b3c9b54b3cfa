#include "tests/support/run_builder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace quibble::testing {

namespace {

const std::vector<std::string> kMarkers{" perhaps", " maybe",   " Wait", " wait", " Actually", " Hmm", " Alternatively",
                                        " However", " however", " But",  " but",  " rather",   " Or",  " might",
                                        " recheck", " mistake"};

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    double uniform() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<double>(state_ >> 11) * 0x1.0p-53;
    }
    int below(int count) { return std::min(count - 1, static_cast<int>(uniform() * count)); }

private:
    std::uint64_t state_;
};

// What kind of choice a token was decides how uncertain the model is there.
enum class Choice { Sure, Digit, HardDigit, Opening };

struct Word {
    std::string text;
    Choice choice = Choice::Sure;
    bool thinking = true;
};

class Writer {
public:
    explicit Writer(const RunSettings& settings) : settings_(settings), random_(settings.seed) {}

    std::vector<Word> write() {
        add({"First", ","});
        int value = 40 + random_.below(50);
        while (static_cast<int>(words_.size()) < settings_.tokens - 12) value = sentence(value);
        if (settings_.odd_bytes) oddBytes();
        answer_ = value;
        open(" So");
        add({" the", " answer", " is"});
        number(value, Choice::Digit);
        add({"."});
        add({"</think>", "\n"}, false);
        add({"The", " answer", " is", " \\", "boxed", "{"}, false);
        thinking_ = false;
        number(value, Choice::Digit, false);
        add({"}."}, false);
        return std::move(words_);
    }
    [[nodiscard]] int answer() const { return answer_; }

private:
    void add(const std::vector<std::string>& texts, bool thinking = true) {
        for (const std::string& text : texts) words_.push_back({text, Choice::Sure, thinking && thinking_});
    }
    void open(const std::string& text) { words_.push_back({text, Choice::Opening, thinking_}); }
    void number(int value, Choice choice, bool spaced = true) {
        if (spaced) add({" "});
        for (const char digit : std::to_string(value)) words_.push_back({std::string(1, digit), choice, thinking_});
    }
    void sum(int a, const char* op, int b, int result, Choice choice) {
        number(a, Choice::Sure);
        add({op});
        number(b, Choice::Sure);
        add({" ="});
        number(result, choice);
        add({"."});
    }
    int sentence(int value) {
        const int other = 10 + random_.below(80);
        const double kind = random_.uniform();
        if (kind < 0.42) {
            open(random_.uniform() < 0.5 ? " Then" : " Next");
            add({","});
            sum(value, " +", other, value + other, Choice::HardDigit);
            value += other;
        } else if (kind < 0.6) {
            open(" Then");
            const int less = std::min(other, std::max(1, value - 5));
            sum(value, " -", less, value - less, Choice::HardDigit);
            value -= less;
        } else if (kind < 0.78) {
            open(random_.uniform() < 0.55 ? " Wait" : " Hmm");
            add({",", " let", " me", " check", ":"});
            sum(value, " -", value / 3, value - value / 3, Choice::Digit);
            open(" That");
            add({" works", "."});
        } else if (kind < 0.9) {
            open(" But");
            add({" let", " me", " verify", " that", " again", "."});
        } else {
            open(" OK");
            add({".", "\n"});
        }
        return std::max(2, value % 900);
    }
    void oddBytes() {
        add({" caf", "\xC3\xA9", " \xE6\x97", "\xA5", "\xE6\x9C", "\xAC", " \xFF", "\xC3", "(", "\t", "x", "\xF0\x9F",
             "\x98", "\x80", "\n\n"});
    }

    const RunSettings& settings_;
    Random random_;
    std::vector<Word> words_;
    bool thinking_ = true;
    int answer_ = 0;
};

class Builder {
public:
    explicit Builder(const RunSettings& settings) : settings_(settings), random_(settings.seed + 99) {}

    std::vector<RunEvent> build() {
        const std::vector<Word> words = Writer(settings_).write();
        for (const std::string& marker : kMarkers) idOf(marker);
        for (const char* text :
             {" Then", " So", " Next", " That", " OK", " Now", " First", " Let", "0", "1",   "2",  "3",  "4",
              "5",     "6",   "7",     "8",     "9",   " the", " a",     ",",    ".", " is", " +", " -", " ="}) {
            idOf(text);
        }
        provenance();
        events_.push_back(StateChanged{RunState::Loading});
        events_.push_back(Progress{3300000, 3300000});
        events_.push_back(StateChanged{RunState::Prefilling});
        events_.push_back(StateChanged{RunState::Running});
        for (std::size_t i = 0; i < words.size(); ++i) token(words[i], static_cast<int>(i));
        scoreUpTo(static_cast<int>(words.size()) - settings_.unscored);
        if (settings_.finished) {
            events_.push_back(
                RunFinished{FinishReason::EndOfText, {}, 4'000'000, 60'000'000, 30'000'000, 95'000'000, 60'000'000});
        }
        return std::move(events_);
    }

private:
    TokenId idOf(const std::string& text) {
        const auto [found, added] = ids_.emplace(text, static_cast<TokenId>(ids_.size() + 100));
        if (added) texts_.push_back({found->second, text});
        return found->second;
    }
    void provenance() {
        RunProvenance p;
        p.engine_version = "0.1.0";
        p.model_name = "quibble-nano";
        p.model_hash = "1122334455667788";
        p.tokenizer_hash = "8877665544332211";
        p.architecture = "llama";
        p.weight_format = "RTN 3 bit g64";
        p.bits_per_weight = 3.25;
        p.parameters = 3'300'000;
        if (settings_.reference) {
            p.reference_name = "quibble-nano";
            p.reference_hash = p.model_hash;
            p.reference_format = "F16";
        }
        p.arithmetic = "native (8-bit activation blocks)";
        p.isa = "avx512";
        p.threads = 2;
        p.vocab_size = 1024;
        p.context = std::max(2048, settings_.tokens + 200);
        p.thinking_open = true;
        for (int i = 0; i < kPrompt; ++i) p.prompt_tokens.push_back(i);
        for (const std::string& marker : kMarkers) p.markers.push_back({marker, ids_.at(marker)});
        p.dropped_markers = {" nonetheless: 3 tokens"};
        events_.push_back(p);
    }
    bool isMarker(TokenId id) const {
        return std::any_of(kMarkers.begin(), kMarkers.end(),
                           [&](const std::string& marker) { return ids_.at(marker) == id; });
    }
    void tell(TokenId id) {
        if (!told_.insert(id).second) return;
        for (const TokenText& text : texts_) {
            if (text.id == id) events_.push_back(text);
        }
    }

    // Probabilities of the token that stands and of up to nine others, largest first; the rest of the mass is spread
    // thinly.
    std::vector<Alternative> distribution(const Word& word, TokenId id, double sharpness) {
        std::vector<std::string> others;
        double p = 0;
        switch (word.choice) {
            case Choice::Sure:
                others = {" the", " a", ",", ".", " is"};
                p = 0.985 + 0.0149 * random_.uniform();
                break;
            case Choice::Digit:
                others = {"0", "1", "2", "3", "5", "8"};
                p = 0.9 + 0.095 * random_.uniform();
                break;
            case Choice::HardDigit:
                others = {"0", "1", "4", "6", "7", "9"};
                p = 0.45 + 0.53 * random_.uniform();
                break;
            case Choice::Opening:
                others = {" Then", " But", " So", " Wait", " Next", " Now", " Hmm", " OK", " That"};
                p = 0.2 + 0.45 * random_.uniform();
                break;
        }
        p = std::pow(p, 1.0 / sharpness);
        p = std::clamp(p, 0.02, 0.9999);
        std::vector<Alternative> top{{id, static_cast<float>(std::log(p))}};
        double left = 1 - p;
        for (const std::string& other : others) {
            const TokenId other_id = idOf(other);
            if (other_id == id) continue;
            const double share = left * (0.3 + 0.35 * random_.uniform());
            top.push_back({other_id, static_cast<float>(std::log(share))});
            left -= share;
        }
        std::sort(top.begin(), top.end(),
                  [](const Alternative& a, const Alternative& b) { return a.logprob > b.logprob; });
        return top;
    }
    static double entropyOf(const std::vector<Alternative>& top) {
        double sum = 0, mass = 0;
        for (const Alternative& a : top) {
            const double p = std::exp(static_cast<double>(a.logprob));
            sum -= p * static_cast<double>(a.logprob);
            mass += p;
        }
        const double rest = std::max(0.0, 1 - mass);  // spread over 900 tokens
        return rest > 0 ? sum - rest * std::log(rest / 900) : sum;
    }
    double massOf(const std::vector<Alternative>& top) const {
        double mass = 0;
        for (const Alternative& a : top) mass += isMarker(a.id) ? std::exp(static_cast<double>(a.logprob)) : 0;
        return mass;
    }

    void token(const Word& word, int index) {
        const bool unnamed = settings_.odd_bytes && word.text == "(";
        const TokenId id = unnamed ? 999 : idOf(word.text);
        TokenRecord record;
        record.pos = kPrompt + index;
        record.id = record.without_penalty_id = id;
        record.top = distribution(word, id, 1.0);
        const auto place =
            std::find_if(record.top.begin(), record.top.end(), [id](const Alternative& a) { return a.id == id; });
        record.rank = static_cast<int>(place - record.top.begin()) + 1;
        record.logprob = place->logprob;
        record.entropy = static_cast<float>(entropyOf(record.top));
        record.varentropy = record.entropy * 0.7F;
        record.marker_mass = static_cast<float>(massOf(record.top));
        record.marker_mass_after = record.marker_mass;
        record.thinking = word.thinking;
        record.marker = isMarker(id);
        record.injected = index == settings_.injected_at;
        record.time_ns = (index + 1) * 540'000LL;
        if (settings_.penalty != 0 && index >= settings_.penalty_from) penalize(record, word, index);
        if (!unnamed) tell(id);
        for (const auto& list : {record.top, record.top_after}) {
            for (const Alternative& a : list) {
                if (a.id != 999) tell(a.id);
            }
        }
        words_.push_back(word);
        records_.push_back(record);
        events_.push_back(std::move(record));
        if (index >= kBlock && index % kBlock == 0) scoreUpTo(std::min(index, settings_.tokens - settings_.unscored));
    }
    void penalize(TokenRecord& record, const Word& word, int index) {
        if (!told_penalty_) events_.push_back(ControlChange{record.pos, "penalty", settings_.penalty});
        told_penalty_ = true;
        record.penalty = static_cast<float>(settings_.penalty);
        record.penalized = true;
        double total = 0;
        record.top_after = record.top;
        for (Alternative& a : record.top_after) {
            if (isMarker(a.id)) a.logprob -= record.penalty;
            total += std::exp(static_cast<double>(a.logprob));
        }
        for (Alternative& a : record.top_after) a.logprob -= static_cast<float>(std::log(total));
        std::sort(record.top_after.begin(), record.top_after.end(),
                  [](const Alternative& a, const Alternative& b) { return a.logprob > b.logprob; });
        record.marker_mass_after = static_cast<float>(massOf(record.top_after));
        if (word.choice == Choice::Opening && !record.marker && index % 3 == 0)
            record.without_penalty_id = ids_.at(" Wait");
    }

    void scoreUpTo(int last) {
        if (!settings_.reference) return;
        for (; scored_ < std::min(last, static_cast<int>(records_.size())); ++scored_) {
            const TokenRecord& record = records_[static_cast<std::size_t>(scored_)];
            const Word& word = words_[static_cast<std::size_t>(scored_)];
            ReferenceRecord reference;
            reference.pos = record.pos;
            reference.top = distribution(word, record.id, word.choice == Choice::Opening ? 1.6 : 1.05);
            reference.entropy = static_cast<float>(entropyOf(reference.top));
            reference.varentropy = reference.entropy * 0.7F;
            const auto place = std::find_if(reference.top.begin(), reference.top.end(),
                                            [&](const Alternative& a) { return a.id == record.id; });
            reference.rank = static_cast<int>(place - reference.top.begin()) + 1;
            reference.logprob = place->logprob;
            double kl = 0;
            for (const Alternative& a : reference.top) {
                for (const Alternative& b : record.top) {
                    if (a.id == b.id)
                        kl += std::exp(static_cast<double>(a.logprob)) * static_cast<double>(a.logprob - b.logprob);
                }
            }
            reference.kl = static_cast<float>(std::max(0.0, kl) + 0.001 * random_.uniform());
            for (const Alternative& a : reference.top) {
                if (a.id != 999) tell(a.id);
            }
            events_.push_back(std::move(reference));
        }
    }

    static constexpr int kPrompt = 32;
    static constexpr int kBlock = 16;
    const RunSettings& settings_;
    Random random_;
    std::map<std::string, TokenId> ids_;
    std::vector<TokenText> texts_;
    std::set<TokenId> told_;
    std::vector<RunEvent> events_;
    std::vector<TokenRecord> records_;
    std::vector<Word> words_;
    int scored_ = 0;
    bool told_penalty_ = false;
};

}  // namespace

RunRequest makeRequest(const RunSettings& settings) {
    RunRequest request;
    request.model_path = "quibble-nano.gguf";
    request.weight_quant = {"rtn", {{"bits", 3}, {"group", 64}}};
    request.prompt =
        "Tom has 57 coins. Then gets 68 more. Then loses 19. Then has 3 times as many. How many coins now?";
    request.problem_id = "nano-0001";
    Writer writer(settings);
    if (!writer.write().empty()) request.known_answer = std::to_string(writer.answer());
    request.seed = settings.seed;
    if (!settings.reference) request.reference.kind = ReferenceKind::None;
    request.penalty.strength = settings.penalty_from == 0 ? settings.penalty : 0;
    return request;
}

std::vector<RunEvent> makeEvents(const RunSettings& settings) { return Builder(settings).build(); }

RunTrace makeTrace(const RunSettings& settings) {
    RunTrace trace(makeRequest(settings));
    for (const RunEvent& event : makeEvents(settings)) trace.apply(event);
    return trace;
}

std::vector<EventBatch> makeBatches(const RunSettings& settings, std::size_t events_each) {
    std::vector<EventBatch> batches;
    for (RunEvent& event : makeEvents(settings)) {
        if (batches.empty() || batches.back().events.size() >= events_each) batches.emplace_back();
        batches.back().events.push_back(std::move(event));
    }
    return batches;
}

}  // namespace quibble::testing
