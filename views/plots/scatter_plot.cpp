#include "views/plots/scatter_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "views/plots/scatter_layers.h"

namespace quibble {

namespace {

double xOf(const RunDocument& document, int token) {
    const double factor = document.unit() == Unit::Bit ? kBitsPerNat : 1.0;
    return static_cast<double>(document.trace().points()[static_cast<std::size_t>(token)].reference.entropy) * factor;
}

double yOf(const RunDocument& document, int token) {
    return measureValue(document.trace().points()[static_cast<std::size_t>(token)], Measure::Kl, document.unit());
}

}  // namespace

ScatterPlot::ScatterPlot(RunDocument* document, QWidget* parent)
    : PlotBase(parent), document_(document), replot_timer_(new QTimer(this)) {
    setAccessibleName(tr("KL against the entropy of the reference, one dot a token"));
    setMouseTracking(true);
    addLayer(QStringLiteral("cursor"), layer(QStringLiteral("main")), QCustomPlot::limAbove);
    layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
    new ScatterDots(this);
    new ScatterRing(this);
    for (QCPAxis* axis : {xAxis, yAxis}) axis->ticker()->setTickCount(4);
    axisRect()->setAutoMargins(QCP::msLeft | QCP::msBottom);  // as wide as the labels are
    replot_timer_->setSingleShot(true);
    connect(replot_timer_, &QTimer::timeout, this, &ScatterPlot::requestReplot);
    connect(document_, &RunDocument::reset, this, &ScatterPlot::refill);
    connect(document_, &RunDocument::referenceAdvanced, this, [this](int first, int last) {
        take(first, last);
        updateAxes();
    });
    connect(document_, &RunDocument::unitChanged, this, [this] {
        updateLabels();
        refill();
    });
    connect(document_, &RunDocument::hoveredChanged, this, &ScatterPlot::replotOverlay);
    connect(document_, &RunDocument::selectionChanged, this, &ScatterPlot::replotOverlay);
    updateLabels();
    refill();
    ready();
}

void ScatterPlot::applyColors(const ThemeColors& colors) {
    setBackground(QBrush(colors.card));
    for (QCPAxis* axis : {xAxis, yAxis}) {
        styleAxis(axis, colors);
        axis->setBasePen(QPen(colors.card_border, 1));
    }
}

void ScatterPlot::applyGeometry(const QSize&) {
    const Theme& theme = Theme::instance();
    const int line = QFontMetrics(xAxis->tickLabelFont()).height();
    axisRect()->setMargins(QMargins(0, theme.em(0.7), theme.em(0.9), 0));
    axisRect()->setMinimumMargins(QMargins(theme.em(3.6), 0, 0, 2 * line + theme.em(0.6)));
    for (QCPAxis* axis : {xAxis, yAxis}) {
        axis->setPadding(theme.em(0.2));
        axis->setLabelPadding(2);
    }
}

void ScatterPlot::updateLabels() {
    const QString unit = measureUnit(Measure::Kl, document_->unit());
    xAxis->setLabel(tr("entropy of the reference (%1)").arg(unit));
    yAxis->setLabel(tr("KL (%1)").arg(unit));
}

void ScatterPlot::refill() {
    dots_.clear();
    x_max_ = y_max_ = 0;
    take(0, document_->size());
    updateAxes();
}

void ScatterPlot::take(int first, int last) {
    if (static_cast<int>(dots_.size()) < last)
        dots_.resize(static_cast<std::size_t>(last), Dot{kNotMeasured, kNotMeasured, false});
    for (int i = first; i < last; ++i) {
        const double x = xOf(*document_, i), y = yOf(*document_, i);
        const bool marker = document_->trace().points()[static_cast<std::size_t>(i)].token.sampledMarker();
        dots_[static_cast<std::size_t>(i)] = {static_cast<float>(x), static_cast<float>(y), marker};
        if (std::isfinite(x)) x_max_ = std::max(x_max_, x);
        if (std::isfinite(y)) y_max_ = std::max(y_max_, y);
    }
}

void ScatterPlot::updateAxes() {
    for (QCPAxis* axis : {xAxis, yAxis}) {
        axis->setTickLabels(x_max_ > 0);
        axis->grid()->setVisible(x_max_ > 0);
    }
    const double x = std::max(x_max_, measureFloor(Measure::Entropy, document_->unit())) * 1.06;
    const double y = std::max(y_max_, measureFloor(Measure::Kl, document_->unit())) * 1.06;
    xAxis->setRange(-x * 0.015, x);
    yAxis->setRange(-y * 0.02, y);
    setAccessibleDescription(tr("%n tokens with KL; entropy up to %1, KL up to %2", nullptr,
                                static_cast<int>(document_->trace().referenced()))
                                 .arg(formatSignificant(x_max_), formatSignificant(y_max_)));
    // A cloud of many dots hardly changes from frame to frame, and costs more than a line.
    if (dots_.size() < 5000)
        requestReplot();
    else if (!replot_timer_->isActive())
        replot_timer_->start(150);
}

void ScatterPlot::replotOverlay() { replotLayer(QStringLiteral("cursor")); }

QPointF ScatterPlot::pixelOf(int token) const {
    if (token < 0 || token >= static_cast<int>(dots_.size())) return {std::nan(""), std::nan("")};
    const Dot& dot = dots_[static_cast<std::size_t>(token)];
    return {xAxis->coordToPixel(static_cast<double>(dot.x)), yAxis->coordToPixel(static_cast<double>(dot.y))};
}

int ScatterPlot::tokenAt(const QPointF& pixel) const {
    int best = -1;
    double nearest = 100;  // 10 pixels
    for (int i = 0; i < static_cast<int>(dots_.size()); ++i) {
        const QPointF d = pixelOf(i) - pixel;
        const double distance = d.x() * d.x() + d.y() * d.y();
        if (distance < nearest) {
            nearest = distance;
            best = i;
        }
    }
    return best;
}

void ScatterPlot::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    if (const int token = tokenAt(event->position()); token >= 0) document_->selectToken(token);
    setFocus(Qt::MouseFocusReason);
}

void ScatterPlot::mouseMoveEvent(QMouseEvent* event) { document_->setHovered(tokenAt(event->position())); }
void ScatterPlot::mouseReleaseEvent(QMouseEvent* event) { event->accept(); }
void ScatterPlot::mouseDoubleClickEvent(QMouseEvent* event) { event->accept(); }
void ScatterPlot::wheelEvent(QWheelEvent* event) { event->ignore(); }

void ScatterPlot::leaveEvent(QEvent* event) {
    document_->setHovered(-1);
    QCustomPlot::leaveEvent(event);
}

void ScatterPlot::contextMenuEvent(QContextMenuEvent* event) { emit menuRequested(event->globalPos()); }

void ScatterPlot::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
    if (step == 0 || document_->size() == 0) return QCustomPlot::keyPressEvent(event);
    document_->selectToken(std::clamp(document_->current() + step, 0, document_->size() - 1));
}

}  // namespace quibble
