// Where the program finds and keeps its files: settings, database, marker lists, and the data that ships with it.
#pragma once

#include <filesystem>
#include <vector>

#include <QString>

namespace quibble {

[[nodiscard]] std::filesystem::path toPath(const QString& text);
[[nodiscard]] QString toQString(const std::filesystem::path& path);

struct AppPaths {
    std::filesystem::path settings_file;  // ini, state of the window only
    std::filesystem::path database;       // sessions and runs
    std::filesystem::path marker_dir;     // lists of the user
    std::filesystem::path state_dir;  // the log, and the note that a window is open; empty: there is no place for them
    std::filesystem::path data_dir;   // shipped models and problems; empty: not found

    /// `config_dir` empty: the folders of the platform; else everything of the user stays in that folder (portable
    /// mode).
    [[nodiscard]] static AppPaths locate(const QString& config_dir);

    /// data_dir/models/quibble-nano.gguf, the one to begin with; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedModel() const;
    /// quibble-nano-moe.gguf, with experts, beside it; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedMixture() const;
    /// quibble-nano-draft.gguf, which drafts for both; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedDraft() const;
    /// Those of the three that are there.
    [[nodiscard]] std::vector<std::filesystem::path> shippedModels() const;
    /// data_dir/problems/nano-examples.jsonl; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedProblems() const;

private:
    [[nodiscard]] std::filesystem::path shipped(const char* name) const;
};

}  // namespace quibble
