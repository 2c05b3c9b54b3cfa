// The model files that were opened last, newest first. A file that is gone stays listed and says so.
#pragma once

#include <filesystem>
#include <vector>

#include "views/run_setup/model_bar.h"

namespace quibble {

class Settings;

class RecentModels {
public:
    static constexpr qsizetype kMost = 10;

    /// `shipped` are always listed, behind what was opened lately.
    RecentModels(Settings& settings, std::vector<std::filesystem::path> shipped);
    void add(const std::filesystem::path& path);
    void remove(const QString& path);
    [[nodiscard]] std::vector<KnownModel> list() const;

private:
    Settings& settings_;
    std::vector<std::filesystem::path> shipped_;
};

}  // namespace quibble
