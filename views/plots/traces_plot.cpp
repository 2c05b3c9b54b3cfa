#include "views/plots/traces_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "views/plots/rule_lanes.h"
#include "views/plots/traces_layers.h"
#include "views/token_stream/token_navigation.h"

namespace quibble {

namespace {

// Upper end of a value axis: steps that do not follow every wiggle of the tail.
double axisUpper(double maximum, double least) {
    maximum = std::max(maximum, least) * 1.06;
    const double power = std::pow(10.0, std::floor(std::log10(maximum)));
    for (const double step : {1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0}) {
        if (maximum <= step * power) return step * power;
    }
    return 10 * power;
}

// With this many tokens in sight those of one frame move the curves by less than a pixel: ten pictures a second show as
// much.
constexpr double kManyTokens = 20000;
constexpr int kLiveIntervalMs = 100;
constexpr double kLegendFrom = 8;  // em: the height from which the marks are explained below the plot

}  // namespace

TracesPlot::TracesPlot(RunDocument* document, QWidget* parent)
    : PlotBase(parent), document_(document), live_timer_(new QTimer(this)) {
    live_timer_->setSingleShot(true);
    connect(live_timer_, &QTimer::timeout, this, &TracesPlot::requestReplot);
    setAccessibleName(tr("Traces: entropy, KL and marker mass over the tokens"));
    build();
    listen();
    setMouseTracking(true);
    refill();
    ready();
}

void TracesPlot::build() {
    plotLayout()->clear();
    addLayer(QStringLiteral("marks"), layer(QStringLiteral("grid")), QCustomPlot::limAbove);
    addLayer(QStringLiteral("cursor"), layer(QStringLiteral("main")), QCustomPlot::limAbove);
    layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
    const Measure measures[kRows] = {Measure::Entropy, Measure::Kl, Measure::MarkerMass};
    plotLayout()->setRowSpacing(0);
    for (int i = 0; i < kRows; ++i) {
        Row& row = rows_[static_cast<std::size_t>(i)];
        row.measure = measures[i];
        row.rect = new QCPAxisRect(this, false);
        row.rect->addAxes(QCPAxis::atLeft | QCPAxis::atBottom);
        row.rect->setAutoMargins(QCP::msNone);
        row.rect->setMinimumSize(40, 20);
        for (QCPAxis* axis : row.rect->axes()) {
            axis->setLayer(QStringLiteral("axes"));
            axis->grid()->setLayer(QStringLiteral("grid"));
        }
        QCPAxis* left = row.rect->axis(QCPAxis::atLeft);
        left->ticker()->setTickCount(3);
        left->setTickLabelPadding(6);
        QCPAxis* bottom = row.rect->axis(QCPAxis::atBottom);
        bottom->grid()->setVisible(false);
        bottom->setTickLabels(i + 1 == kRows);
        bottom->setTickLabelPadding(3);
        bottom->setNumberFormat(QStringLiteral("f"));
        bottom->setNumberPrecision(0);
        plotLayout()->addElement(i, 0, row.rect);
        row.line = new ColumnPlottable(bottom, left);
    }
    lanes_ = new RuleLanes(this);
    new TraceMarks(this);
    new TraceLabels(this);
    new TraceOverlay(this);
}

void TracesPlot::listen() {
    connect(document_, &RunDocument::reset, this, [this] {
        span_ = 0;
        fit_ = document_->size() > 0 && !document_->live();  // a stored run is shown whole
        setFollow(true);
        refill();
    });
    connect(document_, &RunDocument::applied, this, &TracesPlot::append);
    connect(document_, &RunDocument::referenceAdvanced, this, &TracesPlot::updateReference);
    connect(document_, &RunDocument::unitChanged, this, &TracesPlot::refill);
    for (const auto signal : {&RunDocument::provenanceChanged, &RunDocument::controlsChanged}) {
        connect(document_, signal, this, [this] {
            arrangeRows();
            requestReplot();
        });
    }
    connect(document_, &RunDocument::hoveredChanged, this, &TracesPlot::replotOverlay);
    connect(document_, &RunDocument::selectionChanged, this, [this] {
        showCurrent();
        replotOverlay();
    });
}

void TracesPlot::applyColors(const ThemeColors& colors) {
    setBackground(QBrush(colors.card));
    const QColor lines[kRows] = {colors.entropy, colors.kl, colors.mass};
    for (int i = 0; i < kRows; ++i) {
        const Row& row = rows_[static_cast<std::size_t>(i)];
        for (QCPAxis* axis : row.rect->axes()) styleAxis(axis, colors);
        row.line->setPen(QPen(lines[i], 1.3));
        const auto pale = [&](int line, int card) { return (line * 42 + card * 58) / 100; };
        row.line->setPale(QColor(pale(lines[i].red(), colors.card.red()), pale(lines[i].green(), colors.card.green()),
                                 pale(lines[i].blue(), colors.card.blue())));
    }
}

// Without a reference there is no KL: its row leaves its place to the others.
bool TracesPlot::rowShown(const Row& row) const {
    return row.measure != Measure::Kl || document_->size() == 0 || document_->hasReference();
}

void TracesPlot::arrangeRows() {
    const bool explains = !marks_.empty() || !document_->trace().controls().empty();
    bool changed = explains != explains_;
    explains_ = explains;
    lanes_->follow();
    changed = changed || lanes_->count() != lane_count_;
    lane_count_ = lanes_->count();
    for (const Row& row : rows_) {
        const bool shown = rowShown(row);
        if (row.rect->visible() == shown) continue;
        row.rect->setVisible(shown);
        row.rect->setMinimumSize(shown ? QSize(40, 20) : QSize(0, 0));
        row.rect->setMaximumSize(QSize(QWIDGETSIZE_MAX, shown ? QWIDGETSIZE_MAX : 0));
        changed = true;
    }
    if (changed) applyGeometry(size());
}

double TracesPlot::legendHeight(int height) const {
    const Theme& theme = Theme::instance();
    return explains_ && height > theme.em(kLegendFrom) ? QFontMetricsF(theme.smallFont()).height() * 1.2 : 0.0;
}

void TracesPlot::applyGeometry(const QSize& size) {
    const Theme& theme = Theme::instance();
    const int labels = std::min(theme.em(9.2), size.width() / 3);
    const int ticks = QFontMetrics(rows_.back().rect->axis(QCPAxis::atBottom)->tickLabelFont()).height() + 6;
    legend_height_ = legendHeight(size.height());
    const int lanes = lanes_->height();
    const int foot = ticks + lanes + static_cast<int>(std::ceil(legend_height_));
    rows_.back().rect->axis(QCPAxis::atBottom)->setOffset(lanes);  // the numbers stand below the lanes
    int shown = 0;
    for (const Row& row : rows_) {
        const bool last = &row == &rows_.back();
        shown += rowShown(row) ? 1 : 0;
        row.rect->setMargins(
            rowShown(row) ? QMargins(labels, theme.em(0.45), theme.em(1.5), last ? foot : theme.em(0.35)) : QMargins());
    }
    // The last row carries the tick labels: give it their height on top of an equal share.
    const double share = std::max(20.0, (size.height() - foot) / static_cast<double>(shown));
    QList<double> factors;
    for (const Row& row : rows_)
        factors << (!rowShown(row) ? 1e-3 : &row == &rows_.back() ? share + foot - theme.em(0.35) : share);
    plotLayout()->setRowStretchFactors(factors);
}

std::int64_t TracesPlot::valuesRead() const {
    std::int64_t read = 0;
    for (const Row& row : rows_) read += row.line->valuesRead();
    return read;
}

float TracesPlot::valueOf(int token, Measure measure) const {
    return static_cast<float>(
        measureValue(document_->trace().points()[static_cast<std::size_t>(token)], measure, document_->unit()));
}

void TracesPlot::refill() {
    for (Row& row : rows_) row.line->clear();
    marks_.clear();
    lanes_->reset();
    append(0, document_->size());
    updateDescription();
    requestReplot();
}

void TracesPlot::append(int first, int last) {
    for (Row& row : rows_) {
        for (int i = first; i < last; ++i) row.line->setValue(i, valueOf(i, row.measure));
    }
    for (int i = first; i < last; ++i) {
        const TokenRecord& token = document_->trace().points()[static_cast<std::size_t>(i)].token;
        if (token.sampledMarker() || token.intervened()) marks_.push_back(i);
    }
    for (const Row& row : rows_) {
        const bool measured = last > 0 && (row.measure != Measure::Kl || document_->hasReference());
        for (QCPAxis* axis : row.rect->axes(QCPAxis::atLeft)) axis->setTickLabels(measured);
    }
    rows_.back().rect->axis(QCPAxis::atBottom)->setTickLabels(last > 0);
    arrangeRows();
    if (follow_) followTail();
    updateDescription();
    requestLiveReplot();
}

void TracesPlot::requestLiveReplot() {
    if (range_.size() < kManyTokens)
        requestReplot();
    else if (!live_timer_->isActive())
        live_timer_->start(kLiveIntervalMs);
}

void TracesPlot::updateReference(int first, int last) {
    for (Row& row : rows_) {
        if (row.measure != Measure::Kl) continue;
        for (int i = first; i < last; ++i) row.line->setValue(i, valueOf(i, row.measure));
    }
    updateValueAxes();
    requestLiveReplot();
}

void TracesPlot::setFollow(bool follow) {
    if (follow) followTail();
    if (follow == follow_) return;
    follow_ = follow;
    emit followChanged(follow);
}

void TracesPlot::followTail() {
    const double size = std::max(document_->size(), 40);
    const double span = fit_ ? size : std::min(size, span_ > 0 ? span_ : kFollowSpan);
    applyRange(size - span - span * 0.005 - 0.5, size - 0.5 + span * 0.005);
}

void TracesPlot::fitAll() {
    fit_ = true;
    span_ = 0;
    setFollow(true);
    requestReplot();
}

void TracesPlot::setRange(double lower, double upper) {
    const double size = std::max(document_->size(), 40);
    const double span = std::clamp(upper - lower, 8.0, size * 1.02 + 2);
    lower = std::clamp(lower, -0.5 - size * 0.01, std::max(-0.5 - size * 0.01, size * 1.01 - span));
    const bool tail_in_sight = lower + span >= document_->size() - 1;
    fit_ = span >= size;
    if (tail_in_sight) {
        span_ = span;
        setFollow(true);
    } else {
        setFollow(false);
        applyRange(lower, lower + span);
    }
    requestReplot();
}

void TracesPlot::zoomAround(double centre, double factor) {
    const double share = (centre - range_.lower) / range_.size();
    const double span = range_.size() / factor;
    setRange(centre - share * span, centre + (1 - share) * span);
}

void TracesPlot::applyRange(double lower, double upper) {
    range_ = QCPRange(lower, upper);
    for (const Row& row : rows_) row.rect->axis(QCPAxis::atBottom)->setRange(range_);
    updateValueAxes();
}

void TracesPlot::updateValueAxes() {
    const int first = static_cast<int>(std::floor(range_.lower)), last = static_cast<int>(std::ceil(range_.upper)) + 1;
    for (const Row& row : rows_) {
        double upper = axisUpper(row.line->maximum(first, last), measureFloor(row.measure, document_->unit()));
        if (row.measure == Measure::MarkerMass) upper = std::min(upper, 1.06);
        row.rect->axis(QCPAxis::atLeft)->setRange(-upper * 0.02, upper);
    }
}

void TracesPlot::replotOverlay() { replotLayer(QStringLiteral("cursor")); }

// A token chosen elsewhere comes into sight.
void TracesPlot::showCurrent() {
    const int current = document_->current();
    updateDescription();
    if (current < 0 || (current >= range_.lower && current <= range_.upper) || drag_ != Drag::None) return;
    const double half = range_.size() / 2;
    setRange(current - half, current + half);
}

int TracesPlot::tokenAt(double x_pixel) const {
    const double x = rows_.front().rect->axis(QCPAxis::atBottom)->pixelToCoord(x_pixel);
    const int token = static_cast<int>(std::lround(x));
    return document_->size() == 0 || token < 0 || token >= document_->size() ? -1 : token;
}

double TracesPlot::pixelOf(int token) const { return rows_.front().rect->axis(QCPAxis::atBottom)->coordToPixel(token); }

void TracesPlot::wheelEvent(QWheelEvent* event) {
    const int steps = event->angleDelta().y() != 0 ? event->angleDelta().y() : event->angleDelta().x();
    const bool pan =
        event->modifiers() & Qt::ShiftModifier || (event->angleDelta().y() == 0 && event->angleDelta().x() != 0);
    if (pan) {
        const double by = -range_.size() * 0.15 * steps / 120.0;
        setRange(range_.lower + by, range_.upper + by);
    } else {
        zoomAround(rows_.front().rect->axis(QCPAxis::atBottom)->pixelToCoord(event->position().x()),
                   std::pow(1.25, steps / 120.0));
    }
    event->accept();
}

void TracesPlot::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    press_ = event->pos();
    press_range_ = range_;
    press_token_ = tokenAt(event->position().x());
    drag_ = event->modifiers() & Qt::ShiftModifier ? Drag::Select : Drag::Click;
    setFocus(Qt::MouseFocusReason);
}

