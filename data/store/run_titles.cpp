#include "data/store/run_titles.h"

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "data/store/trace_reader.h"
#include "engine/values/run_json.h"
#include "engine/values/run_settings.h"

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

bool isPath(const RequestField& field) { return field.name().ends_with("path"); }

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

// Of a stored request; null: it stands there only where it is not as it is made.
Json storedValue(const Json& request, const RequestField& field) {
    const Json* holder = &request;
    if (const std::string group(field.group()); !group.empty()) {
        const auto found = request.find(group);
        if (found == request.end()) return {};
        holder = &*found;
    }
    return holder->value(std::string(field.name()), Json());
}

std::string valueText(const FieldDifference& difference, const Json& mine, const Json& other) {
    const RequestField& field = difference.field;
    std::string name(field.name());
    std::replace(name.begin(), name.end(), '_', ' ');
    const std::string label(field.brief);
    if (mine.is_null()) return "no " + name;
    if (mine.is_array()) return listText(name, mine, other);
    if (mine.is_boolean()) return mine.get<bool>() ? name : "not " + name;
    if (field.kind == FieldKind::Clock) return label + difference.mine;
    if (mine.is_object()) return label + methodText(mine);
    if (!mine.is_string()) return label + mine.dump();
    const std::string text = mine.get<std::string>();
    if (text.empty()) return "no " + name;
    if (isPath(field)) return label + std::filesystem::path(text).stem().string();
    return label +
           (field.key == "prompt" ? "“" + cut(firstLine(text), kPartBytes) + "”" : cut(firstLine(text), kPartBytes));
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

}  // namespace

std::vector<std::string> settingsThatDiffer(const RunRequest& request, const RunRequest& other) {
    std::vector<FieldDifference> found = differences(request, other);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.field.key < b.field.key; });
    const Json mine = toJson(request), theirs = toJson(other);
    std::vector<std::string> parts;
    parts.reserve(found.size());
    for (const FieldDifference& difference : found) {
        parts.push_back(
            valueText(difference, storedValue(mine, difference.field), storedValue(theirs, difference.field)));
    }
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
