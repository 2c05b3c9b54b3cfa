#include "views/inspector/stages_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QKeyEvent>
#include <QPainter>
#include <QScrollBar>
#include <QStyle>
#include <QStyledItemDelegate>

#include "views/inspector/stages_model.h"
#include "views/tables/token_table_model.h"
#include "views/text_shaping.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kMostShownRows = 16;  // that the table grows to by itself; more are scrolled
constexpr int kLeastRows = 4;
constexpr double kRowHeight = 1.45;  // em
constexpr double kPad = 0.28;
constexpr double kBar = 0.22;  // room of the bar below a number

QColor ruleColour(const QString& rule) {
    const ThemeColors& colors = Theme::instance().colors();
    if (rule.isEmpty()) return colors.muted;
    if (rule == QLatin1String("marker_penalty")) return colors.marker;
    if (rule == QLatin1String("cyclic")) return colors.good;
    if (rule == QLatin1String("ban") || rule == QLatin1String("loop_stop")) return colors.kl;
    return colors.accent;
}

// The name of the stage, and below it what it does.
class StagesHeader : public QHeaderView {
public:
    explicit StagesHeader(QWidget* parent) : QHeaderView(Qt::Horizontal, parent) {
        setHighlightSections(false);
        setSectionsClickable(false);
        setSectionResizeMode(QHeaderView::Fixed);
    }
    [[nodiscard]] QSize sizeHint() const override {
        return {QHeaderView::sizeHint().width(), 2 * QFontMetrics(Theme::instance().smallFont()).height() + 8};
    }
    [[nodiscard]] int wantedWidth(int section) const {
        const QFontMetrics metrics(Theme::instance().smallFont());
        const int name = metrics.horizontalAdvance(model()->headerData(section, orientation()).toString());
        const int amount =
            metrics.horizontalAdvance(model()->headerData(section, orientation(), StagesModel::AmountRole).toString());
        return std::max(name, amount);
    }

protected:
    void paintEvent(QPaintEvent* event) override {
        QHeaderView::paintEvent(event);
        if (offset() == 0 || count() == 0) return;
        QPainter painter(viewport());
        paintSection(&painter, QRect(0, 0, sectionSize(0), viewport()->height()), 0);
    }
    void paintSection(QPainter* painter, const QRect& rect, int section) const override {
        const Theme& theme = Theme::instance();
        painter->save();
        painter->fillRect(rect, theme.colors().card);
        painter->setPen(theme.colors().card_border);
        painter->drawLine(rect.bottomLeft(), rect.bottomRight());
        painter->setFont(theme.smallFont());
        const int pad = theme.em(kPad), line = QFontMetrics(theme.smallFont()).height();
        const QRect area = rect.adjusted(pad, 3, -pad, -4);
        const auto side = Qt::Alignment(model()->headerData(section, orientation(), Qt::TextAlignmentRole).toInt()) &
                          Qt::AlignHorizontal_Mask;
        painter->setPen(theme.colors().muted);
        painter->drawText(QRect(area.left(), area.top(), area.width(), line), static_cast<int>(side),
                          model()->headerData(section, orientation()).toString());
        painter->setPen(ruleColour(model()->headerData(section, orientation(), StagesModel::RuleRole).toString()));
        const QString amount = model()->headerData(section, orientation(), StagesModel::AmountRole).toString();
        painter->drawText(QRect(area.left(), area.top() + line, area.width(), line), static_cast<int>(side),
                          painter->fontMetrics().elidedText(amount, Qt::ElideRight, area.width()));
        painter->restore();
    }
};

class StageDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const bool chosen = index.data(StagesModel::ChosenRole).toBool();
        paintBack(painter, option, chosen);
        const int last = index.model()->columnCount() - 1;
        if (index.column() == 0)
            paintToken(painter, option, index);
        else if (index.column() == last)
            paintScore(painter, option, index, chosen);
        else
            paintStage(painter, option, index, chosen);
        painter->restore();
    }

