#include "app/app_paths.h"

#include <system_error>

#include <QCoreApplication>
#include <QFile>
#include <QStandardPaths>

namespace quibble {

namespace {

std::filesystem::path existing(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) ? path : std::filesystem::path{};
}

}  // namespace

std::filesystem::path toPath(const QString& text) { return QFile::encodeName(text).toStdString(); }

QString toQString(const std::filesystem::path& path) { return QFile::decodeName(path.c_str()); }

std::filesystem::path findDataDir() {
    const QByteArray forced = qgetenv("QUIBBLE_DATA_DIR");
    const std::filesystem::path candidates[] = {
        std::filesystem::path(forced.toStdString()),
        toPath(QCoreApplication::applicationDirPath()) / ".." / "share" / "quibble",
        std::filesystem::path(QUIBBLE_SOURCE_DATA_DIR),
    };
    for (const std::filesystem::path& candidate : candidates) {
        std::error_code ignored;
        if (!candidate.empty() && std::filesystem::is_directory(candidate / "models", ignored)) {
            return std::filesystem::weakly_canonical(candidate, ignored);
        }
    }
    return {};
}

AppPaths AppPaths::locate(const QString& config_dir) {
    AppPaths paths;
    paths.data_dir = findDataDir();
    if (!config_dir.isEmpty()) {
        const std::filesystem::path own = std::filesystem::absolute(toPath(config_dir));
        paths.settings_file = own / "quibble.ini";
        paths.database = own / "quibble.db";
        paths.marker_dir = own / "markers";
        return paths;
    }
    const auto place = [](QStandardPaths::StandardLocation location) { return toPath(QStandardPaths::writableLocation(location)); };
    paths.settings_file = place(QStandardPaths::AppConfigLocation) / "quibble.ini";
    paths.database = place(QStandardPaths::AppDataLocation) / "quibble.db";
    paths.marker_dir = place(QStandardPaths::AppDataLocation) / "markers";
    return paths;
}

std::filesystem::path AppPaths::shippedModel() const {
    return data_dir.empty() ? std::filesystem::path{} : existing(data_dir / "models" / "quibble-nano.gguf");
}

std::filesystem::path AppPaths::shippedProblems() const {
    return data_dir.empty() ? std::filesystem::path{} : existing(data_dir / "problems" / "nano-examples.jsonl");
}

}  // namespace quibble
