#include "data/problems/problem_set.h"

#include <algorithm>
#include <fstream>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "engine/grading/answer_text.h"

namespace quibble {

namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxProblems = 1'000'000;
constexpr std::size_t kMaxIdBytes = 100;
constexpr int kMaxSteps = 1'000'000;

bool isIdCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
}

// Reads up to the line end and no further than the limit. False at the end of the file.
bool readLine(std::istream& in, std::string& line, bool& too_long) {
    line.clear();
    too_long = false;
    std::streambuf& bytes = *in.rdbuf();
    int c = bytes.sbumpc();
    if (c == std::char_traits<char>::eof()) return false;
    for (; c != std::char_traits<char>::eof() && c != '\n'; c = bytes.sbumpc()) {
        if (line.size() == kMaxLineBytes) {
            too_long = true;
            return true;
        }
        line += static_cast<char>(c);
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
}

// Empty: fine. Otherwise what is wrong with the line.
std::string parseProblem(const std::string& line, Problem& problem) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_discarded()) return "is not JSON";
    if (!json.is_object()) return "is not a JSON object";
    for (const auto& [key, target] :
         {std::pair{"id", &problem.id}, {"text", &problem.text}, {"answer", &problem.answer}}) {
        const auto found = json.find(key);
        if (found == json.end()) return std::string("lacks \"") + key + "\"";
        // A bare number is a natural way to write an answer.
        if (std::string_view(key) == "answer" && found->is_number())
            *target = found->dump();
        else if (!found->is_string())
            return std::string("has a \"") + key + "\" that is not a text";
        else
            *target = found->get<std::string>();
        if (target->empty()) return std::string("has an empty \"") + key + "\"";
    }
    if (problem.id.size() > kMaxIdBytes || !std::all_of(problem.id.begin(), problem.id.end(), isIdCharacter)) {
        return "has an id with other characters than letters, digits, '-', '_', '.', '/', or more than 100 of them";
    }
    problem.answer = knownAnswer(problem.answer);  // a worked solution may stand in front of it
    if (problem.answer.empty()) return "has an \"answer\" with nothing behind the \"####\"";
    problem.steps = 0;
    if (const auto steps = json.find("steps"); steps != json.end()) {
        if (!steps->is_number_unsigned() || steps->get<std::uint64_t>() > kMaxSteps)
            return "has \"steps\" that is not a number from 0 to 1000000";
        problem.steps = steps->get<int>();
    }
    return {};
}

}  // namespace

Result<ProblemSet> ProblemSet::read(std::istream& in, std::string_view name) {
    ProblemSet set;
    set.name_ = std::string(name);
    std::unordered_set<std::string> ids;
    std::string line;
    bool too_long = false;
    std::size_t total = 0, number = 0;
    const auto bad = [&](const std::string& why) {
        return fail(ErrorCode::FileCorrupt, std::string(name) + ", line " + std::to_string(number) + " " + why,
                    "Write one {\"id\", \"text\", \"answer\"} object a line");
    };
    while (readLine(in, line, too_long)) {
        ++number;
        total += line.size() + 1;
        if (too_long) return bad("is longer than 1 MiB");
        if (total > kMaxFileBytes) return bad("is beyond the first 64 MiB");
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        if (set.problems_.size() == kMaxProblems) return bad("is one problem more than a million");
        Problem problem;
        if (const std::string why = parseProblem(line, problem); !why.empty()) return bad(why);
        if (!ids.insert(problem.id).second) return bad("repeats the id \"" + problem.id + "\"");
        set.problems_.push_back(std::move(problem));
    }
    return set;
}

Result<ProblemSet> ProblemSet::load(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::error_code error;
    if (!in || std::filesystem::is_directory(path, error))
        return fail(ErrorCode::NotFound, "cannot read the problem set " + path.string(), "Check the name");
    auto set = read(in, path.string());
    if (set) set->name_ = path.stem().string();
    return set;
}

Result<Problem> ProblemSet::find(std::string_view id) const {
    const auto found = std::find_if(problems_.begin(), problems_.end(), [&](const Problem& p) { return p.id == id; });
    if (found != problems_.end()) return *found;
    std::string hint = problems_.empty() ? "The set is empty"
                                         : "Its ids go from " + problems_.front().id + " to " + problems_.back().id;
    return fail(ErrorCode::NotFound, "the problem set " + name_ + " has no problem \"" + std::string(id) + "\"",
                std::move(hint));
}

}  // namespace quibble
