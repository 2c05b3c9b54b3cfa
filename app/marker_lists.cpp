#include "app/marker_lists.h"

#include <algorithm>
#include <cctype>
#include <system_error>

namespace quibble {

namespace {

constexpr const char* kEnding = ".txt";

// What a name may be in a file name everywhere: letters, digits, '-' and '_'; the list keeps its real name inside.
std::string fileStem(const std::string& name) {
    std::string stem;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        stem += byte < 128 && (std::isalnum(byte) != 0 || c == '-' || c == '_') ? c : '-';
    }
    return stem.substr(0, 60);
}

}  // namespace

MarkerLists::MarkerLists(std::filesystem::path folder) : folder_(std::move(folder)), sets_(builtinMarkerSets()) {}

std::vector<Error> MarkerLists::reload() {
    std::vector<Error> faults;
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
        if (entry.path().extension() == kEnding && entry.is_regular_file(ignored)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    sets_ = builtinMarkerSets();
    own_.clear();
    for (const std::filesystem::path& file : files) {
        auto set = loadMarkerSet(file);
        if (!set) {
            faults.push_back(set.error());
        } else if (find(set->name) != nullptr) {
            faults.push_back({ErrorCode::InvalidArgument,
                              file.filename().string() + " holds a second list \"" + set->name + "\"",
                              "Rename one of them in its first line"});
        } else {
            own_.push_back({set->name, file});
            sets_.push_back(std::move(*set));
        }
    }
    return faults;
}

const MarkerSet* MarkerLists::find(const std::string& name) const {
    const auto found = std::find_if(sets_.begin(), sets_.end(), [&](const MarkerSet& set) { return set.name == name; });
    return found == sets_.end() ? nullptr : &*found;
}

std::vector<std::string> MarkerLists::editable() const {
    std::vector<std::string> names;
    for (const Own& own : own_) names.push_back(own.name);
    return names;
}

bool MarkerLists::isEditable(const std::string& name) const {
    return std::any_of(own_.begin(), own_.end(), [&](const Own& own) { return own.name == name; });
}

std::string MarkerLists::freeName(const std::string& base) const {
    std::string name = base + " copy";
    for (int i = 2; find(name) != nullptr; ++i) name = base + " copy " + std::to_string(i);
    return name;
}

std::filesystem::path MarkerLists::freeFile(const std::string& name) const {
    const std::string stem = fileStem(name);
    std::filesystem::path file = folder_ / (stem + kEnding);
    std::error_code ignored;
    for (int i = 2; std::filesystem::exists(file, ignored); ++i)
        file = folder_ / (stem + "-" + std::to_string(i) + kEnding);
    return file;
}

Result<void> MarkerLists::save(const MarkerSet& set, const std::string& replaces) {
    if (set.name.empty()) return fail(ErrorCode::InvalidArgument, "the list has no name", "Give it one");
    if (set.words.empty())
        return fail(ErrorCode::InvalidArgument, "the list \"" + set.name + "\" has no words", "Write one a line");
    if (set.name != replaces && find(set.name) != nullptr) {
        return fail(ErrorCode::InvalidArgument, "there is a list \"" + set.name + "\" already", "Choose another name");
    }
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
        return fail(ErrorCode::Io, "cannot make the folder " + folder_.string() + ": " + error.message(),
                    "Check who may write there");
    const auto old = std::find_if(own_.begin(), own_.end(), [&](const Own& own) { return own.name == replaces; });
    if (auto saved = saveMarkerSet(set, old == own_.end() ? freeFile(set.name) : old->file); !saved) return saved;
    (void)reload();
    return {};
}

Result<void> MarkerLists::remove(const std::string& name) {
    const auto own =
        std::find_if(own_.begin(), own_.end(), [&](const Own& candidate) { return candidate.name == name; });
    if (own == own_.end())
        return fail(ErrorCode::NotFound, "no list of yours is called \"" + name + "\"", "Built-in lists stay");
    std::error_code error;
    std::filesystem::remove(own->file, error);
    if (error)
        return fail(ErrorCode::Io, "cannot remove " + own->file.string() + ": " + error.message(),
                    "Check who may write there");
    (void)reload();
    return {};
}

}  // namespace quibble
