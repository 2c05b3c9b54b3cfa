// State of the window and preferences, in one ini file. Nothing about runs: that is in the database. Unknown keys are
// left alone, values that make no sense fall back to the default.
#pragma once

#include <filesystem>

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>

#include "views/measure.h"
#include "views/theme.h"

namespace quibble {

class Settings {
public:
    explicit Settings(const std::filesystem::path& file);

    [[nodiscard]] ThemeMode theme() const;
    void setTheme(ThemeMode mode);
    [[nodiscard]] double fontScale() const;
    void setFontScale(double scale);
    /// Tokens a second at most, so that a small model can be watched; 0: as fast as it goes.
    [[nodiscard]] double pace() const;
    void setPace(double tokens_per_second);
    [[nodiscard]] Unit unit() const;
    void setUnit(Unit unit);
    /// Whether the token inspector shows the stages of the choice.
    [[nodiscard]] bool stagesShown() const;
    void setStagesShown(bool shown);
    [[nodiscard]] Measure measure() const;
    void setMeasure(Measure measure);
    [[nodiscard]] bool invisibles() const;
    void setInvisibles(bool on);
    [[nodiscard]] bool origins() const;
    void setOrigins(bool on);

    /// Saved by QMainWindow; empty when a version with other docks wrote it.
    [[nodiscard]] QByteArray geometry() const;
    [[nodiscard]] QByteArray layout() const;
    void saveWindow(const QByteArray& geometry, const QByteArray& layout);
    void forgetLayout();
    /// Version of the set of docks, for QMainWindow::saveState.
    static constexpr int kLayoutVersion = 3;

    /// File of the problem set that was opened last; empty: none was.
    [[nodiscard]] QString problemSet() const;
    void setProblemSet(const QString& path);
    /// Folder of the last file dialog of a kind: "models", "sessions", "exports", "problems". Before the first one it
    /// is `first`, and without that the user's own.
    [[nodiscard]] QString folder(const QString& kind, const QString& first = {}) const;
    void setFolder(const QString& kind, const QString& folder);

    [[nodiscard]] QStringList recentModels() const;
    void setRecentModels(const QStringList& paths);

    [[nodiscard]] QString file() const { return settings_.fileName(); }

private:
    QSettings settings_;
};

}  // namespace quibble