private:
    static QColor textColour(const QStyleOptionViewItem& option, const QColor& wanted) {
        return option.state & QStyle::State_Enabled ? wanted : Theme::instance().colors().muted;
    }

    static void paintBack(QPainter* painter, const QStyleOptionViewItem& option, bool chosen) {
        const ThemeColors& colors = Theme::instance().colors();
        const bool selected = option.state & QStyle::State_Selected;
        if (selected || chosen) {
            QColor back = colors.accent_soft;
            if (!selected) back.setAlphaF(0.6F);
            painter->fillRect(option.rect, back);
        }
        painter->setPen(colors.grid);
        painter->drawLine(option.rect.bottomLeft(), option.rect.bottomRight());
        if (selected && option.widget != nullptr && option.widget->hasFocus()) {
            painter->setPen(colors.accent);
            painter->drawLine(option.rect.topLeft(), option.rect.topRight());
            painter->drawLine(option.rect.bottomLeft(), option.rect.bottomRight());
        }
    }

    static void paintToken(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) {
        const Theme& theme = Theme::instance();
        const ThemeColors& colors = theme.colors();
        const bool others = index.data(StagesModel::IdRole).toInt() == kNoToken;
        const bool gone = index.data(StagesModel::GoneRole).toBool(),
                   marker = index.data(StagesModel::MarkerRole).toBool();
        const QString text = index.data().toString();
        QFont font = others ? theme.smallFont() : asItIs(theme.monoSmallFont(), text);
        font.setBold(index.data(StagesModel::ChosenRole).toBool() || (marker && !gone));
        painter->setFont(font);
        painter->setPen(textColour(option, marker ? colors.marker : others || gone ? colors.muted : colors.text));
        const QRect area = option.rect.adjusted(theme.em(kPad), 0, -theme.em(0.1), -theme.em(kBar));
        painter->drawText(area, Qt::AlignVCenter | Qt::AlignLeft,
                          QFontMetrics(font).elidedText(text, Qt::ElideRight, area.width()));
    }

    static void paintStage(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index,
                           bool chosen) {
        const Theme& theme = Theme::instance();
        const ThemeColors& colors = theme.colors();
        const bool dropped = index.data(StagesModel::DroppedRole).toBool(),
                   gone = index.data(StagesModel::GoneRole).toBool();
        const bool touched = index.data(StagesModel::TouchedRole).toBool();
        const QString rule = index.data(StagesModel::RuleRole).toString();
        const int pad = theme.em(kPad);
        const QRect area = option.rect.adjusted(pad, 0, -pad, 0);
        QFont font = theme.smallFont();
        font.setStrikeOut(dropped);
        const QString text = index.data().toString();
        font.setBold(touched || chosen);
        if (QFontMetrics(font).horizontalAdvance(text) > area.width()) font.setBold(false);
        painter->setFont(font);
        painter->setPen(textColour(option, touched && !gone  ? ruleColour(rule)
                                           : dropped || gone ? colors.muted
                                                             : colors.text));
        painter->drawText(area.adjusted(0, 0, 0, -theme.em(kBar)), Qt::AlignVCenter | Qt::AlignRight, text);
        const QVariant p = index.data(StagesModel::ProbabilityRole);
        if (!p.isValid()) return;
        const double height = std::max(2.0, theme.em(0.13) * 1.0);
        const QRectF track(area.left(), area.bottom() - height - theme.em(0.1), area.width(), height);
        painter->setPen(Qt::NoPen);
        painter->setBrush(colors.bar_track);
        painter->drawRoundedRect(track, 1, 1);
        const bool marker = index.data(StagesModel::MarkerRole).toBool();
        painter->setBrush(marker ? colors.entropy : colors.bar);
        const double share = std::min(1.0, p.toDouble());
        if (share > 0)
            painter->drawRoundedRect(QRectF(track.topLeft(), QSizeF(std::max(1.0, track.width() * share), height)), 1,
                                     1);
    }

    static void paintScore(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index,
                           bool chosen) {
        const Theme& theme = Theme::instance();
        const ThemeColors& colors = theme.colors();
        const int pad = theme.em(kPad);
        const QRect area = option.rect.adjusted(pad, 0, -pad, -theme.em(kBar));
        QFont font = theme.smallFont();
        font.setBold(chosen);
        const QString text = index.data().toString();
        painter->setFont(font);
        painter->setPen(textColour(option, chosen ? colors.text : colors.muted));
        painter->drawText(area, Qt::AlignVCenter | Qt::AlignRight, text);
        if (!chosen) return;
        const double r = theme.em(0.18);
        const double x = area.right() - QFontMetricsF(font).horizontalAdvance(text) - (text.isEmpty() ? 1 : 3) * r;
        painter->setPen(Qt::NoPen);
        painter->setBrush(colors.accent);
        painter->drawEllipse(QPointF(x, area.center().y() + 0.5), r, r);
    }
};

}  // namespace

