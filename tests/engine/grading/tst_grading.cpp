// The verdicts on answers: a table written by hand, and what must hold for any text whatever.
#include <QTest>

#include <fstream>
#include <random>

#include <nlohmann/json.hpp>

#include "engine/grading/answer_reader.h"
#include "engine/grading/answer_text.h"
#include "engine/grading/grade.h"

using namespace quibble;

namespace {

struct Case {
    std::string group, given, known, verdict;
};

std::vector<Case> tableCases() {
    std::ifstream in(QUIBBLE_SOURCE_DIR "/tests/golden/grading/cases.jsonl");
    std::vector<Case> cases;
    const auto text = [](const nlohmann::json& value) {
        return value.is_string() ? value.get<std::string>() : value.dump();
    };
    for (std::string line; std::getline(in, line);) {
        const auto row = nlohmann::json::parse(line);
        cases.push_back({text(row["group"]), text(row["given"]), text(row["known"]), text(row["verdict"])});
    }
    return cases;
}

// Texts made of pieces that mean something to the reader, so that most of them get past its first steps.
std::string randomText(std::mt19937& random) {
    static const std::vector<std::string> kPieces = {"1",
                                                     "2",
                                                     "0",
                                                     "12",
                                                     ".5",
                                                     "3.14",
                                                     "1,234",
                                                     "{,}",
                                                     "+",
                                                     "-",
                                                     "*",
                                                     "/",
                                                     "^",
                                                     "_",
                                                     "(",
                                                     ")",
                                                     "[",
                                                     "]",
                                                     "\\{",
                                                     "\\}",
                                                     "{",
                                                     "}",
                                                     ",",
                                                     ";",
                                                     "=",
                                                     "<",
                                                     "\\le ",
                                                     "\\frac",
                                                     "\\sqrt",
                                                     "\\pi",
                                                     "\\infty",
                                                     "\\cup ",
                                                     "\\pm ",
                                                     "x",
                                                     "y",
                                                     "i",
                                                     "e",
                                                     "C",
                                                     "(C)",
                                                     "\\text{",
                                                     "cm",
                                                     " dollars",
                                                     "\\$",
                                                     "$",
                                                     "\\%",
                                                     "%",
                                                     "^\\circ",
                                                     "\\sin ",
                                                     "\\log_",
                                                     "!",
                                                     "|",
                                                     "\\begin{pmatrix}",
                                                     "&",
                                                     "\\\\",
                                                     "\\end{pmatrix}",
                                                     " and ",
                                                     " or ",
                                                     "\\boxed{",
                                                     "answer is ",
                                                     "\n",
                                                     " ",
                                                     "####",
                                                     "\xE2\x88\x9A",
                                                     "\xCF\x80",
                                                     "\xC2\xBD",
                                                     "\xFF",
                                                     "\\binom",
                                                     "**",
                                                     "e9",
                                                     "\\in ",
                                                     "\\foo",
                                                     "0.\\overline{3}",
                                                     "99999999999999999999",
                                                     "\\log ",
                                                     "\\tan "};
    std::string text;
    const std::size_t count = random() % 12;
    for (std::size_t i = 0; i < count; ++i) text += kPieces[random() % kPieces.size()];
    return text;
}

std::string randomBytes(std::mt19937& random) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

}  // namespace

class TestGrading : public QObject {
    Q_OBJECT
private slots:
    void table_data() {
        QTest::addColumn<QByteArray>("given");
        QTest::addColumn<QByteArray>("known");
        QTest::addColumn<QByteArray>("verdict");
        int number = 0;
        for (const Case& c : tableCases()) {
            const std::string name =
                std::to_string(++number) + " " + c.group + ": " + c.given.substr(0, 60) + " | " + c.known.substr(0, 60);
            QTest::newRow(name.c_str()) << QByteArray::fromStdString(c.given) << QByteArray::fromStdString(c.known)
                                        << QByteArray::fromStdString(c.verdict);
        }
        QVERIFY(number >= 250);
    }
    // Both ways round: which of the two is the known answer makes no difference.
    void table() {
        QFETCH(QByteArray, given);
        QFETCH(QByteArray, known);
        QFETCH(QByteArray, verdict);
        for (const auto& [a, b] : {std::pair{given, known}, std::pair{known, given}}) {
            const Grade grade = gradeAnswer(a.toStdString(), b.toStdString());
            QVERIFY2(verdict == verdictText(grade.verdict),
                     (std::string(verdictText(grade.verdict)) + ": " + grade.reason).c_str());
            QVERIFY(!grade.reason.empty());
        }
    }

