#include "views/speculation/speculation_charts.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <QLocale>
#include <QPainter>

#include "views/measure.h"
#include "views/plots/chart_area.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"

namespace quibble {

namespace {

QVariant whole(std::int64_t value) { return QVariant(static_cast<qlonglong>(value)); }

double milliseconds(std::int64_t ns, std::int64_t count) {
    return count > 0 ? static_cast<double>(ns) * 1e-6 / static_cast<double>(count) : 0.0;
}

// Lines falling to the right: a fill that is told apart without colour.
QBrush hatch(const QColor& colour) { return QBrush(colour, Qt::BDiagPattern); }

// In heights of a line: how wide the acceptance chart must be for its sums to stand beside it, and their width without
// the digits.
constexpr double kSumsBesideFrom = 15.5, kSumsWidth = 5.4;

// Solid, hatched or dashed: the fate is told apart without colour.
void paintFate(QPainter& painter, DraftFate fate, const QRectF& box, const ThemeColors& colors) {
    if (fate == DraftFate::Ignored) {
        painter.setPen(QPen(colors.faint, 1, Qt::DashLine));
        painter.setBrush(colors.bar_track);
        return painter.drawRect(box.adjusted(0.5, 0.5, -0.5, 0));
    }
    painter.setPen(Qt::NoPen);
    painter.setBrush(fate == DraftFate::Accepted ? QBrush(colors.good) : hatch(colors.bad));
    painter.drawRect(box);
}

}  // namespace

AcceptanceChart::AcceptanceChart(QWidget* parent)
    : PaintedView(tr("Acceptance"), QStringLiteral("draft-acceptance"), parent) {
    setMouseTracking(true);
}

void AcceptanceChart::setNumbers(const SpeculationNumbers& numbers) {
    numbers_ = numbers;
    std::vector<PlainTableModel::Row> table;
    for (std::size_t i = 0; i < numbers.by_position.size(); ++i) {
        const PositionAcceptance& at = numbers.by_position[i];
        table.push_back({static_cast<int>(i) + 1, whole(at.drafted), whole(at.tested), whole(at.accepted),
                         whole(at.rejected()), whole(at.ignored()), numbers.rate(i).value_or(0.0)});
    }
    rows().setContent({tr("position"), tr("drafted"), tr("tested"), tr("accepted"), tr("rejected"), tr("ignored"),
                       tr("accepted / verify step")},
                      std::move(table));
    const PositionAcceptance& all = numbers.all;
    setFigures(all.tested > 0
                   ? tr("%1 of those tested")
                         .arg(formatPercent(static_cast<double>(all.accepted) / static_cast<double>(all.tested)))
                   : QString());
    setAccessibleDescription(tr("drafted %L1, tested %L2, accepted %L3, ignored %L4")
                                 .arg(all.drafted)
                                 .arg(all.tested)
                                 .arg(all.accepted)
                                 .arg(all.ignored()));
    update();
}

void AcceptanceChart::drawColumns(QPainter& painter, const ChartArea& area, const ThemeColors& colors) const {
    const auto count = static_cast<int>(numbers_.by_position.size());
    const double width = std::min(area.rect().width() / (count + 0.2) * 0.62, Theme::instance().em(2.4) * 1.0);
    QPolygonF rates;
    for (int i = 0; i < count; ++i) {
        const PositionAcceptance& at = numbers_.by_position[static_cast<std::size_t>(i)];
        const double left = area.x(i + 1) - width / 2;
        const auto column = [&](std::int64_t from, std::int64_t to) {
            return QRectF(left, area.y(static_cast<double>(to)), width,
                          area.y(static_cast<double>(from)) - area.y(static_cast<double>(to)));
        };
        paintFate(painter, DraftFate::Accepted, column(0, at.accepted), colors);
        paintFate(painter, DraftFate::Rejected, column(at.accepted, at.tested), colors);
        if (at.ignored() > 0) paintFate(painter, DraftFate::Ignored, column(at.tested, at.drafted), colors);
        rates << QPointF(area.x(i + 1), area.right(numbers_.rate(static_cast<std::size_t>(i)).value_or(0.0)));
    }
    painter.setPen(QPen(colors.text, 1.2));
    painter.setBrush(Qt::NoBrush);
    painter.drawPolyline(rates);
    painter.setBrush(colors.card);
    for (const QPointF& dot : rates) painter.drawEllipse(dot, 2.6, 2.6);
}

// Legend and sums in one: what each fill means, and how many there were.
void AcceptanceChart::drawSums(QPainter& painter, const QRectF& box, const ThemeColors& colors) const {
    const PositionAcceptance& all = numbers_.all;
    const struct {
        std::optional<DraftFate> fate;
        QString name;
        std::int64_t count;
    } lines[] = {{{}, tr("drafted"), all.drafted},
                 {{}, tr("tested"), all.tested},
                 {DraftFate::Accepted, tr("accepted"), all.accepted},
                 {DraftFate::Rejected, tr("rejected"), all.rejected()},
                 {DraftFate::Ignored, tr("ignored"), all.ignored()}};
    painter.setFont(Theme::instance().smallFont());
    const double line = QFontMetricsF(painter.font()).height() * 1.2;
    double y = box.top();
    for (const auto& entry : lines) {
        if (y + line > box.bottom()) return;
        if (entry.fate)
            paintFate(painter, *entry.fate, QRectF(box.left(), y + line * 0.22, line * 0.55, line * 0.55), colors);
        painter.setPen(colors.muted);
        painter.drawText(QRectF(box.left() + line * 0.8, y, box.width(), line), Qt::AlignLeft | Qt::AlignVCenter,
                         entry.name);
        painter.setPen(colors.text);
        painter.drawText(QRectF(box.left(), y, box.width(), line), Qt::AlignRight | Qt::AlignVCenter,
                         QLocale().toString(static_cast<qlonglong>(entry.count)));
        y += line;
    }
}

void AcceptanceChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<int>(numbers_.by_position.size());
    std::int64_t most = 0;
    for (const PositionAcceptance& at : numbers_.by_position) most = std::max(most, at.drafted);
    const Theme& theme = Theme::instance();
    const bool room = size.width() > theme.em(kSumsBesideFrom);
    const double digits = QFontMetricsF(theme.smallFont())
                              .horizontalAdvance(QLocale().toString(static_cast<qlonglong>(numbers_.all.drafted)));
    const double sums = room ? theme.em(kSumsWidth) + digits : 0.0;
    const ChartArea area(painter, QSize(size.width() - static_cast<int>(sums), size.height()), colors,
                         {.y_upper = static_cast<double>(most),
                          .y_label = tr("drafted tokens"),
                          .y_percent = false,
                          .x_lower = 0.4,
                          .x_upper = count + 0.6,
                          .x_label = tr("position in the draft"),
                          .right_upper = 1,
                          .right_label = tr("○ rate")});
    area_ = area.rect();
    drawColumns(painter, area, colors);
    if (room)
        drawSums(
            painter,
            QRectF(size.width() - sums, area.rect().top(), sums - theme.em(0.7), size.height() - area.rect().top()),
            colors);
}

