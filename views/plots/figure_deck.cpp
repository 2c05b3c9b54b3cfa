#include "views/plots/figure_deck.h"

#include <algorithm>

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QPushButton>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/plots/figure_view.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

enum Page { kNothing, kFigures, kTable };

// In heights of a line: what a side figure needs, and what the main one keeps.
constexpr double kSideWidth = 15, kNarrowSideWidth = 13, kSideHeight = 9, kMainWidth = 27, kMainHeight = 12,
                 kWideMainHeight = 9;

}  // namespace

FigureDeck::FigureDeck(const QString& title, QWidget* parent)
    : View(title, parent),
      stack_(new QStackedWidget(this)),
      grid_box_(new QWidget(stack_)),
      grid_(new QGridLayout(grid_box_)),
      table_(new PlainTable(stack_)),
      header_(new QWidget(this)),
      chooser_(new QComboBox(header_)) {
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(stack_);

    auto* nothing = new QWidget(stack_);
    auto* middle = new QVBoxLayout(nothing);
    middle->setContentsMargins(theme.em(1.5), theme.em(1), theme.em(1.5), theme.em(1));
    empty_label_ = makeCaption({}, nothing);
    empty_label_->setAlignment(Qt::AlignCenter);
    empty_button_ = new QPushButton(nothing);
    middle->addStretch(1);
    middle->addWidget(empty_label_);
    middle->addWidget(empty_button_, 0, Qt::AlignHCenter);
    middle->addStretch(1);
    connect(empty_button_, &QPushButton::clicked, this, &FigureDeck::emptyActionRequested);
    stack_->addWidget(nothing);
    stack_->addWidget(grid_box_);
    stack_->addWidget(table_);
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setSpacing(theme.em(0.2));

    auto* row = new QHBoxLayout(header_);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    chooser_->setAccessibleName(tr("Which figure"));
    chooser_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    useFont(chooser_, FontRole::Small);
    table_button_ = makeFlatButton(QStringLiteral("table"), tr("Show the numbers as a table"), header_);
    table_button_->setCheckable(true);
    row->addWidget(chooser_);
    row->addWidget(table_button_);
    connect(chooser_, &QComboBox::activated, this, [this](int index) { showFigure(index - 1); });
    connect(table_button_, &QToolButton::toggled, this, &FigureDeck::showTable);
}

void FigureDeck::setDeck(std::vector<FigureView*> figures, MainShape shape) {
    figures_ = std::move(figures);
    shape_ = shape;
    chooser_->addItem(tr("Overview"));
    for (FigureView* figure : figures_) {
        chooser_->addItem(figure->title());
        tiles_.push_back(makeTile(figure));
        connect(figure, &FigureView::tableRequested, this, [this, figure](bool on) {
            const auto found = std::find(figures_.begin(), figures_.end(), figure);
            if (on) showFigure(static_cast<int>(found - figures_.begin()));
            showTable(on);
        });
        connect(figure, &FigureView::exportRequested, this, [this, figure] { emit figureExportRequested(figure); });
    }
    setFocusProxy(figures_.front());
    updateTable();
    arrange();
}

QWidget* FigureDeck::makeTile(FigureView* figure) {
    const Theme& theme = Theme::instance();
    auto* tile = new QWidget(grid_box_);
    auto* column = new QVBoxLayout(tile);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    auto* caption = new QHBoxLayout;
    caption->setContentsMargins(theme.em(0.6), theme.em(0.3), theme.em(0.6), 0);
    caption->setSpacing(theme.em(0.5));
    auto* name = makeCaption(figure->title(), tile);
    name->setWordWrap(false);
    auto* numbers = new ElidingLabel(tile);
    numbers->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    useFont(numbers, FontRole::Small);
    useTextColour(numbers, TextRole::Muted);
    numbers->setFullText(figure->figures());
    caption->addWidget(name);
    caption->addWidget(numbers, 1);
    column->addLayout(caption);
    column->addWidget(figure, 1);
    connect(figure, &View::titleChanged, name, &QLabel::setText);
    connect(figure, &View::figuresChanged, numbers, &ElidingLabel::setFullText);
    return tile;
}

