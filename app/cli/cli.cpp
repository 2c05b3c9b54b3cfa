#include "app/cli/cli.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <system_error>

#include <unistd.h>

#include "data/shipped.h"
#include "engine/text/utf8.h"

namespace quibble::cli {

namespace {

constexpr std::size_t kMostTextBytes = std::size_t{64} << 20;

}  // namespace

Result<void> requireFolder(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code ignored;
    if (folder.empty() || std::filesystem::is_directory(folder, ignored)) return {};
    return fail(ErrorCode::NotFound, "cannot write " + path + ": there is no folder " + folder.string(),
                "Make it first, or name another");
}

Result<void> requireWritable(const std::string& path) {
    if (path == "-") return {};
    if (auto there = requireFolder(path); !there) return there;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code ignored;
    const std::string asked = std::filesystem::exists(path, ignored) ? path : folder.empty() ? "." : folder.string();
    if (!std::filesystem::is_directory(path, ignored) && ::access(asked.c_str(), W_OK) == 0) return {};
    return fail(ErrorCode::Io, "cannot write " + path, "Check the folder and its permissions");
}

Result<std::string> readBytes(const std::string& path) {
    const std::string name = path == "-" ? "standard input" : path;
    std::ifstream file;
    std::error_code ignored;
    if (path != "-") {
        file.open(path, std::ios::binary);
        if (!file || std::filesystem::is_directory(path, ignored))
            return fail(ErrorCode::NotFound, "cannot read " + path, "Check the name");
    }
    std::istream& in = path == "-" ? std::cin : file;
    std::string text;
    std::array<char, 1 << 16> part{};
    while (in.read(part.data(), part.size()) || in.gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > kMostTextBytes)
            return fail(ErrorCode::InvalidArgument, name + " holds more than 64 MiB", "Give it less text");
    }
    if (in.bad() || (path == "-" && std::ferror(stdin) != 0))
        return fail(ErrorCode::Io, "cannot read " + name, "Give it text: a file or a pipe");
    return text;
}

Result<std::string> readPrompt(const std::string& path) {
    auto text = readBytes(path);
    if (!text) return text;
    if (!isValidUtf8(*text)) {
        return fail(ErrorCode::InvalidArgument, (path == "-" ? "standard input" : path) + " is not UTF-8 text",
                    "Convert it, for instance with iconv");
    }
    if (text->starts_with("\xEF\xBB\xBF")) text->erase(0, 3);
    // An editor ends the last line too; that end is not part of what was asked.
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    return text;
}

Result<std::unique_ptr<Output>> Output::open(const std::string& path) {
    std::unique_ptr<Output> output(new Output(path));
    if (path == "-") return output;
    if (auto there = requireFolder(path); !there) return tl::unexpected(there.error());
    output->file_ = std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc);
    if (!*output->file_) return fail(ErrorCode::Io, "cannot write " + path, "Check the folder and its permissions");
    return output;
}

std::ostream& Output::stream() { return file_ ? static_cast<std::ostream&>(*file_) : std::cout; }

Result<void> Output::close() {
    stream().flush();
    if (!stream())
        return fail(ErrorCode::Io, "writing " + (file_ ? path_ : std::string("standard output")) + " failed",
                    "Is the disk full?");
    return {};
}

void printNotes(const RunProvenance& provenance) {
    for (const std::string& note : provenance.notes) std::cerr << "note: " << note << '\n';
}

Result<Problem> findProblem(const std::string& id) {
    const std::filesystem::path directory = shippedDataDirectory();
    if (directory.empty()) {
        return fail(ErrorCode::NotFound, "the folder of the shipped problems was not found",
                    "Set QUIBBLE_DATA_DIR to the folder that holds problems and models");
    }
    std::error_code ignored;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "problems", ignored)) {
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::string searched;
    for (const std::filesystem::path& file : files) {
        auto set = ProblemSet::load(file);
        if (!set) return tl::unexpected(set.error());
        if (auto problem = set->find(id)) return problem;
        searched += (searched.empty() ? "" : ", ") + set->name();
    }
    return fail(ErrorCode::NotFound, "no problem has the id \"" + id + "\"",
                "Searched: " + (searched.empty() ? "no sets found" : searched));
}

}  // namespace quibble::cli