    void found_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("answer");
        QTest::addColumn<QByteArray>("rule");
        const auto row = [](const char* text, const char* answer, const char* rule) {
            QTest::newRow(text) << QByteArray(text) << QByteArray(answer) << QByteArray(rule);
        };
        row("So \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}", "box");
        row("\\fbox{7} and later \\boxed{ 8 }", "8", "box");
        row("\\boxed{3} then \\fbox{4}", "4", "box");
        row("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", "box");
        row("\\boxed {5}", "5", "box");
        row("\\boxed{7} is right, but \\boxed{8", "7", "box");
        row("\\boxed{\\text{a}} \\boxed{}", "\\text{a}", "box");
        row("The answer is 1,318.", "1,318", "statement");
        row("The answer is $\\frac{\\sqrt{3}}{2}$ because 7 > 2.", "\\frac{\\sqrt{3}}{2}", "statement");
        row("**Answer:** 18 dollars", "18 dollars", "statement");
        row("**Final Answer**: $18", "$18", "statement");
        row("Answer: (C) 18", "(C) 18", "statement");
        row("The correct answer is option B because it is 5 more.", "option B because it is 5 more", "statement");
        row("Option A is wrong with 3. The answer is C.", "C", "statement");
        row("Answer: C. Option A is wrong since 2 < 3.", "C", "statement");
        row("Option C is correct, not the 7 in A.", "C", "statement");
        row("The answer is 0.5, not 5", "0.5", "statement");
        row("The answer is .5", ".5", "statement");
        row("The answer is:\n\n**42**", "42", "statement");
        row("He has 6 left.\n#### 6", "6", "statement");
        row("The final answer to the question is therefore 12 apples. He ate 3.", "12 apples", "statement");
        row("The answer is $5 and then $3 of change.", "5", "statement");
        row("The answer is $x = 2$ or $x = 3$.", "$x = 2$ or $x = 3$", "statement");
        row("The answer is $18$ apples, 5 of them red.", "18", "statement");
        row("The answer is a total of 18 apples.", "18", "statement");
        row("The answer is \\(x = 5\\).", "x = 5", "statement");
        row("I think.\n(C)", "(C)", "last line");
        row("We get\n\\frac{\\sqrt{3}}{4}", "\\frac{\\sqrt{3}}{4}", "last line");
        row("so the area is $A = \\frac{\\sqrt{3}}{4}$ in all", "\\frac{\\sqrt{3}}{4}", "last number");
        row("5 + 3 = 8", "8", "last number");
        row("which makes $9{,}500", "9{,}500", "last number");
        row("which makes **.75**", ".75", "last number");
        row("that is 3/4 of it", "3/4", "last number");
        row("that is 2\xE2\x88\x9A"
            "3 of it",
            "2\xE2\x88\x9A"
            "3",
            "last number");
        row("it costs $5 and he pays $20 with change", "20", "last number");
        row("half, or 50\\%, of them", "50\\%", "last number");
        row("I do not know.", "", "");
        row("", "", "");
    }
    void found() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, answer);
        QFETCH(QByteArray, rule);
        const auto found = answerIn(text.toStdString());
        QCOMPARE(found.has_value(), !rule.isEmpty());
        if (!found) return;
        QCOMPARE(QByteArray::fromStdString(found->text), answer);
        QCOMPARE(QByteArray(answerRuleText(found->rule)), rule);
    }

    void shown() {
        QCOMPARE(shownAnswer("\\$1{,}318.50"), std::string("1318.5"));
        QCOMPARE(shownAnswer("\\text{ 18 }"), std::string("18"));
        QCOMPARE(shownAnswer("50\\%"), std::string("50\\%"));
        QCOMPARE(shownAnswer("\\frac{1}{2}"), std::string("\\frac{1}{2}"));
        QCOMPARE(shownAnswer("two  words"), std::string("two words"));
        QCOMPARE(knownAnswer("a = 3\nb = 4\n#### 1,200 \n"), std::string("1,200"));
        QCOMPARE(knownAnswer("so it is \\boxed{\\frac12}."), std::string("\\frac12"));
        QCOMPARE(knownAnswer(" 5 "), std::string("5"));
    }

    // Nothing crashes, the verdict is the same both ways round, and an answer is never a wrong one for itself.
    void anyText() {
        std::mt19937 random(20261130);
        const std::vector<Case> cases = tableCases();
        const auto written = [&](std::string Case::*side) { return cases[random() % cases.size()].*side; };
        int right = 0, wrong = 0;
        for (int i = 0; i < 40000; ++i) {
            // Bytes, pieces, and two answers of the table that nobody put side by side.
            std::string a = randomText(random), b = randomText(random);
            if (i % 4 == 0) a = randomBytes(random), b = randomBytes(random);
            if (i % 4 == 1) a = written(&Case::given), b = written(&Case::known);
            const Grade grade = gradeAnswer(a, b), turned = gradeAnswer(b, a), self = gradeAnswer(a, a);
            QVERIFY2(grade.verdict == turned.verdict,
                     (a + " | " + b + ": " + grade.reason + " | " + turned.reason).c_str());
            QVERIFY2(self.verdict != Verdict::Wrong, a.c_str());
            QVERIFY(!grade.reason.empty());
            const Reading reading = readAnswer(a);
            QVERIFY(describe(reading).size() < 100000);
            // Beside its neighbour in other words the comparison has work to do; equal texts never reach it.
            const Grade padded = gradeAnswer(a, "\\left(" + a + "\\right)");
            const bool single = reading.fault.empty() && reading.choice == 0 && !isCollection(reading.value) &&
                                a.find_first_of(",#") == std::string::npos;
            if (single) QVERIFY2(padded.verdict != Verdict::Wrong, a.c_str());
            right += grade.isRight() ? 1 : 0;
            wrong += grade.verdict == Verdict::Wrong ? 1 : 0;
            const auto found = answerIn(a + b);
            if (found) QVERIFY(found->text.size() <= a.size() + b.size());
            (void)firstMention(a, b);
        }
        QVERIFY(right > 20 && wrong > 500);
    }

    void hostile_data() {
        QTest::addColumn<QByteArray>("text");
        const auto repeated = [](const char* piece, int count) { return QByteArray(piece).repeated(count); };
        QTest::newRow("open brackets") << repeated("(", 1900);
        QTest::newRow("open braces") << repeated("{", 1900);
        QTest::newRow("open boxes") << repeated("\\boxed{", 200000);
        QTest::newRow("fractions of fractions") << repeated("\\frac{1}{", 200) + "2" + repeated("}", 200);
        QTest::newRow("roots without arguments") << repeated("\\sqrt", 390);
        QTest::newRow("minus signs") << repeated("-", 1900) + "1";
        QTest::newRow("tower of powers") << repeated("9^", 900) + "9";
        QTest::newRow("plus-minus") << repeated("\\pm 1", 300);
        QTest::newRow("factorials") << repeated("(1000!)+", 240) + "1";
        QTest::newRow("sets in sets") << repeated("\\{1,\\{2,\\{3,", 30) + "4" + repeated("\\}", 90);
        QTest::newRow("a long list") << repeated("x,", 900) + "y";
        QTest::newRow("many sets") << repeated("\\{\\{x+y,y\\},\\{y,x+1\\}\\},", 60) + "1";
        QTest::newRow("a long number") << repeated("7", 1999);
        QTest::newRow("a huge power of ten") << QByteArray("1e9999");
        QTest::newRow("a division chain") << repeated("1/", 900) + "1";
        QTest::newRow("functions of functions") << repeated("\\sin ", 380) + "1";
        QTest::newRow("nested text") << repeated("\\text{", 300) + "a";
        QTest::newRow("dollars") << repeated("$", 300000);
        QTest::newRow("answers") << repeated("the answer is ", 50000);
        QTest::newRow("marks of GSM8K") << repeated("####", 100000);
        QTest::newRow("numbers") << repeated("1/2 ", 100000);
        QTest::newRow("minus signs and blanks") << repeated("- ", 100000) + "5";
    }
    // Bounded work: far below a second for each, which a fault in the bounds would turn into minutes.
    void hostile() {
        QFETCH(QByteArray, text);
        const std::string hostile = text.toStdString();
        for (const std::string& other : {hostile + "x", std::string("5"), std::string("x+1"), std::string("\\{1,2\\}"),
                                         "\\left{" + hostile + "\\right}"}) {
            (void)gradeAnswer(hostile, other);
            (void)gradeAnswer(other, hostile);
        }
        (void)answerIn(hostile);
        (void)firstMention(hostile, "1/3");
        (void)shownAnswer(hostile);
    }
};

QTEST_APPLESS_MAIN(TestGrading)
#include "tst_grading.moc"