void TracesPlot::mouseMoveEvent(QMouseEvent* event) {
    const int token = tokenAt(event->position().x());
    if (drag_ == Drag::None) {
        document_->setHovered(rows_.front().rect->rect().left() <= event->pos().x() ? token : -1);
        return;
    }
    if (drag_ == Drag::Click && (event->pos() - press_).manhattanLength() > 4) drag_ = Drag::Pan;
    if (drag_ == Drag::Pan) {
        setCursor(Qt::ClosedHandCursor);
        const double per_pixel = press_range_.size() / std::max(1, rows_.front().rect->width());
        const double by = (press_.x() - event->pos().x()) * per_pixel;
        setRange(press_range_.lower + by, press_range_.upper + by);
    } else if (drag_ == Drag::Select && token >= 0) {
        const int from = press_token_ >= 0 ? press_token_ : token;
        document_->setSelection({std::min(from, token), std::max(from, token) + 1}, token);
    }
}

void TracesPlot::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    if (drag_ == Drag::Click && press_token_ >= 0) document_->selectToken(press_token_);
    if (drag_ == Drag::Select && press_token_ >= 0 && document_->current() >= 0 &&
        (event->pos() - press_).manhattanLength() <= 4) {
        const int from = document_->current();  // Shift+click extends
        document_->setSelection({std::min(from, press_token_), std::max(from, press_token_) + 1}, press_token_);
    }
    drag_ = Drag::None;
    unsetCursor();
}

