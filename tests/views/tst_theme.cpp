// Colours are readable in both themes, everywhere on the maps, and the theme follows the palette.
#include <QPalette>

#include "tests/views/view_test.h"
#include "views/measure.h"

using namespace quibble;

class TestTheme : public QObject {
    Q_OBJECT
private slots:
    void cleanup() { Theme::instance().setMode(ThemeMode::Light); }

    void textContrast_data() {
        QTest::addColumn<bool>("dark");
        QTest::newRow("light") << false;
        QTest::newRow("dark") << true;
    }
    void textContrast() {
        QFETCH(bool, dark);
        Theme& theme = Theme::instance();
        theme.setMode(dark ? ThemeMode::Dark : ThemeMode::Light);
        const ThemeColors& c = theme.colors();
        const struct {
            const char* name;
            QColor ink, paper;
        } pairs[] = {{"text", c.text, c.card},
                     {"text on window", c.text, c.window},
                     {"muted", c.muted, c.card},
                     {"muted on window", c.muted, c.window},
                     {"marker", c.marker, c.card},
                     {"marker on selection", c.marker, c.accent_soft},
                     {"accent text", c.accent_text, c.accent},
                     {"accent as link", c.accent, c.card},
                     {"bad", c.bad, c.card},
                     {"good", c.good, c.card},
                     {"text on selection", c.text, c.accent_soft},
                     {"muted on selection", c.muted, c.accent_soft},
                     {"text on hit", c.text, c.find},
                     {"text on current hit", c.text, c.find_current}};
        for (const auto& pair : pairs) {
            const double ratio = Theme::contrast(pair.ink, pair.paper);
            QVERIFY2(ratio >= 4.5, qPrintable(QStringLiteral("%1: %2").arg(QLatin1String(pair.name)).arg(ratio)));
        }
    }

    void maps_data() { textContrast_data(); }
    void maps() {
        QFETCH(bool, dark);
        Theme& theme = Theme::instance();
        theme.setMode(dark ? ThemeMode::Dark : ThemeMode::Light);
        for (const Ramp ramp : {Ramp::Warm, Ramp::Cool, Ramp::Grey, Ramp::Blue}) {
            double before = -1;
            for (int i = 0; i <= 100; ++i) {
                const QColor fill = theme.ramp(ramp, i / 100.0);
                QVERIFY2(Theme::contrast(theme.textOn(fill), fill) >= 4.5, qPrintable(fill.name()));
                // Sequential for colour-blind eyes too: lightness moves one way all along the map.
                const double distance = Theme::contrast(fill, theme.colors().card);
                QVERIFY(distance >= before - 0.02);
                before = distance;
            }
            QVERIFY(before > 1.8);
        }
        QCOMPARE(theme.ramp(Ramp::Warm, std::nan("")), theme.colors().card);
    }

    void contrastFormula() {
        QCOMPARE(Theme::contrast(Qt::black, Qt::white), 21.0);
        QCOMPARE(Theme::contrast(Qt::red, Qt::red), 1.0);
    }

    void followsPalette() {
        Theme& theme = Theme::instance();
        theme.setMode(ThemeMode::System);
        QSignalSpy changed(&theme, &Theme::changed);
        QPalette night;
        night.setColor(QPalette::Window, QColor(20, 20, 20));
        night.setColor(QPalette::WindowText, QColor(230, 230, 230));
        QApplication::setPalette(night);
        QTRY_VERIFY(theme.dark());
        QVERIFY(changed.count() >= 1);
        QPalette day;
        day.setColor(QPalette::Window, QColor(240, 240, 240));
        day.setColor(QPalette::WindowText, QColor(10, 10, 10));
        QApplication::setPalette(day);
        QTRY_VERIFY(!theme.dark());
        theme.setMode(ThemeMode::Dark);
        QVERIFY(theme.dark());
    }

    void fontScaleIsBounded() {
        Theme& theme = Theme::instance();
        const double before = theme.monoFont().pointSizeF();
        theme.setFontScale(1.5);
        QVERIFY(theme.monoFont().pointSizeF() > before * 1.4);
        theme.setFontScale(100);
        QCOMPARE(theme.fontScale(), 2.5);
        theme.setFontScale(1);
    }

    void iconsTakeTheTint() {
        for (const char* name :
             {"run", "pause", "step", "stop", "export", "branch", "search", "live", "table", "dice"}) {
            const QImage image =
                Theme::instance().icon(QString::fromLatin1(name), QColor(255, 0, 0)).pixmap(32, 32).toImage();
            int red = 0;
            for (int y = 0; y < image.height(); ++y) {
                for (int x = 0; x < image.width(); ++x)
                    red += image.pixelColor(x, y).red() > 200 && image.pixelColor(x, y).alpha() > 128 ? 1 : 0;
            }
            QVERIFY2(red > 15, name);
        }
    }

    void measureKeysRoundTrip() {
        for (const Measure measure : kMeasures) {
            QCOMPARE(measureFromKey(measureKey(measure)), measure);
            QVERIFY(!measureLabel(measure).isEmpty());
            QVERIFY(!measureHelp(measure).isEmpty());
        }
        QCOMPARE(measureFromKey(QStringLiteral("nonsense")), Measure::Entropy);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestTheme)
#include "tst_theme.moc"
