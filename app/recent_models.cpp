#include "app/recent_models.h"

#include <QFileInfo>

#include "app/app_paths.h"
#include "app/settings.h"
#include "engine/file/model_title.h"

namespace quibble {

RecentModels::RecentModels(Settings& settings, std::vector<std::filesystem::path> shipped)
    : settings_(settings), shipped_(std::move(shipped)) {}

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

std::vector<KnownModel> RecentModels::list() const {
    QStringList paths = settings_.recentModels();
    for (const std::filesystem::path& shipped : shipped_) {
        if (const QString path = toQString(shipped); !paths.contains(path)) paths.append(path);
    }
    std::vector<KnownModel> models;
    for (const QString& path : paths) {
        const QFileInfo file(path);
        models.push_back({path, toQString(modelTitle(toPath(path))), !file.exists()});
    }
    return models;
}

}  // namespace quibble