void FigureDeck::addHeaderControl(QWidget* control) {
    static_cast<QHBoxLayout*>(header_->layout())->insertWidget(header_->layout()->count() - 2, control);
}

void FigureDeck::setEmptyState(const QString& hint, const QString& action) {
    empty_label_->setText(hint);
    empty_button_->setText(action);
    empty_button_->setVisible(!action.isEmpty());
    header_->setVisible(hint.isEmpty());
    stack_->setCurrentIndex(!hint.isEmpty() ? kNothing : table_wanted_ ? kTable : kFigures);
}

bool FigureDeck::isEmpty() const { return stack_->currentIndex() == kNothing; }
bool FigureDeck::tableShown() const { return stack_->currentIndex() == kTable; }
QString FigureDeck::emptyText() const { return empty_label_->text(); }

void FigureDeck::showFigure(int index) {
    shown_ = std::clamp(index, -1, static_cast<int>(figures_.size()) - 1);
    chooser_->setCurrentIndex(shown_ + 1);
    updateTable();
    arrange();
}

void FigureDeck::showTable(bool on) {
    table_wanted_ = on;
    table_button_->setChecked(on);
    updateTable();
    if (!isEmpty()) stack_->setCurrentIndex(on ? kTable : kFigures);
}

void FigureDeck::updateTable() {
    FigureView* figure = figures_[static_cast<std::size_t>(std::max(0, shown_))];
    table_->setModel(figure->table());
    table_->setAccessibleName(figure->title());
}

void FigureDeck::resizeEvent(QResizeEvent* event) {
    View::resizeEvent(event);
    arrange();
}

void FigureDeck::arrange() {
    if (tiles_.empty()) return;
    const Theme& theme = Theme::instance();
    for (QWidget* tile : tiles_) grid_->removeWidget(tile);
    for (int i = 0; i < 8; ++i) {
        grid_->setRowStretch(i, 0);
        grid_->setColumnStretch(i, 0);
    }
    std::vector<bool> visible(tiles_.size());
    if (shown_ >= 0) {
        grid_->addWidget(tiles_[static_cast<std::size_t>(shown_)], 0, 0);
        visible[static_cast<std::size_t>(shown_)] = true;
    } else {
        const int used =
            arrangeOverview(static_cast<double>(width()) / theme.em(1), static_cast<double>(height()) / theme.em(1));
        std::fill_n(visible.begin(), used + 1, true);
    }
    for (std::size_t i = 0; i < tiles_.size(); ++i) tiles_[i]->setVisible(visible[i]);
}

// Sizes in heights of a line. Gives how many figures stand beside the main one.
int FigureDeck::arrangeOverview(double wide, double high) {
    const int others = static_cast<int>(tiles_.size()) - 1;
    const bool wide_main = shape_ == MainShape::Wide;
    const double main_height = wide_main ? kWideMainHeight : kMainHeight;
    const bool below = high >= main_height + kSideHeight + 1 && (wide_main || wide < 1.9 * high);
    const int columns = std::clamp(
        static_cast<int>(below ? wide / (wide_main ? kNarrowSideWidth : kSideWidth) : (wide - kMainWidth) / kSideWidth),
        0, others);
    const int rows = std::clamp(static_cast<int>((below ? high - kMainHeight : high) / kSideHeight), 1,
                                columns == 0 ? 1 : (others + columns - 1) / columns);
    const int used = columns == 0 ? 0 : std::min(others, columns * rows);
    grid_->addWidget(tiles_[0], 0, 0, below || used == 0 ? 1 : rows, below ? std::max(1, columns) : 1);
    if (below)
        grid_->setRowStretch(0, 4);
    else
        grid_->setColumnStretch(0, 5);
    for (int i = 0; i < used; ++i) {
        const int row = i / columns + (below ? 1 : 0), column = i % columns + (below ? 0 : 1);
        grid_->addWidget(tiles_[static_cast<std::size_t>(i) + 1], row, column);
        grid_->setRowStretch(row, below ? 4 : 1);
        grid_->setColumnStretch(column, below ? 1 : 3);
    }
    return used;
}

}  // namespace quibble
