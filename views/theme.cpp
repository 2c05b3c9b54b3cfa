#include "views/theme.h"

#include <algorithm>
#include <cmath>

#include <QApplication>
#include <QEvent>
#include <QFile>
#include <QFontDatabase>
#include <QFontInfo>
#include <QFontMetrics>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>

#include "views/plain_style.h"

static void initResources() { Q_INIT_RESOURCE(quibble); }  // a static library drops them otherwise

namespace quibble {

namespace {

// Draws a one-colour SVG in the tint that was asked for, at whatever size and device pixel ratio.
class TintedSvgEngine : public QIconEngine {
public:
    TintedSvgEngine(QString name, QColor tint) : name_(std::move(name)), tint_(tint) {
        QFile file(QStringLiteral(":/quibble/icons/%1.svg").arg(name_));
        if (file.open(QIODevice::ReadOnly)) svg_ = file.readAll();
    }
    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
        QColor colour = tint_.isValid() ? tint_ : Theme::instance().colors().text;
        if (mode == QIcon::Disabled) colour.setAlphaF(0.38F);
        QByteArray coloured = svg_;
        coloured.replace("#000", colour.name(QColor::HexRgb).toLatin1());
        QSvgRenderer renderer(coloured);
        painter->save();
        painter->setOpacity(painter->opacity() * colour.alphaF());
        renderer.render(painter, QRectF(rect));
        painter->restore();
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        QPixmap pixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        painter.setRenderHint(QPainter::Antialiasing);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        return pixmap;
    }
    [[nodiscard]] QIconEngine* clone() const override { return new TintedSvgEngine(name_, tint_); }

private:
    QString name_;
    QColor tint_;
    QByteArray svg_;
};

double linear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double luminance(const QColor& colour) {
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

QColor mix(const QColor& a, const QColor& b, double t) {
    const auto blend = [t](float x, float y) { return static_cast<float>(x + (y - x) * t); };
    return QColor::fromRgbF(blend(a.redF(), b.redF()), blend(a.greenF(), b.greenF()), blend(a.blueF(), b.blueF()));
}

ThemeColors lightColors() {
    ThemeColors c;
    c.window = QColor(0xf3f4f6);
    c.card = QColor(0xffffff);
    c.card_border = QColor(0xdfe3e8);
    c.raised = QColor(0xffffff);
    c.text = QColor(0x1b1f27);
    c.muted = QColor(0x616977);
    c.faint = QColor(0xb4bac4);
    c.accent = QColor(0x2a72d4);
    c.accent_soft = QColor(0xe8f0fc);
    c.accent_text = QColor(0xffffff);
    c.entropy = QColor(0xd97a22);
    c.kl = QColor(0xa8356f);
    c.mass = QColor(0x2f76d2);
    c.marker = QColor(0xae4c06);
    c.bar = QColor(0x8eabd4);
    c.bar_track = QColor(0xeceff3);
    c.grid = QColor(0xeceef2);
    c.good = QColor(0x2c7a4b);
    c.bad = QColor(0xb3261e);
    c.find = QColor(0xfff0a8);
    c.find_current = QColor(0xffd84d);
    return c;
}

ThemeColors nightColors() {
    ThemeColors c;
    c.window = QColor(0x131519);
    c.card = QColor(0x1b1e24);
    c.card_border = QColor(0x2d323b);
    c.raised = QColor(0x252a32);
    c.text = QColor(0xe5e8ed);
    c.muted = QColor(0x9da5b3);
    c.faint = QColor(0x555d6b);
    c.accent = QColor(0x69a5f7);
    c.accent_soft = QColor(0x223453);
    c.accent_text = QColor(0x0e1116);
    c.entropy = QColor(0xf09a4c);
    c.kl = QColor(0xe277a8);
    c.mass = QColor(0x6ca7f3);
    c.marker = QColor(0xf6a75e);
    c.bar = QColor(0x5f7fae);
    c.bar_track = QColor(0x2a2f38);
    c.grid = QColor(0x272b33);
    c.good = QColor(0x6cc48d);
    c.bad = QColor(0xf28b82);
    c.find = QColor(0x4a421d);
    c.find_current = QColor(0x75631b);
    return c;
}

struct Stops {
    QRgb middle, end;
};

Stops rampStops(Ramp ramp, bool dark) {
    switch (ramp) {
        case Ramp::Warm: return dark ? Stops{0x5c3a1c, 0x9f5316} : Stops{0xfad9bf, 0xea9553};
        case Ramp::Cool: return dark ? Stops{0x5a2c48, 0xa34579} : Stops{0xf0cfe0, 0xc86a9c};
        case Ramp::Grey: return dark ? Stops{0x3a4351, 0x586679} : Stops{0xdbe1ea, 0x94a3b8};
        case Ramp::Blue: return dark ? Stops{0x2b4a78, 0x4f8fe6} : Stops{0xa9c8f2, 0x2f76d2};
    }
    return {0x888888, 0x888888};
}

QString firstFamily(const QStringList& wanted, const QString& fallback) {
    const QStringList present = QFontDatabase::families();
    for (const QString& family : wanted) {
        if (present.contains(family)) return family;
    }
    return fallback;
}

}  // namespace

double rampPosition(double value, double lower, double upper) {
    if (std::isnan(value)) return value;
    return upper > lower ? std::clamp((value - lower) / (upper - lower), 0.0, 1.0) : 0.0;
}

Theme& Theme::instance() {
    static Theme theme;
    return theme;
}

Theme::Theme() : colors_(lightColors()) {}

const ThemeColors& Theme::light() {
    static const ThemeColors kColors = lightColors();
    return kColors;
}

const ThemeColors& Theme::night() {
    static const ThemeColors kColors = nightColors();
    return kColors;
}

void Theme::install(QApplication& app) {
    if (app_ == nullptr) {
        initResources();
        app_ = &app;
        QFont base = QApplication::font();
        base.setFamily(firstFamily({QStringLiteral("Inter")}, base.family()));
        base.setPointSizeF(std::clamp(base.pointSizeF(), 9.0, 11.0));
        base_font_ = base;
        base_mono_ = QFont(firstFamily({QStringLiteral("JetBrains Mono"), QStringLiteral("DejaVu Sans Mono")},
                                       QFontDatabase::systemFont(QFontDatabase::FixedFont).family()));
        base_mono_.setPointSizeF(base.pointSizeF());
        base_mono_.setStyleHint(QFont::Monospace);
        QApplication::setStyle(new PlainStyle);
        app.installEventFilter(this);
    }
    refresh();
}

void Theme::setMode(ThemeMode mode) {
    if (mode == mode_) return;
    mode_ = mode;
    refresh();
}

void Theme::setFontScale(double scale) {
    scale = std::clamp(scale, 0.7, 2.5);
    if (scale == font_scale_) return;
    font_scale_ = scale;
    refresh();
}

// The palette that the platform gives when we do not set one. Qt 6.4 has no colorScheme(): lightness decides.
bool Theme::systemIsDark() const {
    if (given_dark_) return *given_dark_;
    QApplication::setPalette(QPalette());
    const QPalette palette = QApplication::palette();
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

void Theme::refresh() {
    if (app_ == nullptr || refreshing_) return;
    refreshing_ = true;
    dark_ = mode_ == ThemeMode::Dark || (mode_ == ThemeMode::System && systemIsDark());
    colors_ = dark_ ? night() : light();
    QPalette palette;
    const auto set = [&palette](QPalette::ColorRole role, const QColor& colour) { palette.setColor(role, colour); };
    set(QPalette::Window, colors_.window);
    set(QPalette::WindowText, colors_.text);
    set(QPalette::Base, colors_.card);
    set(QPalette::AlternateBase, mix(colors_.card, colors_.window, 0.6));
    set(QPalette::Text, colors_.text);
    set(QPalette::PlaceholderText, colors_.muted);
    set(QPalette::Button, colors_.raised);
    set(QPalette::ButtonText, colors_.text);
    set(QPalette::BrightText, colors_.bad);
    set(QPalette::ToolTipBase, colors_.raised);
    set(QPalette::ToolTipText, colors_.text);
    set(QPalette::Highlight, colors_.accent);
    set(QPalette::HighlightedText, colors_.accent_text);
    set(QPalette::Link, colors_.accent);
    set(QPalette::Light, colors_.raised);
    set(QPalette::Midlight, colors_.card);
    set(QPalette::Mid, colors_.card_border);
    set(QPalette::Dark, colors_.faint);
    set(QPalette::Shadow, QColor(0, 0, 0));
    const QColor disabled = mix(colors_.text, colors_.card, 0.58);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, disabled);
    }
    QApplication::setPalette(palette);
    QApplication::setFont(uiFont());
    app_->setStyleSheet(styleSheet());
    refreshing_ = false;
    emit changed();
}

