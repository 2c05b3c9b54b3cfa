#include "views/log/log_model.h"

#include <algorithm>

#include <QColor>
#include <QDateTime>

#include "views/theme.h"

namespace quibble {

namespace {

// Rows leave in portions: each removal is a message to the view.
constexpr std::size_t kPortion = 2'000;

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool sameLetter(char a, char b) { return lowered(a) == lowered(b); }

QString levelName(LogLevel level) { return QString::fromLatin1(logLevelText(level)); }
QString timeText(const LogLine& line, const QString& format) {
    return QDateTime::fromMSecsSinceEpoch(line.time_ms).toString(format);
}

}  // namespace

void LogModel::append(std::vector<LogLine> lines) {
    if (lines.empty()) return;
    std::vector<std::uint64_t> passing;
    for (LogLine& line : lines) {
        if (passes(line)) passing.push_back(line.number);
        lines_.push_back(std::move(line));
    }
    if (!passing.empty()) {
        const int first = rowCount();
        beginInsertRows({}, first, first + static_cast<int>(passing.size()) - 1);
        shown_.insert(shown_.end(), passing.begin(), passing.end());
        endInsertRows();
    }
    if (lines_.size() > kMostLines + kPortion) dropOldest();
}

void LogModel::dropOldest() {
    const std::uint64_t first_kept = lines_[lines_.size() - kMostLines].number;
    const auto end = std::lower_bound(shown_.begin(), shown_.end(), first_kept);
    if (end != shown_.begin()) {
        beginRemoveRows({}, 0, static_cast<int>(end - shown_.begin()) - 1);
        shown_.erase(shown_.begin(), end);
        endRemoveRows();
    }
    lines_.erase(lines_.begin(), lines_.end() - static_cast<std::ptrdiff_t>(kMostLines));
}

void LogModel::setFilter(LogLevel level, const QString& text) {
    std::string wanted = text.toStdString();
    if (level == level_ && wanted == text_) return;
    beginResetModel();
    level_ = level;
    text_ = std::move(wanted);
    shown_.clear();
    for (const LogLine& line : lines_) {
        if (passes(line)) shown_.push_back(line.number);
    }
    endResetModel();
}

bool LogModel::passes(const LogLine& line) const {
    if (line.level < level_) return false;
    return std::search(line.text.begin(), line.text.end(), text_.begin(), text_.end(), sameLetter) != line.text.end() ||
           text_.empty();
}

const LogLine& LogModel::lineOf(int row) const {
    // Numbers have no gaps while nothing is lost between two looks at the log; where there are some, the line lies
    // before.
    const std::uint64_t number = shown_[static_cast<std::size_t>(row)];
    return *std::lower_bound(lines_.begin(), lines_.end(), number,
                             [](const LogLine& line, std::uint64_t wanted) { return line.number < wanted; });
}

QString LogModel::toText(int first, int last) const {
    QString text;
    for (int row = std::max(first, 0); row <= last && row < rowCount(); ++row) {
        const LogLine& line = lineOf(row);
        text += timeText(line, QStringLiteral("yyyy-MM-dd HH:mm:ss.zzz")) + QLatin1Char(' ') +
                levelName(line.level).leftJustified(7) + QLatin1Char(' ') + QString::fromStdString(line.text) +
                QLatin1Char('\n');
    }
    return text;
}

int LogModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(shown_.size());
}

int LogModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(kColumns); }

QVariant LogModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) return {};
    const LogLine& line = lineOf(index.row());
    if (role == Qt::ForegroundRole) {
        if (line.level >= LogLevel::Error) return Theme::instance().colors().bad;
        if (line.level == LogLevel::Warning) return Theme::instance().colors().marker;
        if (line.level == LogLevel::Debug || index.column() == Time) return Theme::instance().colors().muted;
        return {};
    }
    if (role == Qt::ToolTipRole && index.column() == Text) return QString::fromStdString(line.text).toHtmlEscaped();
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case Time: return timeText(line, QStringLiteral("HH:mm:ss.zzz"));
        case Level: return levelName(line.level);
        default: return QString::fromStdString(line.text);
    }
}

QVariant LogModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    return section == Time ? tr("Time") : section == Level ? tr("Level") : tr("What happened");
}

}  // namespace quibble
