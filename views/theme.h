// The one place where colours, fonts and the style sheet come from. Light and dark follow the same hierarchy: one
// accent for selection, one warm hue for uncertainty and markers, one other hue for KL, greys for everything else.
#pragma once

#include <optional>

#include <QColor>
#include <QFont>
#include <QIcon>
#include <QObject>
#include <QString>

class QApplication;

namespace quibble {

enum class ThemeMode { System, Light, Dark };

/// Which sequential map: Warm for uncertainty, Cool for KL, Grey for ranks and the like, Blue for counts.
enum class Ramp { Warm, Cool, Grey, Blue };

struct ThemeColors {
    QColor window, card, card_border, raised;  // surfaces; `raised` for buttons and fields
    QColor text, muted, faint;                 // `faint` only for marks that carry no text
    QColor accent, accent_soft, accent_text;   // selection: line, fill behind text, text on a solid accent
    QColor entropy, kl, mass;                  // lines of the three traces
    QColor marker;                             // marker words, on card and on accent_soft
    QColor bar, bar_track;                     // probability bars
    QColor grid, good, bad;
    QColor find, find_current;  // fills of search hits
};

class Theme : public QObject {
    Q_OBJECT
public:
    static Theme& instance();

    /// Style, palette, fonts and sheet of the application; again after every change. Call once after QApplication.
    void install(QApplication& app);

    void setMode(ThemeMode mode);
    [[nodiscard]] ThemeMode mode() const { return mode_; }
    [[nodiscard]] bool dark() const { return dark_; }
    /// 1 is the size of the system font; kept in 0.7 .. 2.5. Text and plots follow together.
    void setFontScale(double scale);
    [[nodiscard]] double fontScale() const { return font_scale_; }

    [[nodiscard]] const ThemeColors& colors() const { return colors_; }
    /// t in [0, 1]; 0 is the card itself. NaN gives the card.
    [[nodiscard]] QColor ramp(Ramp ramp, double t) const { return rampOf(colors_, ramp, t); }
    /// The same map in light() or night(), whichever `colors` are.
    [[nodiscard]] static QColor rampOf(const ThemeColors& colors, Ramp ramp, double t);
    /// The text colour, dark or light, with at least 4.5:1 against an opaque fill.
    [[nodiscard]] QColor textOn(const QColor& fill) const;
    /// WCAG 2 contrast ratio of two opaque colours, 1 .. 21.
    [[nodiscard]] static double contrast(const QColor& a, const QColor& b);

    [[nodiscard]] QFont uiFont() const;
    [[nodiscard]] QFont smallFont() const;  // captions
    [[nodiscard]] QFont titleFont() const;  // panel titles
    [[nodiscard]] QFont monoFont() const;   // tokens
    [[nodiscard]] QFont monoSmallFont() const;
    /// A length in pixels that grows with the font: 1 is the height of a line of uiFont.
    [[nodiscard]] int em(double lines) const;

    /// An icon of resources/icons tinted for the theme: "run", "pause", ...
    [[nodiscard]] QIcon icon(const QString& name) const;
    [[nodiscard]] QIcon icon(const QString& name, const QColor& tint) const;

    /// The colours of either theme, whichever is active; exports use the light ones.
    [[nodiscard]] static const ThemeColors& light();
    [[nodiscard]] static const ThemeColors& night();

signals:
    void changed();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    Theme();
    void refresh();
    [[nodiscard]] bool systemIsDark() const;
    [[nodiscard]] QString styleSheet() const;

    QApplication* app_ = nullptr;
    ThemeMode mode_ = ThemeMode::System;
    ThemeColors colors_;
    QFont base_font_, base_mono_;
    double font_scale_ = 1.0;
    bool dark_ = false;
    std::optional<bool> given_dark_;  // a palette that somebody set while we follow the system
    bool refreshing_ = false;
};

/// How far a colour map goes: value / upper, clamped to [0, 1].
[[nodiscard]] double rampPosition(double value, double lower, double upper);

}  // namespace quibble