StagesTable::StagesTable(RunDocument* document, QWidget* parent)
    : QTableView(parent), stages_(new StagesModel(document, this)) {
    setHorizontalHeader(new StagesHeader(this));
    setModel(stages_);
    setItemDelegate(new StageDelegate(this));
    setAccessibleName(tr("Stages of the choice"));
    setFrameShape(QFrame::NoFrame);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ContiguousSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setShowGrid(false);
    setTabKeyNavigation(false);
    setCornerButtonEnabled(false);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    verticalHeader()->hide();
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    addCopyActions();
    connect(stages_, &QAbstractItemModel::modelReset, this, &StagesTable::fit);
    connect(this, &QTableView::clicked, this, [this](const QModelIndex& at) { emit chosen(stages_->idAt(at.row())); });
    connect(this, &QTableView::doubleClicked, this,
            [this](const QModelIndex& at) { emit confirmed(stages_->idAt(at.row())); });
    connect(&Theme::instance(), &Theme::changed, this, &StagesTable::fit);
    connect(horizontalScrollBar(), &QScrollBar::valueChanged, this, [this] {  // what stays at the left is painted anew
        viewport()->update();
        horizontalHeader()->viewport()->update();
    });
    fit();
}

void StagesTable::addCopyActions() {
    setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* csv = new QAction(tr("Copy as CSV"), this);
    csv->setShortcut(QKeySequence::Copy);
    auto* text = new QAction(tr("Copy as text"), this);
    text->setShortcut(Qt::CTRL | Qt::SHIFT | Qt::Key_C);
    for (QAction* action : {csv, text}) {
        action->setShortcutContext(Qt::WidgetShortcut);
        addAction(action);
    }
    connect(csv, &QAction::triggered, this, &StagesTable::copyCsv);
    connect(text, &QAction::triggered, this, &StagesTable::copyText);
}

std::pair<int, int> StagesTable::copied() const {
    const QModelIndexList rows = selectionModel()->selectedRows();
    stages_->fetchAll();
    if (rows.size() < 2) return {0, stages_->rowCount()};
    const auto by_row = [](const QModelIndex& a, const QModelIndex& b) { return a.row() < b.row(); };
    const auto [first, last] = std::minmax_element(rows.begin(), rows.end(), by_row);
    return {first->row(), last->row() + 1};
}

void StagesTable::copyCsv() {
    const auto [first, last] = copied();
    QApplication::clipboard()->setText(toCsv(*stages_, first, last));
}

void StagesTable::copyText() {
    const auto [first, last] = copied();
    QStringList lines, cells;
    for (int column = 0; column < stages_->columnCount(); ++column) {
        const QString amount = stages_->headerData(column, Qt::Horizontal, StagesModel::AmountRole).toString();
        const QString name = stages_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
        cells << (amount.isEmpty() ? name : name + QLatin1Char(' ') + amount);
    }
    lines << cells.join(QLatin1Char('\t'));
    for (int row = first; row < last; ++row) {
        cells.clear();
        for (int column = 0; column < stages_->columnCount(); ++column) {
            const QModelIndex at = stages_->index(row, column);
            cells << (at.data(StagesModel::DroppedRole).toBool() ? QStringLiteral("–") : at.data().toString());
        }
        lines << cells.join(QLatin1Char('\t'));
    }
    QApplication::clipboard()->setText(lines.join(QLatin1Char('\n')) + QLatin1Char('\n'));
}

void StagesTable::showChosen(TokenId id) {
    silent_ = true;
    const int row = stages_->rowOf(id);
    if (row < 0 || row >= stages_->rowCount()) {
        clearSelection();
        setCurrentIndex({});
    } else if (currentIndex().row() != row) {
        setCurrentIndex(stages_->index(row, 0));
    }
    silent_ = false;
}

int StagesTable::rowsHeight(int rows) const {
    const int bar = wide_ ? style()->pixelMetric(QStyle::PM_ScrollBarExtent, nullptr, horizontalScrollBar()) : 0;
    return horizontalHeader()->sizeHint().height() + rows * verticalHeader()->defaultSectionSize() + bar + 2;
}

QSize StagesTable::sizeHint() const {
    return {Theme::instance().em(20), rowsHeight(std::clamp(stages_->rowCount(), kLeastRows, kMostShownRows))};
}

