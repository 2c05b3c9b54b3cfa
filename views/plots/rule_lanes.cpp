#include "views/plots/rule_lanes.h"

#include <algorithm>
#include <cmath>

namespace quibble {

namespace {

constexpr double kLaneHeight = 1.35;  // em

QString nameOf(const std::string& rule) {
    return QString::fromStdString(rule.substr(0, rule.find(':'))).replace(QLatin1Char('_'), QLatin1Char(' '));
}

}  // namespace

void RuleLanes::reset() {
    lanes_.clear();
    read_ = 0;
    follow();
}

void RuleLanes::follow() {
    const RunTrace& trace = plot_->document()->trace();
    const auto& acts = trace.ruleActs();
    for (; read_ < acts.size(); ++read_) {
        const RuleAct& act = acts[read_];
        if (act.rule < 0 || static_cast<std::size_t>(act.rule) >= trace.provenance().rules.size()) continue;
        laneOf(act.rule).acts.push_back({static_cast<int>(act.pos - trace.firstPosition()), act.tokens, act.kind});
    }
}

RuleLanes::Lane& RuleLanes::laneOf(std::int32_t rule) {
    auto found = std::lower_bound(lanes_.begin(), lanes_.end(), rule,
                                  [](const Lane& lane, std::int32_t wanted) { return lane.rule < wanted; });
    if (found == lanes_.end() || found->rule != rule) {
        const std::string& text = plot_->document()->trace().provenance().rules[static_cast<std::size_t>(rule)];
        found = lanes_.insert(found, Lane{rule, nameOf(text), {}});
    }
    return *found;
}

int RuleLanes::height() const { return count() == 0 ? 0 : count() * Theme::instance().em(kLaneHeight) + 4; }

QRect RuleLanes::area() const {
    const QRect curve = plot_->rows().back().rect->rect();
    return {curve.left(), curve.bottom() + 1, curve.width(), height()};
}

QString RuleLanes::description() const {
    QStringList lines;
    for (const Lane& lane : lanes_) {
        int turned = 0, injected = 0, looked = 0, ended = 0;
        for (const Act& act : lane.acts) {
            turned += act.kind == RuleAct::Kind::Turned ? 1 : 0;
            injected += act.kind == RuleAct::Kind::Injected ? act.tokens : 0;
            looked += act.kind == RuleAct::Kind::Looked ? 1 : 0;
            ended += act.kind == RuleAct::Kind::Ended ? 1 : 0;
        }
        QStringList words;
        if (turned > 0) words << tr("%n choices turned", nullptr, turned);
        if (injected > 0) words << tr("%n tokens injected", nullptr, injected);
        if (looked > 0) words << tr("%n trials", nullptr, looked);
        if (ended > 0) words << tr("ended the run");
        lines << lane.name + QStringLiteral(": ") + words.join(QStringLiteral(", "));
    }
    return lines.join(QLatin1Char('\n'));
}

void RuleLanes::draw(QCPPainter* painter) {
    if (lanes_.empty() || plot_->document()->size() == 0) return;
    const Theme& theme = Theme::instance();
    const ThemeColors& colors = plot_->shownColors();
    const QRect area = this->area();
    painter->setPen(QPen(colors.card_border, 1));
    painter->drawLine(QLineF(0, area.top() + 0.5, area.right(), area.top() + 0.5));
    const double each = theme.em(kLaneHeight);
    painter->setFont(theme.smallFont());
    const QFontMetricsF metrics(theme.smallFont());
    const double left = theme.em(0.6), room = area.left() - left - theme.em(0.9);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const double top = area.top() + 2 + static_cast<double>(i) * each;
        painter->setPen(colors.muted);
        painter->drawText(QRectF(left, top, room, each), Qt::AlignLeft | Qt::AlignVCenter,
                          metrics.elidedText(lanes_[i].name, Qt::ElideRight, room));
        drawLane(painter, lanes_[i], QRectF(area.left(), top, area.width(), each));
    }
}

void RuleLanes::drawLane(QCPPainter* painter, const Lane& lane, const QRectF& place) const {
    const ThemeColors& colors = plot_->shownColors();
    painter->save();
    painter->setClipRect(place);
    painter->setPen(QPen(colors.grid, 1));
    painter->drawLine(QLineF(place.left(), place.center().y(), place.right(), place.center().y()));
    painter->setAntialiasing(true);
    const double lower = plot_->range().lower, upper = plot_->range().upper;
    double last_x = -1e9;
    for (const Act& act : lane.acts) {
        if (act.token + std::max(1, act.tokens) < lower || act.token > upper + 1) continue;
        const double x = plot_->pixelOf(act.token);
        // One mark in two pixels says as much.
        if (act.kind != RuleAct::Kind::Injected && x >= last_x && x < last_x + 2) continue;
        if (act.kind != RuleAct::Kind::Injected) last_x = x;
        drawAct(painter, act, x, place);
    }
    painter->restore();
}

void RuleLanes::drawAct(QCPPainter* painter, const Act& act, double x, const QRectF& place) const {
    const ThemeColors& colors = plot_->shownColors();
    const double middle = place.center().y(), r = std::max(3.0, place.height() * 0.2);
    switch (act.kind) {
        case RuleAct::Kind::Turned:
            painter->setPen(Qt::NoPen);
            painter->setBrush(colors.mass);
            painter->drawPolygon(QPolygonF({{x - r, middle - r}, {x + r, middle - r}, {x, middle + r}}));
            break;
        case RuleAct::Kind::Injected:
            painter->setPen(Qt::NoPen);
            painter->setBrush(colors.accent);
            painter->drawRoundedRect(
                QRectF(x - 1.5, middle - r, std::max(3.0, plot_->pixelOf(act.token + act.tokens) - x), 2 * r), 1.5,
                1.5);
            break;
        case RuleAct::Kind::Looked:
            painter->setPen(QPen(colors.muted, 1.3));
            painter->setBrush(colors.card);
            painter->drawEllipse(QPointF(x, middle), r * 0.8, r * 0.8);
            break;
        case RuleAct::Kind::Ended:
            painter->setPen(QPen(colors.bad, 1.6));
            painter->drawLine(QLineF(x - r, middle - r, x + r, middle + r));
            painter->drawLine(QLineF(x - r, middle + r, x + r, middle - r));
            break;
    }
}

}  // namespace quibble
