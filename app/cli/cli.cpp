#include "app/cli/cli.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <system_error>

namespace quibble::cli {

Result<std::unique_ptr<Output>> Output::open(const std::string& path) {
    std::unique_ptr<Output> output(new Output(path));
    if (path == "-") return output;
    output->file_ = std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc);
    if (!*output->file_) return fail(ErrorCode::Io, "cannot write " + path, "Check the folder and its permissions");
    return output;
}

std::ostream& Output::stream() { return file_ ? static_cast<std::ostream&>(*file_) : std::cout; }

Result<void> Output::close() {
    stream().flush();
    if (!stream()) return fail(ErrorCode::Io, "writing " + (file_ ? path_ : std::string("standard output")) + " failed", "Is the disk full?");
    return {};
}

Result<std::filesystem::path> dataDirectory() {
    std::vector<std::filesystem::path> candidates;
    if (const char* chosen = std::getenv("QUIBBLE_DATA_DIR"); chosen != nullptr && *chosen != '\0') candidates.emplace_back(chosen);
    std::error_code ignored;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    if (!program.empty()) candidates.push_back(program.parent_path() / ".." / "share" / "quibble");
    candidates.emplace_back(QUIBBLE_SOURCE_DATA_DIR);
    for (const std::filesystem::path& candidate : candidates) {
        if (std::filesystem::is_directory(candidate / "problems", ignored)) return candidate;
    }
    return fail(ErrorCode::NotFound, "the data folder was not found", "Set QUIBBLE_DATA_DIR to the folder that holds problems and models");
}

Result<Problem> findProblem(const std::string& id) {
    auto directory = dataDirectory();
    if (!directory) return tl::unexpected(directory.error());
    std::error_code ignored;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(*directory / "problems", ignored)) {
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
    return fail(ErrorCode::NotFound, "no problem has the id \"" + id + "\"", "Searched: " + (searched.empty() ? "no sets found" : searched));
}

}  // namespace quibble::cli
