#include "views/experts/expert_charts.h"

#include <algorithm>
#include <cmath>

#include <QLocale>
#include <QPainter>

#include "views/measure.h"
#include "views/plots/chart_area.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

UnionChart::UnionChart(QWidget* parent) : PaintedView(tr("Union"), QStringLiteral("expert-union"), parent) {}

void UnionChart::setSizes(std::vector<UnionSize> sizes) {
    sizes_ = std::move(sizes);
    std::vector<PlainTableModel::Row> table;
    for (const UnionSize& size : sizes_)
        table.push_back({size.rows, QVariant(static_cast<qlonglong>(size.passes)), size.natural, size.executed,
                         size.bytes * 1e-6, size.ns * 1e-6});
    rows().setContent(
        {tr("rows"), tr("passes"), tr("experts wanted"), tr("experts read"), tr("MB of experts read"), tr("ms a pass")},
        std::move(table));
    // The size that came up most often stands for the run.
    const auto usual = std::max_element(sizes_.begin(), sizes_.end(),
                                        [](const UnionSize& a, const UnionSize& b) { return a.passes < b.passes; });
    setFigures(usual == sizes_.end()
                   ? QString()
                   : tr("%n rows: %1 MB, %2 ms", nullptr, usual->rows)
                         .arg(formatNumber(usual->bytes * 1e-6, 1), formatNumber(usual->ns * 1e-6, 2)));
    setAccessibleDescription(figures());
    update();
}

void UnionChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    double most = 1;
    for (const UnionSize& at : sizes_) most = std::max({most, at.natural, at.executed});
    const double last = sizes_.empty() ? 1 : sizes_.back().rows;
    const ChartArea area(painter, size, colors,
                         {.y_upper = most,
                          .y_label = tr("experts a layer: ○ wanted, ● read"),
                          .y_percent = false,
                          .x_lower = 0,
                          .x_upper = last + 1,
                          .x_label = tr("rows of the pass"),
                          .right_upper = 0,
                          .right_label = {}});
    area_ = area.rect();
    for (const bool executed : {false, true}) {
        const QColor colour = executed ? colors.mass : colors.muted;
        QPolygonF line;
        for (const UnionSize& at : sizes_)
            line << QPointF(area.x(at.rows), area.y(executed ? at.executed : at.natural));
        painter.setPen(QPen(colour, 1.4, executed ? Qt::SolidLine : Qt::DashLine));
        painter.setBrush(Qt::NoBrush);
        painter.drawPolyline(line);
        painter.setBrush(executed ? colour : colors.card);
        const double radius = executed ? 2.6 : 3.6;
        for (const QPointF& dot : line) painter.drawEllipse(dot, radius, radius);
    }
}

QString UnionChart::tipAt(const QPoint& point) const {
    const QString meaning =
        tr("Union: distinct experts that the rows of one pass use, mean over layers and passes. More rows want more "
           "experts; a budget caps what is read.");
    if (sizes_.empty() || area_.width() <= 0) return meaning;
    const double rows = (point.x() - area_.left()) / area_.width() * (sizes_.back().rows + 1);
    const auto nearest = std::min_element(sizes_.begin(), sizes_.end(), [&](const UnionSize& a, const UnionSize& b) {
        return std::fabs(a.rows - rows) < std::fabs(b.rows - rows);
    });
    return meaning + QLatin1Char('\n') +
           tr("Passes of %n rows (%L1 of them): %2 experts wanted, %3 read, %4 MB of expert weights, %5 ms", nullptr,
              nearest->rows)
               .arg(nearest->passes)
               .arg(formatNumber(nearest->natural, 2), formatNumber(nearest->executed, 2),
                    formatNumber(nearest->bytes * 1e-6, 2), formatNumber(nearest->ns * 1e-6, 2));
}

CoverageChart::CoverageChart(QWidget* parent)
    : PaintedView(tr("Coverage C(B)"), QStringLiteral("expert-coverage"), parent) {
    setToolTip(
        tr("Coverage C(B): share of router probability that the B experts with the largest score sums of a pass hold, "
           "mean over layers and passes.\n"
           "What a budget of B keeps; 1 − C(B) is what it drops."));
}

