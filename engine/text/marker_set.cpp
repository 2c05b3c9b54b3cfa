#include "engine/text/marker_set.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "engine/text/text_normalizer.h"
#include "engine/text/utf8.h"
#include "engine/values/move_into_place.h"

namespace quibble {
namespace {

constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kMaxEntryBytes = 256;
constexpr std::size_t kMaxFileBytes = 4u << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kNamePrefix = "# name: ";
constexpr std::string_view kNotePrefix = "# note: ";

// Table 8 of the paper, in its order.
constexpr std::array<std::string_view, 50> kPublished = {
    "perhaps",       "maybe",         "wait",    "Wait",    "actually", "hold",      "Hmm",         "hmm",
    "Alternatively", "alternatively", "However", "however", "instead",  "Instead",   "But",         "but",
    "though",        "although",      "yet",     "rather",  "unless",   "otherwise", "nonetheless", "nevertheless",
    "regardless",    "still",         "anyway",  "Or",      "or",       "either",    "whether",     "uncertain",
    "unsure",        "possibly",      "might",   "could",   "another",  "different", "reconsider",  "rethink",
    "backtrack",     "retry",         "recheck", "revisit", "doubt",    "confused",  "wrong",       "mistake",
    "error",         "incorrect",
};

// ASCII only: the lists are English, and other alphabets are listed in the forms that are meant.
char toLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char toUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::array<std::string, 3> caseForms(std::string_view word) {
    std::string lower(word), upper(word);
    std::transform(lower.begin(), lower.end(), lower.begin(), toLower);
    std::transform(upper.begin(), upper.end(), upper.begin(), toUpper);
    std::string title = lower;
    if (!title.empty()) title.front() = toUpper(title.front());
    return {lower, title, upper};
}

// One line of the file form to a word.
std::string parseEntry(std::string_view line) {
    std::string word;
    if (line.starts_with('_')) {
        word = " ";
        line.remove_prefix(1);
    }
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool escape = line[i] == '\\' && i + 1 < line.size();
        word += escape ? line[++i] : line[i];
    }
    return word;
}

std::string formatEntry(std::string_view word) {
    std::string line;
    if (word.starts_with(' ')) {
        line = "_";
        word.remove_prefix(1);
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
        const bool at_start = line.empty() && i == 0;
        if (word[i] == '\\' || (at_start && (word[i] == '_' || word[i] == '#'))) line += '\\';
        line += word[i];
    }
    return line;
}

tl::unexpected<Error> badLine(std::size_t line, std::string_view name, std::string what) {
    return fail(ErrorCode::InvalidArgument,
                "marker list " + std::string(name) + ", line " + std::to_string(line) + ": " + std::move(what),
                "One entry a line, _ for a leading space, # for comments");
}

}  // namespace

MarkerSet publishedMarkers() {
    MarkerSet set{.name = "published-50",
                  .note = "arXiv 2606.00206, appendix C, table 8: leading-space forms, exactly as listed",
                  .words = {}};
    for (const std::string_view word : kPublished) {
        std::string with_space(1, ' ');
        with_space.append(word);
        set.words.push_back(std::move(with_space));
    }
    return set;
}

MarkerSet expandMarkers(const MarkerSet& set, std::string name) {
    MarkerSet expanded{
        .name = std::move(name),
        .note = "surface forms of " + set.name + ": with and without leading space, lower, Title and UPPER case",
        .words = {}};
    std::set<std::string> seen;
    for (std::string_view word : set.words) {
        while (word.starts_with(' ')) word.remove_prefix(1);
        for (const char* lead : {" ", ""}) {
            for (const std::string& form : caseForms(word)) {
                std::string surface = lead + form;
                if (!word.empty() && seen.insert(surface).second) expanded.words.push_back(std::move(surface));
            }
        }
    }
    return expanded;
}

std::vector<MarkerSet> builtinMarkerSets() { return {publishedMarkers(), expandMarkers(publishedMarkers())}; }

