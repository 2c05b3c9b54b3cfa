// The table twin of the stream and of every plot: one row a token, one column a measurement.
#pragma once

#include <QAbstractTableModel>

#include "views/run_document.h"

namespace quibble {

class TokenTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column {
        Number,
        Pos,
        Text,
        Entropy,
        Kl,
        Varentropy,
        Logprob,
        RankColumn,
        MarkerMassColumn,
        RefEntropy,
        Marks,
        ColumnCount
    };

    explicit TokenTableModel(RunDocument* document, QObject* parent = nullptr);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    /// DisplayRole in the user's locale; EditRole the bare number (NaN: invalid QVariant).
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    RunDocument* document_;
    int rows_ = 0;
};

/// Rows [first, last) of a model as CSV: header line, C locale, quotes where needed. last < 0: to the end.
[[nodiscard]] QString toCsv(const QAbstractItemModel& model, int first = 0, int last = -1);

}  // namespace quibble
