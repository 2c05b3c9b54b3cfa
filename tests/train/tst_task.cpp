// The generator of problems and chains of thought: repeatable, right in the end, and hesitating where it should.
#include <QRegularExpression>
#include <QTest>

#include <fstream>
#include <iterator>
#include <set>

#include "train/problem_files.h"
#include "train/task.h"

using namespace quibble::train;

namespace {

int solve(const Problem& problem) {
    std::vector<int> values;
    const auto get = [&](const Operand& o) {
        return o.step < 0 ? o.value : values.at(static_cast<std::size_t>(o.step));
    };
    for (const ProgramStep& step : problem.program)
        values.push_back(applyOperator(get(step.left), step.op, get(step.right)));
    return values.back();
}

struct Rates {
    int right_steps = 0;
    int doubted = 0;
};

// Doubts that follow a first, right computation, counted by hardness from the text of one-step problems.
Rates doubtRate(Hardness wanted) {
    Rates rates;
    for (std::uint64_t i = 0; i < 6000; ++i) {
        Rng rng(5, i);
        const Problem problem = makeProblem(rng, {1, 1, 999});
        const ProgramStep& step = problem.program[0];
        if (hardnessOf(step.left.value, step.op, step.right.value) != wanted) continue;
        const Chain chain = makeChain(rng, problem, {});
        if (!chain.slips.empty()) continue;
        ++rates.right_steps;
        rates.doubted += chain.doubts > 0 ? 1 : 0;
    }
    return rates;
}

}  // namespace

class TestTask : public QObject {
    Q_OBJECT

private slots:
    void sameSeedSameText() {
        for (std::uint64_t i = 0; i < 50; ++i) {
            Rng a(1, i);
            Rng b(1, i);
            const Problem pa = makeProblem(a, {});
            const Problem pb = makeProblem(b, {});
            QCOMPARE(pa.text, pb.text);
            QCOMPARE(makeChain(a, pa, {}).text, makeChain(b, pb, {}).text);
        }
    }

    // The first draws of a stream, written down once: another compiler or library must not change the training data.
    void generatorIsPinned() {
        Rng rng(42, 54);
        std::vector<std::uint32_t> drawn;
        for (int i = 0; i < 4; ++i) drawn.push_back(rng.next());
        QCOMPARE(drawn, (std::vector<std::uint32_t>{4249273348U, 3209930326U, 1830286007U, 2630921614U}));
    }

    void programsStayInRange() {
        std::set<std::size_t> lengths;
        for (std::uint64_t i = 0; i < 2000; ++i) {
            Rng rng(2, i);
            const Problem problem = makeProblem(rng, {});
            QCOMPARE(solve(problem), problem.answer);
            QVERIFY(problem.answer >= 1 && problem.answer <= 999);
            QVERIFY(problem.program.size() >= 2 && problem.program.size() <= 6);
            lengths.insert(problem.program.size());
        }
        QCOMPARE(lengths.size(), std::size_t{5});
    }

    void chainsEndRight() {
        for (std::uint64_t i = 0; i < 2000; ++i) {
            Rng rng(3, i);
            const Problem problem = makeProblem(rng, {});
            const Chain chain = makeChain(rng, problem, {});
            QCOMPARE(chain.final_value, problem.answer);
            const std::string end = std::to_string(problem.answer) + ".";
            QVERIFY(chain.text.size() > end.size() &&
                    chain.text.compare(chain.text.size() - end.size(), end.size(), end) == 0);
        }
    }

    // Every equation of the text is right, except exactly those that are marked as slips.
    void slipsAreMarked() {
        const QRegularExpression equation(QStringLiteral("(\\d+) ([-+x]) (\\d+) = (\\d+)"));
        int wrong = 0;
        for (std::uint64_t i = 0; i < 500; ++i) {
            Rng rng(4, i);
            const Problem problem = makeProblem(rng, {});
            const Chain chain = makeChain(rng, problem, {});
            std::set<std::size_t> marked;
            for (const auto& [begin, end] : chain.slips) marked.insert(begin);
            auto found = equation.globalMatch(QString::fromLatin1(chain.text));  // ASCII, so positions are bytes
            while (found.hasNext()) {
                const QRegularExpressionMatch match = found.next();
                const bool right = applyOperator(match.captured(1).toInt(), match.captured(2).at(0).toLatin1(),
                                                 match.captured(3).toInt()) == match.captured(4).toInt();
                QCOMPARE(marked.count(static_cast<std::size_t>(match.capturedStart(4))) == 0, right);
                wrong += right ? 0 : 1;
            }
        }
        QVERIFY(wrong > 50);
    }