void CoverageChart::setCoverage(std::vector<double> coverage, int budget) {
    coverage_ = std::move(coverage);
    budget_ = std::min(budget, static_cast<int>(coverage_.size()));
    std::vector<PlainTableModel::Row> table;
    for (std::size_t b = 0; b < coverage_.size(); ++b) table.push_back({static_cast<int>(b) + 1, coverage_[b]});
    rows().setContent({tr("budget"), tr("coverage")}, std::move(table));
    setFigures(
        budget_ > 0
            ? tr("╌ C(%1) = %2").arg(budget_).arg(formatSignificant(coverage_[static_cast<std::size_t>(budget_) - 1]))
            : tr("no budget"));
    setAccessibleDescription(figures());
    update();
}

void CoverageChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<double>(coverage_.size());
    const ChartArea area(painter, size, colors,
                         {.y_upper = 1,
                          .y_label = tr("coverage"),
                          .y_percent = false,
                          .x_lower = 0,
                          .x_upper = count,
                          .x_label = tr("budget, experts a layer"),
                          .right_upper = 0,
                          .right_label = {}});
    QPolygonF line;
    line << QPointF(area.x(0), area.y(0));
    for (std::size_t b = 0; b < coverage_.size(); ++b)
        line << QPointF(area.x(static_cast<double>(b) + 1), area.y(coverage_[b]));
    painter.setPen(QPen(colors.mass, 1.8));
    painter.setBrush(Qt::NoBrush);
    painter.drawPolyline(line);
    if (budget_ < 1) return;
    const QPointF at = line[budget_];
    painter.setPen(QPen(colors.accent, 1.2, Qt::DashLine));
    painter.drawLine(QPointF(at.x(), area.rect().bottom()), at);
    painter.drawLine(QPointF(area.rect().left(), at.y()), at);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.accent);
    painter.drawEllipse(at, 4, 4);
}

LoadChart::LoadChart(QWidget* parent) : PaintedView(tr("Load by layer"), QStringLiteral("expert-load"), parent) {
    setToolTip(
        tr("Greatest number of tokens of an expert over the mean of its layer: 1 is perfect balance.\n"
           "Dropped: router probability of natural choices that the budget did not allow, mean over the tokens."));
}

void LoadChart::setCounts(const ExpertCounts& counts) {
    imbalance_.clear();
    std::vector<PlainTableModel::Row> table;
    for (int layer = 0; layer < counts.layers; ++layer) {
        imbalance_.push_back(counts.imbalance(layer));
        table.push_back({layer, imbalance_.back(), counts.dropped_mass[static_cast<std::size_t>(layer)]});
    }
    dropped_ = counts.dropped_mass;
    rows().setContent({tr("layer"), tr("greatest / mean load"), tr("dropped mass")}, std::move(table));
    const double worst = imbalance_.empty() ? 0.0 : *std::max_element(imbalance_.begin(), imbalance_.end());
    setFigures(tr("up to %1×").arg(formatNumber(worst, 1)));
    setAccessibleDescription(figures());
    update();
}

void LoadChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto layers = static_cast<double>(imbalance_.size());
    double most = 1, lost = 0;
    for (const double value : imbalance_) most = std::max(most, value);
    for (const double value : dropped_) lost = std::max(lost, value);
    const ChartArea area(painter, size, colors,
                         {.y_upper = most,
                          .y_label = tr("load / mean"),
                          .y_percent = false,
                          .x_lower = -0.6,
                          .x_upper = layers - 0.4,
                          .x_label = tr("layer · ╌ balance"),
                          .right_upper = lost > 0 ? std::max(lost, 0.01) : 0.0,
                          .right_label = tr("● dropped")});
    const double width =
        std::min(area.rect().width() / (layers + 0.2) * 0.62, static_cast<double>(Theme::instance().em(2)));
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bar);
    for (std::size_t i = 0; i < imbalance_.size(); ++i) {
        const double top = area.y(imbalance_[i]);
        painter.drawRect(QRectF(area.x(static_cast<double>(i)) - width / 2, top, width, area.rect().bottom() - top));
    }
    painter.setPen(QPen(colors.muted, 1, Qt::DashLine));
    painter.drawLine(QPointF(area.rect().left(), area.y(1)), QPointF(area.rect().right(), area.y(1)));
    if (lost <= 0) return;
    painter.setPen(QPen(colors.card, 1));
    painter.setBrush(colors.bad);
    for (std::size_t i = 0; i < dropped_.size(); ++i)
        painter.drawEllipse(QPointF(area.x(static_cast<double>(i)), area.right(dropped_[i])), 3, 3);
}

