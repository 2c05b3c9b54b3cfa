#include "views/tables/token_table.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QKeyEvent>
#include <QTableView>
#include <QVBoxLayout>

#include "views/run_document.h"
#include "views/tables/token_table_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

TokenTable::TokenTable(RunDocument* document, QWidget* parent)
    : View(tr("Table"), parent),
      document_(document),
      model_(new TokenTableModel(document, this)),
      table_(new QTableView(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(table_);
    table_->setModel(model_);
    table_->setAccessibleName(tr("Tokens and their measurements"));
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->setSelectionMode(QAbstractItemView::ContiguousSelection);
    table_->setAlternatingRowColors(true);
    table_->setShowGrid(false);
    table_->setTabKeyNavigation(false);
    table_->verticalHeader()->hide();
    table_->horizontalHeader()->setHighlightSections(false);
    table_->horizontalHeader()->setStretchLastSection(true);
    table_->installEventFilter(this);
    useFont(table_, FontRole::Small);
    const auto metrics = [this] {
        const Theme& theme = Theme::instance();
        table_->verticalHeader()->setDefaultSectionSize(theme.em(1.45));
        table_->horizontalHeader()->setDefaultSectionSize(theme.em(6));
        table_->setColumnWidth(TokenTableModel::Number, theme.em(3.6));
        table_->setColumnWidth(TokenTableModel::RankColumn, theme.em(3.6));
        table_->setColumnWidth(TokenTableModel::RefEntropy, theme.em(10));
    };
    metrics();
    connect(&Theme::instance(), &Theme::changed, this, metrics);
    connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        if (syncing_) return;
        const QModelIndexList rows = table_->selectionModel()->selectedRows();
        if (rows.isEmpty()) return;
        int first = rows.front().row(), last = first;
        for (const QModelIndex& row : rows) {
            first = std::min(first, row.row());
            last = std::max(last, row.row());
        }
        syncing_ = true;
        document_->setSelection({first, last + 1}, std::clamp(table_->currentIndex().row(), first, last));
        syncing_ = false;
    });
    const auto follow = [this] {
        setFigures(tr("%n rows", nullptr, document_->size()));
        if (syncing_) return;
        const TokenRange range = document_->selection();
        syncing_ = true;
        if (range.empty() || range.end > model_->rowCount()) {
            table_->clearSelection();
        } else {
            const QItemSelection rows(model_->index(range.begin, 0), model_->index(range.end - 1, 0));
            table_->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
            table_->selectionModel()->setCurrentIndex(model_->index(document_->current(), 0),
                                                      QItemSelectionModel::NoUpdate);
            table_->scrollTo(model_->index(document_->current(), 0));
        }
        syncing_ = false;
    };
    connect(document_, &RunDocument::selectionChanged, this, follow);
    connect(document_, &RunDocument::applied, this, [this] { setFigures(tr("%n rows", nullptr, document_->size())); });
    connect(document_, &RunDocument::reset, this, follow);
    setFocusProxy(table_);
    follow();
}

bool TokenTable::eventFilter(QObject* watched, QEvent* event) {
    if (watched == table_ && event->type() == QEvent::KeyPress &&
        static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
        copyCsv();
        return true;
    }
    return View::eventFilter(watched, event);
}

void TokenTable::copyCsv() {
    const TokenRange range = document_->selection();
    QApplication::clipboard()->setText(range.size() > 1 ? toCsv(*model_, range.begin, range.end) : toCsv(*model_));
}

}  // namespace quibble