QString AcceptanceChart::tipAt(const QPoint& point) const {
    const auto count = static_cast<int>(numbers_.by_position.size());
    if (count == 0 || area_.width() <= 0) return {};
    const int i = static_cast<int>(std::lround(0.4 + (point.x() - area_.left()) / area_.width() * (count + 0.2))) - 1;
    if (i < 0 || i >= count) return {};
    const PositionAcceptance& at = numbers_.by_position[static_cast<std::size_t>(i)];
    return tr("Position %1: drafted %L2, tested %L3, accepted %L4, rejected %L5, ignored %L6 (never tested: something "
              "before had decided)\n"
              "Rate = accepted here / verify steps = %L4 / %L7 = %8\nOf those that were tested: %9")
        .arg(i + 1)
        .arg(at.drafted)
        .arg(at.tested)
        .arg(at.accepted)
        .arg(at.rejected())
        .arg(at.ignored())
        .arg(numbers_.rounds)
        .arg(formatPercent(numbers_.rate(static_cast<std::size_t>(i)).value_or(0.0)),
             at.tested > 0 ? formatPercent(static_cast<double>(at.accepted) / static_cast<double>(at.tested))
                           : QStringLiteral("–"));
}

LengthChart::LengthChart(QWidget* parent)
    : PaintedView(tr("Accepted length"), QStringLiteral("accepted-length"), parent) {}

