#include "data/store/run_titles.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "data/store/trace_reader.h"
#include "engine/values/run_json.h"

namespace quibble {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kTitleBytes = 80;
constexpr std::size_t kPartBytes = 28;
constexpr int kMostAdditions = 6;

// Cut between characters.
std::string cut(std::string text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "…";
}

// The first line that says something.
std::string firstLine(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? std::string{} : text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

// The words in front of a setting's value. A setting that is not listed here is called by its key.
const std::map<std::string, std::string>& labels() {
    static const std::map<std::string, std::string> known = {
        {"model_path", ""},
        {"weight_quant", ""},
        {"arithmetic", ""},
        {"kv_type", "cache "},
        {"prefill", "prefill "},
        {"reference.kind", "reference "},
        {"reference.path", "reference "},
        {"reference.block", "block "},
        {"problem_id", ""},
        {"known_answer", "answer "},
        {"sampler.temperature", "T "},
        {"sampler.top_k", "top-k "},
        {"sampler.top_p", "top-p "},
        {"sampler.min_p", "min-p "},
        {"penalty.strength", "λ "},
        {"penalty.set_name", "list "},
        {"draft.method", "draft "},
        {"draft.path", "draft "},
        {"draft.second_path", "second draft "},
        {"draft.verify", "verify "},
        {"experts", ""},
        {"seed", "seed "},
        {"max_tokens", "limit "},
        {"branch.parent", "of run "},
        {"branch.pos", "at "},
        {"prompt", ""},
    };
    return known;
}

bool isPath(const std::string& key) { return key.ends_with("path"); }

// A method is an object with its id and its parameters.
std::string methodText(const Json& value) {
    std::string text = value.value("id", std::string("none"));
    if (const auto params = value.find("params"); params != value.end()) {
        for (const auto& [key, number] : params->items())
            text += (number.is_structured() ? " " + number.dump() : " " + key + " " + number.dump());
    }
    return text;
}

std::string listText(const std::string& name, const Json& mine, const Json& other) {
    for (const Json& entry : mine) {
        if (entry.is_string() && std::find(other.begin(), other.end(), entry) == other.end())
            return name + " with “" + cut(entry.get<std::string>(), kPartBytes) + "”";
    }
    for (const Json& entry : other) {
        if (entry.is_string() && std::find(mine.begin(), mine.end(), entry) == mine.end())
            return name + " without “" + cut(entry.get<std::string>(), kPartBytes) + "”";
    }
    return "other " + name;
}

std::string valueText(const std::string& key, const Json& mine, const Json& other) {
    std::string name = key.substr(key.rfind('.') + 1);
    std::replace(name.begin(), name.end(), '_', ' ');
    if (mine.is_array()) return listText(name, mine, other);
    if (mine.is_boolean()) return mine.get<bool>() ? name : "not " + name;
    const auto known = labels().find(key);
    const std::string label = known == labels().end() ? name + " " : known->second;
    if (mine.is_object()) return label + methodText(mine);
    if (!mine.is_string()) return label + mine.dump();
    const std::string text = mine.get<std::string>();
    if (text.empty()) return "no " + name;
    if (isPath(key)) return label + std::filesystem::path(text).stem().string();
    return label + (key == "prompt" ? "“" + cut(firstLine(text), kPartBytes) + "”" : cut(firstLine(text), kPartBytes));
}

void compare(const std::string& prefix, const Json& mine, const Json& other, std::vector<std::string>& parts) {
    for (const auto& [name, value] : mine.items()) {
        const std::string key = prefix + name;
        const auto found = other.find(name);
        const Json& theirs = found == other.end() ? Json() : *found;
        if (value == theirs) continue;
        const bool group = value.is_object() && !value.contains("id");
        if (group)
            compare(key + ".", value, theirs.is_object() ? theirs : Json::object(), parts);
        else
            parts.push_back(valueText(key, value, theirs));
    }
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

}  // namespace

std::vector<std::string> settingsThatDiffer(const RunRequest& request, const RunRequest& other) {
    std::vector<std::string> parts;
    compare("", toJson(request), toJson(other), parts);
    return parts;
}

std::string firstTitle(const RunRequest& request) {
    if (request.branch.parent != kNoRun) return "Branch at position " + std::to_string(request.branch.pos);
    if (!request.problem_id.empty()) return request.problem_id;
    const std::string line = cut(firstLine(request.prompt), kTitleBytes);
    return line.empty() ? "Untitled" : line;
}

std::string distinctTitle(SQLite::Database& db, SessionId session, RunId self, std::string_view wanted,
                          const RunRequest& request) {
    // All runs of one title have the same settings, so the newest of them speaks for the others.
    SQLite::Statement newest(db, "SELECT MAX(id) FROM run WHERE session = ?1 AND title = ?2 AND id <> ?3");
    newest.bind(1, raw(session));
    newest.bind(3, raw(self));
    std::string title(wanted);
    for (int addition = 0; addition < kMostAdditions; ++addition) {
        newest.bind(2, title);
        newest.executeStep();
        if (newest.isColumnNull(0)) return title;
        const auto other = readRequest(db, RunId{newest.getColumn(0).getInt64()});
        newest.reset();
        if (!other) break;
        const std::vector<std::string> parts = settingsThatDiffer(request, *other);
        if (parts.empty()) return title;
        title += ", " + joined(parts);
    }
    return std::string(wanted) + ", run " + std::to_string(raw(self));
}

}  // namespace quibble
