#include "app/app_paths.h"

#include <system_error>

#include <QFile>
#include <QStandardPaths>

#include "data/shipped.h"
#include "engine/base/state_folder.h"

namespace quibble {

namespace {

std::filesystem::path existing(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) ? path : std::filesystem::path{};
}

}  // namespace

std::filesystem::path toPath(const QString& text) { return QFile::encodeName(text).toStdString(); }

QString toQString(const std::filesystem::path& path) { return QFile::decodeName(path.c_str()); }

AppPaths AppPaths::locate(const QString& config_dir) {
    AppPaths paths;
    paths.data_dir = shippedDataDirectory();
    if (!config_dir.isEmpty()) {
        const std::filesystem::path own = std::filesystem::absolute(toPath(config_dir));
        paths.settings_file = own / "quibble.ini";
        paths.database = own / "quibble.db";
        paths.marker_dir = own / "markers";
        paths.state_dir = own / "state";
        return paths;
    }
    const auto place = [](QStandardPaths::StandardLocation location) {
        return toPath(QStandardPaths::writableLocation(location));
    };
    paths.settings_file = place(QStandardPaths::AppConfigLocation) / "quibble.ini";
    paths.database = place(QStandardPaths::AppDataLocation) / "quibble.db";
    paths.marker_dir = place(QStandardPaths::AppDataLocation) / "markers";
    paths.state_dir = stateFolder();
    return paths;
}

std::filesystem::path AppPaths::shippedModel() const { return shipped("quibble-nano.gguf"); }
std::filesystem::path AppPaths::shippedMixture() const { return shipped("quibble-nano-moe.gguf"); }
std::filesystem::path AppPaths::shippedDraft() const { return shipped("quibble-nano-draft.gguf"); }

std::vector<std::filesystem::path> AppPaths::shippedModels() const {
    std::vector<std::filesystem::path> models{shippedModel(), shippedMixture(), shippedDraft()};
    std::erase_if(models, [](const std::filesystem::path& path) { return path.empty(); });
    return models;
}

std::filesystem::path AppPaths::shipped(const char* name) const {
    return data_dir.empty() ? std::filesystem::path{} : existing(data_dir / "models" / name);
}

std::filesystem::path AppPaths::shippedProblems() const {
    return data_dir.empty() ? std::filesystem::path{} : existing(data_dir / "problems" / "nano-examples.jsonl");
}

}  // namespace quibble
