// Where the program finds and keeps its files: settings, database, marker lists, and the data that ships with it.
#pragma once

#include <filesystem>

#include <QString>

namespace quibble {

[[nodiscard]] std::filesystem::path toPath(const QString& text);
[[nodiscard]] QString toQString(const std::filesystem::path& path);

struct AppPaths {
    std::filesystem::path settings_file;  // ini, state of the window only
    std::filesystem::path database;       // sessions and runs
    std::filesystem::path marker_dir;     // lists of the user
    std::filesystem::path data_dir;       // shipped models and problems; empty: not found

    /// `config_dir` empty: the folders of the platform; else everything of the user stays in that folder (portable mode).
    [[nodiscard]] static AppPaths locate(const QString& config_dir);

    /// data_dir/models/quibble-nano.gguf; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedModel() const;
    /// data_dir/models/quibble-nano-draft.gguf; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedDraft() const;
    /// data_dir/problems/nano-examples.jsonl; empty when there is no such file.
    [[nodiscard]] std::filesystem::path shippedProblems() const;
};

}  // namespace quibble