bool Theme::eventFilter(QObject* watched, QEvent* event) {
    // ThemeChange comes when the desktop switches; ApplicationPaletteChange also after a setPalette of somebody else.
    const bool switched = event->type() == QEvent::ThemeChange;
    const bool repainted = event->type() == QEvent::ApplicationPaletteChange && watched == app_;
    if ((switched || repainted) && !refreshing_ && mode_ == ThemeMode::System) {
        const QPalette given = QApplication::palette();
        if (switched) {
            given_dark_.reset();
            refresh();
        } else if (given.color(QPalette::Window) != colors_.window) {
            given_dark_ = given.color(QPalette::Window).lightness() < given.color(QPalette::WindowText).lightness();
            refresh();
        }
    }
    return QObject::eventFilter(watched, event);
}

QColor Theme::rampOf(const ThemeColors& colors, Ramp ramp, double t) {
    if (!(t > 0)) return colors.card;
    const Stops stops = rampStops(ramp, colors.card.lightness() < colors.text.lightness());
    t = std::min(t, 1.0);
    return t < 0.5 ? mix(colors.card, QColor(stops.middle), t * 2)
                   : mix(QColor(stops.middle), QColor(stops.end), t * 2 - 1);
}

double Theme::contrast(const QColor& a, const QColor& b) {
    const double la = luminance(a), lb = luminance(b);
    return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

QColor Theme::textOn(const QColor& fill) const {
    constexpr double kReadable = 4.5;
    if (contrast(colors_.text, fill) >= kReadable) return colors_.text;
    const QColor other = dark_ ? QColor(0x101217) : QColor(0xffffff);
    if (contrast(other, fill) >= kReadable) return other;
    return contrast(Qt::black, fill) > contrast(Qt::white, fill) ? QColor(Qt::black) : QColor(Qt::white);
}

QFont Theme::uiFont() const {
    QFont font = base_font_;
    font.setPointSizeF(base_font_.pointSizeF() * font_scale_);
    return font;
}

QFont Theme::smallFont() const {
    QFont font = uiFont();
    font.setPointSizeF(font.pointSizeF() * 0.88);
    return font;
}

QFont Theme::titleFont() const {
    QFont font = uiFont();
    font.setPointSizeF(font.pointSizeF() * 0.95);
    font.setWeight(QFont::DemiBold);
    return font;
}

QFont Theme::monoFont() const {
    QFont font = base_mono_;
    font.setPointSizeF(base_mono_.pointSizeF() * font_scale_ * 1.06);
    return font;
}

QFont Theme::monoSmallFont() const {
    QFont font = base_mono_;
    font.setPointSizeF(base_mono_.pointSizeF() * font_scale_ * 0.94);
    return font;
}

int Theme::em(double lines) const { return static_cast<int>(std::lround(QFontMetrics(uiFont()).height() * lines)); }

QIcon Theme::icon(const QString& name) const { return QIcon(new TintedSvgEngine(name, QColor())); }

QIcon Theme::icon(const QString& name, const QColor& tint) const { return QIcon(new TintedSvgEngine(name, tint)); }

}  // namespace quibble