void LengthChart::setNumbers(const SpeculationNumbers& numbers) {
    lengths_ = numbers.accepted_lengths;
    mean_ = numbers.meanAccepted();
    std::vector<PlainTableModel::Row> table;
    for (std::size_t i = 0; i < lengths_.size(); ++i) {
        table.push_back(
            {static_cast<int>(i), whole(lengths_[i]),
             numbers.rounds > 0 ? static_cast<double>(lengths_[i]) / static_cast<double>(numbers.rounds) : 0.0});
    }
    rows().setContent({tr("accepted"), tr("verify steps"), tr("share")}, std::move(table));
    setFigures(mean_ ? tr("╌ mean %1").arg(formatNumber(*mean_, 2)) : QString());
    setAccessibleDescription(figures());
    update();
}

void LengthChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const auto count = static_cast<int>(lengths_.size());
    const std::int64_t most = lengths_.empty() ? 0 : *std::max_element(lengths_.begin(), lengths_.end());
    const ChartArea area(painter, size, colors,
                         {.y_upper = static_cast<double>(most),
                          .y_label = tr("verify steps"),
                          .y_percent = false,
                          .x_lower = -0.6,
                          .x_upper = count - 0.4,
                          .x_label = tr("drafted tokens accepted"),
                          .right_upper = 0,
                          .right_label = {}});
    area_ = area.rect();
    const double width = std::min(area.rect().width() / (count + 0.2) * 0.62, Theme::instance().em(2.4) * 1.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bar);
    for (int i = 0; i < count; ++i) {
        const double top = area.y(static_cast<double>(lengths_[static_cast<std::size_t>(i)]));
        painter.drawRect(QRectF(area.x(i) - width / 2, top, width, area.rect().bottom() - top));
    }
    if (!mean_) return;
    painter.setPen(QPen(colors.accent, 1.6, Qt::DashLine));
    painter.drawLine(QPointF(area.x(*mean_), area.rect().top()), QPointF(area.x(*mean_), area.rect().bottom()));
}

QString LengthChart::tipAt(const QPoint& point) const {
    const auto count = static_cast<int>(lengths_.size());
    if (count == 0 || area_.width() <= 0) return {};
    const int i = static_cast<int>(std::lround(-0.6 + (point.x() - area_.left()) / area_.width() * (count + 0.2)));
    if (i < 0 || i >= count) return {};
    return tr("%Ln verify steps accepted exactly %1 of what was drafted; the dashed line is the mean, %2", nullptr,
              static_cast<int>(lengths_[static_cast<std::size_t>(i)]))
        .arg(i)
        .arg(formatNumber(mean_.value_or(0.0), 2));
}

CostChart::CostChart(QWidget* parent) : PaintedView(tr("Cost"), QStringLiteral("draft-cost"), parent) {}

void CostChart::setNumbers(const SpeculationNumbers& numbers) {
    numbers_ = numbers;
    const auto optional = [](const std::optional<double>& value) { return value ? QVariant(*value) : QVariant(); };
    rows().setContent(
        {tr("quantity"), tr("value")},
        {{tr("draft, ms a verify step"), milliseconds(numbers.draft_ns, numbers.rounds)},
         {tr("verify, ms a verify step"), milliseconds(numbers.verify_ns, numbers.rounds)},
         {tr("other, ms a verify step"), milliseconds(numbers.other_ns, numbers.rounds)},
         {tr("plain step, ms"), numbers.plain_step_ns ? QVariant(*numbers.plain_step_ns * 1e-6) : QVariant()},
         {tr("tokens a verify step"), optional(numbers.tokensPerVerify())},
         {tr("speed-up, measured"), optional(numbers.speedUp())},
         {tr("target efficiency"), optional(numbers.targetEfficiency())},
         {tr("speed-up, predicted"), optional(numbers.predictedSpeedUp())}});
    const auto ns = numbers.nsPerToken();
    setFigures(ns ? tr("%1 ms a token").arg(formatNumber(*ns * 1e-6, 2)) : QString());
    setAccessibleDescription(figures());
    update();
}

