#include "views/markers/marker_model.h"

#include <algorithm>
#include <map>

#include "views/measure.h"

namespace quibble {

void MarkerModel::setWords(const std::vector<std::string>& words, const std::vector<std::string>& disabled) {
    beginResetModel();
    rows_.clear();
    const bool all_spaced =
        std::all_of(words.begin(), words.end(), [](const std::string& word) { return word.starts_with(' '); });
    for (const std::string& word : words) {
        Row row;
        row.word = QString::fromStdString(word);
        row.shown = all_spaced                              ? row.word.trimmed()
                    : row.word.startsWith(QLatin1Char(' ')) ? QChar(0x2423) + row.word.mid(1)
                                                            : row.word;
        row.on = std::find(disabled.begin(), disabled.end(), word) == disabled.end();
        rows_.push_back(std::move(row));
    }
    endResetModel();
}

void MarkerModel::setCounts(const std::vector<MarkerCount>& counts, bool resolved) {
    std::map<QString, const MarkerCount*> by_word;
    for (const MarkerCount& count : counts) by_word.emplace(QString::fromStdString(count.word), &count);
    for (Row& row : rows_) {
        const auto found = by_word.find(row.word);
        const MarkerCount count = found == by_word.end() ? MarkerCount{} : *found->second;
        row.count = count.count;
        row.avoided = count.avoided;
        row.mass = count.mass;
        row.resolved = !resolved || found != by_word.end();
    }
    if (!rows_.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

void MarkerModel::setStrength(double strength) {
    if (strength == strength_) return;
    strength_ = strength;
    if (!rows_.empty()) emit dataChanged(index(0, Penalty), index(rowCount() - 1, Penalty));
}

void MarkerModel::setOn(int row, bool on) {
    if (row < 0 || row >= rowCount() || rows_[static_cast<std::size_t>(row)].on == on) return;
    rows_[static_cast<std::size_t>(row)].on = on;
    emit dataChanged(index(row, 0), index(row, ColumnCount - 1));
    emit wordToggled(rows_[static_cast<std::size_t>(row)].word, on);
}

std::vector<std::string> MarkerModel::disabledWords() const {
    std::vector<std::string> words;
    for (const Row& row : rows_) {
        if (!row.on) words.push_back(row.word.toStdString());
    }
    return words;
}

int MarkerModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}
int MarkerModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant MarkerModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid)) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    if (role == Qt::CheckStateRole && index.column() == Word)
        return QVariant::fromValue(row.on ? Qt::Checked : Qt::Unchecked);
    if (role == Qt::TextAlignmentRole && index.column() != Word)
        return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
    if (role == Qt::ForegroundRole) {
        const ThemeColors& colors = Theme::instance().colors();
        if (!row.resolved) return colors.muted;
        if (index.column() == Word && row.count > 0) return colors.marker;
        return {};
    }
    if (role == Qt::ToolTipRole && !row.resolved) return tr("Not one token of this vocabulary: left out");
    if (role != Qt::DisplayRole && role != Qt::EditRole) return {};
    switch (index.column()) {
        case Word: return role == Qt::EditRole ? row.word : row.shown;
        case Count: return QVariant::fromValue<qlonglong>(row.count);
        case Avoided: return QVariant::fromValue<qlonglong>(row.avoided);
        case Mass: return role == Qt::EditRole ? QVariant(row.mass) : formatSignificant(row.mass, 2);
        case Penalty: {
            const double value = row.on && row.resolved ? strength_ : 0.0;
            return role == Qt::EditRole ? QVariant(value) : formatNumber(value, 1);
        }
        default: return {};
    }
}

QVariant MarkerModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    static const char* const kNames[ColumnCount] = {QT_TR_NOOP("word"), QT_TR_NOOP("count"), QT_TR_NOOP("avoided"),
                                                    QT_TR_NOOP("mass"), QT_TR_NOOP("penalty")};
    static const char* const kHelp[ColumnCount] = {
        QT_TR_NOOP("Switched on: the penalty holds for this word"), QT_TR_NOOP("How often it was sampled"),
        QT_TR_NOOP("Positions where it would have been chosen without the penalty and was not"),
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text on two lines
        QT_TR_NOOP("Sum over the tokens of the probability it had before the penalty, as far as it is among the "
                   "recorded alternatives"),
        QT_TR_NOOP("What is subtracted from its logit at the next token")};
    if (section < 0 || section >= ColumnCount) return {};
    if (role == Qt::DisplayRole) return tr(kNames[section]);
    if (role == Qt::ToolTipRole) return tr(kHelp[section]);
    return {};
}

Qt::ItemFlags MarkerModel::flags(const QModelIndex& index) const {
    Qt::ItemFlags flags = QAbstractTableModel::flags(index);
    if (index.isValid() && index.column() == Word) flags |= Qt::ItemIsUserCheckable;
    return flags;
}

bool MarkerModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (role != Qt::CheckStateRole || !index.isValid() || index.column() != Word) return false;
    setOn(index.row(), value.value<Qt::CheckState>() == Qt::Checked);
    return true;
}

}  // namespace quibble
