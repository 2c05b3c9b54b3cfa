#include "tests/data/trace_fixture.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

namespace quibble::test {

namespace {

constexpr int kVocab = 300;

class Maker {
public:
    explicit Maker(std::uint64_t seed) : random_(seed) {}

    std::int32_t below(std::int32_t n) { return static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(n)); }
    bool coin() { return (random_() & 1) != 0; }
    // Ordinary figures, with every kind of odd one now and then.
    float real() {
        constexpr float kOdd[] = {kNotMeasured,
                                  std::numeric_limits<float>::infinity(),
                                  -std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::max(),
                                  std::numeric_limits<float>::denorm_min(),
                                  0.0f,
                                  1.0f,
                                  -3.0f};
        if (below(6) == 0) return kOdd[below(8)];
        return std::ldexp(static_cast<float>(below(1 << 24)), -20) - 3.0f;
    }
    std::vector<Alternative> list(int most) {
        std::vector<Alternative> made;
        for (int i = below(most + 1); i > 0; --i) made.push_back({below(kVocab), real()});
        return made;
    }

private:
    std::mt19937_64 random_;
};

// Raw bytes: text, half characters, a zero byte, nothing.
std::string bytesOf(TokenId id) {
    if (id % 17 == 3) return std::string("\xC3", 1);
    if (id % 17 == 5) return std::string("a\0b", 3);
    if (id % 17 == 7) return {};
    return (id % 3 == 0 ? " t" : "t") + std::to_string(id);
}

void name(std::vector<RunEvent>& events, std::vector<bool>& named, TokenId id) {
    if (id < 0 || named[static_cast<std::size_t>(id)]) return;
    named[static_cast<std::size_t>(id)] = true;
    events.emplace_back(TokenText{id, bytesOf(id)});
}

RunProvenance provenanceOf(const RunShape& shape, Maker& make) {
    RunProvenance p;
    p.engine_version = "0.1.0";
    p.model_name = "nano \"quoted\" \xC3\xA9";
    p.model_hash = "m123";
    p.tokenizer_hash = shape.tokenizer_hash;
    p.architecture = "llama";
    p.weight_format = "rtn 3 bit g64 symmetric";
    p.bits_per_weight = 3.25;
    p.parameters = 3'300'000;
    p.reference_name = "nano f16";
    p.reference_hash = "r456";
    p.reference_format = "F16";
    p.arithmetic = "f32";
    p.isa = "avx512";
    p.threads = 2;
    p.vocab_size = kVocab;
    p.context = 1024;
    p.thinking_open = true;
    for (int i = 0; i < shape.prompt; ++i) p.prompt_tokens.push_back(make.below(kVocab));
    p.markers = {{" Wait", 11}, {" But", 12}};
    p.dropped_markers = {" recheck: is 2 tokens"};
    return p;
}

TokenRecord tokenOf(Maker& make, Position pos) {
    TokenRecord t;
    t.pos = pos;
    t.id = make.below(kVocab);
    t.without_penalty_id = make.below(5) == 0 ? make.below(kVocab) : make.below(9) == 0 ? kNoToken : t.id;
    t.logprob = make.real();
    t.rank = make.below(kVocab);
    t.entropy = make.real();
    t.varentropy = make.real();
    t.marker_mass = make.real();
    t.marker_mass_after = make.real();
    t.penalty = make.real();
    t.time_ns = std::int64_t{1} << make.below(62);
    t.thinking = make.coin();
    t.marker = make.coin();
    t.penalized = make.coin();
    t.injected = make.below(8) == 0;
    t.top = make.list(10);
    t.top_after = make.list(4);
    return t;
}

ReferenceRecord referenceOf(Maker& make, Position pos) {
    return {pos, make.real(), make.real(), make.real(), make.real(), 1 + make.below(kVocab - 1), make.list(10)};
}

// The rounds that could have made the tokens: some in a plain step, the last one ended on its path now and then.
std::vector<DraftRound> roundsOf(Maker& make, const std::vector<const TokenRecord*>& tokens) {
    std::vector<DraftRound> rounds;
    for (std::size_t i = 0; i < tokens.size();) {
        const std::size_t count = std::min(tokens.size() - i, static_cast<std::size_t>(1 + make.below(5)));
        const bool added = i + count < tokens.size() || make.coin();
        DraftRound round;
        round.pos = tokens[i]->pos;
        const auto grow = [&](std::int32_t parent, TokenId id, DraftFate fate) {
            round.nodes.push_back({parent, id, make.real(), make.real(), make.real(), make.real(), fate});
            return static_cast<std::int32_t>(round.nodes.size() - 1);
        };
        for (std::size_t k = 0; k < count - (added ? 1 : 0); ++k) {
            const std::int32_t parent = round.path.empty() ? -1 : round.path.back();
            if (make.coin())
                grow(grow(parent, make.below(kVocab), DraftFate::Rejected), make.below(kVocab), DraftFate::Ignored);
            round.path.push_back(grow(parent, tokens[i + k]->id, DraftFate::Accepted));
        }
        if (added) round.added = tokens[i + count - 1]->id;
        round.corrected = added && make.coin();
        if (round.corrected) grow(round.path.empty() ? -1 : round.path.back(), make.below(kVocab), DraftFate::Rejected);
        round.rows = static_cast<std::int32_t>(round.nodes.size()) + 1;
        round.draft_ns = make.below(1 << 20);
        round.verify_ns = std::int64_t{1} << make.below(62);
        round.other_ns = make.below(1000);
        if (make.below(5) != 0) rounds.push_back(std::move(round));
        i += count;
    }
    return rounds;
}

constexpr int kExpertLayers = 3;

TokenExperts expertsOf(Maker& make, Position pos, int experts) {
    TokenExperts made{pos, kExpertLayers, 2, {}, {}, std::vector<float>(kExpertLayers)};
    const bool budget = make.coin();
    for (int i = 0; i < kExpertLayers * made.per_token; ++i) {
        made.ids.push_back(static_cast<std::int16_t>(make.below(experts + (budget ? 1 : 0)) - (budget ? 1 : 0)));
        made.weights.push_back(make.real());
    }
    for (float& mass : made.dropped_mass) mass = budget ? make.real() : 0.0f;
    return made;
}

ExpertPass passOf(Maker& make, Position pos, int rows, int experts) {
    ExpertPass pass{pos,
                    rows,
                    make.coin(),
                    make.below(experts + 1),
                    {},
                    {},
                    make.below(1 << 30),
                    std::int64_t{1} << make.below(62),
                    make.below(1 << 30)};
    for (int layer = 0; layer < kExpertLayers; ++layer)
        pass.layers.push_back({make.below(experts + 1), make.below(experts + 1), make.real()});
    for (int budget = make.coin() ? experts : 0; budget > 0; --budget) pass.coverage_by_budget.push_back(make.real());
    return pass;
}

// Puts rounds, experts and passes among the events of a run, each in front of the first token that comes out of it.
std::vector<RunEvent> withSpeculation(std::vector<RunEvent> events, const RunShape& shape) {
    Maker make(shape.seed + 1000);
    std::vector<const TokenRecord*> tokens;
    std::set<TokenId> named;
    for (const RunEvent& event : events) {
        if (const auto* token = std::get_if<TokenRecord>(&event)) tokens.push_back(token);
        if (const auto* text = std::get_if<TokenText>(&event)) named.insert(text->id);
    }
    std::map<Position, DraftRound> rounds;
    if (shape.drafts) {
        for (DraftRound& round : roundsOf(make, tokens)) rounds.emplace(round.pos, std::move(round));
    }
    std::vector<RunEvent> out;
    for (RunEvent& event : events) {
        if (auto* provenance = std::get_if<RunProvenance>(&event)) {
            if (shape.drafts)
                std::tie(provenance->draft_name, provenance->draft_hash, provenance->draft_format) =
                    std::tuple("nano draft", "d789", "Q8_0");
            if (shape.experts > 0)
                std::tie(provenance->expert_layers, provenance->experts, provenance->experts_used) =
                    std::tuple(kExpertLayers, shape.experts, 2);
        }
        if (const auto* token = std::get_if<TokenRecord>(&event)) {
            const auto round = rounds.find(token->pos);
            if (shape.experts > 0) {
                const bool prefill = token == tokens.front();
                for (Position pos = prefill && shape.first < 0 ? 0 : token->pos - 1; pos < token->pos; ++pos)
                    out.emplace_back(expertsOf(make, pos, shape.experts));
                out.emplace_back(
                    passOf(make, token->pos - 1, round == rounds.end() ? 1 : round->second.rows, shape.experts));
            }
            if (round != rounds.end()) {
                for (const DraftNode& node : round->second.nodes) {
                    if (named.insert(node.id).second) out.emplace_back(TokenText{node.id, bytesOf(node.id)});
                }
                out.emplace_back(round->second);
            }
        }
        out.push_back(std::move(event));
    }
    return out;
}

// Bits of everything in a record; NaN is one value.
void add(std::string& out, const char* key, float value) {
    out += std::string(key) + "=" + (std::isnan(value) ? "nan" : std::to_string(std::bit_cast<std::uint32_t>(value))) +
           " ";
}
void add(std::string& out, const char* key, std::int64_t value) {
    out += std::string(key) + "=" + std::to_string(value) + " ";
}
void add(std::string& out, const char* key, const std::vector<Alternative>& list) {
    for (const Alternative& alternative : list) {
        add(out, key, std::int64_t{alternative.id});
        add(out, key, alternative.logprob);
    }
}

std::string bitsOf(const TracePoint& point) {
    const TokenRecord& t = point.token;
    const ReferenceRecord& r = point.reference;
    std::string out;
    add(out, "pos", std::int64_t{t.pos});
    add(out, "id", std::int64_t{t.id});
    add(out, "without_penalty_id", std::int64_t{t.without_penalty_id});
    add(out, "logprob", t.logprob);
    add(out, "rank", std::int64_t{t.rank});
    add(out, "entropy", t.entropy);
    add(out, "varentropy", t.varentropy);
    add(out, "marker_mass", t.marker_mass);
    add(out, "marker_mass_after", t.marker_mass_after);
    add(out, "penalty", t.penalty);
    add(out, "time_ns", t.time_ns);
    add(out, "flags", std::int64_t{t.thinking + 2 * t.marker + 4 * t.penalized + 8 * t.injected});
    add(out, "top", t.top);
    add(out, "top_after", t.top_after);
    add(out, "reference.pos", std::int64_t{r.pos});
    add(out, "reference.kl", r.kl);
    add(out, "reference.entropy", r.entropy);
    add(out, "reference.varentropy", r.varentropy);
    add(out, "reference.logprob", r.logprob);
    add(out, "reference.rank", std::int64_t{r.rank});
    add(out, "reference.top", r.top);
    return out;
}

std::string bitsOf(const DraftRound& round) {
    std::string out;
    add(out, "pos", std::int64_t{round.pos});
    for (const DraftNode& node : round.nodes) {
        add(out, "parent", std::int64_t{node.parent});
        add(out, "id", std::int64_t{node.id});
        add(out, "draft_prob", node.draft_prob);
        add(out, "target_prob", node.target_prob);
        add(out, "accept_prob", node.accept_prob);
        add(out, "draw", node.draw);
        add(out, "fate", static_cast<std::int64_t>(node.fate));
    }
    for (const std::int32_t node : round.path) add(out, "path", std::int64_t{node});
    add(out, "added", std::int64_t{round.added});
    add(out, "corrected", std::int64_t{round.corrected});
    add(out, "rows", std::int64_t{round.rows});
    add(out, "draft_ns", round.draft_ns);
    add(out, "verify_ns", round.verify_ns);
    add(out, "other_ns", round.other_ns);
    return out;
}

std::string bitsOf(const TokenExperts& experts) {
    std::string out;
    if (experts.layers == 0) return out;  // none recorded
    add(out, "pos", std::int64_t{experts.pos});
    add(out, "layers", std::int64_t{experts.layers});
    add(out, "per_token", std::int64_t{experts.per_token});
    for (const std::int16_t id : experts.ids) add(out, "expert", std::int64_t{id});
    for (const float weight : experts.weights) add(out, "weight", weight);
    for (const float mass : experts.dropped_mass) add(out, "dropped", mass);
    return out;
}

std::string bitsOf(const ExpertPass& pass) {
    std::string out;
    add(out, "pos", std::int64_t{pass.pos});
    add(out, "rows", std::int64_t{pass.rows});
    add(out, "verify", std::int64_t{pass.verify});
    add(out, "budget", std::int64_t{pass.budget});
    for (const ExpertLayerUse& layer : pass.layers) {
        add(out, "natural", std::int64_t{layer.natural});
        add(out, "executed", std::int64_t{layer.executed});
        add(out, "coverage", layer.coverage);
    }
    for (const float coverage : pass.coverage_by_budget) add(out, "by_budget", coverage);
    add(out, "expert_bytes", pass.expert_bytes);
    add(out, "total_bytes", pass.total_bytes);
    add(out, "pass_ns", pass.pass_ns);
    return out;
}

template <typename Record>
std::string differenceBetween(const char* what, const std::vector<Record>& a, const std::vector<Record>& b) {
    const std::string name(what);
    if (a.size() != b.size()) return name + "s: " + std::to_string(a.size()) + " and " + std::to_string(b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const std::string left = bitsOf(a[i]), right = bitsOf(b[i]);
        if (left != right) return name + " " + std::to_string(i) + ": " + left + "| " + right;
    }
    return {};
}

}  // namespace

