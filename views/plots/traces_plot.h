// The plot inside TracesView: three axis rects over one x-range, marks behind the lines, crosshair and selection on a
// layer of their own, which repaints without the lines.
#pragma once

#include <array>

#include <QTimer>

#include "views/plots/column_plottable.h"
#include "views/run_document.h"

namespace quibble {

class RuleLanes;

class TracesPlot : public PlotBase {
    Q_OBJECT
public:
    struct Row {
        Measure measure = Measure::None;
        QCPAxisRect* rect = nullptr;
        ColumnPlottable* line = nullptr;
    };
    static constexpr int kRows = 3;
    /// Tokens in sight while the tail is followed, unless the user zoomed.
    static constexpr double kFollowSpan = 400;

    TracesPlot(RunDocument* document, QWidget* parent);

    [[nodiscard]] bool follows() const { return follow_; }
    void setFollow(bool follow);
    void fitAll();
    void zoomAround(double centre, double factor);
    void setRange(double lower, double upper);  // by the user
    [[nodiscard]] QCPRange range() const { return range_; }
    [[nodiscard]] int tokenAt(double x_pixel) const;  // -1: none
    [[nodiscard]] double pixelOf(int token) const;
    [[nodiscard]] const std::array<Row, kRows>& rows() const { return rows_; }
    [[nodiscard]] bool rowShown(const Row& row) const;
    /// Of the line below the plot that says what its dashed lines are; 0: none.
    [[nodiscard]] double legendHeight() const { return legend_height_; }
    /// Below the curves, where a rule did something.
    [[nodiscard]] const RuleLanes& lanes() const { return *lanes_; }
    /// Tokens that get a mark: markers and interventions, in order.
    [[nodiscard]] const std::vector<int>& marks() const { return marks_; }
    [[nodiscard]] std::int64_t valuesRead() const;  // of all rows
    [[nodiscard]] RunDocument* document() const { return document_; }
    [[nodiscard]] const ThemeColors& shownColors() const { return activeColors(); }

signals:
    void followChanged(bool follow);
    void menuRequested(const QPoint& global);

protected:
    void applyColors(const ThemeColors& colors) override;
    void applyGeometry(const QSize& size) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void build();
    void arrangeRows();
    [[nodiscard]] double legendHeight(int height) const;
    void listen();
    void refill();
    void append(int first, int last);
    void updateReference(int first, int last);
    void requestLiveReplot();
    void followTail();
    void applyRange(double lower, double upper);
    void updateValueAxes();
    void replotOverlay();
    void showCurrent();
    void updateDescription();
    [[nodiscard]] float valueOf(int token, Measure measure) const;

    RunDocument* document_;
    QTimer* live_timer_;  // replots of new tokens when very many are shown
    std::array<Row, kRows> rows_;
    RuleLanes* lanes_ = nullptr;
    int lane_count_ = 0;  // for which there is room
    std::vector<int> marks_;
    bool explains_ = false;  // there are marks to explain
    double legend_height_ = 0;
    QCPRange range_{-1, 60};
    double span_ = 0;  // of the user's zoom while following; 0: as much as kFollowSpan
    bool follow_ = true;
    bool fit_ = false;  // everything in sight
    QPoint press_;
    QCPRange press_range_;
    int press_token_ = -1;
    enum class Drag { None, Click, Pan, Select } drag_ = Drag::None;
};

}  // namespace quibble
