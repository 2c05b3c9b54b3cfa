// The only way to QCustomPlot: colours and fonts of the theme, queued replots that hidden plots skip, and export with
// the look of the screen. Nothing outside views/plots includes this header.
//
// A plot paints a picture that its last replot made. A replot that was skipped, because nobody could see the plot, is
// made up for when the plot is painted, not when it is shown: the tab of a dock that comes forward paints it without
// showing it.
#pragma once

#include <functional>
#include <vector>

#include <qcustomplot.h>

#include "engine/values/result.h"
#include "views/plots/figure_view.h"
#include "views/theme.h"

namespace quibble {

class PlotBase : public QCustomPlot {
    Q_OBJECT
public:
    explicit PlotBase(QWidget* parent = nullptr);

    /// Asks for a replot at the next turn of the event loop; many requests are one replot. A plot that cannot be seen
    /// replots when it is painted.
    void requestReplot();
    [[nodiscard]] double lastReplotMs() { return replotTime(false); }

    [[nodiscard]] Result<void> exportTo(const QString& path, const FigureOptions& options);
    /// As on screen, at `scale` device pixels per pixel.
    [[nodiscard]] QPixmap picture(double scale);

protected:
    /// Sets every colour and font from `colors`; called at start, on theme changes and around exports.
    virtual void applyColors(const ThemeColors& colors) = 0;
    /// Called before an export and before a screen replot, when the size of the plot has changed.
    virtual void applyGeometry(const QSize& size) = 0;
    /// Must be called once by the constructor of the subclass.
    void ready();

    void styleAxis(QCPAxis* axis, const ThemeColors& colors) const;
    [[nodiscard]] const ThemeColors& activeColors() const { return *active_; }

    /// Replots a layer on its own; a plot that cannot be seen does so later, as a whole.
    void replotLayer(const QString& name);
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] bool canBeSeen() const { return isVisible() && !visibleRegion().isEmpty(); }

    const ThemeColors* active_ = nullptr;
    bool stale_ = true;  // a replot was wanted and not made
    bool queued_ = false;
};

}  // namespace quibble
