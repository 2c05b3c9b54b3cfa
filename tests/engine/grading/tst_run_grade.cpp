#include <QTest>

#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"
#include "engine/grading/number_text.h"
#include "engine/grading/run_grade.h"
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
        QTest::newRow("negative") << "= -5, (-7) and \xE2\x88\x92"
                                     "8"
                                  << QStringList{"-5", "-7", "-8"};
        QTest::newRow("hyphen") << "step-2" << QStringList{"2"};
        QTest::newRow("thousands") << "1,234,567 and 12,34 and 1, 234"
                                   << QStringList{"1234567", "12", "34", "1", "234"};
        QTest::newRow("four digits before a comma") << "1234,567" << QStringList{"1234", "567"};
        QTest::newRow("fractions") << "042.50 3.0 0.125 5." << QStringList{"42.5", "3", "0.125", "5"};
        QTest::newRow("LaTeX") << "9{,}500, $1,\\!234$ and 2\\,000" << QStringList{"9500", "1234", "2000"};
        QTest::newRow("point first") << "**.75** or -.5, no.7, v1.2.3 ...8"
                                     << QStringList{"0.75", "-0.5", "7", "1.2", "3", "8"};
        QTest::newRow("powers of ten") << "1.5e3 and 2E-2" << QStringList{"1500", "0.02"};
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
        QTest::newRow("sentence") << "\nThe answer is 318."
                                  << "318";
        QTest::newRow("last of several") << "It took 5 steps; the answer is 1,318"
                                         << "1318";
        QTest::newRow("boxed") << "So \\boxed{42}, found in 3 steps"
                               << "42";
        QTest::newRow("boxed twice") << "\\boxed{1} no, \\boxed{ 2 }"
                                     << "2";
        QTest::newRow("boxed nested") << "\\boxed{\\frac{3}{4}}"
                                      << "\\frac{3}{4}";
        QTest::newRow("boxed cut off") << "\\boxed{31"
                                       << "31";
        QTest::newRow("cut off behind a whole one") << "\\boxed{7} then \\boxed{8"
                                                    << "7";
        QTest::newRow("empty box") << "\\boxed{} 9"
                                   << "9";
        QTest::newRow("nothing") << "I do not know."
                                 << "";
        QTest::newRow("empty") << ""
                               << "";
    }
    void extract() {
        QFETCH(QString, text);
        QFETCH(QString, answer);
        const auto found = answerIn(text.toStdString());
        QCOMPARE(found.has_value(), !answer.isEmpty());
        if (found) QCOMPARE(QString::fromStdString(shownAnswer(found->text)), answer);
    }

    void same() {
        QVERIFY(sameAnswer("042.50", "42.5"));
        QVERIFY(sameAnswer(" $1,000 ", "1000."));
        QVERIFY(sameAnswer("Tuesday  noon", " Tuesday noon"));
        QVERIFY(!sameAnswer("42", "-42"));
        QVERIFY(!sameAnswer("42", "42 or 43"));
        QVERIFY(sameAnswer("tuesday", "Tuesday"));
        QVERIFY(!sameAnswer("Monday", "Tuesday"));
    }

    // <think> 31 , 318 ? Wait 319 </think> The answer is 319
    void spans() {
        const std::vector<Piece> pieces = {{"12+306=", true},      {"31", true},   {"8", true},
                                           {". Wait", true, true}, {" 319", true}, {"</think>", false},
                                           {" 319", false}};
        const RunTrace trace = traceOf(pieces, "318");
        QCOMPARE(thinkingText(trace), std::string("12+306=318. Wait 319"));
        QCOMPARE(textAfterThinking(trace), std::string(" 319"));
        QCOMPARE(shownAnswer(trace).value(), std::string("319"));
        QVERIFY(isOverthinking(trace));
        QVERIFY(!isOverthinking(traceOf(pieces, "319")));  // that is the answer
        QVERIFY(!isOverthinking(traceOf(pieces, "31")));   // only a part of a longer number
        QCOMPARE(answerReachedAt(trace, "318").value(), std::size_t(2));
        QCOMPARE(answerReachedAt(trace, "306").value(), std::size_t(0));
        QCOMPARE(answerReachedAt(trace, "319").value(), std::size_t(4));
        QVERIFY(!answerReachedAt(trace, "31"));
        QVERIFY(!answerReachedAt(trace, ""));
        QCOMPARE(answerReachedAt(trace, "Wait").value(), std::size_t(3));
        QCOMPARE(gradeOf(trace).value().verdict, Verdict::Wrong);
    }

    void cutOff() {
        RunTrace trace = traceOf({{"7", true}, {" Wait", true, true}}, "7");
        QCOMPARE(textAfterThinking(trace), std::string());
        QVERIFY(!shownAnswer(trace));
        QVERIFY(isOverthinking(trace));
        QVERIFY(!gradeOf(trace));  // interrupted: nobody knows
        RunTrace stopped = trace, limited = trace;
        stopped.apply(RunFinished{FinishReason::Stopped, {}, 0, 0, 0, 0, 0});
        limited.apply(RunFinished{FinishReason::TokenLimit, {}, 0, 0, 0, 0, 0});
        QVERIFY(!gradeOf(stopped));
        QCOMPARE(gradeOf(limited).value().verdict, Verdict::Wrong);
    }

    // What no rule can compare is neither right nor wrong, and no error of the model.
    void notGradable() {
        const RunTrace trace = traceOf({{"5 or so", true}, {"</think>\\boxed{\\text{about five}}", false}}, "5");
        QCOMPARE(gradeOf(trace).value().verdict, Verdict::NotGradable);
        QVERIFY(!gradeOf(trace)->reason.empty());
        QVERIFY(!isOverthinking(trace));
    }

    void mentions() {
        const auto at = [](std::vector<Piece> pieces, const char* known) {
            return answerReachedAt(traceOf(pieces), known);
        };
        QCOMPARE(at({{"so 9"}, {"{,}500"}, {" it is"}}, "9500"), std::optional<std::size_t>(1));
        QCOMPARE(at({{"a half, \\frac"}, {"{1}{2}"}, {" or .5"}}, "0.5"), std::optional<std::size_t>(1));
        QCOMPARE(at({{"24/2"}, {" = 12"}}, "12"), std::optional<std::size_t>(1));  // the quotient is not the answer
        QCOMPARE(at({{"A cat. C"}, {" (C)"}}, "C"), std::optional<std::size_t>(1));
        QCOMPARE(at({{"x"}, {" 42"}}, "He has 7 * 6 = 42.\n#### 42"), std::optional<std::size_t>(1));
        QCOMPARE(at({{".5"}, {" 5"}}, "5"), std::optional<std::size_t>(1));
    }

    void withoutReasoningSpan() {
        const RunTrace trace = traceOf({{"5 then 6", false}}, "5");
        QCOMPARE(textAfterThinking(trace), std::string("5 then 6"));
        QVERIFY(isOverthinking(trace));
        QVERIFY(!isOverthinking(traceOf({{"5 then 6", false}}, "6")));
        QVERIFY(!gradeOf(traceOf({{"5", false}})));
    }
};

QTEST_APPLESS_MAIN(TestRunGrade)
#include "tst_run_grade.moc"