Result<std::string> findMarkerEntry(std::span<const std::string> words, std::string_view given) {
    const auto find = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    if (find(given)) return std::string(given);
    if (std::string word = parseEntry(given); find(word)) return word;
    // Compared without spaces around it and in lower case; U+2581 is how token lists write a space.
    const auto bare = [](std::string_view word) {
        if (word.starts_with(kSpaceMark)) word.remove_prefix(kSpaceMark.size());
        while (word.starts_with(' ') || word.starts_with('_')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        return caseForms(word).front();
    };
    const auto near =
        std::find_if(words.begin(), words.end(), [&](const std::string& word) { return bare(word) == bare(given); });
    return fail(ErrorCode::NotFound, "the marker list has no entry \"" + toValidUtf8(given) + "\"",
                near != words.end() ? "It has \"" + *near + "\""
                                    : "Entries are written with their leading space, or as in a list file: _wait");
}

ResolvedMarkers resolveMarkers(const MarkerSet& set, const Tokenizer& tokenizer) {
    ResolvedMarkers resolved;
    std::set<std::string_view> seen;
    for (const std::string& word : set.words) {
        if (!seen.insert(word).second) {
            resolved.dropped.push_back(word + ": listed twice");
            continue;
        }
        const std::vector<TokenId> ids = tokenizer.encode(word, {.continuation = true});
        if (ids.size() != 1) {
            resolved.dropped.push_back(
                word + ": " + (ids.empty() ? "is empty" : "splits into " + std::to_string(ids.size()) + " tokens"));
            continue;
        }
        resolved.entries.emplace_back(word, ids.front());
        resolved.ids.push_back(ids.front());
    }
    std::sort(resolved.ids.begin(), resolved.ids.end());
    resolved.ids.erase(std::unique(resolved.ids.begin(), resolved.ids.end()), resolved.ids.end());
    return resolved;
}

Result<MarkerSet> parseMarkerSet(std::string_view text, std::string fallback_name) {
    MarkerSet set{.name = std::move(fallback_name), .note = {}, .words = {}};
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    for (std::size_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
        if (line.starts_with(kNamePrefix)) set.name = line.substr(kNamePrefix.size());
        if (line.starts_with(kNotePrefix)) set.note = line.substr(kNotePrefix.size());
        if (line.empty() || line.starts_with('#')) continue;
        if (!isValidUtf8(line)) return badLine(line_number, set.name, "is not UTF-8");
        if (line.size() > kMaxEntryBytes)
            return badLine(
                line_number, set.name,
                "has " + std::to_string(line.size()) + " bytes; the limit is " + std::to_string(kMaxEntryBytes));
        if (line.starts_with(' ') || line.starts_with('\t'))
            return badLine(line_number, set.name, "begins with white space; write _ for a leading space");
        if (set.words.size() == kMaxEntries)
            return badLine(
                line_number, set.name,
                "is entry " + std::to_string(kMaxEntries + 1) + "; the limit is " + std::to_string(kMaxEntries));
        set.words.push_back(parseEntry(line));
    }
    return set;
}

Result<MarkerSet> loadMarkerSet(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error)
        return fail(ErrorCode::NotFound, "cannot read the marker list " + path.string() + ": " + error.message(),
                    "Check the path");
    if (size > kMaxFileBytes)
        return fail(ErrorCode::InvalidArgument,
                    path.string() + " has " + std::to_string(size) + " bytes, too many for a marker list",
                    "Choose a text file");
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.bad() || !in.is_open())
        return fail(ErrorCode::Io, "cannot read the marker list " + path.string(), "Check that the file may be read");
    auto set = parseMarkerSet(text, path.stem().string());
    if (set && set->words.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    "the marker list " + path.string() + " has no entries: every line is empty or a comment",
                    "Write one word a line, _ for a leading space");
    }
    return set;
}

std::string formatMarkerSet(const MarkerSet& set) {
    std::string text;
    text.append(kNamePrefix).append(set.name).append("\n");
    if (!set.note.empty()) text.append(kNotePrefix).append(set.note).append("\n");
    text +=
        "# One entry a line. A leading _ is a space in front of the word; \\ before _, # or \\ makes it ordinary.\n";
    for (const std::string& word : set.words) text.append(formatEntry(word)).append("\n");
    return text;
}

Result<void> saveMarkerSet(const MarkerSet& set, const std::filesystem::path& path) {
    const std::string text = formatMarkerSet(set);
    // What is written must read back as the same list; a word with a line break, for one, would not.
    const auto back = parseMarkerSet(text, set.name);
    if (!back) return tl::unexpected<Error>(back.error());
    if (*back != set) {
        return fail(ErrorCode::InvalidArgument,
                    "the marker list " + set.name + " has an entry, name or note that one line cannot hold",
                    "Remove empty entries, line breaks and white space at the ends");
    }
    std::filesystem::path temporary = path;
    temporary += ".new";
    {
        std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
        out << text;
        out.close();
        if (!out)
            return fail(ErrorCode::Io, "cannot write the marker list " + temporary.string(),
                        "Check the folder and the free space");
    }
    return moveIntoPlace(temporary, path);
}

}  // namespace quibble
