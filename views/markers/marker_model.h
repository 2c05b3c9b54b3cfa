// The words of a marker list, what they did in the run, and whether the penalty holds for them.
#pragma once

#include <vector>

#include <QAbstractTableModel>

#include "engine/metrics/summary.h"

namespace quibble {

class MarkerModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Word, Count, Avoided, Mass, Penalty, ColumnCount };
    struct Row {
        QString word;   // as in the list
        QString shown;  // without the blank in front when the whole list has it
        bool on = true;
        bool resolved = true;  // one token of this vocabulary (true while no run has told)
        std::int64_t count = 0, avoided = 0;
        double mass = 0;
    };

    explicit MarkerModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void setWords(const std::vector<std::string>& words, const std::vector<std::string>& disabled);
    void setCounts(const std::vector<MarkerCount>& counts, bool resolved);
    void setStrength(double strength);
    void setOn(int row, bool on);  // emits wordToggled
    [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
    [[nodiscard]] std::vector<std::string> disabledWords() const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

signals:
    void wordToggled(const QString& word, bool on);

private:
    std::vector<Row> rows_;
    double strength_ = 0;
};

}  // namespace quibble
