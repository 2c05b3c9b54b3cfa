#include "views/tables/plain_table_model.h"

#include <algorithm>
#include <cmath>

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QKeyEvent>
#include <QLocale>

#include "views/measure.h"
#include "views/tables/token_table_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

bool isNumber(const QVariant& value) {
    switch (value.userType()) {
        case QMetaType::Double:
        case QMetaType::Int:
        case QMetaType::LongLong: return true;
        default: return false;
    }
}

QString shown(const QVariant& value) {
    if (!value.isValid()) return QStringLiteral("–");
    if (value.userType() != QMetaType::Double)
        return isNumber(value) ? QLocale().toString(value.toLongLong()) : value.toString();
    return formatSignificant(value.toDouble());
}

}  // namespace

void PlainTableModel::setContent(QStringList header, std::vector<Row> rows) {
    beginResetModel();
    header_ = std::move(header);
    rows_ = std::move(rows);
    endResetModel();
}

int PlainTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int PlainTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(header_.size());
}

QVariant PlainTableModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid)) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    const auto column = static_cast<std::size_t>(index.column());
    const QVariant value = column < row.size() ? row[column] : QVariant();
    if (role == Qt::EditRole)
        return value.userType() == QMetaType::Double && std::isnan(value.toDouble()) ? QVariant() : value;
    if (role == Qt::DisplayRole) return shown(value);
    if (role == Qt::TextAlignmentRole) {
        return QVariant::fromValue(
            Qt::Alignment(Qt::AlignVCenter | (value.isValid() && !isNumber(value) ? Qt::AlignLeft : Qt::AlignRight)));
    }
    return {};
}

QVariant PlainTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= header_.size()) return {};
    if (role == Qt::DisplayRole) return header_.at(section);
    if (role == Qt::TextAlignmentRole && !rows_.empty()) return index(0, section).data(Qt::TextAlignmentRole);
    return {};
}

PlainTable::PlainTable(QWidget* parent) : QTableView(parent) {
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setAlternatingRowColors(true);
    setShowGrid(false);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setStretchLastSection(true);
    useFont(this, FontRole::Small);
    const auto metrics = [this] {
        verticalHeader()->setDefaultSectionSize(Theme::instance().em(1.45));
        horizontalHeader()->setDefaultSectionSize(Theme::instance().em(6.2));
    };
    metrics();
    connect(&Theme::instance(), &Theme::changed, this, metrics);
}

void PlainTable::keyPressEvent(QKeyEvent* event) {
    if (!event->matches(QKeySequence::Copy) || model() == nullptr) return QTableView::keyPressEvent(event);
    const QModelIndexList rows = selectionModel()->selectedRows();
    int first = 0, last = -1;
    if (rows.size() > 1) {
        const auto by_row = [](const QModelIndex& a, const QModelIndex& b) { return a.row() < b.row(); };
        first = std::min_element(rows.begin(), rows.end(), by_row)->row();
        last = std::max_element(rows.begin(), rows.end(), by_row)->row() + 1;
    }
    QApplication::clipboard()->setText(toCsv(*model(), first, last));
}

}  // namespace quibble
