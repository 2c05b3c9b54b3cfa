#include "views/inspector/stages_model.h"

#include <algorithm>
#include <cmath>

#include "views/inspector/stages_text.h"
#include "views/measure.h"
#include "views/run_document.h"
#include "views/token_stream/token_pieces.h"

namespace quibble {

namespace {

constexpr int kPage = 256;  // rows
constexpr double kLeastShown = 0.0005;

QVariant rightAligned() { return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter)); }

}  // namespace

QString stageProbability(double p) {
    if (p > 0 && p < kLeastShown) return QLatin1Char('<') + formatNumber(0.001, 3);
    return formatNumber(p, 3);
}

StagesModel::StagesModel(RunDocument* document, QObject* parent) : QAbstractTableModel(parent), document_(document) {}

void StagesModel::setTable(std::shared_ptr<const StageTable> table) {
    beginResetModel();
    table_ = std::move(table);
    rows_ = std::min(kPage, fullRows());
    endResetModel();
}

// The last one is all other tokens together.
int StagesModel::fullRows() const {
    if (table_ == nullptr) return 0;
    return table_->rows() + (table_->rows() < table_->vocabulary ? 1 : 0);
}

int StagesModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : rows_; }

int StagesModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() || table_ == nullptr ? 0 : static_cast<int>(table_->columns.size()) + 2;
}

bool StagesModel::canFetchMore(const QModelIndex& parent) const { return !parent.isValid() && rows_ < fullRows(); }

void StagesModel::fetchMore(const QModelIndex& parent) {
    if (!canFetchMore(parent)) return;
    const int more = std::min(kPage, fullRows() - rows_);
    beginInsertRows({}, rows_, rows_ + more - 1);
    rows_ += more;
    endInsertRows();
}

void StagesModel::fetchAll() {
    if (!canFetchMore({})) return;
    beginInsertRows({}, rows_, fullRows() - 1);
    rows_ = fullRows();
    endInsertRows();
}

int StagesModel::rowOf(TokenId id) const {
    if (table_ == nullptr || id == kNoToken) return -1;
    const auto found = std::find(table_->ids.begin(), table_->ids.end(), id);
    return found == table_->ids.end() ? -1 : static_cast<int>(found - table_->ids.begin());
}

TokenId StagesModel::idAt(int row) const {
    return table_ == nullptr || row < 0 || row >= table_->rows() ? kNoToken
                                                                 : table_->ids[static_cast<std::size_t>(row)];
}

const StageColumn* StagesModel::stageAt(int section) const {
    const auto column = static_cast<std::size_t>(section - 1);
    return table_ == nullptr || section < 1 || column >= table_->columns.size() ? nullptr : &table_->columns[column];
}

bool StagesModel::isMarker(TokenId id) const {
    const auto& markers = document_->trace().provenance().markers;
    return std::any_of(markers.begin(), markers.end(), [id](const ResolvedMarker& marker) { return marker.id == id; });
}

QString StagesModel::tokenText(int row, bool visible_spaces) const {
    const TokenId id = idAt(row);
    if (id == kNoToken) return tr("%L1 others").arg(static_cast<qlonglong>(table_->vocabulary - table_->rows()));
    const std::string& bytes = table_->texts[static_cast<std::size_t>(row)];
    return bytes.empty() ? tr("⟨%1⟩").arg(id) : tokenLabelOf(bytes, visible_spaces);
}

double StagesModel::logprob(int row, int section) const {
    const StageColumn& stage = *stageAt(section);
    if (row < table_->rows()) return static_cast<double>(stage.logprob[static_cast<std::size_t>(row)]);
    return std::log(stage.others);
}

bool StagesModel::out(int row, int section) const { return std::isinf(logprob(row, section)); }

