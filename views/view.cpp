#include "views/view.h"

#include "views/focus_frame.h"

namespace quibble {

View::View(const QString& title, QWidget* parent) : QWidget(parent), title_(title) {
    setAccessibleName(title);
    new FocusFrame(this);
}

void View::setTitle(const QString& title) {
    if (title == title_) return;
    title_ = title;
    setAccessibleName(title);
    emit titleChanged(title);
}

void View::setFigures(const QString& figures) {
    if (figures == figures_) return;
    figures_ = figures;
    emit figuresChanged(figures);
}

void View::contentChanged() {
    stale_ = true;
    if (isVisible()) bringUpToDate();
}

void View::bringUpToDate() {
    for (QWidget* widget = this; widget != nullptr; widget = widget->parentWidget()) {
        auto* view = qobject_cast<View*>(widget);
        if (view == nullptr || !view->stale_) continue;
        view->stale_ = false;
        ++view->refreshed_;
        view->refreshContent();
    }
}

void View::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    bringUpToDate();
}

}  // namespace quibble
