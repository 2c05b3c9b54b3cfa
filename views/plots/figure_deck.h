// A panel of several figures about one thing: the main one and as many of the others as there is room for, or one of
// them alone, or its table twin. When there is nothing to show it says what to do.
#pragma once

#include <vector>

#include "views/view.h"

class QComboBox;
class QGridLayout;
class QLabel;
class QPushButton;
class QStackedWidget;
class QToolButton;

namespace quibble {

class FigureView;
class PlainTable;

class FigureDeck : public View {
    Q_OBJECT
public:
    explicit FigureDeck(const QString& title, QWidget* parent = nullptr);

    [[nodiscard]] const std::vector<FigureView*>& deckFigures() const { return figures_; }
    /// -1: the main figure with the others around it.
    void showFigure(int index);
    [[nodiscard]] int shownFigure() const { return shown_; }
    [[nodiscard]] bool tableShown() const;
    [[nodiscard]] bool isEmpty() const;
    [[nodiscard]] QString emptyText() const;
    [[nodiscard]] QPushButton* emptyButton() const { return empty_button_; }
    [[nodiscard]] QWidget* headerWidget() override { return header_; }

public slots:
    void showTable(bool on);  // of the figure that is shown; of the main one in the overview

signals:
    void figureExportRequested(quibble::FigureView* figure);
    void emptyActionRequested();

protected:
    /// Wide: the main figure stands above the others wherever the height allows it, because it reads from left to
    /// right.
    enum class MainShape { Square, Wide };
    /// The first is the main one. Call once, in the constructor of the subclass.
    void setDeck(std::vector<FigureView*> figures, MainShape shape = MainShape::Square);
    /// What the panel says instead of its figures, and the button under it; an empty hint shows the figures.
    void setEmptyState(const QString& hint, const QString& action);
    /// More controls at the left of the header; the header takes them.
    void addHeaderControl(QWidget* control);
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] QWidget* makeTile(FigureView* figure);
    void arrange();
    int arrangeOverview(double wide, double high);
    void updateTable();

    std::vector<FigureView*> figures_;
    std::vector<QWidget*> tiles_;
    QStackedWidget* stack_;  // nothing, figures, table
    QWidget* grid_box_;
    QGridLayout* grid_;
    QLabel* empty_label_;
    QPushButton* empty_button_;
    PlainTable* table_;
    QWidget* header_;
    QComboBox* chooser_;
    QToolButton* table_button_;
    MainShape shape_ = MainShape::Square;
    int shown_ = -1;
    bool table_wanted_ = false;
};

}  // namespace quibble
