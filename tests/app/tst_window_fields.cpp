// The fields of the window: how numbers are typed, when they stop a run, and what the controls say.
#include <QLabel>
#include <QPushButton>

#include "tests/app/one_screen.h"
#include "tests/app/window_fixture.h"
#include "views/number_field.h"
#include "views/plots/export_dialog.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/prompt_edit.h"
#include "views/widgets.h"

using namespace quibble;

namespace {

void replaceText(CheckedField& field, const QString& text) {
    field.selectAll();
    QTest::keyClicks(&field, text);
}

}  // namespace

class TestWindowFields : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init() { QVERIFY(QTest::qWaitForWindowExposed(&w.window())); }

    void everyNumberFieldTakesPointAndComma();
    void aNumberThatDoesNotFitStopsTheRun();
    void whatIsTypedCountsBeforeEnter();
    void movedControlsAreNamed();
    void expertsWithoutDraftsSaySo();

private:
    WindowFixture w;
};

void TestWindowFields::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
}

// Fields of every panel and every method, of the quantizer's form and of the export dialog: there is one kind of them.
void TestWindowFields::everyNumberFieldTakesPointAndComma() {
    auto* dialog = new ExportDialog({w.parts().traces}, {}, QDir::homePath(), &w.window());
    QWidget* quantizer = w.parts().model_bar->makeModelPopup();
    int fields = 0;
    for (QAbstractSpinBox* box : w.window().findChildren<QAbstractSpinBox*>()) {
        auto* field = qobject_cast<CheckedField*>(box);
        QVERIFY2(field != nullptr, qPrintable(QStringLiteral("a field of another kind: ") + box->accessibleName()));
        QVERIFY(!field->accessibleName().isEmpty());
        auto* number = qobject_cast<NumberField*>(field);
        if (number == nullptr || !number->isEnabledTo(number->window())) continue;
        ++fields;
        const double before = number->value();
        for (const QString& text : {QStringLiteral("0.5"), QStringLiteral("0,5"), QStringLiteral("1.25"),
                                    QStringLiteral("1,25"), QStringLiteral("x")}) {
            replaceText(*number, text);
            QCOMPARE(number->text(), text);  // nothing is dropped ...
            const auto value = readNumber(text);
            if (number->fault().isEmpty())
                QCOMPARE(number->value(), *value);  // ... and nothing else is taken
            else
                QVERIFY(number->fault().startsWith(number->accessibleName()));
        }
        QVERIFY(!number->fault().isEmpty());
        number->setValue(before);
        QVERIFY(number->fault().isEmpty());
        QCOMPARE(number->value(), before);
    }
    qInfo("%d number fields under the locale %s", fields, qPrintable(QLocale().name()));
    QVERIFY(fields >= 25);
    delete quantizer;
    delete dialog;
}

void TestWindowFields::aNumberThatDoesNotFitStopsTheRun() {
    const QAction* run = w.parts().runs->actions()->run();
    QTRY_VERIFY(run->isEnabled());
    SeedField* seed = w.parts().sampler->seedField();
    for (const char* text : {"99999999999999999999", "-1", "18446744073709551616"}) {
        replaceText(*seed, QString::fromLatin1(text));
        QVERIFY(!run->isEnabled());
        QVERIFY2(run->toolTip().contains(QStringLiteral("Seed")), qPrintable(run->toolTip()));
        QCOMPARE(w.parts().model_bar->samplerButton()->toolTip(), seed->fault());
    }
    replaceText(*seed, QStringLiteral("18446744073709551615"));
    QVERIFY(run->isEnabled());
    QCOMPARE(w.parts().setup->request().seed, UINT64_MAX);
    replaceText(*w.parts().markers->spinBox(), QStringLiteral("9.5"));
    QVERIFY(!run->isEnabled());
    w.parts().markers->spinBox()->setValue(0);
    QVERIFY(run->isEnabled());
    w.parts().setup->showDefaults();
}

// Run with F5 while the cursor still stands in the field.
void TestWindowFields::whatIsTypedCountsBeforeEnter() {
    replaceText(*w.parts().sampler->temperatureBox(), QStringLiteral("0,25"));
    QCOMPARE(w.parts().setup->request().sampler.temperature, 0.25);
    w.parts().setup->showDefaults();
}

void TestWindowFields::movedControlsAreNamed() {
    const auto text = [](const char* key, double value) { return controlText({.pos = 0, .key = key, .value = value}); };
    QCOMPARE(text("experts:budget", 5), QStringLiteral("expert budget 5"));
    QCOMPARE(text("draft:length", 4), QStringLiteral("draft length 4"));
    QCOMPARE(text("top_k", 40), QStringLiteral("top-k 40"));
    QCOMPARE(text("penalty", 2), QStringLiteral("λ 2"));
    QCOMPARE(text("word: Wait", 0), QStringLiteral("Wait −"));
    for (const char* key : {"penalty", "penalty.only_thinking", "word: Wait", "temperature", "top_k", "top_p", "min_p",
                            "max_tokens", "draft:length", "experts:all_passes"}) {
        const QString shown = text(key, 1);
        QVERIFY2(
            !shown.contains(QLatin1Char(':')) && !shown.contains(QLatin1Char('_')) && !shown.contains(QLatin1Char('.')),
            qPrintable(shown));
    }
}

void TestWindowFields::expertsWithoutDraftsSaySo() {
    w.window().openModel(AppPaths::locate(QStringLiteral("unused")).shippedMixture());
    QVERIFY(QTest::qWaitFor(
        [this] {
            return w.parts().runs->model()->model->config().experts.count > 0 && !w.parts().runs->loadingModel();
        },
        kPatience));
    const auto said = [this] {
        for (const QLabel* label : w.parts().decoding->findChildren<QLabel*>()) {
            if (!label->isHidden() && label->text().contains(QStringLiteral("verify a draft"))) return label->text();
        }
        return QString();
    };
    RunRequest request = w.parts().setup->request();
    QCOMPARE(said(), QString());
    request.experts = parseMethodChoice("moe_spec:budget=4").value();
    w.parts().setup->show(request);
    QVERIFY(!said().isEmpty());
    request.experts = parseMethodChoice("moe_spec:budget=4,all_passes=1").value();
    w.parts().setup->show(request);
    QCOMPARE(said(), QString());
    request.experts = parseMethodChoice("threshold").value();
    w.parts().setup->show(request);
    QVERIFY(!said().isEmpty());
    request.draft.method = parseMethodChoice("ngram").value();
    w.parts().setup->show(request);
    QCOMPARE(said(), QString());
    w.parts().setup->showDefaults();
    w.window().openModel(AppPaths::locate(QStringLiteral("unused")).shippedModel());
    QVERIFY(QTest::qWaitFor(
        [this] {
            return w.parts().runs->model()->model->config().experts.count == 0 && !w.parts().runs->loadingModel();
        },
        kPatience));
}

int main(int argc, char** argv) { return runOnOneScreen<TestWindowFields>(argc, argv); }
#include "tst_window_fields.moc"
