#include "views/plots/traces_layers.h"

#include "views/plots/rule_lanes.h"

#include <algorithm>
#include <cmath>

#include <QCoreApplication>

namespace quibble {

namespace {

QColor faded(QColor colour, double alpha) {
    colour.setAlphaF(static_cast<float>(alpha));
    return colour;
}

}  // namespace

void TraceMarks::drawMark(QCPPainter* painter, int token, const QColor& colour, bool dense) const {
    const double x = std::round(plot_->pixelOf(token)) + 0.5;
    for (const TracesPlot::Row& row : plot_->rows()) {
        if (!plot_->rowShown(row)) continue;
        const QRect area = row.rect->rect();
        if (x < area.left() || x > area.right()) return;
        if (dense) {
            painter->setPen(QPen(faded(colour, 0.75), 1));
            painter->drawLine(QLineF(x, area.bottom() - 4, x, area.bottom()));
        } else {
            // The dashes one by one: a dashed pen is stroked as a path, which takes most of a frame for some tens of
            // marks.
            painter->setPen(QPen(faded(colour, 0.5), 1));
            QVector<QLineF> dashes;
            for (int y = area.top(); y < area.bottom(); y += 6)
                dashes.append(QLineF(x, y, x, std::min(y + 2, area.bottom())));
            painter->drawLines(dashes);
        }
    }
}

void TraceMarks::draw(QCPPainter* painter) {
    const RunDocument& document = *plot_->document();
    const auto& points = document.trace().points();
    const int first = std::max(0, static_cast<int>(std::floor(plot_->range().lower)));
    const int last = std::min(document.size(), static_cast<int>(std::ceil(plot_->range().upper)) + 1);
    const auto& marked = plot_->marks();
    const auto begin = std::lower_bound(marked.begin(), marked.end(), first),
               end = std::lower_bound(begin, marked.end(), last);
    const auto marks = static_cast<int>(end - begin);
    const ThemeColors& colors = plot_->shownColors();
    const int width = plot_->rows().front().rect->rect().width();
    const bool dense = marks > width / 14;
    int previous_x = -1;
    const bool readable = marks <= width / 3;  // closer ticks are one bar that says nothing
    for (auto mark = readable ? begin : end; mark != end; ++mark) {
        const int x = static_cast<int>(std::lround(plot_->pixelOf(*mark)));
        if (x == previous_x) continue;  // one stroke a pixel says as much
        previous_x = x;
        const TokenRecord& token = points[static_cast<std::size_t>(*mark)].token;
        drawMark(painter, *mark, token.intervened() ? colors.mass : colors.marker, dense);
    }
    drawControls(painter, first, last);
}

void TraceMarks::drawControls(QCPPainter* painter, int first, int last) const {
    const RunDocument& document = *plot_->document();
    if (document.size() == 0) return;
    const ThemeColors& colors = plot_->shownColors();
    const Position origin = document.trace().points().front().token.pos;
    QFont font = Theme::instance().smallFont();
    painter->setFont(font);
    double free_from = -1e9;
    for (const ControlChange& change : document.trace().controls()) {
        const int token = change.pos - origin;
        if (token < first || token >= last) continue;
        const double x = std::round(plot_->pixelOf(token)) + 0.5;
        painter->setPen(QPen(faded(colors.muted, 0.8), 1, Qt::DashLine));
        for (const TracesPlot::Row& row : plot_->rows()) {
            if (plot_->rowShown(row))
                painter->drawLine(QLineF(x, row.rect->rect().top(), x, row.rect->rect().bottom()));
        }
        const QString text = controlText(change);
        const double width = QFontMetricsF(font).horizontalAdvance(text);
        if (x + 3 < free_from) continue;  // a label under another one could not be read
        painter->setPen(colors.muted);
        painter->drawText(QPointF(x + 3, plot_->rows().front().rect->rect().top() + QFontMetricsF(font).ascent()),
                          text);
        free_from = x + 6 + width;
    }
}

QString TraceLabels::nameOf(const TracesPlot::Row& row) const {
    const RunProvenance& provenance = plot_->document()->trace().provenance();
    switch (row.measure) {
        case Measure::Entropy: return tr("Entropy");
        case Measure::Kl:
            return provenance.reference_format.empty()
                       ? tr("KL")
                       : tr("KL to %1").arg(QString::fromStdString(provenance.reference_format));
        case Measure::MarkerMass: return tr("Marker mass");
        default: return measureLabel(row.measure);
    }
}

QString TraceLabels::unitOf(const TracesPlot::Row& row) const {
    const RunDocument& document = *plot_->document();
    if (row.measure == Measure::MarkerMass) return tr("probability");
    const QString unit = measureUnit(row.measure, document.unit());
    if (row.measure != Measure::Kl) return unit;
    const int lag = document.referenceLag();
    return lag > 0 ? tr("%1, %n tokens behind", nullptr, lag).arg(unit) : unit;
}

void TraceLabels::draw(QCPPainter* painter) {
    const ThemeColors& colors = plot_->shownColors();
    const Theme& theme = Theme::instance();
    QFont bold = theme.titleFont();
    const int left = theme.em(0.6);
    for (const TracesPlot::Row& row : plot_->rows()) {
        if (!plot_->rowShown(row)) continue;
        const QRect outer = row.rect->outerRect(), inner = row.rect->rect();
        if (&row != &plot_->rows().front()) {
            painter->setPen(QPen(colors.card_border, 1));
            painter->drawLine(QLineF(outer.left(), outer.top() + 0.5, outer.right(), outer.top() + 0.5));
        }
        const int width = inner.left() - left - theme.em(2.2);  // tick labels stand between name and plot
        const QString name = nameOf(row), unit = unitOf(row);
        const QFontMetrics bold_metrics(bold), small_metrics(theme.smallFont());
        const QRect unit_bounds = small_metrics.boundingRect(0, 0, width, 1000, Qt::TextWordWrap, unit);
        const int height = bold_metrics.height() + unit_bounds.height();
        const int top = inner.center().y() - height / 2;
        painter->setFont(bold);
        painter->setPen(colors.text);
        painter->drawText(QRect(left, top, width, bold_metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                          bold_metrics.elidedText(name, Qt::ElideRight, width));
        painter->setFont(theme.smallFont());
        painter->setPen(colors.muted);
        painter->drawText(QRect(left, top + bold_metrics.height(), width, unit_bounds.height()),
                          Qt::AlignLeft | Qt::TextWordWrap, unit);
    }
    if (plot_->document()->size() > 0) drawFoot(painter);
}

// What stands below the plot: the name of the axis beside its numbers, and under them what the dashed lines mean.
void TraceLabels::drawFoot(QCPPainter* painter) const {
    const ThemeColors& colors = plot_->shownColors();
    const Theme& theme = Theme::instance();
    const QRect area = plot_->rows().back().rect->rect();
    const QCPAxis* axis = plot_->rows().back().rect->axis(QCPAxis::atBottom);
    const QFontMetricsF metrics(axis->tickLabelFont());
    painter->setFont(axis->tickLabelFont());
    painter->setPen(colors.muted);
    const double left = theme.em(0.6), ticks = metrics.height() + 6;
    const double below = area.bottom() + plot_->lanes().height();
    painter->drawText(QRectF(left, below + 1, area.left() - left - theme.em(0.9), ticks),
                      Qt::AlignRight | Qt::AlignVCenter, tr("token"));
    if (plot_->legendHeight() <= 0) return;
    const RunDocument& document = *plot_->document();
    bool markers = false, interventions = false;
    for (const int mark : plot_->marks()) {
        const bool intervened = document.trace().points()[static_cast<std::size_t>(mark)].token.intervened();
        interventions = interventions || intervened;
        markers = markers || !intervened;
        if (markers && interventions) break;
    }
    const struct {
        bool there;
        QColor colour;
        QString text;
    } entries[] = {{markers, colors.marker, tr("marker")},
                   {interventions, colors.mass,
                    document.trace().provenance().rules.empty() ? tr("the penalty changed the token")
                                                                : tr("a rule changed the token")},
                   {!document.trace().controls().empty(), colors.muted, tr("a control changed")}};
    const double top = below + ticks, line = plot_->legendHeight();
    double x = area.left();
    for (const auto& entry : entries) {
        if (!entry.there) continue;
        painter->setPen(QPen(entry.colour, 1.4));
        for (double y = top + 2; y < top + line - 2; y += 5)
            painter->drawLine(QLineF(x + 2.5, y, x + 2.5, std::min(y + 2.5, top + line - 2)));
        painter->setPen(colors.muted);
        const double width = metrics.horizontalAdvance(entry.text) + 2;
        painter->drawText(QRectF(x + theme.em(0.5), top, width, line), Qt::AlignLeft | Qt::AlignVCenter, entry.text);
        x += theme.em(1.4) + width;
    }
}

void TraceOverlay::draw(QCPPainter* painter) {
    const RunDocument& document = *plot_->document();
    const ThemeColors& colors = plot_->shownColors();
    const TokenRange range = document.selection();
    const int hovered = document.hovered(), current = document.current();
    for (const TracesPlot::Row& row : plot_->rows()) {
        if (!plot_->rowShown(row)) continue;
        const QRect area = row.rect->rect();
        painter->save();
        painter->setClipRect(area);
        if (range.size() > 1) {
            const double from = plot_->pixelOf(range.begin), to = plot_->pixelOf(range.end - 1);
            painter->fillRect(QRectF(from, area.top(), std::max(1.0, to - from), area.height()),
                              faded(colors.accent, 0.14));
        }
        if (hovered >= 0 && hovered != current) {
            const double x = std::round(plot_->pixelOf(hovered)) + 0.5;
            painter->setPen(QPen(colors.faint, 1));
            painter->drawLine(QLineF(x, area.top(), x, area.bottom()));
        }
        if (current >= 0) {
            const double x = std::round(plot_->pixelOf(current)) + 0.5;
            painter->setPen(QPen(colors.accent, 1.4));
            painter->drawLine(QLineF(x, area.top(), x, area.bottom()));
            const auto& values = row.line->values();
            const float value =
                current < static_cast<int>(values.size()) ? values[static_cast<std::size_t>(current)] : kNotMeasured;
            if (std::isfinite(value)) {
                painter->setAntialiasing(true);
                painter->setPen(QPen(colors.card, 1.5));
                painter->setBrush(colors.accent);
                painter->drawEllipse(
                    QPointF(x, row.rect->axis(QCPAxis::atLeft)->coordToPixel(static_cast<double>(value))), 3.6, 3.6);
                painter->setAntialiasing(false);
            }
        }
        painter->restore();
    }
    const QRect lanes = plot_->lanes().area();
    for (const auto& [token, pen] :
         {std::pair(hovered, QPen(colors.faint, 1)), std::pair(current, QPen(colors.accent, 1.4))}) {
        const double x = std::round(plot_->pixelOf(token)) + 0.5;
        if (token < 0 || lanes.height() == 0 || x < lanes.left() || x > lanes.right()) continue;
        painter->setPen(pen);
        painter->drawLine(QLineF(x, lanes.top(), x, lanes.bottom()));
    }
}

}  // namespace quibble