// The verify step and, under it, what its tokens cost in plain decoding: both bars on one scale.
void CostChart::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    const Theme& theme = Theme::instance();
    const double draft = milliseconds(numbers_.draft_ns, numbers_.rounds),
                 verify = milliseconds(numbers_.verify_ns, numbers_.rounds);
    const double tokens_a_step = numbers_.tokensPerVerify().value_or(0.0);
    const double other = milliseconds(numbers_.other_ns, numbers_.rounds),
                 alone = numbers_.plain_step_ns.value_or(0.0) * 1e-6 * tokens_a_step;
    const CostPart parts[] = {{draft, QBrush(colors.entropy), tr("draft")},
                              {verify, QBrush(colors.mass), tr("verify")},
                              {other, hatch(colors.muted), tr("other")}};
    painter.setFont(theme.smallFont());
    const QFontMetricsF metrics(theme.smallFont());
    const double pad = theme.em(0.6), line = metrics.height() * 1.15, width = size.width() - 2 * pad;
    const double most = std::max({draft + verify + other, alone, 1e-9}),
                 bar = std::clamp((size.height() - 5.5 * line) / 3, 1.0 * theme.em(0.7), 1.0 * theme.em(1.6));
    double y = pad / 2;
    const auto say = [&](const QString& text, const QColor& colour) {
        const double height = metrics.boundingRect(QRectF(0, 0, width, size.height()), Qt::TextWordWrap, text).height();
        painter.setPen(colour);
        painter.drawText(QRectF(pad, y, width, std::max(line, height)),
                         Qt::AlignLeft | Qt::AlignVCenter | Qt::TextWordWrap, text);
        y += std::max(line, height);
    };
    const QString tokens = formatNumber(tokens_a_step, 2);
    say(tr("a verify step: %1 ms for %2 tokens").arg(formatNumber(draft + verify + other, 2), tokens), colors.muted);
    double x = pad;
    painter.setPen(Qt::NoPen);
    for (const CostPart& part : parts) {
        painter.setBrush(part.fill);
        painter.drawRect(QRectF(x, y, std::max(0.0, part.ms / most * width - 1), bar));
        x += part.ms / most * width;
    }
    y = drawLegend(painter, parts, QRectF(pad, y + bar + line * 0.2, width, line), colors) + line * 1.4;
    if (!numbers_.plain_step_ns) return say(tr("What plain decoding costs was not measured yet."), colors.muted);
    say(tr("the same tokens without a draft: %1 ms").arg(formatNumber(alone, 2)), colors.muted);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.bar);
    painter.drawRect(QRectF(pad, y, alone / most * width, bar));
    y += bar + line * 0.3;
    if (const auto gain = numbers_.speedUp(), predicted = numbers_.predictedSpeedUp(); gain && predicted) {
        say(tr("speed-up %1× measured, %2× predicted").arg(formatNumber(*gain, 2), formatNumber(*predicted, 2)),
            colors.text);
    }
}

// From the first line of `row` down; gives the top of the last line used.
double CostChart::drawLegend(QPainter& painter, std::span<const CostPart> parts, const QRectF& row,
                             const ThemeColors& colors) const {
    const QFontMetricsF metrics(painter.font());
    double x = row.left(), y = row.top();
    for (const CostPart& part : parts) {
        const QString text = QStringLiteral("%1 %2").arg(part.name, formatNumber(part.ms, 2));
        const double swatch = row.height() * 0.6,
                     needed = swatch * 1.5 + metrics.horizontalAdvance(text) + row.height() * 0.7;
        if (x > row.left() && x + needed - row.height() * 0.7 > row.right()) {
            x = row.left();
            y += row.height();
        }
        painter.setPen(Qt::NoPen);
        painter.setBrush(part.fill);
        painter.drawRect(QRectF(x, y + (row.height() - swatch) / 2, swatch, swatch));
        painter.setPen(colors.muted);
        painter.drawText(QRectF(x + swatch * 1.5, y, needed, row.height()), Qt::AlignLeft | Qt::AlignVCenter, text);
        x += needed;
    }
    return y;
}

QString CostChart::tipAt(const QPoint&) const {
    QString text = tr("Means over %L1 verify steps; plain steps: medians of %L2 in which nothing was drafted.")
                       .arg(numbers_.rounds)
                       .arg(numbers_.plain_steps);
    const auto gain = numbers_.speedUp(), efficiency = numbers_.targetEfficiency(),
               predicted = numbers_.predictedSpeedUp();
    if (!gain || !efficiency || !predicted) return text;
    text += QLatin1Char('\n') +
            tr("Measured speed-up = time of a plain step / of a token of this run = %1; below 1 the draft does not pay")
                .arg(formatNumber(*gain, 2));
    text += QLatin1Char('\n') + tr("Target efficiency = T(1), the pass of a plain step / the verify pass = %1 (MoESD): "
                                   "what the target charges for many rows at once")
                                    .arg(formatNumber(*efficiency, 2));
    return text + QLatin1Char('\n') +
           tr("Predicted speed-up = tokens a verify step × T(1) / time of a verify step = %1")
               .arg(formatNumber(*predicted, 2));
}

}  // namespace quibble
