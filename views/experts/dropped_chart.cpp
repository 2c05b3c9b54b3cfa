#include "views/experts/dropped_chart.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <QMouseEvent>
#include <QPainter>

#include "views/plots/chart_area.h"
#include "views/run_document.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

namespace {

double droppedOf(const TokenExperts* own) {
    if (own == nullptr || own->dropped_mass.empty()) return std::nan("");
    return std::accumulate(own->dropped_mass.begin(), own->dropped_mass.end(), 0.0) /
           static_cast<double>(own->dropped_mass.size());
}

}  // namespace

DroppedChart::DroppedChart(RunDocument* document, QWidget* parent)
    : PaintedView(tr("Dropped mass"), QStringLiteral("expert-dropped"), parent), document_(document) {
    connect(document_, &RunDocument::selectionChanged, this, [this] { update(); });
}

void DroppedChart::reload() {
    const RunTrace& trace = document_->trace();
    dropped_.clear();
    budgets_.clear();
    double sum = 0;
    std::int64_t known = 0;
    most_ = 0;
    std::vector<PlainTableModel::Row> table;
    for (const TracePoint& point : trace.points()) {
        const double value = droppedOf(trace.expertsAt(point.token.pos));
        dropped_.push_back(static_cast<float>(value));
        if (std::isnan(value)) continue;
        sum += value;
        ++known;
        most_ = std::max(most_, value);
        if (value > 0)
            table.push_back({static_cast<int>(dropped_.size()) - 1, document_->tokenLabel(point.token.id), value});
    }
    mean_ = known > 0 ? sum / static_cast<double>(known) : 0.0;
    // Beside verify passes there are single rows, which a budget for verify passes leaves alone.
    const auto& passes = trace.expertPasses();
    const bool verifies = std::any_of(passes.begin(), passes.end(), [](const ExpertPass& pass) { return pass.verify; });
    for (const ExpertPass& pass : passes) {
        const int token = document_->indexAt(pass.pos + 1);
        if (token < 0 || pass.verify != verifies) continue;  // of the prompt
        if (budgets_.empty() || budgets_.back().second != pass.budget) budgets_.emplace_back(token, pass.budget);
    }
    rows().setContent({tr("token"), tr("text"), tr("dropped mass")}, std::move(table));
    const double prompt = meanOfPrompt();
    const QString text = most_ > 0    ? tr("mean %1").arg(formatPercent(mean_))
                         : prompt > 0 ? tr("none in the text")
                                      : tr("none");
    setFigures(prompt > 0 ? tr("%1 · prompt %2").arg(text, formatPercent(prompt)) : text);
    setAccessibleDescription(figures());
    update();
}

// The chart runs along the text, but a budget for all passes drops in the prompt too.
double DroppedChart::meanOfPrompt() const {
    const auto& records = document_->trace().tokenExperts();
    const auto end = document_->size() > 0 ? static_cast<std::size_t>(std::max<Position>(0, document_->positionOf(0)))
                                           : records.size();
    double sum = 0;
    std::int64_t known = 0;
    for (std::size_t i = 0; i < std::min(end, records.size()); ++i) {
        const double value = droppedOf(&records[i]);
        if (std::isnan(value)) continue;
        sum += value;
        ++known;
    }
    return known > 0 ? sum / static_cast<double>(known) : 0.0;
}

void DroppedChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<int>(dropped_.size());
    const ChartArea area(painter, size, colors,
                         {.y_upper = std::max(most_ * 1.2, 0.01),
                          .y_label = tr("router probability"),
                          .y_percent = true,
                          .x_lower = 0,
                          .x_upper = static_cast<double>(std::max(1, count)),
                          .x_label = tr("token"),
                          .right_upper = 0,
                          .right_label = {}});
    area_ = area.rect();
    drawBudgets(painter, area.rect(), colors);
    // One stroke a pixel column, up to the greatest value in it: as quick for 100,000 tokens as for 100.
    const int columns = std::max(1, std::min(count, static_cast<int>(area.rect().width())));
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bad);
    for (int column = 0; column < columns; ++column) {
        const auto from = static_cast<std::ptrdiff_t>(column) * count / columns,
                   to = std::max(from + 1, static_cast<std::ptrdiff_t>(column + 1) * count / columns);
        float highest = 0;
        for (auto i = from; i < std::min<std::ptrdiff_t>(to, count); ++i)
            highest = std::max(highest, std::isnan(dropped_[static_cast<std::size_t>(i)])
                                            ? 0.0F
                                            : dropped_[static_cast<std::size_t>(i)]);
        if (highest <= 0) continue;
        const double left = area.x(static_cast<double>(from)), top = area.y(static_cast<double>(highest));
        painter.drawRect(QRectF(left, top, std::max(1.0, (area.x(static_cast<double>(to)) - left) * 0.8),
                                area.rect().bottom() - top));
    }
    painter.restore();
    if (document_->current() < 0) return;
    painter.setPen(QPen(colors.accent, 1.4));
    const double x = area.x(document_->current() + 0.5);
    painter.drawLine(QPointF(x, area.rect().top()), QPointF(x, area.rect().bottom()));
}

// A thin line where the budget changed, with the new one beside it as far as there is room.
void DroppedChart::drawBudgets(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
    painter.setFont(Theme::instance().smallFont());
    const QFontMetricsF metrics(painter.font());
    double free = area.left();
    for (const auto& [token, budget] : budgets_) {
        const double x = area.left() + area.width() * token / std::max<double>(1, static_cast<double>(dropped_.size()));
        if (token > 0) {
            painter.setPen(QPen(colors.faint, 1, Qt::DashLine));
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
        }
        const QString text = budget > 0 ? tr("budget %1").arg(budget) : tr("no budget");
        const double width = metrics.horizontalAdvance(text);
        if (x < free || x + width > area.right()) continue;
        painter.setPen(colors.muted);
        painter.drawText(QRectF(x + 3, area.top(), width + 2, metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                         text);
        free = x + width + metrics.height();
    }
}

int DroppedChart::tokenAt(double x) const {
    if (dropped_.empty() || area_.width() <= 0) return -1;
    return std::clamp(static_cast<int>((x - area_.left()) / area_.width() * static_cast<double>(dropped_.size())), 0,
                      static_cast<int>(dropped_.size()) - 1);
}

QString DroppedChart::tipAt(const QPoint& point) const {
    const QString meaning =
        tr("Dropped mass: router probability of the experts that a token would have used and that the budget did not "
           "allow, mean over the layers.");
    const int token = tokenAt(point.x());
    if (token < 0 || token >= document_->size() || std::isnan(dropped_[static_cast<std::size_t>(token)]))
        return meaning;
    const TokenId id = document_->trace().points()[static_cast<std::size_t>(token)].token.id;
    return meaning + QLatin1Char('\n') +
           tr("Token %1 “%2”: %3")
               .arg(token)
               .arg(document_->tokenLabel(id),
                    formatPercent(static_cast<double>(dropped_[static_cast<std::size_t>(token)])));
}

void DroppedChart::mousePressEvent(QMouseEvent* event) {
    const int token = tokenAt(event->position().x());
    if (event->button() == Qt::LeftButton && token >= 0 && token < document_->size()) document_->selectToken(token);
}

}  // namespace quibble