RunRequest fullRequest(std::uint64_t seed) {
    RunRequest r;
    r.model_path = "models/nano.gguf";
    r.weight_quant = {"rtn", {{"bits", 3}, {"group", 64}}};
    r.arithmetic = Arithmetic::F32;
    r.reference = {ReferenceKind::File, "models/other.gguf", 8};
    r.prompt = "\n What is 6 x 7?\n\"Think\" \xE2\x82\xAC";
    r.raw = true;
    r.problem_id = "";
    r.known_answer = "42";
    r.sampler = {0.1, 40, 0.9, 0.05};
    r.penalty = {2.5, "mine", {" Wait", " But"}, {" But"}, true};
    r.draft = {{"tree", {{"widths", 4}}}, "models/draft.gguf", "models/tiny.gguf", {"typical", {{"epsilon", 0.25}}}};
    r.experts = {"budget", {{"experts", 3}}};
    r.seed = 0xFFFFFFFFFFFFFFFFu - seed;
    r.max_tokens = 77;
    r.context = 1024;
    r.threads = 2;
    r.top_alternatives = 9;
    return r;
}

RunRequest ruledRequest(std::uint64_t seed) {
    RunRequest r = fullRequest(seed);
    r.logits = {{"cyclic", {{"amplitude", 1e-7}, {"words", "spaced"}}}, {"marker_penalty", {}}};
    r.control = {{"budget", {{"message", "Time is up,\n\"so\" I answer."}, {"tokens", 20}}}};
    return r;
}

