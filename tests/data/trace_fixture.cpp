#include "tests/data/trace_fixture.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

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
        constexpr float kOdd[] = {kNotMeasured, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(), 0.0f, 1.0f, -3.0f};
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

ReferenceRecord referenceOf(Maker& make, Position pos) { return {pos, make.real(), make.real(), make.real(), make.real(), 1 + make.below(kVocab - 1), make.list(10)}; }

// Bits of everything in a record; NaN is one value.
void add(std::string& out, const char* key, float value) {
    out += std::string(key) + "=" + (std::isnan(value) ? "nan" : std::to_string(std::bit_cast<std::uint32_t>(value))) + " ";
}
void add(std::string& out, const char* key, std::int64_t value) { out += std::string(key) + "=" + std::to_string(value) + " "; }
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
    r.seed = 0xFFFFFFFFFFFFFFFFu - seed;
    r.max_tokens = 77;
    r.context = 1024;
    r.threads = 2;
    r.top_alternatives = 9;
    return r;
}

std::vector<RunEvent> eventsOf(const RunShape& shape) {
    Maker make(shape.seed);
    std::vector<RunEvent> events;
    std::vector<bool> named(kVocab);
    events.emplace_back(StateChanged{RunState::Prefilling});
    const RunProvenance provenance = provenanceOf(shape, make);
    events.emplace_back(provenance);
    for (const TokenId id : provenance.prompt_tokens) name(events, named, id);
    for (const ResolvedMarker& marker : provenance.markers) name(events, named, marker.id);
    events.emplace_back(Progress{shape.prompt, shape.prompt});
    events.emplace_back(StateChanged{RunState::Running});
    const Position first = shape.first >= 0 ? shape.first : shape.prompt;
    Position scored = first;
    for (Position pos = first; pos < first + shape.tokens; ++pos) {
        if (pos == first + 3) events.emplace_back(ControlChange{pos, "penalty", 3.75});
        if (pos == first + 3) events.emplace_back(ControlChange{pos, "word: But\n", 1});
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
    if (a.points().size() != b.points().size()) return "points: " + std::to_string(a.points().size()) + " and " + std::to_string(b.points().size());
    for (std::size_t i = 0; i < a.points().size(); ++i) {
        const std::string left = bitsOf(a.points()[i]), right = bitsOf(b.points()[i]);
        if (left != right) return "point " + std::to_string(i) + ": " + left + "| " + right;
    }
    if (a.referenced() != b.referenced()) return "referenced";
    for (const auto& [id, bytes] : a.texts()) {
        if (b.text(id) != bytes) return "text of token " + std::to_string(id);
    }
    return a.texts().size() == b.texts().size() ? "" : "texts: " + std::to_string(a.texts().size()) + " and " + std::to_string(b.texts().size());
}

}  // namespace quibble::test
