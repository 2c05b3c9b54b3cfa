#include "views/speculation/speculation_charts.h"

#include <algorithm>
#include <cmath>

#include <QLocale>
#include <QPainter>

#include "views/measure.h"
#include "views/plots/chart_area.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

namespace {

QVariant whole(std::int64_t value) { return QVariant(static_cast<qlonglong>(value)); }

double milliseconds(std::int64_t ns, std::int64_t count) { return count > 0 ? static_cast<double>(ns) * 1e-6 / static_cast<double>(count) : 0.0; }

// Lines falling to the right: a fill that is told apart without colour.
QBrush hatch(const QColor& colour) { return QBrush(colour, Qt::BDiagPattern); }

}  // namespace

AcceptanceChart::AcceptanceChart(QWidget* parent) : PaintedView(tr("Acceptance by position"), QStringLiteral("draft-acceptance"), parent) {
    setMouseTracking(true);
}

void AcceptanceChart::setNumbers(const SpeculationNumbers& numbers) {
    numbers_ = numbers;
    std::vector<PlainTableModel::Row> table;
    for (std::size_t i = 0; i < numbers.by_position.size(); ++i) {
        const PositionAcceptance& at = numbers.by_position[i];
        table.push_back({static_cast<int>(i) + 1, whole(at.drafted), whole(at.tested), whole(at.accepted), whole(at.rejected()), whole(at.ignored()), numbers.rate(i)});
    }
    rows().setContent({tr("position"), tr("drafted"), tr("tested"), tr("accepted"), tr("rejected"), tr("not tested"), tr("accepted / verify step")}, std::move(table));
    const PositionAcceptance& all = numbers.all;
    setFigures(tr("drafted %L1 · tested %L2 · accepted %L3 · ignored %L4").arg(all.drafted).arg(all.tested).arg(all.accepted).arg(all.ignored()));
    setAccessibleDescription(figures());
    update();
}

void AcceptanceChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<int>(numbers_.by_position.size());
    std::int64_t most = 0;
    for (const PositionAcceptance& at : numbers_.by_position) most = std::max(most, at.drafted);
    const ChartArea area(painter, size, colors, {.y_upper = static_cast<double>(most), .y_label = tr("drafted tokens"), .y_percent = false, .x_lower = 0.4,
                                                 .x_upper = count + 0.6, .x_label = tr("position in the draft"), .right_upper = 1, .right_label = tr("rate")});
    area_ = area.rect();
    const double width = std::min(area.rect().width() / (count + 0.2) * 0.62, Theme::instance().em(2.4) * 1.0);
    QPolygonF rates;
    for (int i = 0; i < count; ++i) {
        const PositionAcceptance& at = numbers_.by_position[static_cast<std::size_t>(i)];
        const double left = area.x(i + 1) - width / 2;
        const auto column = [&](std::int64_t from, std::int64_t to) {
            return QRectF(left, area.y(static_cast<double>(to)), width, area.y(static_cast<double>(from)) - area.y(static_cast<double>(to)));
        };
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.good);
        painter.drawRect(column(0, at.accepted));
        painter.setBrush(hatch(colors.bad));
        painter.drawRect(column(at.accepted, at.tested));
        painter.setPen(QPen(colors.faint, 1, Qt::DashLine));
        painter.setBrush(colors.bar_track);
        if (at.ignored() > 0) painter.drawRect(column(at.tested, at.drafted).adjusted(0.5, 0.5, -0.5, 0));
        rates << QPointF(area.x(i + 1), area.right(numbers_.rate(static_cast<std::size_t>(i))));
    }
    painter.setPen(QPen(colors.text, 1.2));
    painter.setBrush(Qt::NoBrush);
    painter.drawPolyline(rates);
    painter.setBrush(colors.card);
    for (const QPointF& dot : rates) painter.drawEllipse(dot, 2.6, 2.6);
}

