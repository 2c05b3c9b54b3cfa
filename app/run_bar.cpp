#include "app/run_bar.h"

#include <algorithm>

#include <QAction>
#include <QEvent>
#include <QLayout>
#include <QMenu>
#include <QToolButton>

#include "app/run_actions.h"
#include "views/run_setup/model_bar.h"
#include "views/theme.h"
#include "views/token_stream/colour_bar.h"

namespace quibble {

namespace {

// Room in which model, reference and sampler can be read, and in which they can still be told apart.
constexpr double kModelBarWidth = 40, kLeastModelBarWidth = 20;  // em

constexpr RunBar::Plan kPlans[] = {RunBar::Plan::Everything, RunBar::Plan::NoCaption, RunBar::Plan::IconsOnly,
                                   RunBar::Plan::NoLegend,   RunBar::Plan::NoColours, RunBar::Plan::NoPace};

ColourBar::Room roomOf(RunBar::Plan plan) {
    if (plan >= RunBar::Plan::NoLegend) return ColourBar::Room::Chooser;
    return plan >= RunBar::Plan::NoCaption ? ColourBar::Room::Legend : ColourBar::Room::Everything;
}

// As QToolButton counts its text beside an icon.
int textWidth(const QToolButton* button) {
    const QFontMetrics metrics = button->fontMetrics();
    return 4 + metrics.size(Qt::TextShowMnemonic, button->text()).width() +
           2 * metrics.horizontalAdvance(QLatin1Char(' '));
}

int widthOf(const QToolButton* button, bool with_text) {
    const bool has_text = button->toolButtonStyle() != Qt::ToolButtonIconOnly;
    return button->sizeHint().width() + (with_text == has_text ? 0
                                         : with_text           ? textWidth(button)
                                                               : -textWidth(button));
}

}  // namespace

RunBar::RunBar(const Parts& parts, QWidget* parent) : QToolBar(tr("Run"), parent), parts_(parts) {
    setObjectName(QStringLiteral("runBar"));
    setMovable(false);
    setContextMenuPolicy(Qt::PreventContextMenu);
    setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    const RunActions* actions = parts_.actions;
    for (QAction* action : {actions->run(), actions->pause(), actions->step(), actions->stop()}) {
        addAction(action);
        auto* button = qobject_cast<QToolButton*>(widgetForAction(action));
        button->setFocusPolicy(Qt::TabFocus);
        button->setProperty("primary", action == actions->run());
        if (action == actions->run())
            run_ = button;
        else
            named_.push_back(button);
    }
    pace_ = new QToolButton(this);
    pace_->setPopupMode(QToolButton::InstantPopup);
    pace_->setToolTip(tr("How fast tokens appear: held back so that you can watch, or as fast as the model goes"));
    pace_action_ = addWidget(pace_);
    parts_.model_bar->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    addWidget(parts_.model_bar);
    auto* gap = new QWidget(this);
    gap->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    addWidget(gap);
    colours_action_ = addWidget(parts_.colours);
    export_ = new QToolButton(this);
    export_->setText(tr("Export…"));
    export_->setAccessibleName(tr("Export figure, data or session"));
    export_->setPopupMode(QToolButton::InstantPopup);
    export_->setMenu(parts_.export_menu);
    addWidget(export_);
    // Only a window narrower than the last plan brings this button of Qt, which has neither a sign nor a name of its
    // own here.
    auto* more = findChild<QToolButton*>(QStringLiteral("qt_toolbar_ext_button"));
    const auto sizes = [this, more] {
        const Theme& theme = Theme::instance();
        setIconSize(QSize(theme.em(0.85), theme.em(0.85)));
        if (more != nullptr) more->setIcon(theme.icon(QStringLiteral("more")));
        fit();
    };
    if (more != nullptr) {
        more->setToolTip(tr("What the window is too narrow for"));
        more->setAccessibleName(tr("More of the tool bar"));
    }
    sizes();
    connect(&Theme::instance(), &Theme::changed, this, sizes);
}

bool RunBar::event(QEvent* event) {
    const bool done = QToolBar::event(event);
    if (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest) fit();
    return done;
}

int RunBar::neededWidth(Plan plan) const {
    const bool icons_only = plan >= Plan::IconsOnly;
    std::vector<int> widths{widthOf(run_, true), export_->sizeHint().width(), 0};  // the last is the gap
    for (const QToolButton* button : named_) widths.push_back(widthOf(button, !icons_only));
    if (plan < Plan::NoPace) widths.push_back(pace_->sizeHint().width());
    if (plan < Plan::NoColours) widths.push_back(parts_.colours->widthWith(roomOf(plan)));
    widths.push_back(std::min(parts_.model_bar->sizeHint().width(),
                              Theme::instance().em(plan < Plan::NoLegend ? kModelBarWidth : kLeastModelBarWidth)));
    const QMargins around = layout()->contentsMargins();
    int sum = around.left() + around.right() + layout()->spacing() * static_cast<int>(widths.size());
    for (const int width : widths) sum += width;
    return sum;
}

void RunBar::fit() {
    Plan wanted = kPlans[std::size(kPlans) - 1];
    for (const Plan plan : kPlans) {
        if (neededWidth(plan) > width()) continue;
        wanted = plan;
        break;
    }
    if (wanted != plan_) apply(wanted);
}

void RunBar::apply(Plan plan) {
    plan_ = plan;
    for (QToolButton* button : named_)
        button->setToolButtonStyle(plan >= Plan::IconsOnly ? Qt::ToolButtonIconOnly : Qt::ToolButtonTextBesideIcon);
    parts_.colours->setRoom(roomOf(plan));
    colours_action_->setVisible(plan < Plan::NoColours);
    pace_action_->setVisible(plan < Plan::NoPace);
}

}  // namespace quibble
