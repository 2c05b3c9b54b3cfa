// A table of values that its owner fills: the table twin of a figure. Also the table that shows it.
#pragma once

#include <vector>

#include <QAbstractTableModel>
#include <QTableView>

namespace quibble {

class PlainTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using Row = std::vector<QVariant>;
    explicit PlainTableModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    /// Numbers are shown in the user's locale and exported bare; an invalid variant is shown as a dash. Rows may be
    /// shorter than the header.
    void setContent(QStringList header, std::vector<Row> rows);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QStringList header_;
    std::vector<Row> rows_;
};

/// Looks of a table twin: small font, stripes, no row numbers. Ctrl+C copies the rows chosen, or all, as CSV.
class PlainTable : public QTableView {
    Q_OBJECT
public:
    explicit PlainTable(QWidget* parent = nullptr);

protected:
    void keyPressEvent(QKeyEvent* event) override;
};

}  // namespace quibble