QString AcceptanceChart::tipAt(const QPoint& point) const {
    const auto count = static_cast<int>(numbers_.by_position.size());
    if (count == 0 || area_.width() <= 0) return {};
    const int i = static_cast<int>(std::lround(0.4 + (point.x() - area_.left()) / area_.width() * (count + 0.2))) - 1;
    if (i < 0 || i >= count) return {};
    const PositionAcceptance& at = numbers_.by_position[static_cast<std::size_t>(i)];
    return tr("Position %1: drafted %L2, tested %L3, accepted %L4 (solid), rejected %L5 (hatched), not tested %L6 (dashed)\n"
              "Rate = accepted here / verify steps = %L4 / %L7 = %8\nOf those that were tested: %9")
        .arg(i + 1).arg(at.drafted).arg(at.tested).arg(at.accepted).arg(at.rejected()).arg(at.ignored()).arg(numbers_.rounds)
        .arg(formatNumber(numbers_.rate(static_cast<std::size_t>(i)), 3), at.tested > 0 ? formatNumber(static_cast<double>(at.accepted) / static_cast<double>(at.tested), 3) : QStringLiteral("–"));
}

LengthChart::LengthChart(QWidget* parent) : PaintedView(tr("Accepted length"), QStringLiteral("accepted-length"), parent) {}

void LengthChart::setNumbers(const SpeculationNumbers& numbers) {
    lengths_ = numbers.accepted_lengths;
    mean_ = numbers.meanAccepted();
    std::vector<PlainTableModel::Row> table;
    for (std::size_t i = 0; i < lengths_.size(); ++i) {
        table.push_back({static_cast<int>(i), whole(lengths_[i]), numbers.rounds > 0 ? static_cast<double>(lengths_[i]) / static_cast<double>(numbers.rounds) : 0.0});
    }
    rows().setContent({tr("accepted"), tr("verify steps"), tr("share")}, std::move(table));
    setFigures(tr("mean %1").arg(formatNumber(mean_, 2)));
    setAccessibleDescription(figures());
    update();
}

void LengthChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<int>(lengths_.size());
    const std::int64_t most = lengths_.empty() ? 0 : *std::max_element(lengths_.begin(), lengths_.end());
    const ChartArea area(painter, size, colors, {.y_upper = static_cast<double>(most), .y_label = tr("verify steps"), .y_percent = false, .x_lower = -0.6,
                                                 .x_upper = count - 0.4, .x_label = tr("drafted tokens accepted"), .right_upper = 0, .right_label = {}});
    area_ = area.rect();
    const double width = std::min(area.rect().width() / (count + 0.2) * 0.62, Theme::instance().em(2.4) * 1.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bar);
    for (int i = 0; i < count; ++i) {
        const double top = area.y(static_cast<double>(lengths_[static_cast<std::size_t>(i)]));
        painter.drawRect(QRectF(area.x(i) - width / 2, top, width, area.rect().bottom() - top));
    }
    if (count == 0) return;
    painter.setPen(QPen(colors.accent, 1.6, Qt::DashLine));
    painter.drawLine(QPointF(area.x(mean_), area.rect().top()), QPointF(area.x(mean_), area.rect().bottom()));
}

QString LengthChart::tipAt(const QPoint& point) const {
    const auto count = static_cast<int>(lengths_.size());
    if (count == 0 || area_.width() <= 0) return {};
    const int i = static_cast<int>(std::lround(-0.6 + (point.x() - area_.left()) / area_.width() * (count + 0.2)));
    if (i < 0 || i >= count) return {};
    return tr("%L1 verify steps accepted exactly %2 drafted tokens; the dashed line is the mean, %3").arg(lengths_[static_cast<std::size_t>(i)]).arg(i).arg(formatNumber(mean_, 2));
}

CostChart::CostChart(QWidget* parent) : PaintedView(tr("Cost of a verify step"), QStringLiteral("draft-cost"), parent) {}

