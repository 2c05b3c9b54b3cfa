// The style sheet of the window: cards, buttons, fields. Lengths are in font heights, so that 2x screens and large
// fonts fit.
#include "views/theme.h"

namespace quibble {

namespace {

const char* const kSheet = R"(
QMainWindow, QDialog { background: @window; }
QMainWindow::separator { background: @window; width: @gap; height: @gap; }
QMainWindow::separator:hover { background: @card_border; }
QMenuBar { background: @card; border-bottom: 1px solid @card_border; padding: 2px 6px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: @accent_soft; }
QMenu { background: @raised; border: 1px solid @card_border; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: @accent_soft; color: @text; }
QMenu::item:disabled { color: @muted; }
QMenu::separator { height: 1px; background: @card_border; margin: 5px 6px; }
QToolBar { background: @card; border: none; border-bottom: 1px solid @card_border; padding: 6px 8px; spacing: 7px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QToolTip { background: @raised; color: @text; border: 1px solid @card_border; padding: 5px; }
QStatusBar { background: @card; border-top: 1px solid @card_border; }
QStatusBar::item { border: none; }

#card, #dockBody { background: @card; border: 1px solid @card_border; border-radius: 6px; }
#dockBody { border-top: none; border-top-left-radius: 0; border-top-right-radius: 0; }

QPushButton, QToolBar QToolButton, #barButton { background: @raised; border: 1px solid @card_border; border-radius: 5px; padding: @padv @padh; }
QPushButton:hover, QToolBar QToolButton:hover, #barButton:hover { border-color: @faint; background: @hover; }
QPushButton:pressed, QToolBar QToolButton:pressed, #barButton:pressed { background: @accent_soft; }
QPushButton:checked, QToolBar QToolButton:checked { background: @accent_soft; border-color: @accent; }
QPushButton:focus, QToolBar QToolButton:focus, #barButton:focus { border-color: @accent; }
QPushButton:disabled, QToolBar QToolButton:disabled { color: @disabled; background: @window; }
QPushButton[primary="true"], QToolBar QToolButton[primary="true"] { background: @accent; color: @accent_text; border-color: @accent; font-weight: 600; }
QPushButton[primary="true"]:hover, QToolBar QToolButton[primary="true"]:hover { background: @accent_hover; }
QPushButton[primary="true"]:focus, QToolBar QToolButton[primary="true"]:focus { border-color: @text; }
QPushButton[primary="true"]:disabled, QToolBar QToolButton[primary="true"]:disabled { background: @window; color: @disabled; border-color: @card_border; }
#qt_toolbar_ext_button { padding: 0; }
#barButton::menu-indicator, QPushButton::menu-indicator, QToolBar QToolButton::menu-indicator { image: none; width: 0; }
QPushButton[segment="true"] { border-radius: 3px; padding: 2px @chippad; color: @muted; }
QPushButton[segment="true"]:checked { color: @text; }
QToolButton[flat="true"] { border: 1px solid transparent; border-radius: 4px; padding: 2px 4px; background: transparent; color: @muted; }
QToolButton[flat="true"]:hover { background: @accent_soft; color: @text; }
QToolButton[flat="true"]:focus { border-color: @accent; }
QPushButton[flat="true"] { border: 1px solid transparent; background: transparent; color: @accent; padding: 1px 6px; }
QPushButton[flat="true"]:hover { background: @accent_soft; }
QPushButton[flat="true"]:focus { border-color: @accent; }

QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox {
  background: @raised; border: 1px solid @card_border; border-radius: 5px; padding: @padv 7px; selection-background-color: @accent; selection-color: @accent_text; }
QLineEdit:focus, QPlainTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border-color: @accent; }
QAbstractSpinBox[fault="true"], QAbstractSpinBox[fault="true"]:focus { border-color: @bad; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: @disabled; background: @window; }
QPlainTextEdit[plain="true"] { border: 1px solid transparent; background: transparent; padding: 0; }
QPlainTextEdit[plain="true"]:focus { border-color: @accent; }
QComboBox::drop-down { border: none; width: @arrow; }
QComboBox::down-arrow { image: url(:/quibble/icons/down_grey.svg); width: @tiny; height: @tiny; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @card_border; selection-background-color: @accent_soft; selection-color: @text; padding: 3px; outline: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; background: transparent; width: @arrow; }
QAbstractSpinBox::up-arrow { image: url(:/quibble/icons/up_grey.svg); width: @tiny; height: @tiny; }
QAbstractSpinBox::down-arrow { image: url(:/quibble/icons/down_grey.svg); width: @tiny; height: @tiny; }

QCheckBox { spacing: 7px; }
QCheckBox::indicator { width: @box; height: @box; border: 1px solid @faint; border-radius: 4px; background: @raised; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; image: url(:/quibble/icons/@check.svg); }
QCheckBox::indicator:focus { border: 2px solid @accent; }

QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @bar_track; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: @accent; }
QSlider[unfilled="true"]::sub-page:horizontal { background: transparent; }
QSlider::handle:horizontal { width: @knob; height: @knob; margin: -@knobhalf 0; border-radius: @knobradius; background: @card; border: 2px solid @accent; }
QSlider::handle:horizontal:hover { background: @accent_soft; }
QSlider::handle:horizontal:focus { background: @accent; }

QTreeView, QListView, QTableView { background: @card; border: none; outline: 0; alternate-background-color: @stripe; }
QTableView { gridline-color: @grid; selection-background-color: @accent_soft; selection-color: @text; }
QHeaderView::section { background: @card; color: @muted; border: none; border-bottom: 1px solid @card_border; padding: 4px 7px; }
QHeaderView { background: @card; }
QTableCornerButton::section { background: @card; border: none; }

QScrollBar:vertical { background: transparent; width: @bar_width; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: @bar_width; margin: 2px; }
QScrollBar::handle { background: @faint; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QTabBar::tab { background: transparent; color: @muted; padding: 5px 12px; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QScrollArea { background: transparent; border: none; }
#cardBody { background: @card; }
QTreeView::branch { background: transparent; border-image: none; image: none; }
QTreeView { show-decoration-selected: 0; selection-background-color: transparent; }

#chip { background: @raised; border: 1px solid @card_border; border-radius: @chip; padding: 2px @chippad; }
#chip:hover { border-color: @faint; }
#chip:focus { border-color: @accent; }
#chip:!checked { color: @muted; background: @window; border: 1px dashed @faint; }
#chip[used="true"]:checked { color: @marker; font-weight: 600; }
#undoBar { background: @text; border-radius: 6px; }
#undoBar QLabel { color: @card; }
#undoBar QPushButton { background: transparent; border: 1px solid transparent; color: @undo; font-weight: 600; padding: 2px 8px; }
#undoBar QPushButton:focus { border-color: @undo; }
#popup { background: @raised; border: 1px solid @card_border; border-radius: 6px; }
#sunken { background: @window; border: 1px solid @card_border; border-radius: 5px; }
)";

QString pixels(int count) { return QString::number(count) + QStringLiteral("px"); }

}  // namespace

QString Theme::styleSheet() const {
    const auto blend = [](const QColor& a, const QColor& b, double t) {
        const auto channel = [t](int x, int y) { return static_cast<int>(x + (y - x) * t); };
        return QColor(channel(a.red(), b.red()), channel(a.green(), b.green()), channel(a.blue(), b.blue()));
    };
    const int knob = em(0.78);
    const int chip_height = em(0.62);
    // Longer names first, so that "@accent" does not eat the start of "@accent_soft".
    const std::pair<const char*, QString> values[] = {
        {"@accent_hover", blend(colors_.accent, colors_.text, 0.14).name()},
        {"@accent_soft", colors_.accent_soft.name()},
        {"@accent_text", colors_.accent_text.name()},
        {"@accent", colors_.accent.name()},
        {"@card_border", colors_.card_border.name()},
        {"@card", colors_.card.name()},
        {"@window", colors_.window.name()},
        {"@raised", colors_.raised.name()},
        {"@hover", blend(colors_.raised, colors_.text, 0.04).name()},
        {"@text", colors_.text.name()},
        {"@disabled", blend(colors_.text, colors_.card, 0.58).name()},
        {"@muted", colors_.muted.name()},
        {"@marker", colors_.marker.name()},
        {"@faint", colors_.faint.name()},
        {"@bad", colors_.bad.name()},
        {"@bar_track", colors_.bar_track.name()},
        {"@bar_width", pixels(em(0.72))},
        {"@grid", colors_.grid.name()},
        {"@stripe", blend(colors_.card, colors_.window, 0.6).name()},
        {"@undo", dark_ ? light().accent.name() : night().accent.name()},
        {"@padv", pixels(em(0.22))},
        {"@padh", pixels(em(0.62))},
        {"@arrow", pixels(em(1.1))},
        {"@tiny", pixels(em(0.62))},
        {"@box", pixels(em(0.86))},
        {"@gap", pixels(em(0.2))},
        {"@knobradius", pixels(knob / 2 + 2)},
        {"@knobhalf", pixels(knob / 2)},
        {"@knob", pixels(knob)},
        {"@chippad", pixels(em(0.5))},
        {"@check", dark_ ? QStringLiteral("check_dark") : QStringLiteral("check_light")},
        {"@chip", pixels(chip_height)},
    };
    QString sheet = QString::fromLatin1(kSheet);
    for (const auto& [name, value] : values) sheet.replace(QLatin1String(name), value);
    return sheet;
}

}  // namespace quibble