QVariant StagesModel::stageData(int row, int section, int role) const {
    const StageColumn& stage = *stageAt(section);
    const bool out_here = out(row, section), gone = section > 1 && out(row, section - 1);
    const double p = std::exp(logprob(row, section));
    switch (role) {
        case Qt::DisplayRole:
            if (gone) return QStringLiteral("–");
            return stageProbability(out_here && section > 1 ? std::exp(logprob(row, section - 1)) : p);
        case Qt::EditRole: return p;
        case ProbabilityRole: return gone || out_here ? QVariant() : QVariant(p);
        case DroppedRole: return out_here && !gone;
        case GoneRole: return gone;
        case TouchedRole:
            return row < static_cast<int>(stage.touched.size()) && stage.touched[static_cast<std::size_t>(row)];
        case RuleRole: return stage.rule >= 0 ? QString::fromStdString(stage.name) : QString();
        case Qt::TextAlignmentRole: return rightAligned();
        case Qt::ToolTipRole:
            return out_here
                       ? tr("taken out")
                       : tr("p %1 · ln p %2").arg(formatSignificant(p, 4), formatSignificant(logprob(row, section), 4));
        case Qt::AccessibleTextRole:
            return tr("%1, %2: %3")
                .arg(tokenText(row, false), stageName(stage),
                     out_here ? tr("taken out") : tr("probability %1").arg(stageProbability(p)));
        default: return {};
    }
}

QVariant StagesModel::tokenData(int row, int role) const {
    const TokenId id = idAt(row);
    const bool chosen = id != kNoToken && id == table_->chosen;
    switch (role) {
        case Qt::DisplayRole: return tokenText(row, true);
        case Qt::EditRole: return tokenText(row, false);
        case Qt::ToolTipRole: return id == kNoToken ? QVariant() : tr("id %1").arg(id);
        case Qt::AccessibleTextRole:
            return tokenText(row, false) + (isMarker(id) ? tr(", marker") : QString()) +
                   (chosen ? tr(", stands in the text") : QString());
        default: return {};
    }
}

QVariant StagesModel::scoreData(int row, int role) const {
    const double score =
        row < table_->rows() ? static_cast<double>(table_->score[static_cast<std::size_t>(row)]) : std::nan("");
    const bool chosen = idAt(row) != kNoToken && idAt(row) == table_->chosen;
    const QString text = std::isnan(score) ? QString()
                         : score < 0       ? QChar(0x2212) + formatNumber(-score, 2)
                                           : QLatin1Char('+') + formatNumber(score, 2);
    switch (role) {
        case Qt::DisplayRole: return text;
        case Qt::EditRole: return std::isnan(score) ? QVariant() : QVariant(score);
        case Qt::TextAlignmentRole: return rightAligned();
        case Qt::AccessibleTextRole:
            return std::isnan(score) ? tr("%1: not drawn").arg(tokenText(row, false))
                                     : tr("%1, ln p plus noise: %2").arg(tokenText(row, false), text) +
                                           (chosen ? tr(", the largest") : QString());
        default: return {};
    }
}

QVariant StagesModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid)) return {};
    const int row = index.row(), section = index.column();
    if (role == IdRole) return idAt(row);
    if (role == MarkerRole) return isMarker(idAt(row));
    if (role == ChosenRole) return idAt(row) != kNoToken && idAt(row) == table_->chosen;
    if (role == GoneRole && section == 0) return out(row, static_cast<int>(table_->columns.size()));
    if (section == 0) return tokenData(row, role);
    return stageAt(section) != nullptr ? stageData(row, section, role) : scoreData(row, role);
}

QVariant StagesModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || table_ == nullptr || section < 0 || section >= columnCount()) return {};
    const StageColumn* stage = stageAt(section);
    const bool last = section + 1 == columnCount();
    switch (role) {
        case Qt::DisplayRole: return stage != nullptr ? stageName(*stage) : last ? tr("chosen") : tr("token");
        case AmountRole:
            if (stage != nullptr) return stageAmount(*stage);
            return last && table_->drawn ? tr("ln p + noise") : QString();
        case RuleRole: return stage != nullptr && stage->rule >= 0 ? QString::fromStdString(stage->name) : QString();
        case Qt::TextAlignmentRole:
            return section == 0 ? QVariant::fromValue(Qt::Alignment(Qt::AlignLeft | Qt::AlignVCenter)) : rightAligned();
        case Qt::ToolTipRole:
            if (stage != nullptr && stage->rule >= 0)
                return tr("%1: %L2 logits changed")
                    .arg(ruleName(stage->name))
                    .arg(static_cast<qlonglong>(stage->changed + stage->banned));
            return stage != nullptr && stage->dropped > 0 ? tr("%L1 tokens taken out, %L2 left")
                                                                .arg(static_cast<qlonglong>(stage->dropped))
                                                                .arg(static_cast<qlonglong>(stage->kept))
                                                          : QVariant();
        default: return {};
    }
}

}  // namespace quibble
