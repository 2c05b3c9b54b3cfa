#include "views/focus_frame.h"

#include <algorithm>
#include <array>

#include <QApplication>
#include <QEvent>
#include <QPainter>

#include "views/theme.h"

namespace quibble {

namespace {

constexpr double kLine = 2;

// Buttons, fields, sliders and lists show it by the sheet or by their current row.
bool showsItself(const QWidget* widget) {
    constexpr std::array kClasses{"QAbstractButton",   "QLineEdit",       "QComboBox",
                                  "QAbstractSpinBox",  "QAbstractSlider", "QPlainTextEdit",
                                  "QAbstractItemView", "QTabBar",         "QLabel"};
    return std::any_of(kClasses.begin(), kClasses.end(), [widget](const char* name) { return widget->inherits(name); });
}

}  // namespace

FocusFrame::FocusFrame(QWidget* view) : QWidget(view) {
    setAttribute(Qt::WA_TransparentForMouseEvents);
    hide();
    connect(qApp, &QApplication::focusChanged, this, [this](QWidget* old, QWidget* now) { follow(old, now); });
}

void FocusFrame::follow(const QWidget* old, QWidget* now) {
    if (target_ != nullptr) target_->removeEventFilter(this);
    target_ = nullptr;
    hide();
    const bool moved =
        old != nullptr && QApplication::mouseButtons() == Qt::NoButton;  // from within the window, and not by a click
    if (now == nullptr || !moved || !parentWidget()->isAncestorOf(now) || showsItself(now)) return;
    target_ = now;
    target_->installEventFilter(this);
    place();
    raise();
    setVisible(target_->isVisible());
}

void FocusFrame::place() { setGeometry(QRect(target_->mapTo(parentWidget(), QPoint()), target_->size())); }

bool FocusFrame::eventFilter(QObject* watched, QEvent* event) {
    if (watched == target_ && (event->type() == QEvent::Resize || event->type() == QEvent::Move)) place();
    if (watched == target_ && (event->type() == QEvent::MouseButtonPress || event->type() == QEvent::Hide)) hide();
    return QWidget::eventFilter(watched, event);
}

void FocusFrame::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(Theme::instance().colors().accent, kLine));
    painter.drawRoundedRect(QRectF(rect()).adjusted(kLine / 2, kLine / 2, -kLine / 2, -kLine / 2), 4, 4);
}

}  // namespace quibble
