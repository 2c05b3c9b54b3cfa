// Writes a figure as PNG, SVG or PDF, with its title above and its footer below, whatever draws it.
#pragma once

#include <functional>

#include "engine/values/result.h"
#include "views/plots/figure_view.h"

class QPainter;

namespace quibble {

struct ThemeColors;

struct FigureSource {
    QSize screen_size;                    // logical pixels, as it stands on screen
    int screen_dpi = 96;                  // so that point sizes come out as there
    const ThemeColors* colors = nullptr;  // of the background, title and footer
    /// Draws into `inner` logical pixels; the origin is their upper left corner. The painter is a QCPPainter.
    std::function<void(QPainter& painter, const QSize& inner)> draw;
};

/// Errors: absurd size, scale or dpi; no memory; the file cannot be written (the old one then stays).
[[nodiscard]] Result<void> writeFigure(const QString& path, const FigureOptions& options, const FigureSource& source);

}  // namespace quibble
