// The lines of the log that pass the filters, as a table: time, level, text. Lines are added as they come, and the
// oldest go when there are too many, as in the log itself.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <QAbstractTableModel>

#include "engine/values/log_line.h"

namespace quibble {

class LogModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Time, Level, Text, kColumns };
    static constexpr std::size_t kMostLines = 100'000;

    explicit LogModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void append(std::vector<LogLine> lines);
    /// Only lines of this level and above that hold the text, whatever the case of its ASCII letters.
    void setFilter(LogLevel level, const QString& text);
    /// Of the last line that was appended, shown or not; 0: none was.
    [[nodiscard]] std::uint64_t lastNumber() const { return lines_.empty() ? 0 : lines_.back().number; }
    [[nodiscard]] qsizetype totalLines() const { return static_cast<qsizetype>(lines_.size()); }
    /// Rows as they stand in the file: time, level and text.
    [[nodiscard]] QString toText(int first, int last) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] bool passes(const LogLine& line) const;
    [[nodiscard]] const LogLine& lineOf(int row) const;
    void dropOldest();

    std::deque<LogLine> lines_;
    std::deque<std::uint64_t> shown_;  // numbers of the lines that pass, in their order
    LogLevel level_ = LogLevel::Debug;
    std::string text_;
};

}  // namespace quibble
