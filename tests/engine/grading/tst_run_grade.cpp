#include <QTest>

#include "engine/grading/run_grade.h"
#include "engine/grading/number_text.h"
#include "tests/engine/metrics/small_trace.h"

using namespace quibble;
using quibble::test::Piece;
using quibble::test::traceOf;

class TestRunGrade : public QObject {
    Q_OBJECT
private slots:
    void numbers_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QStringList>("values");
        QTest::newRow("none") << "no digits here" << QStringList{};
        QTest::newRow("sentence") << "The answer is 318." << QStringList{"318"};
        QTest::newRow("expression") << "12-5=7" << QStringList{"12", "5", "7"};
        QTest::newRow("spaced expression") << "12 - 5 = 7 and 12 -5" << QStringList{"12", "5", "7", "12", "5"};
        QTest::newRow("negative") << "= -5, (-7) and \xE2\x88\x92" "8" << QStringList{"-5", "-7", "-8"};
        QTest::newRow("hyphen") << "step-2" << QStringList{"2"};
        QTest::newRow("thousands") << "1,234,567 and 12,34 and 1, 234" << QStringList{"1234567", "12", "34", "1", "234"};
        QTest::newRow("four digits before a comma") << "1234,567" << QStringList{"1234", "567"};
        QTest::newRow("fractions") << "042.50 3.0 0.125 5." << QStringList{"42.5", "3", "0.125", "5"};
        QTest::newRow("zero") << "-0 000 0.00" << QStringList{"0", "0", "0"};
    }
    void numbers() {
        QFETCH(QString, text);
        QFETCH(QStringList, values);
        QStringList found;
        for (const NumberInText& number : numbersIn(text.toStdString())) found << QString::fromStdString(number.value);
        QCOMPARE(found, values);
    }

    void extract_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("answer");  // empty: none
        QTest::newRow("sentence") << "\nThe answer is 318." << "318";
        QTest::newRow("last of several") << "It took 5 steps; the answer is 1,318" << "1318";
        QTest::newRow("boxed") << "So \\boxed{42}, found in 3 steps" << "42";
        QTest::newRow("boxed twice") << "\\boxed{1} no, \\boxed{ 2 }" << "2";
        QTest::newRow("boxed nested") << "\\boxed{\\frac{3}{4}}" << "\\frac{3}{4}";
        QTest::newRow("boxed cut off") << "\\boxed{31" << "31";
        QTest::newRow("cut off behind a whole one") << "\\boxed{7} then \\boxed{8" << "7";
        QTest::newRow("empty box") << "\\boxed{} 9" << "9";
        QTest::newRow("nothing") << "I do not know." << "";
        QTest::newRow("empty") << "" << "";
    }
    void extract() {
        QFETCH(QString, text);
        QFETCH(QString, answer);
        const auto found = extractAnswer(text.toStdString());
        QCOMPARE(QString::fromStdString(found.value_or("")), answer);
        QCOMPARE(found.has_value(), !answer.isEmpty());
    }

    void same() {
        QVERIFY(sameAnswer("042.50", "42.5"));
        QVERIFY(sameAnswer(" $1,000 ", "1000."));
        QVERIFY(sameAnswer("Tuesday  noon", " Tuesday noon"));
        QVERIFY(!sameAnswer("42", "-42"));
        QVERIFY(!sameAnswer("42", "42 or 43"));
        QVERIFY(!sameAnswer("tuesday", "Tuesday"));
    }

    // <think> 31 , 318 ? Wait 319 </think> The answer is 319
    void spans() {
        const RunTrace trace = traceOf({{"12+306=", true}, {"31", true}, {"8", true}, {". Wait", true, true}, {" 319", true}, {"</think>", false}, {" 319", false}}, "318");
        QCOMPARE(thinkingText(trace), std::string("12+306=318. Wait 319"));
        QCOMPARE(textAfterThinking(trace), std::string(" 319"));
        QCOMPARE(extractAnswer(trace).value(), std::string("319"));
        QVERIFY(!isCorrect(trace, "318"));
        QVERIFY(isOverthinking(trace, "318"));
        QVERIFY(!isOverthinking(trace, "319"));  // that is the answer
        QVERIFY(!isOverthinking(trace, "31"));   // only a part of a longer number
        QCOMPARE(answerReachedAt(trace, "318").value(), std::size_t(2));
        QCOMPARE(answerReachedAt(trace, "306").value(), std::size_t(0));
        QCOMPARE(answerReachedAt(trace, "319").value(), std::size_t(4));
        QVERIFY(!answerReachedAt(trace, "31"));
        QVERIFY(!answerReachedAt(trace, ""));
        QCOMPARE(answerReachedAt(trace, "Wait").value(), std::size_t(3));
        QCOMPARE(gradeOf(trace), std::optional(false));
    }

    void cutOff() {
        RunTrace trace = traceOf({{"7", true}, {" Wait", true, true}}, "7");
        QCOMPARE(textAfterThinking(trace), std::string());
        QVERIFY(!extractAnswer(trace));
        QVERIFY(isOverthinking(trace, "7"));
        QVERIFY(!gradeOf(trace));  // interrupted: nobody knows
        RunTrace stopped = trace, limited = trace;
        stopped.apply(RunFinished{FinishReason::Stopped, {}, 0, 0, 0, 0, 0});
        limited.apply(RunFinished{FinishReason::TokenLimit, {}, 0, 0, 0, 0, 0});
        QVERIFY(!gradeOf(stopped));
        QCOMPARE(gradeOf(limited), std::optional(false));
    }

    void withoutReasoningSpan() {
        const RunTrace trace = traceOf({{"5 then 6", false}}, "5");
        QCOMPARE(textAfterThinking(trace), std::string("5 then 6"));
        QVERIFY(isOverthinking(trace, "5"));
        QVERIFY(!isOverthinking(trace, "6"));
        QVERIFY(!gradeOf(traceOf({{"5", false}})));
    }
};

QTEST_APPLESS_MAIN(TestRunGrade)
#include "tst_run_grade.moc"
