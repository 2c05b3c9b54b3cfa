#include "app/settings.h"

#include <algorithm>

#include <QDir>
#include <QFileInfo>

#include "app/app_paths.h"

namespace quibble {

namespace {

constexpr const char* kTheme = "view/theme";
constexpr const char* kFontScale = "view/font_scale";
constexpr const char* kUnit = "view/unit";
constexpr const char* kStages = "view/stages";
constexpr const char* kPace = "run/pace";
constexpr const char* kProblems = "run/problems";
constexpr const char* kMeasure = "view/measure";
constexpr const char* kInvisibles = "view/invisibles";
constexpr const char* kOrigins = "view/origins";
constexpr const char* kGeometry = "window/geometry";
constexpr const char* kLayout = "window/layout";
constexpr const char* kLayoutVersionKey = "window/layout_version";
constexpr const char* kRecent = "models/recent";

constexpr double kWatchingPace = 30;  // tokens a second: fast reading

}  // namespace

Settings::Settings(const std::filesystem::path& file) : settings_(toQString(file), QSettings::IniFormat) {
    QDir().mkpath(QFileInfo(settings_.fileName()).absolutePath());
}

ThemeMode Settings::theme() const {
    const QString value = settings_.value(kTheme).toString();
    if (value == QLatin1String("light")) return ThemeMode::Light;
    if (value == QLatin1String("dark")) return ThemeMode::Dark;
    return ThemeMode::System;
}

void Settings::setTheme(ThemeMode mode) {
    const char* const value = mode == ThemeMode::Light ? "light" : mode == ThemeMode::Dark ? "dark" : "system";
    settings_.setValue(kTheme, QString::fromLatin1(value));
}

double Settings::fontScale() const {
    bool number = false;
    const double scale = settings_.value(kFontScale, 1.0).toDouble(&number);
    return number && scale >= 0.7 && scale <= 2.5 ? scale : 1.0;
}

void Settings::setFontScale(double scale) { settings_.setValue(kFontScale, scale); }

double Settings::pace() const {
    bool number = false;
    const double pace = settings_.value(kPace, kWatchingPace).toDouble(&number);
    return number && pace >= 0 && pace <= 1000 ? pace : kWatchingPace;
}

void Settings::setPace(double tokens_per_second) { settings_.setValue(kPace, tokens_per_second); }

Unit Settings::unit() const {
    return settings_.value(kUnit).toString() == QLatin1String("bit") ? Unit::Bit : Unit::Nat;
}

bool Settings::stagesShown() const { return settings_.value(kStages, false).toBool(); }
void Settings::setStagesShown(bool shown) { settings_.setValue(kStages, shown); }

void Settings::setUnit(Unit unit) {
    settings_.setValue(kUnit, unit == Unit::Bit ? QStringLiteral("bit") : QStringLiteral("nat"));
}

Measure Settings::measure() const { return measureFromKey(settings_.value(kMeasure).toString()); }

void Settings::setMeasure(Measure measure) { settings_.setValue(kMeasure, measureKey(measure)); }

bool Settings::origins() const { return settings_.value(kOrigins, true).toBool(); }
void Settings::setOrigins(bool on) { settings_.setValue(kOrigins, on); }

bool Settings::invisibles() const { return settings_.value(kInvisibles, false).toBool(); }

void Settings::setInvisibles(bool on) { settings_.setValue(kInvisibles, on); }

QByteArray Settings::geometry() const { return settings_.value(kGeometry).toByteArray(); }

QByteArray Settings::layout() const {
    return settings_.value(kLayoutVersionKey).toInt() == kLayoutVersion ? settings_.value(kLayout).toByteArray()
                                                                        : QByteArray{};
}

void Settings::saveWindow(const QByteArray& geometry, const QByteArray& layout) {
    settings_.setValue(kGeometry, geometry);
    settings_.setValue(kLayout, layout);
    settings_.setValue(kLayoutVersionKey, kLayoutVersion);
    settings_.sync();
}

void Settings::forgetLayout() { settings_.remove(kLayout); }

QString Settings::folder(const QString& kind, const QString& first) const {
    const QString folder = settings_.value(QStringLiteral("folders/") + kind).toString();
    return !folder.isEmpty() && QFileInfo(folder).isDir() ? folder : !first.isEmpty() ? first : QDir::homePath();
}

void Settings::setFolder(const QString& kind, const QString& folder) {
    settings_.setValue(QStringLiteral("folders/") + kind, folder);
}

QString Settings::problemSet() const { return settings_.value(kProblems).toString(); }

void Settings::setProblemSet(const QString& path) { settings_.setValue(kProblems, path); }

QStringList Settings::recentModels() const { return settings_.value(kRecent).toStringList(); }

void Settings::setRecentModels(const QStringList& paths) {
    settings_.setValue(kRecent, paths);
    settings_.sync();
}

}  // namespace quibble
