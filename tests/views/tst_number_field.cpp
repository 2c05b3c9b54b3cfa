// Numbers as people type them, under every locale: read, or said to be wrong; never something else.
#include <QLabel>
#include <QLocale>

#include "tests/views/view_test.h"
#include "views/number_field.h"

using namespace quibble;

namespace {

// What somebody types who replaces the number that stands there.
void type(CheckedField& field, const QString& text) {
    field.setFocus();
    QTRY_VERIFY(field.hasFocus());
    field.selectAll();
    QTest::keyClicks(&field, text);
}

}  // namespace

class TestNumberField : public QObject {
    Q_OBJECT
private slots:
    void init() { QLocale::setDefault(QLocale::c()); }
    void cleanupTestCase() { QLocale::setDefault(QLocale::c()); }

    void numbersAreReadInEveryWriting_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<double>("value");
        const struct {
            const char* text;
            double value;
        } table[] = {{"0.5", 0.5},
                     {"0,5", 0.5},
                     {".5", 0.5},
                     {",5", 0.5},
                     {" 12 ", 12},
                     {"-1.25", -1.25},
                     {"\u22121,25", -1.25},
                     {"+3", 3},
                     {"1e-3", 0.001},
                     {"2,5E2", 250},
                     {"\u0663\u066B\u0665", 3.5},
                     {"7.", 7}};
        for (const auto& row : table) QTest::newRow(row.text) << QString::fromUtf8(row.text) << row.value;
    }
    void numbersAreReadInEveryWriting() {
        QFETCH(QString, text);
        QFETCH(double, value);
        for (const QLocale::Language language : {QLocale::C, QLocale::German, QLocale::Arabic}) {
            QLocale::setDefault(QLocale(language));
            const auto read = readNumber(text);
            QVERIFY(read.has_value());
            QCOMPARE(*read, value);
        }
    }

    void whatIsNoNumberIsNone() {
        for (const char* text : {"", " ", ".", "-", "1.2.3", "1.234,5", "1,000,000", "0x10", "five", "1 000", "nan",
                                 "inf", "1e999", "--1", "5 %"}) {
            QVERIFY2(!readNumber(QString::fromUtf8(text)), text);
        }
    }

    void numbersAreWrittenForTheirReader() {
        QCOMPARE(writeNumber(0.65, QLocale(QLocale::German)), QStringLiteral("0,65"));
        QCOMPARE(writeNumber(0.65, QLocale::c()), QStringLiteral("0.65"));
        QCOMPARE(writeNumber(1000000, QLocale(QLocale::German)), QStringLiteral("1000000"));
        QCOMPARE(writeNumber(-2, QLocale::c()), QStringLiteral("-2"));
        for (const double value : {0.1, 1e-7, 123456.789, 1.0 / 3})
            QCOMPARE(*readNumber(writeNumber(value, QLocale(QLocale::German))), value);
    }

    void pointAndCommaAreTyped_data() {
        QTest::addColumn<QLocale>("locale");
        QTest::newRow("C") << QLocale::c();
        QTest::newRow("en_US") << QLocale(QLocale::English, QLocale::UnitedStates);
        QTest::newRow("de_DE") << QLocale(QLocale::German, QLocale::Germany);
        QTest::newRow("de_CH") << QLocale(QLocale::German, QLocale::Switzerland);
        QTest::newRow("fr_FR") << QLocale(QLocale::French, QLocale::France);
        QTest::newRow("ar_EG") << QLocale(QLocale::Arabic, QLocale::Egypt);
    }
    void pointAndCommaAreTyped() {
        QFETCH(QLocale, locale);
        QLocale::setDefault(locale);
        NumberField field(QStringLiteral("Temperature"));
        field.setRange(0, 5);
        field.setStep(0.05);
        field.setUnit(QStringLiteral("units"));
        field.show();
        QSignalSpy told(&field, &NumberField::valueChanged);
        int times = 0;
        for (const QString& text :
             {QStringLiteral("0.5"), QStringLiteral("1,5"), QStringLiteral("0.125"), QStringLiteral("3,0625")}) {
            type(field, text);
            QCOMPARE(field.text(), text);  // nothing is dropped
            QVERIFY(field.fault().isEmpty());
            QCOMPARE(field.value(), *readNumber(text));
            QCOMPARE(told.count(), times);  // not before the user is done
            QTest::keyClick(&field, Qt::Key_Return);
            QCOMPARE(told.count(), ++times);
            QCOMPARE(told.last().front().toDouble(), *readNumber(text));
            QCOMPARE(field.text(), writeNumber(*readNumber(text), locale));
        }
        field.stepBy(1);
        QCOMPARE(field.value(), 3.1125);
    }

    void whatDoesNotFitIsSaidAndKept_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("said");
        QTest::newRow("none") << QString() << QStringLiteral("type a number");
        QTest::newRow("letters") << QStringLiteral("abc") << QStringLiteral("not a number");
        QTest::newRow("above") << QStringLiteral("4097") << QStringLiteral("from 1 to 4096");
        QTest::newRow("below") << QStringLiteral("-1") << QStringLiteral("from 1 to 4096");
        QTest::newRow("huge") << QStringLiteral("99999999999999999999") << QStringLiteral("from 1 to 4096");
        QTest::newRow("fraction") << QStringLiteral("1.5") << QStringLiteral("whole numbers");
        QTest::newRow("thousands or decimals")
            << QStringLiteral("1.000") << QStringLiteral("without points and commas");
        QTest::newRow("exponent") << QStringLiteral("15e-1") << QStringLiteral("whole numbers");
    }
    void whatDoesNotFitIsSaidAndKept() {
        QFETCH(QString, text);
        QFETCH(QString, said);
        NumberField field(QStringLiteral("Budget"));
        field.setRange(1, 4096);
        field.setGrid(1);
        field.setValue(12);
        field.setToolTip(QStringLiteral("How many"));
        field.show();
        QSignalSpy told(&field, &NumberField::valueChanged), faults(&field, &NumberField::faultChanged);
        type(field, text.isEmpty() ? QStringLiteral("1") : text);
        if (text.isEmpty()) QTest::keyClick(&field, Qt::Key_Backspace);
        QVERIFY2(field.fault().startsWith(QStringLiteral("Budget")) && field.fault().contains(said),
                 qPrintable(field.fault()));
        QVERIFY(faults.count() > 0);
        QCOMPARE(field.toolTip(), field.fault());
        QTest::keyClick(&field, Qt::Key_Return);
        field.clearFocus();
        QCOMPARE(field.text(), text);
        QVERIFY(!field.fault().isEmpty());
        QVERIFY(field.value() >= 1 && field.value() <= 4096);
        field.setFocus();
        QTest::keyClick(&field, Qt::Key_Escape);
        QVERIFY(field.fault().isEmpty());
        QCOMPARE(field.toolTip(), QStringLiteral("How many"));
        QCOMPARE(field.text(), writeNumber(field.value(), field.locale()));
    }

    void gridsThatAreNotOnes() {
        NumberField field(QStringLiteral("Group size"));
        field.setRange(32, 256);
        field.setGrid(32);
        field.setStep(32);
        field.show();
        type(field, QStringLiteral("100"));
        QVERIFY2(field.fault().contains(QStringLiteral("in steps of 32")), qPrintable(field.fault()));
        type(field, QStringLiteral("96"));
        QVERIFY(field.fault().isEmpty());
        field.stepBy(2);
        QCOMPARE(field.value(), 160.0);
        field.stepBy(100);
        QCOMPARE(field.value(), 256.0);
    }

    void unitsAndWordsGiveWayWhileOneTypes() {
        NumberField field(QStringLiteral("Limit"));
        field.setRange(0, 4096);
        field.setGrid(1);
        field.setUnit(QStringLiteral("tokens"));
        field.setLowestText(QStringLiteral("off"));
        QCOMPARE(field.text(), QStringLiteral("off"));
        field.setValue(512);
        QCOMPARE(field.text(), QStringLiteral("512 tokens"));
        field.show();
        field.setFocus();
        QTRY_COMPARE(field.text(), QStringLiteral("512"));
        type(field, QStringLiteral("600"));
        field.clearFocus();
        QCOMPARE(field.text(), QStringLiteral("600 tokens"));
    }

    void seedsHaveAllTheirBits() {
        SeedField field(QStringLiteral("Seed"));
        field.show();
        QSignalSpy told(&field, &SeedField::valueChanged);
        type(field, QStringLiteral("18446744073709551615"));
        QTest::keyClick(&field, Qt::Key_Return);
        QCOMPARE(field.value(), UINT64_MAX);
        QCOMPARE(told.count(), 1);
        for (const char* text : {"18446744073709551616", "99999999999999999999", "-1", "-5", "1.5", "1e3", "seven"}) {
            type(field, QString::fromLatin1(text));
            QVERIFY2(field.fault().contains(QStringLiteral("18446744073709551615")), text);
            QCOMPARE(field.text(), QString::fromLatin1(text));
            QCOMPARE(field.value() == 0, false);
        }
        QVERIFY(field.property("fault").toBool());
        field.setValue(7);  // a stored run is shown
        QVERIFY(field.fault().isEmpty());
        QCOMPARE(field.text(), QStringLiteral("7"));
    }

    void aFormSaysItsFirstFault() {
        QWidget form;
        auto* one = new NumberField(QStringLiteral("One"), &form);
        auto* two = new NumberField(QStringLiteral("Two"), &form);
        QLabel* note = makeFaultNote(&form);
        form.show();
        QVERIFY(!note->isVisible());
        type(*two, QStringLiteral("x"));
        QVERIFY(note->isVisible());
        QCOMPARE(note->text(), two->fault());
        QCOMPARE(firstFault(&form), two->fault());
        two->setEnabled(false);  // what cannot be used is no obstacle
        QCOMPARE(firstFault(&form), QString());
        type(*one, QStringLiteral("y"));
        QCOMPARE(firstFault(&form), one->fault());
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestNumberField)
#include "tst_number_field.moc"
