// Entropy, KL and marker mass over the tokens: three rows, one x-axis, one crosshair. Follows the tail until the user
// pans.
#pragma once

#include <cstdint>

#include "views/plots/figure_view.h"

class QPushButton;
class QStackedWidget;
class QToolButton;

namespace quibble {

class RunDocument;
class TokenTable;
class TracesPlot;

class TracesView : public FigureView {
    Q_OBJECT
public:
    explicit TracesView(RunDocument* document, QWidget* parent = nullptr);

    [[nodiscard]] Result<void> exportFigure(const QString& path, const FigureOptions& options) override;
    [[nodiscard]] QAbstractItemModel* table() override;
    [[nodiscard]] QPixmap picture(double scale) override;
    [[nodiscard]] QString figureName() const override { return QStringLiteral("traces"); }
    [[nodiscard]] QWidget* headerWidget() override;

    [[nodiscard]] bool followsTail() const;
    [[nodiscard]] double xLower() const;
    [[nodiscard]] double xUpper() const;
    /// Time of the last replot in milliseconds, for the frame-time measurement.
    [[nodiscard]] double lastReplotMs() const;
    /// How many values of the curves were looked at so far, to draw them or to find a maximum.
    [[nodiscard]] std::int64_t valuesRead() const;
    [[nodiscard]] QWidget* plotWidget() const;
    [[nodiscard]] double xPixel(int token) const;  // in plotWidget()
    void replotNow();                              // at once, also when hidden

public slots:
    void jumpToLive();
    void fitAll();
    void zoom(double factor);  // > 1: closer, around the current token or the middle
    void setXRange(double lower, double upper);
    void showTable(bool on);

signals:
    void followTailChanged(bool follow);
    void referenceRequested();  // the run has none: the user wants one

private:
    void updateFigures();
    void updateReferenceButton();
    void showMenu(const QPoint& global);

    RunDocument* document_;
    QStackedWidget* stack_;
    TracesPlot* plot_;
    TokenTable* twin_;
    QWidget* header_ = nullptr;
    QPushButton* reference_button_ = nullptr;
    QToolButton* live_button_ = nullptr;
    QToolButton* table_button_ = nullptr;
};

}  // namespace quibble
