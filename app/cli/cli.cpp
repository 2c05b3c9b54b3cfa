#include "app/cli/cli.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <system_error>

#include "data/shipped.h"

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

Result<Problem> findProblem(const std::string& id) {
    const std::filesystem::path directory = shippedDataDirectory();
    if (directory.empty()) {
        return fail(ErrorCode::NotFound, "the folder of the shipped problems was not found", "Set QUIBBLE_DATA_DIR to the folder that holds problems and models");
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
    return fail(ErrorCode::NotFound, "no problem has the id \"" + id + "\"", "Searched: " + (searched.empty() ? "no sets found" : searched));
}

}  // namespace quibble::cli
