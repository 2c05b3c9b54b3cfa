#include "views/tables/token_table_model.h"

#include <cmath>

#include <QStringList>

#include "views/token_stream/token_pieces.h"

namespace quibble {

namespace {

Measure measureOf(int column) {
    switch (column) {
        case TokenTableModel::Entropy: return Measure::Entropy;
        case TokenTableModel::Kl: return Measure::Kl;
        case TokenTableModel::Varentropy: return Measure::Varentropy;
        case TokenTableModel::Logprob: return Measure::Logprob;
        case TokenTableModel::RankColumn: return Measure::Rank;
        case TokenTableModel::MarkerMassColumn: return Measure::MarkerMass;
        default: return Measure::None;
    }
}

QString marksOf(const TokenRecord& token) {
    QStringList marks;
    if (token.thinking) marks << TokenTableModel::tr("thinking");
    if (token.marker) marks << TokenTableModel::tr("marker");
    if (token.injected) marks << TokenTableModel::tr("injected");
    if (token.intervened()) marks << TokenTableModel::tr("intervened");
    return marks.join(QStringLiteral(", "));
}

QVariant number(double value) { return std::isnan(value) ? QVariant() : QVariant(value); }

}  // namespace

TokenTableModel::TokenTableModel(RunDocument* document, QObject* parent)
    : QAbstractTableModel(parent), document_(document), rows_(document->size()) {
    connect(document_, &RunDocument::reset, this, [this] {
        beginResetModel();
        rows_ = document_->size();
        endResetModel();
    });
    connect(document_, &RunDocument::applied, this, [this](int, int last) {
        if (last <= rows_) return;
        beginInsertRows({}, rows_, last - 1);
        rows_ = last;
        endInsertRows();
    });
    connect(document_, &RunDocument::referenceAdvanced, this, [this](int first, int last) {
        if (first < last && last <= rows_) emit dataChanged(index(first, 0), index(last - 1, ColumnCount - 1));
    });
    connect(document_, &RunDocument::unitChanged, this, [this] {
        if (rows_ > 0) emit dataChanged(index(0, 0), index(rows_ - 1, ColumnCount - 1));
        emit headerDataChanged(Qt::Horizontal, 0, ColumnCount - 1);
    });
}

int TokenTableModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : rows_; }

int TokenTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant TokenTableModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid)) return {};
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(index.row())];
    const Unit unit = document_->unit();
    const bool bare = role == Qt::EditRole;
    if (role == Qt::TextAlignmentRole) {
        const bool text = index.column() == Text || index.column() == Marks;
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter | (text ? Qt::AlignLeft : Qt::AlignRight)));
    }
    if (role == Qt::FontRole && index.column() == Text) return Theme::instance().monoSmallFont();
    if (role == Qt::ForegroundRole && index.column() == Text && point.token.sampledMarker())
        return Theme::instance().colors().marker;
    if (role != Qt::DisplayRole && !bare) return {};
    switch (index.column()) {
        case Number: return index.row();
        case Pos: return point.token.pos;
        case Text:
            return bare ? decodeBytes(document_->trace().text(point.token.id))
                        : tokenLabelOf(document_->trace().text(point.token.id), true);
        case RefEntropy: {
            const double value = static_cast<double>(point.reference.entropy) * (unit == Unit::Bit ? kBitsPerNat : 1.0);
            if (bare) return number(value);
            return formatSignificant(value);
        }
        case Marks: return marksOf(point.token);
        default: break;
    }
    const Measure measure = measureOf(index.column());
    return bare ? number(measureValue(point, measure, unit)) : QVariant(measureText(point, measure, unit));
}

QVariant TokenTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
    const Measure measure = measureOf(section);
    if (role == Qt::ToolTipRole && measure != Measure::None) return measureHelp(measure);
    if (role == Qt::TextAlignmentRole) {
        const bool text = section == Text || section == Marks;
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter | (text ? Qt::AlignLeft : Qt::AlignRight)));
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case Number: return tr("token");
        case Pos: return tr("position");
        case Text: return tr("text");
        case RefEntropy: return tr("reference entropy (%1)").arg(measureUnit(Measure::Entropy, document_->unit()));
        case Marks: return tr("marks");
        default: break;
    }
    const QString unit = measureUnit(measure, document_->unit());
    return unit.isEmpty() ? measureLabel(measure) : tr("%1 (%2)").arg(measureLabel(measure), unit);
}

static QString csvField(const QVariant& value) {
    if (!value.isValid()) return {};
    if (value.userType() == QMetaType::Double) return QString::number(value.toDouble(), 'g', 9);
    QString text = value.toString();
    if (!text.contains(QLatin1Char(',')) && !text.contains(QLatin1Char('"')) && !text.contains(QLatin1Char('\n')) &&
        !text.contains(QLatin1Char('\r')) && !text.startsWith(QLatin1Char(' ')) && !text.endsWith(QLatin1Char(' '))) {
        return text;
    }
    return QLatin1Char('"') + text.replace(QLatin1Char('"'), QStringLiteral("\"\"")) + QLatin1Char('"');
}

QString toCsv(const QAbstractItemModel& model, int first, int last) {
    const int rows = model.rowCount();
    if (last < 0 || last > rows) last = rows;
    QString out;
    for (int column = 0; column < model.columnCount(); ++column) {
        if (column > 0) out += QLatin1Char(',');
        out += csvField(model.headerData(column, Qt::Horizontal, Qt::DisplayRole));
    }
    out += QLatin1Char('\n');
    for (int row = first; row < last; ++row) {
        for (int column = 0; column < model.columnCount(); ++column) {
            if (column > 0) out += QLatin1Char(',');
            out += csvField(model.index(row, column).data(Qt::EditRole));
        }
        out += QLatin1Char('\n');
    }
    return out;
}

}  // namespace quibble
