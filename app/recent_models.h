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

    /// `shipped` is always listed, last when it was not opened lately; may be empty.
    RecentModels(Settings& settings, std::filesystem::path shipped);
    void add(const std::filesystem::path& path);
    void remove(const QString& path);
    [[nodiscard]] std::vector<RecentModel> list() const;

private:
    Settings& settings_;
    std::filesystem::path shipped_;
};

}  // namespace quibble
