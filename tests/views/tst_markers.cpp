// The marker panel emits live controls, counts from the run, and gives back settings.
#include <QAbstractItemModelTester>
#include <QCheckBox>
#include <QComboBox>
#include <QSlider>
#include <QToolButton>
#include <array>

#include "engine/metrics/summary.h"
#include "tests/views/view_test.h"
#include "views/markers/marker_model.h"
#include "views/markers/markers_panel.h"
#include "views/number_field.h"

using namespace quibble;

class TestMarkers : public QObject {
    Q_OBJECT

    static std::vector<MarkerListInfo> lists() {
        return {{QStringLiteral("published-50"),
                 QStringLiteral("the paper"),
                 {" Wait", " But", " Hmm", " maybe", " nonetheless"},
                 false},
                {QStringLiteral("mine"), {}, {"Wait", " Wait"}, true}};
    }

private slots:
    void sliderEmitsTheControl() {
        RunDocument document;
        MarkersPanel panel(&document);
        panel.setSets(lists());
        panel.resize(340, 300);
        panel.show();
        QSignalSpy control(&panel, &MarkersPanel::controlChanged);
        panel.slider()->setFocus();
        QTest::keyClick(panel.slider(), Qt::Key_Right);
        QCOMPARE(control.count(), 1);
        QCOMPARE(control[0][0].toString(), QStringLiteral("penalty"));
        QCOMPARE(control[0][1].toDouble(), 0.1);
        QCOMPARE(panel.spinBox()->value(), 0.1);
        panel.slider()->setValue(80);
        QCOMPARE(control.last()[1].toDouble(), 8.0);
        panel.spinBox()->setValue(-2);
        QCOMPARE(control.last()[1].toDouble(), -2.0);
        QCOMPARE(panel.slider()->value(), -20);
        const auto before = control.count();
        panel.setPenalty({.strength = 3.5, .set_name = "mine", .disabled_words = {"Wait"}, .only_thinking = true});
        QCOMPARE(control.count(), before);  // shown, not emitted
        const PenaltySettings settings = panel.penalty();
        QCOMPARE(settings.strength, 3.5);
        QCOMPARE(QString::fromStdString(settings.set_name), QStringLiteral("mine"));
        QVERIFY(settings.only_thinking);
        QVERIFY(settings.disabled_words == std::vector<std::string>{"Wait"});
        QVERIFY(settings.words == (std::vector<std::string>{"Wait", " Wait"}));
    }

    void theGrooveIsFilledFromZero() {
        for (const ThemeMode mode : {ThemeMode::Light, ThemeMode::Dark}) {
            Theme::instance().setMode(mode);
            RunDocument document;
            MarkersPanel panel(&document);
            panel.resize(340, 300);
            panel.show();
            const auto filled = [&](int value) {  // first and last tenth of the groove, and the two sides of its zero
                panel.slider()->setValue(value);
                const QImage image = panel.slider()->grab().toImage();
                const QRgb accent = Theme::instance().colors().accent.rgb();
                const int range = panel.slider()->maximum() - panel.slider()->minimum(),
                          zero = image.width() * -panel.slider()->minimum() / range;
                const auto is = [&](int x) { return image.pixelColor(x, image.height() / 2).rgb() == accent; };
                return std::array{is(image.width() / 10), is(zero - image.width() / 10), is(zero + image.width() / 10),
                                  is(image.width() * 9 / 10)};
            };
            using Filled = std::array<bool, 4>;
            QCOMPARE(filled(0), (Filled{false, false, false, false}));
            QCOMPARE(filled(panel.slider()->maximum()), (Filled{false, false, true, true}));
            QCOMPARE(filled(panel.slider()->minimum()), (Filled{true, true, false, false}));
        }
        Theme::instance().setMode(ThemeMode::System);
    }

    void switchesEmitTheirKeys() {
        RunDocument document;
        MarkersPanel panel(&document);
        panel.setSets(lists());
        panel.resize(340, 400);
        panel.show();
        QSignalSpy control(&panel, &MarkersPanel::controlChanged);
        auto* thinking = panel.findChild<QCheckBox*>();
        thinking->click();
        QCOMPARE(control.last()[0].toString(), QStringLiteral("penalty.only_thinking"));
        QCOMPARE(control.last()[1].toDouble(), 1.0);
        MarkerModel* model = panel.model();
        QVERIFY(model->setData(model->index(1, MarkerModel::Word), Qt::Unchecked, Qt::CheckStateRole));
        QCOMPARE(control.last()[0].toString(), QStringLiteral("word: But"));
        QCOMPARE(control.last()[1].toDouble(), 0.0);
        QToolButton* chip = nullptr;
        for (QToolButton* button : panel.findChildren<QToolButton*>(QStringLiteral("chip"))) {
            if (button->text().startsWith(QStringLiteral("Wait"))) chip = button;
        }
        QVERIFY(chip != nullptr);
        QTest::mouseClick(chip, Qt::LeftButton);
        QCOMPARE(control.last()[0].toString(), QStringLiteral("word: Wait"));
        QCOMPARE(panel.penalty().disabled_words.size(), std::size_t{2});
    }

    void listsAreChosenAndEdited() {
        RunDocument document;
        MarkersPanel panel(&document);
        panel.setSets(lists());
        panel.show();
        QSignalSpy chosen(&panel, &MarkersPanel::setChosen), edit(&panel, &MarkersPanel::editSetRequested);
        auto* box = panel.findChild<QComboBox*>();
        box->setFocus();
        QTest::keyClick(box, Qt::Key_Down);
        QCOMPARE(chosen.count(), 1);
        QCOMPARE(chosen[0][0].toString(), QStringLiteral("mine"));
        QCOMPARE(panel.model()->rowCount(), 2);
        QCOMPARE(panel.model()->rows()[1].shown, QStringLiteral("␣Wait"));
        for (QToolButton* button : panel.findChildren<QToolButton*>()) {
            if (button->accessibleName().contains(QStringLiteral("Edit"))) button->click();
        }
        QCOMPARE(edit.count(), 1);
        // A list that a stored run used and nobody has any more
        panel.setPenalty({.set_name = "gone", .words = {" so"}});
        QCOMPARE(QString::fromStdString(panel.penalty().set_name), QStringLiteral("gone"));
        QCOMPARE(panel.model()->rowCount(), 1);
    }

    void countsComeFromTheRun() {
        RunDocument document;
        MarkersPanel panel(&document);
        panel.setSets(lists());
        QAbstractItemModelTester tester(panel.model(), QAbstractItemModelTester::FailureReportingMode::QtTest);
        testing::loadRun(document, {.tokens = 600});
        std::int64_t expected = -1;
        for (const MarkerCount& count : countMarkers(document.trace())) {
            if (count.word == " Wait") expected = count.count;
        }
        QVERIFY(expected > 0);
        QCOMPARE(panel.model()->rows()[0].count, expected);
        QVERIFY(!panel.model()->rows()[4].resolved);  // not one token: said so
        QVERIFY(panel.figures().contains(QStringLiteral("of one token")));
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestMarkers)
#include "tst_markers.moc"
