#include "views/log/log_window.h"

#include <algorithm>

#include <QClipboard>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QTableView>
#include <QVBoxLayout>

#include "views/log/log_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kPollMs = 150;

}  // namespace

LogWindow::LogWindow(Source source, QWidget* parent)
    : QDialog(parent),
      source_(std::move(source)),
      model_(new LogModel(this)),
      table_(new QTableView(this)),
      level_(new QComboBox(this)),
      filter_(new QLineEdit(this)),
      details_(new QPlainTextEdit(this)),
      state_(new QLabel(this)) {
    setWindowTitle(tr("Log"));
    for (const LogLevel level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error}) {
        level_->addItem(tr("%1 and above").arg(QLatin1String(logLevelText(level))), static_cast<int>(level));
    }
    level_->setAccessibleName(tr("Least level of the lines that are shown"));
    filter_->setPlaceholderText(tr("Filter"));
    filter_->setAccessibleName(tr("Show lines with this text only"));
    filter_->setClearButtonEnabled(true);
    place();
    connect(level_, &QComboBox::currentIndexChanged, this, &LogWindow::applyFilter);
    connect(filter_, &QLineEdit::textChanged, this, &LogWindow::applyFilter);
    connect(&Theme::instance(), &Theme::changed, table_->viewport(), QOverload<>::of(&QWidget::update));
    poll_.setInterval(kPollMs);
    connect(&poll_, &QTimer::timeout, this, &LogWindow::refresh);
}

void LogWindow::place() {
    auto* row = new QHBoxLayout;
    row->addWidget(level_);
    row->addWidget(filter_, 1);
    table_->setModel(model_);
    table_->setAccessibleName(tr("Lines of the log"));
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->setSelectionMode(QAbstractItemView::ContiguousSelection);
    table_->setAlternatingRowColors(true);
    table_->setShowGrid(false);
    table_->setTabKeyNavigation(false);
    table_->setWordWrap(false);
    table_->setTextElideMode(Qt::ElideRight);
    table_->verticalHeader()->hide();
    table_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);  // measures no row
    table_->horizontalHeader()->setHighlightSections(false);
    table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    table_->horizontalHeader()->setStretchLastSection(true);
    table_->installEventFilter(this);
    useFont(table_, FontRole::MonoSmall);
    details_->setReadOnly(true);
    details_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    details_->setTabChangesFocus(true);
    details_->setAccessibleName(tr("The current line"));
    details_->setPlaceholderText(tr("Choose a line to read all of it"));
    useFont(details_, FontRole::MonoSmall);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& current) {
                details_->setPlainText(current.isValid() ? current.siblingAtColumn(LogModel::Text).data().toString()
                                                         : QString());
            });
    const auto metrics = [this] {
        const Theme& theme = Theme::instance();
        table_->verticalHeader()->setDefaultSectionSize(theme.em(1.35));
        details_->setFixedHeight(theme.em(4.2));
        table_->setColumnWidth(LogModel::Time, theme.em(6.5));
        table_->setColumnWidth(LogModel::Level, theme.em(4.5));
    };
    metrics();
    connect(&Theme::instance(), &Theme::changed, this, metrics);
    useTextColour(state_, TextRole::Muted);
    useFont(state_, FontRole::Small);
    state_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    state_->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    copy_ = buttons->addButton(tr("&Copy"), QDialogButtonBox::ActionRole);
    copy_->setToolTip(tr("The selected lines, or all that are shown"));
    QPushButton* folder = buttons->addButton(tr("Open &Folder"), QDialogButtonBox::ActionRole);
    folder->setEnabled(static_cast<bool>(source_.open_folder));
    connect(copy_, &QPushButton::clicked, this, &LogWindow::copy);
    connect(folder, &QPushButton::clicked, this, [this] { source_.open_folder(); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->addLayout(row);
    column->addWidget(table_, 1);
    column->addWidget(details_);
    column->addWidget(state_);
    column->addWidget(buttons);
    resize(Theme::instance().em(60), Theme::instance().em(28));
}

bool LogWindow::atEnd() const { return table_->verticalScrollBar()->value() == table_->verticalScrollBar()->maximum(); }

void LogWindow::refresh() {
    const bool follow = atEnd();
    // One portion a time: a log of 100,000 lines fills over some frames and holds none of them up.
    std::vector<LogLine> lines = source_.lines(model_->lastNumber());
    const bool more = !lines.empty();
    poll_.setInterval(more ? 0 : kPollMs);
    if (more) {
        model_->append(std::move(lines));
        if (follow) table_->scrollToBottom();
    }
    const QString count =
        tr("%L1 of %n lines", nullptr, static_cast<int>(model_->totalLines())).arg(model_->rowCount());
    state_->setText(count + QStringLiteral(" · ") + source_.place());
}

void LogWindow::applyFilter() {
    model_->setFilter(static_cast<LogLevel>(level_->currentData().toInt()), filter_->text());
    table_->scrollToBottom();
    refresh();
}

void LogWindow::copy() {
    const QModelIndexList rows = table_->selectionModel()->selectedRows();
    int first = 0, last = model_->rowCount() - 1;
    if (!rows.isEmpty()) {
        const auto [low, high] = std::minmax_element(
            rows.begin(), rows.end(), [](const QModelIndex& a, const QModelIndex& b) { return a.row() < b.row(); });
        first = low->row();
        last = high->row();
    }
    QGuiApplication::clipboard()->setText(model_->toText(first, last));
}

void LogWindow::showEvent(QShowEvent* event) {
    QDialog::showEvent(event);
    refresh();
    table_->scrollToBottom();
    table_->setFocus();
    poll_.start();
}

void LogWindow::hideEvent(QHideEvent* event) {
    poll_.stop();
    QDialog::hideEvent(event);
}

bool LogWindow::eventFilter(QObject* watched, QEvent* event) {
    if (watched == table_ && event->type() == QEvent::KeyPress &&
        static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
        copy();
        return true;
    }
    return QDialog::eventFilter(watched, event);
}

}  // namespace quibble