QSize StagesTable::minimumSizeHint() const {
    return {Theme::instance().em(10), rowsHeight(std::clamp(stages_->rowCount(), 1, kMostShownRows))};
}

void StagesTable::fit() {
    verticalHeader()->setDefaultSectionSize(Theme::instance().em(kRowHeight));
    fitColumns();
    fitHeight();
}

void StagesTable::fitHeight() {
    // The page scrolls a short table.
    setVerticalScrollBarPolicy(stages_->rowCount() > kMostShownRows ? Qt::ScrollBarAsNeeded : Qt::ScrollBarAlwaysOff);
    setMaximumHeight(rowsHeight(std::max(kLeastRows, stages_->rowCount())));
    updateGeometry();
}

// The numbers take what they need, and the token the rest.
void StagesTable::fitColumns() {
    const int columns = stages_->columnCount();
    if (columns == 0) return;
    const Theme& theme = Theme::instance();
    QFont bold = theme.smallFont();
    bold.setBold(true);
    const QFontMetrics metrics(bold), plain(theme.smallFont());
    const int number =
        std::max(metrics.horizontalAdvance(stageProbability(0.888)), plain.horizontalAdvance(stageProbability(1e-9)));
    const int score = metrics.horizontalAdvance(QStringLiteral("+88.88")) + theme.em(0.6);
    const int pad = 2 * theme.em(kPad), most = theme.em(5.5);
    const auto* header = static_cast<const StagesHeader*>(horizontalHeader());
    int taken = 0;
    for (int column = 1; column < columns; ++column) {
        const int least = column + 1 == columns ? score : number;
        const int width = std::max(least, std::min(header->wantedWidth(column), most)) + pad;
        setColumnWidth(column, width);
        taken += width;
    }
    const QString others = stages_->index(stages_->rowCount() - 1, 0).data().toString();
    const int token = std::max(theme.em(4.2), std::min(plain.horizontalAdvance(others) + pad, theme.em(7)));
    const int room = width() - (verticalScrollBar()->isVisible() ? verticalScrollBar()->width() : 0);
    setColumnWidth(0, std::max(token, room - taken));
    const bool wide = token + taken > room;
    if (std::exchange(wide_, wide) != wide) fitHeight();
}

void StagesTable::paintEvent(QPaintEvent* event) {
    QTableView::paintEvent(event);
    if (horizontalOffset() == 0 || stages_->rowCount() == 0) return;
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(viewport());
    QStyleOptionViewItem option;
    initViewItemOption(&option);
    const int last = rowAt(viewport()->height() - 1) < 0 ? stages_->rowCount() - 1 : rowAt(viewport()->height() - 1);
    for (int row = std::max(0, rowAt(0)); row <= last; ++row) {
        option.rect = QRect(0, rowViewportPosition(row), columnWidth(0), rowHeight(row));
        option.state.setFlag(QStyle::State_Selected, selectionModel()->isRowSelected(row));
        painter.fillRect(option.rect, colors.card);
        itemDelegate()->paint(&painter, option, stages_->index(row, 0));
    }
    painter.setPen(colors.card_border);
    painter.drawLine(columnWidth(0), 0, columnWidth(0), viewport()->height());
}

void StagesTable::resizeEvent(QResizeEvent* event) {
    QTableView::resizeEvent(event);
    fitColumns();
}

void StagesTable::currentChanged(const QModelIndex& current, const QModelIndex& previous) {
    QTableView::currentChanged(current, previous);
    if (!silent_ && current.isValid() && current.row() != previous.row()) emit chosen(stages_->idAt(current.row()));
}

// The cursor keys go on from the token that stands in the text.
void StagesTable::focusInEvent(QFocusEvent* event) {
    QTableView::focusInEvent(event);
    if (currentIndex().isValid() || stages_->table() == nullptr) return;
    const int row = std::max(0, stages_->rowOf(stages_->table()->chosen));
    if (row >= stages_->rowCount()) return;
    silent_ = true;
    selectionModel()->setCurrentIndex(stages_->index(row, 0), QItemSelectionModel::NoUpdate);
    silent_ = false;
    viewport()->update();
}

void StagesTable::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (enter && currentIndex().isValid()) return emit confirmed(stages_->idAt(currentIndex().row()));
    QTableView::keyPressEvent(event);
}

}  // namespace quibble