void TracesPlot::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) fitAll();
    drag_ = Drag::None;
}

void TracesPlot::leaveEvent(QEvent* event) {
    document_->setHovered(-1);
    QCustomPlot::leaveEvent(event);
}

void TracesPlot::contextMenuEvent(QContextMenuEvent* event) { emit menuRequested(event->globalPos()); }

void TracesPlot::keyPressEvent(QKeyEvent* event) {
    const int last = document_->size() - 1;
    const int current = document_->current();
    const auto select = [&](int token) {
        if (last >= 0) document_->selectToken(std::clamp(token, 0, last));
    };
    const double middle = current >= 0 ? current : range_.center();
    switch (event->key()) {
        case Qt::Key_Left: return select(current - 1);
        case Qt::Key_Right: return select(current + 1);
        case Qt::Key_Home: return select(0);
        case Qt::Key_End: select(last); return setFollow(true);
        case Qt::Key_Plus:
        case Qt::Key_Equal: return zoomAround(middle, 1.5);
        case Qt::Key_Minus: return zoomAround(middle, 1 / 1.5);
        case Qt::Key_F:
        case Qt::Key_0: return fitAll();
        case Qt::Key_PageUp: return setRange(range_.lower - range_.size() * 0.8, range_.upper - range_.size() * 0.8);
        case Qt::Key_PageDown: return setRange(range_.lower + range_.size() * 0.8, range_.upper + range_.size() * 0.8);
        default: break;
    }
    const auto jump = [&](int token) {
        if (token >= 0) document_->selectToken(token);
    };
    const bool plain = (event->modifiers() & (Qt::ControlModifier | Qt::AltModifier)) == 0;
    const bool shift = event->modifiers() & Qt::ShiftModifier;
    if (plain && event->key() == Qt::Key_N) return jump(nextMarker(document_->trace(), current, shift));
    if (plain && event->key() == Qt::Key_P) return jump(nextMarker(document_->trace(), current, true));
    if (plain && event->key() == Qt::Key_U) return jump(nextUncertain(document_->trace(), current, shift));
    if (plain && event->key() == Qt::Key_I) return jump(nextIntervention(document_->trace(), current, shift));
    QCustomPlot::keyPressEvent(event);
}

void TracesPlot::updateDescription() {
    QString text = tr("%n tokens", nullptr, document_->size());
    for (const Row& row : rows_) {
        text += tr("; %1 up to %2").arg(measureLabel(row.measure), formatSignificant(row.line->greatest()));
    }
    if (lanes_->count() > 0) text += QStringLiteral("; ") + lanes_->description();
    if (document_->current() >= 0) text += tr("; token %1 chosen").arg(document_->current());
    setAccessibleDescription(text);
}

}  // namespace quibble