void CostChart::setNumbers(const SpeculationNumbers& numbers) {
    numbers_ = numbers;
    rows().setContent({tr("part"), tr("ms a verify step")}, {{tr("draft"), milliseconds(numbers.draft_ns, numbers.rounds)},
                                                            {tr("verify"), milliseconds(numbers.verify_ns, numbers.rounds)},
                                                            {tr("other"), milliseconds(numbers.other_ns, numbers.rounds)},
                                                            {tr("plain step"), numbers.plain_step_ns ? QVariant(*numbers.plain_step_ns * 1e-6) : QVariant()}});
    setFigures(tr("%1 ms a token").arg(formatNumber(numbers.nsPerToken() * 1e-6, 3)));
    setAccessibleDescription(figures());
    update();
}

void CostChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const Theme& theme = Theme::instance();
    const double draft = milliseconds(numbers_.draft_ns, numbers_.rounds), verify = milliseconds(numbers_.verify_ns, numbers_.rounds);
    const double other = milliseconds(numbers_.other_ns, numbers_.rounds), plain = numbers_.plain_step_ns.value_or(0.0) * 1e-6;
    const double alone = plain * numbers_.tokensPerVerify(), most = std::max(draft + verify + other, alone);
    painter.setFont(theme.smallFont());
    const QFontMetricsF metrics(theme.smallFont());
    const double pad = theme.em(0.6), line = metrics.height(), width = size.width() - 2 * pad, bar = theme.em(1.3);
    double y = pad;
    const auto label = [&](const QString& text) {
        painter.setPen(colors.muted);
        painter.drawText(QRectF(pad, y, width, line), Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(text, Qt::ElideRight, width));
        y += line * 1.15;
    };
    const struct {
        double ms;
        QBrush fill;
        QString name;
    } parts[] = {{draft, QBrush(colors.entropy), tr("draft")}, {verify, QBrush(colors.mass), tr("verify")}, {other, hatch(colors.muted), tr("other")}};
    label(tr("with the draft: %1 ms for %2 tokens").arg(formatNumber(draft + verify + other, 2), formatNumber(numbers_.tokensPerVerify(), 2)));
    double x = pad;
    for (const auto& part : parts) {
        const double share = most > 0 ? part.ms / most * width : 0.0;
        painter.setPen(Qt::NoPen);
        painter.setBrush(part.fill);
        painter.drawRect(QRectF(x, y, std::max(0.0, share - 1), bar));
        x += share;
    }
    y += bar + line * 0.35;
    if (numbers_.plain_step_ns) {
        label(tr("one by one: %1 ms").arg(formatNumber(alone, 2)));
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.bar);
        painter.drawRect(QRectF(pad, y, most > 0 ? alone / most * width : 0.0, bar));
        y += bar + line * 0.35;
    }
    x = pad;
    for (const auto& part : parts) {  // the legend
        const QString text = QStringLiteral("%1 %2").arg(part.name, formatNumber(part.ms, 2));
        const double needed = line * 1.1 + metrics.horizontalAdvance(text) + theme.em(0.8);
        if (x > pad && x + needed > pad + width) {
            x = pad;
            y += line * 1.2;
        }
        painter.setPen(Qt::NoPen);
        painter.setBrush(part.fill);
        painter.drawRect(QRectF(x, y + line * 0.18, line * 0.65, line * 0.65));
        painter.setPen(colors.muted);
        painter.drawText(QRectF(x + line, y, needed, line), Qt::AlignLeft | Qt::AlignVCenter, text);
        x += needed;
    }
}

QString CostChart::tipAt(const QPoint&) const {
    return tr("Means over %L1 verify steps. Speed-up = time of a plain step / time of a token with the draft;\n"
              "plain steps of the same run are those in which nothing was drafted (%L2 of them), some of them to measure just that.").arg(numbers_.rounds).arg(numbers_.plain_steps);
}

}  // namespace quibble