    void harderStepsAreDoubtedMore() {
        double last = 0.0;
        for (const Hardness hardness : {Hardness::kEasy, Hardness::kMedium, Hardness::kHard}) {
            const Rates rates = doubtRate(hardness);
            QVERIFY(rates.right_steps > 200);
            const double rate = static_cast<double>(rates.doubted) / rates.right_steps;
            QVERIFY2(rate > last + 0.1, qPrintable(QString::number(rate)));
            last = rate;
        }
    }

    void hardness_data() {
        QTest::addColumn<int>("left");
        QTest::addColumn<char>("op");
        QTest::addColumn<int>("right");
        QTest::addColumn<int>("expected");
        QTest::newRow("no carry") << 12 << '+' << 34 << int(Hardness::kEasy);
        QTest::newRow("one carry") << 18 << '+' << 34 << int(Hardness::kMedium);
        QTest::newRow("two carries") << 178 << '+' << 34 << int(Hardness::kHard);
        QTest::newRow("no borrow") << 78 << '-' << 34 << int(Hardness::kEasy);
        QTest::newRow("one borrow") << 72 << '-' << 34 << int(Hardness::kMedium);
        QTest::newRow("two borrows") << 300 << '-' << 34 << int(Hardness::kHard);
        QTest::newRow("table") << 4 << 'x' << 6 << int(Hardness::kEasy);
        QTest::newRow("long product") << 27 << 'x' << 6 << int(Hardness::kHard);
    }
    void hardness() {
        QFETCH(int, left);
        QFETCH(char, op);
        QFETCH(int, right);
        QFETCH(int, expected);
        QCOMPARE(int(hardnessOf(left, op, right)), expected);
    }

    void answersAreRead() {
        QCOMPARE(readAnswer("First 1 + 2 = 3.\n</think>\nThe answer is 318.<|end|>"), 318);
        QCOMPARE(readAnswer("The answer is 318."), -1);                 // not committed
        QCOMPARE(readAnswer("</think>\nThe answer is ."), -1);          // no number
        QCOMPARE(readAnswer("</think>\nThe answer is 12"), -1);         // cut off
        QCOMPARE(readAnswer("</think>\nThe answer is 99999999."), -1);  // absurd
    }

    void shippedProblemsAreTheGenerated() {
        std::vector<Problem> held_out;
        for (int i = 0; i < 500; ++i) held_out.push_back(heldOutProblem(i));
        QCOMPARE(fileText("nano-heldout.jsonl"), problemLines("heldout-", held_out));
        QCOMPARE(fileText("nano-examples.jsonl"), problemLines("example-", exampleProblems(20)));
    }

    void heldOutProblemsAreNotTrained() {
        std::set<std::string> held_out;
        for (int i = 0; i < 500; ++i) held_out.insert(heldOutProblem(i).text);
        QVERIFY(held_out.size() > 495);
        for (std::uint64_t i = 0; i < 20000; ++i) {
            Rng rng(20261121, ((i / 20) << 12U) + i % 20);  // twenty documents of each of the first thousand steps
            rng.unit();                                     // the draw of the curriculum
            const std::string text = makeProblem(rng, {}).text;
            QVERIFY2(held_out.count(text) == 0, text.c_str());
        }
    }

private:
    static std::string fileText(const char* name) {
        std::ifstream in(std::string(QUIBBLE_SOURCE_DIR) + "/data/problems/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
};

QTEST_APPLESS_MAIN(TestTask)
#include "tst_task.moc"