std::vector<RunEvent> eventsOf(const RunShape& shape) {
    Maker make(shape.seed);
    std::vector<RunEvent> events;
    events.reserve(8 * static_cast<std::size_t>(shape.tokens) + 1024);
    std::vector<bool> named(kVocab);
    events.emplace_back(StateChanged{RunState::Prefilling});
    RunProvenance provenance = provenanceOf(shape, make);
    if (shape.rules) provenance.rules = {"cyclic:amplitude=1e-07", "marker_penalty:strength=2.5", "budget:tokens=20"};
    events.emplace_back(provenance);
    for (const TokenId id : provenance.prompt_tokens) name(events, named, id);
    for (const ResolvedMarker& marker : provenance.markers) name(events, named, marker.id);
    events.emplace_back(Progress{shape.prompt, shape.prompt});
    events.emplace_back(StateChanged{RunState::Running});
    const Position first = shape.first >= 0 ? shape.first : shape.prompt;
    Position scored = first;
    int rewrites = 0;
    for (Position pos = first; pos < first + shape.tokens; ++pos) {
        if (rewrites < shape.rewrites && pos + 1 == first + shape.tokens) {
            pos = scored = first + shape.tokens / 2;
            events.emplace_back(TakenBack{pos});
            events.emplace_back(RuleAct{pos, 2, RuleAct::Kind::Looked, 9, "answer 42"});
            events.emplace_back(ControlChange{pos, "rule:2:message", ParamValue("So:\n"), ++rewrites});
        }
        if (pos == first + 3) events.emplace_back(ControlChange{pos, "penalty", 3.75});
        if (pos == first + 3) events.emplace_back(ControlChange{pos, "word: But\n", 1});
        if (shape.rules && pos == first + 2) events.emplace_back(RuleAct{pos, 0, RuleAct::Kind::Turned, 0, {}});
        if (shape.rules && pos == first + 4)
            events.emplace_back(RuleAct{pos, 2, RuleAct::Kind::Injected, 3, "the budget is used up \xE2\x82\xAC"});
        if (shape.rules && pos + 1 == first + shape.tokens)
            events.emplace_back(RuleAct{pos, 2, RuleAct::Kind::Ended, 0, "the end"});
        const TokenRecord token = tokenOf(make, pos);
        name(events, named, token.id);
        name(events, named, token.without_penalty_id);
        for (const Alternative& alternative : token.top) name(events, named, alternative.id);
        for (const Alternative& alternative : token.top_after) name(events, named, alternative.id);
        events.emplace_back(token);
        while (shape.references && scored <= pos && (pos % 4 == 3 || pos + 1 == first + shape.tokens)) {
            const ReferenceRecord reference = referenceOf(make, scored++);
            for (const Alternative& alternative : reference.top) name(events, named, alternative.id);
            events.emplace_back(reference);
        }
    }
    if (shape.finished) events.emplace_back(RunFinished{FinishReason::TokenLimit, "all of it", 11, 22, 33, 44, 55});
    return shape.drafts || shape.experts > 0 ? withSpeculation(std::move(events), shape) : events;
}

