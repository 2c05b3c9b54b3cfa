// MainWindow: where the window and its panels stand on the screen, and how what is asked for comes into sight.
#include <algorithm>
#include <utility>

#include <QDockWidget>
#include <QGuiApplication>
#include <QLayout>
#include <QResizeEvent>
#include <QScreen>
#include <QStatusBar>
#include <QTimer>

#include "app/main_window.h"
#include "views/sessions/session_browser.h"
#include "views/theme.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr QSize kFirstSize(1600, 1000);
constexpr double kPresentationScale = 1.35;

// What takes the focus of a widget: itself or the end of its chain of proxies.
QWidget* focusTaker(QWidget* widget) {
    while (widget->focusProxy() != nullptr) widget = widget->focusProxy();
    return widget;
}

}  // namespace

// The one way by which a command gives something the focus: first it is brought into sight. Where the part that takes
// the focus is not shown (a panel that says it is empty), the first part that is takes it.
void MainWindow::focusOn(QWidget* target) {
    for (QWidget* parent = target; parent != nullptr && parent != this; parent = parent->parentWidget()) {
        auto* dock = qobject_cast<QDockWidget*>(parent);
        if (dock == nullptr) continue;
        dock->show();
        dock->raise();
    }
    target->window()->activateWindow();
    QWidget* taker = focusTaker(target);
    if (!taker->isVisible()) {
        const QList<QWidget*> parts = target->findChildren<QWidget*>();
        const auto shown = std::find_if(parts.begin(), parts.end(), [](const QWidget* part) {
            return part->isVisible() && part->isEnabled() && (part->focusPolicy() & Qt::TabFocus) != 0;
        });
        taker = shown != parts.end() ? *shown : target;
    }
    if (taker->isVisible()) return taker->setFocus(Qt::ShortcutFocusReason);
    if (QWidget* before = focusWidget()) before->clearFocus();  // keys must not go on to something else
}

// Room for the window itself, inside its frame.
QRect MainWindow::room() const {
    const QMargins frame(geometry().left() - frameGeometry().left(), geometry().top() - frameGeometry().top(),
                         frameGeometry().right() - geometry().right(), frameGeometry().bottom() - geometry().bottom());
    return screen()->availableGeometry().marginsRemoved(frame);
}

bool MainWindow::fitsTheScreen() const {
    layout()->activate();
    const QSize least = layout()->totalMinimumSize(), there = isFullScreen() ? screen()->size() : room().size();
    return least.width() <= there.width() && least.height() <= there.height();
}

// Larger text needs larger panels. The window grows with them inside the screen, and takes its own size again when they
// shrink. Text that is too large for the screen is not shown at all: the parts at the edge would be out of reach.
void MainWindow::setFontScale(double scale) {
    Theme& theme = Theme::instance();
    const double before = theme.fontScale();
    if (!isMaximized() && !isFullScreen() && size() != fitted_size_) wanted_size_ = size();
    theme.setFontScale(scale);
    if (scale > before && !fitsTheScreen()) {
        theme.setFontScale(before);
        statusBar()->showMessage(tr("The text is as large as this screen has room for"), 6000);
    }
    if (!presenting_) settings_.setFontScale(theme.fontScale());
    fitToScreen();
    QTimer::singleShot(0, this,
                       &MainWindow::fitToScreen);  // some parts say what they need only when they have been polished
}

void MainWindow::fitToScreen() {
    // Text of the system's size is never made smaller: then the window is as large as it must be.
    Theme& theme = Theme::instance();
    while (theme.fontScale() > 1 && !fitsTheScreen()) theme.setFontScale(std::max(1.0, theme.fontScale() / kFontStep));
    if (isMaximized() || isFullScreen() || !wanted_size_.isValid()) return;
    layout()->activate();  // the least size of the text that was
    const QRect there = room();
    QRect place(pos(), wanted_size_.expandedTo(layout()->totalMinimumSize()).boundedTo(there.size()));
    place.moveTopLeft(geometry().topLeft());
    place = movedInto(place, there);
    if (place != geometry()) setGeometry(place);
    fitted_size_ = size();
}

// What the window has to take for its panels is no wish of the user.
void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    if (event->size() == fitted_size_.expandedTo(minimumSize())) fitted_size_ = event->size();
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (std::exchange(shown_, true)) return;
    wanted_size_ = size();
    // Only a window that is on the screen has a frame, and floating panels that were mapped before it would stay behind
    // it.
    QTimer::singleShot(0, this, [this] {
        fitToScreen();
        for (QDockWidget* dock : docks_) {
            if (!dock->isFloating() || dock->isHidden()) continue;
            dock->hide();
            dock->show();
            dock->raise();
        }
    });
}

void MainWindow::restoreLook() {
    const QScreen* first = QGuiApplication::primaryScreen();
    const QSize there = first != nullptr ? first->availableSize() : kFirstSize;
    resize(kFirstSize.boundedTo(there));
    // A screen without room for that and the frame around it: all of the screen.
    if (there.width() <= kFirstSize.width() || there.height() <= kFirstSize.height())
        setWindowState(Qt::WindowMaximized);
    arrangeDocks();
    first_layout_ = saveState(Settings::kLayoutVersion);
    if (const QByteArray geometry = settings_.geometry(); !geometry.isEmpty()) restoreGeometry(geometry);
    if (const QByteArray layout = settings_.layout(); !layout.isEmpty()) {
        // Qt keeps a second list of the panels of a hidden window that is going to be maximized and too small for its
        // layout. The list outlives the panels' places when a layout is restored once more, and the next resize reads
        // it. So the layout comes before the maximizing.
        const Qt::WindowStates wanted = windowState();
        setWindowState(wanted & ~(Qt::WindowMaximized | Qt::WindowFullScreen));
        restoreState(layout, Settings::kLayoutVersion);
        setWindowState(wanted);
    }
    parts_.stream->stream()->setShowInvisibles(settings_.invisibles());
    parts_.stream->stream()->setShowOrigins(settings_.origins());
}

void MainWindow::resetLayout() {
    settings_.forgetLayout();
    restoreState(first_layout_, Settings::kLayoutVersion);
    arrangeDocks();
    wanted_size_ = kFirstSize;
    fitToScreen();
}

void MainWindow::setPresentation(bool on) {
    if (on == presenting_) return;
    presenting_ = on;
    Theme& theme = Theme::instance();
    if (on) {
        layout_before_presentation_ = saveState(Settings::kLayoutVersion);
        state_before_presentation_ = windowState();
        scale_before_presentation_ = theme.fontScale();
        for (QDockWidget* dock : docks_) {
            if (dockWidgetArea(dock) == Qt::LeftDockWidgetArea) dock->hide();
        }
        showFullScreen();
        setFontScale(scale_before_presentation_ * kPresentationScale);
        return;
    }
    setWindowState(state_before_presentation_ & ~Qt::WindowFullScreen);
    theme.setFontScale(scale_before_presentation_);
    restoreState(layout_before_presentation_, Settings::kLayoutVersion);
    fitToScreen();
}

}  // namespace quibble