CoActivationMap::CoActivationMap(QWidget* parent)
    : PaintedView(tr("Co-activation"), QStringLiteral("expert-coactivation"), parent) {}

void CoActivationMap::setPairs(int layer, int experts, std::vector<std::int64_t> pairs) {
    layer_ = layer;
    experts_ = experts;
    pairs_ = std::move(pairs);
    std::vector<PlainTableModel::Row> table;
    for (int a = 0; a < experts; ++a) {
        for (int b = a + 1; b < experts; ++b) {
            const auto count =
                pairs_[static_cast<std::size_t>(a) * static_cast<std::size_t>(experts) + static_cast<std::size_t>(b)];
            if (count > 0) table.push_back({a, b, QVariant(static_cast<qlonglong>(count))});
        }
    }
    rows().setContent({tr("expert"), tr("with expert"), tr("tokens")}, std::move(table));
    setFigures(tr("layer %1").arg(layer));
    setAccessibleDescription(figures());
    update();
}

QRectF CoActivationMap::squareFor(const QSize& size) const {
    const Theme& theme = Theme::instance();
    const double left = theme.em(1.8),
                 side = std::min<double>(size.width() - left - theme.em(0.6), size.height() - theme.em(1.9));
    return {std::max(left, (size.width() - side) / 2), theme.em(0.5) * 1.0, side, side};
}

void CoActivationMap::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    if (experts_ == 0) return;
    std::int64_t most = 1;
    for (int a = 0; a < experts_; ++a) {
        for (int b = 0; b < experts_; ++b) {
            if (a != b)
                most = std::max(most, pairs_[static_cast<std::size_t>(a) * static_cast<std::size_t>(experts_) +
                                             static_cast<std::size_t>(b)]);
        }
    }
    const QRectF square = squareFor(size);
    const double cell = square.width() / experts_;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.fillRect(square, colors.bar_track);
    for (int a = 0; a < experts_; ++a) {
        for (int b = 0; b < experts_; ++b) {
            const auto count =
                pairs_[static_cast<std::size_t>(a) * static_cast<std::size_t>(experts_) + static_cast<std::size_t>(b)];
            if (a == b || count == 0) continue;
            const double share = static_cast<double>(count) / static_cast<double>(most);
            painter.fillRect(QRectF(square.left() + b * cell, square.top() + a * cell, cell, cell),
                             Theme::rampOf(colors, Ramp::Blue, 0.12 + 0.88 * std::sqrt(share)));
        }
    }
    painter.setPen(QPen(colors.card_border, 1));
    painter.drawLine(square.topLeft(), square.bottomRight());
    painter.setFont(Theme::instance().smallFont());
    painter.setPen(colors.muted);
    const double line = QFontMetricsF(painter.font()).height();
    const double widest = QFontMetricsF(painter.font()).horizontalAdvance(QString::number(experts_ - 1)) + line * 0.5;
    const auto step = [cell](double needed) { return std::max(1, static_cast<int>(std::ceil(needed / cell))); };
    for (int expert = 0; expert < experts_; expert += step(line * 1.3)) {
        painter.drawText(QRectF(0, square.top() + (expert + 0.5) * cell - line / 2, square.left() - 4, line),
                         Qt::AlignRight | Qt::AlignVCenter, QString::number(expert));
    }
    for (int expert = 0; expert < experts_; expert += step(widest)) {
        painter.drawText(QRectF(square.left() + (expert + 0.5) * cell - 2 * line, square.bottom() + 1, 4 * line, line),
                         Qt::AlignCenter, QString::number(expert));
    }
    painter.restore();
}

QString CoActivationMap::tipAt(const QPoint& point) const {
    const QRectF square = squareFor(size());
    if (experts_ == 0 || !square.contains(point)) return {};
    const int a = std::min(experts_ - 1, static_cast<int>((point.y() - square.top()) / square.height() * experts_));
    const int b = std::min(experts_ - 1, static_cast<int>((point.x() - square.left()) / square.width() * experts_));
    const auto count =
        pairs_[static_cast<std::size_t>(a) * static_cast<std::size_t>(experts_) + static_cast<std::size_t>(b)];
    const auto tokens = static_cast<int>(count);
    return a == b ? tr("Layer %1, expert %2: %Ln tokens", nullptr, tokens).arg(layer_).arg(a)
                  : tr("Layer %1, experts %2 and %3: %Ln tokens chose both", nullptr, tokens).arg(layer_).arg(a).arg(b);
}

}  // namespace quibble
