#include "engine/text/pre_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <sstream>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/text/unicode.h"
#include "engine/text/utf8.h"
#include "engine/values/check.h"

namespace quibble {
namespace {

// The Unicode property White_Space. PCRE2's own \s differs from it (U+180E), so the rules spell it out; to be written
// inside brackets.
const std::string kSpace = [] {
    std::ostringstream ranges;
    for (const auto& [first, last] : kWhiteSpace)
        ranges << std::hex << "\\x{" << std::uint32_t{first} << "}-\\x{" << std::uint32_t{last} << "}";
    return ranges.str();
}();
const std::string kSpaces = "[" + kSpace + "]";

// "'s", "'LL" and so on: (?i:'s|'t|'re|'ve|'m|'ll|'d) of the published rules, where the long s is one of the cases of
// s.
const std::string kContraction = R"((?:'[sS\x{17f}]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))";

// White space is kept in front of the next word except for its last character; the same ending in all newer rules.
const std::string kSpaceEnding = kSpaces + R"(*[\r\n]+|)" + kSpaces + "+(?![^" + kSpace + "])|" + kSpaces + "+";
const std::string kSymbols = " ?[^" + kSpace + R"(\p{L}\p{N}]+)";

std::string gpt2Rule() {
    return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|)" + kSymbols + "|" + kSpaces + "+(?![^" + kSpace + "])|" +
           kSpaces + "+";
}

// cl100k with `digits` in place of its number rule.
std::string cl100kRule(const std::string& digits) {
    return kContraction + R"(|[^\r\n\p{L}\p{N}]?\p{L}+|)" + digits + "|" + kSymbols + R"([\r\n]*|)" + kSpaceEnding;
}

// o200k: words end at a change from lower to upper case.
std::string o200kRule() {
    const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])";
    const std::string lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
    const std::string front = R"([^\r\n\p{L}\p{N}]?)";
    return front + upper + "*" + lower + "+" + kContraction + "?|" + front + upper + "+" + lower + "*" + kContraction +
           R"(?|\p{N}{1,3}|)" + kSymbols + R"([\r\n/]*|)" + kSpaceEnding;
}

std::vector<std::string> deepseekCoderRules() {
    return {R"([\r\n])", kSpaces + R"(?\p{L}+)", kSpaces + R"(?\p{P}+)",
            R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)", R"(\p{N})"};
}

struct Family {
    std::vector<std::string_view> names;  // as found in files
    std::vector<std::string> rules;
    bool ignore_merges = false;
    bool adds_bos = false;
};

const std::vector<Family>& families() {
    static const std::vector<Family> table = {
        {.names = {"gpt-2", "phi-2", "olmo"}, .rules = {gpt2Rule()}},
        {.names = {"qwen2", "deepseek-r1-qwen"}, .rules = {cl100kRule(R"(\p{N})")}},
        {.names = {"llama-bpe", "llama-v3", "llama3"},
         .rules = {cl100kRule(R"(\p{N}{1,3})")},
         .ignore_merges = true,
         .adds_bos = true},
        {.names = {"gpt-4o"}, .rules = {o200kRule()}},
        {.names = {"deepseek-coder"}, .rules = deepseekCoderRules()},
    };
    return table;
}

struct FreeMatchData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

/// One compiled expression. Immutable; each call has its own match data, so threads may share it.
class PreTokenizer::Rule {
public:
    explicit Rule(const std::string& pattern) {
        int error = 0;
        PCRE2_SIZE place = 0;
        code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF, &error, &place,
                              nullptr);
        QUIBBLE_CHECK(code_ != nullptr, "a built-in split rule does not compile");
        // Without JIT (some hardened systems forbid it) the interpreter gives the same matches, only slower.
        pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
    }
    ~Rule() { pcre2_code_free(code_); }
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;

    /// Appends the pieces of valid UTF-8: each match, and what lies between two matches.
    void split(std::string_view text, std::vector<std::string_view>& out) const {
        const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
        const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
        QUIBBLE_CHECK(data != nullptr && context != nullptr, "out of memory for a match");
        // The rules backtrack at most a few times over a run of equal characters.
        const std::size_t limit = std::min<std::size_t>(text.size() * 16 + 100000, UINT32_MAX);
        pcre2_set_match_limit(context.get(), static_cast<std::uint32_t>(limit));
        std::size_t done = 0;
        while (done < text.size()) {
            const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), done,
                                          PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data.get(), context.get());
            const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
            // No match, or a limit: the rest is one piece, which still encodes byte by byte.
            const bool matched = found >= 0;
            const std::size_t begin = matched ? ends[0] : text.size();
            const std::size_t end = matched ? ends[1] : text.size();
            if (begin > done) out.push_back(text.substr(done, begin - done));
            if (end > begin) out.push_back(text.substr(begin, end - begin));
            done = end;
        }
    }

private:
    pcre2_code* code_ = nullptr;
};

PreTokenizer::PreTokenizer() = default;
PreTokenizer::~PreTokenizer() = default;

std::vector<std::string_view> PreTokenizer::knownNames() {
    std::vector<std::string_view> names;
    for (const Family& family : families()) names.insert(names.end(), family.names.begin(), family.names.end());
    return names;
}

Result<std::shared_ptr<const PreTokenizer>> PreTokenizer::byName(std::string_view name) {
    for (const Family& family : families()) {
        if (std::find(family.names.begin(), family.names.end(), name) == family.names.end()) continue;
        std::shared_ptr<PreTokenizer> made(new PreTokenizer);
        for (const std::string& rule : family.rules) made->rules_.push_back(std::make_unique<Rule>(rule));
        made->ignore_merges_ = family.ignore_merges;
        made->adds_bos_ = family.adds_bos;
        return made;
    }
    std::string known;
    for (const std::string_view other : knownNames()) known += (known.empty() ? "" : ", ") + std::string(other);
    return fail(ErrorCode::Unsupported, "the pre-tokenizer \"" + toValidUtf8(name.substr(0, 60)) + "\" is not known",
                "A wrong split would shift every measurement, so none is guessed. Known: " + known);
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
    std::vector<std::string_view> pieces;
    // Runs of valid and of invalid bytes alternate; the rules see only the valid ones.
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        const bool valid = utf8Length(text, begin) > 0;
        while (end < text.size()) {
            const std::size_t length = utf8Length(text, end);
            if ((length > 0) != valid) break;
            end += valid ? length : 1;
        }
        const std::string_view run = text.substr(begin, end - begin);
        begin = end;
        std::vector<std::string_view> run_pieces{run};
        for (std::size_t i = 0; valid && i < rules_.size(); ++i) {
            std::vector<std::string_view> finer;
            for (const std::string_view piece : run_pieces) rules_[i]->split(piece, finer);
            run_pieces = std::move(finer);
        }
        pieces.insert(pieces.end(), run_pieces.begin(), run_pieces.end());
    }
    return pieces;
}

}  // namespace quibble
