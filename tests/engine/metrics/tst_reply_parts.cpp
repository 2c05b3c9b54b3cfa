// What of a reply is thought, answer and mark, wherever the marks are cut.
#include <QTest>

#include "engine/metrics/reply_parts.h"
#include "tests/engine/metrics/small_trace.h"

using namespace quibble;
using quibble::test::Piece;
using quibble::test::traceOf;

namespace {

// A letter a token: T thought, M mark, A answer.
std::string letters(const ReplyParts& parts) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i)
        out += parts.of(i) == ReplyPart::Thought ? 'T' : parts.of(i) == ReplyPart::Mark ? 'M' : 'A';
    return out;
}

std::string partsOf(const RunTrace& trace) {
    ReplyParts parts;
    (void)parts.update(trace);
    return letters(parts);
}

// One token a character, with the flags that the engine records: a mark counts when it is complete.
RunTrace cutIntoCharacters(const std::string& before, const std::string& opening, const std::string& thought,
                           const std::string& closing, const std::string& after) {
    std::vector<Piece> pieces;
    const auto add = [&](const std::string& text, bool inside, bool last_inside) {
        for (std::size_t i = 0; i < text.size(); ++i)
            pieces.push_back({std::string(1, text[i]), i + 1 == text.size() ? last_inside : inside});
    };
    add(before, false, false);
    add(opening, false, true);
    add(thought, true, true);
    add(closing, true, false);
    add(after, false, false);
    return traceOf(pieces);
}

}  // namespace

class TestReplyParts : public QObject {
    Q_OBJECT
private slots:
    void tagsAsTokens() {
        const RunTrace trace =
            traceOf({{"<think>", true}, {"7", true}, {"</think>", false}, {"\n", false}, {"It is 7", false}});
        QCOMPARE(partsOf(trace), std::string("MTMAA"));
        QCOMPARE(thinkingText(trace), std::string("7"));
        QCOMPARE(textAfterThinking(trace), std::string("\nIt is 7"));
    }

    void tagsCutAcrossTokens() {
        const RunTrace trace = traceOf({{"<", false},
                                        {"think", false},
                                        {">", true},
                                        {"7", true},
                                        {"</", true},
                                        {"th", true},
                                        {"ink", true},
                                        {">", false},
                                        {"8", false}});
        QCOMPARE(partsOf(trace), std::string("MMMTMMMMA"));
        QCOMPARE(thinkingText(trace), std::string("7"));
        QCOMPARE(textAfterThinking(trace), std::string("8"));
    }

    void tagsWithTextInTheirTokens() {
        const RunTrace trace = traceOf(
            {{"<think>\nOkay 7", true}, {" or", true}, {" 8.\n</thi", true}, {"nk>\n\nIt is", false}, {" 9", false}});
        QCOMPARE(partsOf(trace), std::string("MTMMA"));
        QCOMPARE(thinkingText(trace), std::string("\nOkay 7 or 8.\n"));
        QCOMPARE(textAfterThinking(trace), std::string("\n\nIt is 9"));
    }

    void everyForm_data() {
        QTest::addColumn<QString>("opening");
        QTest::addColumn<QString>("closing");
        QTest::newRow("think") << "<think>"
                               << "</think>";
        QTest::newRow("brackets") << "[THINK]"
                                  << "[/THINK]";
        QTest::newRow("bars") << "<|begin_of_thought|>"
                              << "<|end_of_thought|>";
        QTest::newRow("capital") << "<Thought>"
                                 << "</Thought>";
        QTest::newRow("channel") << "<|channel|>analysis<|message|>"
                                 << "<|end|>";
        QTest::newRow("channel behind a role") << "<|start|>assistant<|channel|>analysis<|message|>"
                                               << "<|end|>";
        QTest::newRow("channel without an end") << "<|channel|>analysis<|message|>"
                                                << "<|channel|>final<|message|>";
    }
    void everyForm() {
        QFETCH(QString, opening);
        QFETCH(QString, closing);
        const std::string open = opening.toStdString(), close = closing.toStdString();
        const RunTrace trace = cutIntoCharacters("\n", open, "a < b", close, "c > d <think>");
        QCOMPARE(partsOf(trace),
                 "M" + std::string(open.size(), 'M') + "TTTTT" + std::string(close.size(), 'M') + std::string(13, 'A'));
        QCOMPARE(thinkingText(trace), std::string("a < b"));
        QCOMPARE(textAfterThinking(trace), std::string("c > d <think>"));
    }

    void blanksInFrontOfAThoughtAreNoAnswer() {
        QCOMPARE(partsOf(traceOf({{"\n", false},
                                  {" ", false},
                                  {"<think>", true},
                                  {"7", true},
                                  {"</think>", false},
                                  {"\n", false},
                                  {"<think>", true},
                                  {"8", true}})),
                 std::string("MMMTMMMT"));
        QCOMPARE(partsOf(traceOf({{"\n", false}, {"8", false}, {"\n", false}})), std::string("AAA"));
    }

    // The header of the final channel opens nothing, but it is no part of the answer.
    void headerOfTheAnswer() {
        const RunTrace trace = traceOf({{"<|channel|>", false},
                                        {"analysis", false},
                                        {"<|message|>", true},
                                        {"7", true},
                                        {"<|end|>", false},
                                        {"<|start|>", false},
                                        {"assistant", false},
                                        {"<|channel|>", false},
                                        {"final", false},
                                        {"<|message|>", false},
                                        {"8", false}});
        QCOMPARE(partsOf(trace), std::string("MMMTMMMMMMA"));
        QCOMPARE(thinkingText(trace), std::string("7"));
        QCOMPARE(textAfterThinking(trace), std::string("8"));
        const RunTrace at_once = traceOf(
            {{"<|channel|>", false}, {"final", false}, {"<|message|>", false}, {"a <|channel|>x<|message|>", false}});
        QCOMPARE(partsOf(at_once), std::string("MMMA"));
        QCOMPARE(textAfterThinking(at_once), std::string("a <|channel|>x<|message|>"));
    }

    void openPromptAndOpenEnd() {
        RunTrace trace = traceOf({{"7", true}, {"</think>", false}, {"8", false}});
        RunProvenance provenance = trace.provenance();
        provenance.thinking_open = true;
        trace.apply(provenance);
        QCOMPARE(partsOf(trace), std::string("TMA"));
        QCOMPARE(thinkingText(trace), std::string("7"));
        const RunTrace open = traceOf({{"<think>", true}, {"7", true}});
        QCOMPARE(partsOf(open), std::string("MT"));
        QCOMPARE(thinkingText(open), std::string("7"));
        QCOMPARE(textAfterThinking(open), std::string());
    }

    // Token by token as in one go; what is told as unchanged is unchanged.
    void liveIsTheSame() {
        const RunTrace whole = cutIntoCharacters("", "<think>", "a", "</think>", "b");
        RunTrace live;
        live.apply(whole.provenance());
        ReplyParts parts;
        std::string before;
        for (const TracePoint& point : whole.points()) {
            live.apply(TokenText{point.token.id, std::string(whole.text(point.token.id))});
            live.apply(point.token);
            const std::size_t changed = parts.update(live);
            const std::string now = letters(parts);
            QVERIFY(changed < now.size());
            QCOMPARE(now.substr(0, std::min(changed, before.size())), before.substr(0, changed));
            before = now;
        }
        QCOMPARE(before, partsOf(whole));
    }
};

QTEST_APPLESS_MAIN(TestReplyParts)
#include "tst_reply_parts.moc"
