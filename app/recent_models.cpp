#include "app/recent_models.h"

#include <QFileInfo>

#include "app/app_paths.h"
#include "app/settings.h"

namespace quibble {

RecentModels::RecentModels(Settings& settings, std::filesystem::path shipped) : settings_(settings), shipped_(std::move(shipped)) {}

void RecentModels::add(const std::filesystem::path& path) {
    const QString text = QFileInfo(toQString(path)).absoluteFilePath();
    QStringList paths = settings_.recentModels();
    paths.removeAll(text);
    paths.prepend(text);
    if (paths.size() > kMost) paths.resize(kMost);
    settings_.setRecentModels(paths);
}

void RecentModels::remove(const QString& path) {
    QStringList paths = settings_.recentModels();
    paths.removeAll(path);
    settings_.setRecentModels(paths);
}

std::vector<RecentModel> RecentModels::list() const {
    QStringList paths = settings_.recentModels();
    if (const QString shipped = toQString(shipped_); !shipped.isEmpty() && !paths.contains(shipped)) paths.append(shipped);
    std::vector<RecentModel> models;
    for (const QString& path : paths) {
        const QFileInfo file(path);
        models.push_back({path, file.completeBaseName(), !file.isFile()});
    }
    return models;
}

}  // namespace quibble