std::vector<RunEvent> withTextsOf(std::vector<RunEvent> events, const RunTrace& stored) {
    std::erase_if(events, [&](const RunEvent& event) {
        const auto* text = std::get_if<TokenText>(&event);
        return text != nullptr && !stored.texts().contains(text->id);
    });
    return events;
}

RunTrace traceOf(const RunRequest& request, const std::vector<RunEvent>& events) {
    RunTrace trace(request);
    for (const RunEvent& event : events) trace.apply(event);
    return trace;
}

std::vector<EventBatchPtr> batchesOf(RunId run, const std::vector<RunEvent>& events, std::size_t size) {
    std::vector<EventBatchPtr> batches;
    for (std::size_t i = 0; i < events.size(); i += size) {
        auto batch = std::make_shared<EventBatch>();
        batch->run = run;
        for (std::size_t k = i; k < std::min(events.size(), i + size); ++k) batch->events.push_back(events[k]);
        batches.push_back(std::move(batch));
    }
    return batches;
}

std::string differenceBetween(const RunTrace& a, const RunTrace& b) {
    if (!(a.request() == b.request())) return "request";
    if (!(a.provenance() == b.provenance())) return "provenance";
    if (a.state() != b.state()) return "state";
    if (a.finished() != b.finished()) return "finished";
    if (a.controls() != b.controls()) return "controls";
    if (a.ruleActs() != b.ruleActs()) return "rule acts";
    for (const std::string& difference : {differenceBetween("point", a.points(), b.points()),
                                          differenceBetween("draft round", a.draftRounds(), b.draftRounds()),
                                          differenceBetween("position's expert", a.tokenExperts(), b.tokenExperts()),
                                          differenceBetween("pass", a.expertPasses(), b.expertPasses())}) {
        if (!difference.empty()) return difference;
    }
    if (a.referenced() != b.referenced()) return "referenced";
    for (const auto& [id, bytes] : a.texts()) {
        if (b.text(id) != bytes) return "text of token " + std::to_string(id);
    }
    return a.texts().size() == b.texts().size()
               ? ""
               : "texts: " + std::to_string(a.texts().size()) + " and " + std::to_string(b.texts().size());
}

}  // namespace quibble::test
