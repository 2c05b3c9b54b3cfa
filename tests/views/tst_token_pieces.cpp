// Bytes to text: characters over several tokens, bytes that are no character, and the places of tokens in the text.
#include "tests/views/view_test.h"
#include "views/token_stream/token_pieces.h"

using namespace quibble;

namespace {

RunTrace traceOf(const std::vector<std::string>& texts) {
    RunTrace trace;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto id = static_cast<TokenId>(i + 1);
        if (!texts[i].empty()) trace.apply(TokenText{id, texts[i]});
        TokenRecord record;
        record.pos = static_cast<Position>(i);
        record.id = id;
        trace.apply(record);
    }
    return trace;
}

QStringList textsOf(const TokenPieces& pieces) {
    QStringList out;
    for (int i = 0; i < pieces.size(); ++i) out << pieces.textOf(i).toString();
    return out;
}

}  // namespace

class TestTokenPieces : public QObject {
    Q_OBJECT
private slots:
    void utf8_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<int>("length");
        QTest::newRow("ascii") << QByteArray("a") << 1;
        QTest::newRow("two") << QByteArray("\xC3\xA9") << 2;
        QTest::newRow("three") << QByteArray("\xE6\x97\xA5") << 3;
        QTest::newRow("four") << QByteArray("\xF0\x9F\x98\x80") << 4;
        QTest::newRow("truncated") << QByteArray("\xF0\x9F") << -1;
        QTest::newRow("continuation first") << QByteArray("\x9F") << 0;
        QTest::newRow("overlong") << QByteArray("\xC0\x80") << 0;
        QTest::newRow("overlong three") << QByteArray("\xE0\x80\x80") << 0;
        QTest::newRow("surrogate") << QByteArray("\xED\xA0\x80") << 0;
        QTest::newRow("beyond Unicode") << QByteArray("\xF4\x90\x80\x80") << 0;
        QTest::newRow("never a byte") << QByteArray("\xFF") << 0;
        QTest::newRow("broken") << QByteArray("\xE6(") << 0;
    }
    void utf8() {
        QFETCH(QByteArray, bytes);
        QFETCH(int, length);
        QCOMPARE(utf8CharLength(std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size()))), length);
    }

    void joinsCharactersOverTokens() {
        TokenPieces pieces;
        const RunTrace trace = traceOf({"a", " \xE6\x97", "\xA5", "b", "\xF0\x9F", "\x98", "\x80!", "c"});
        QCOMPARE(pieces.update(trace), 0);
        QCOMPARE(textsOf(pieces),
                 (QStringList{"a", QStringLiteral(" 日"), "", "b", QStringLiteral("😀"), "", "!", "c"}));
        QCOMPARE(pieces.text(), QStringLiteral("a 日b😀!c"));
        QVERIFY(!pieces.text().contains(QChar(0xFFFD)));
    }

    void showsBadBytes() {
        TokenPieces pieces;
        pieces.update(traceOf({"x\xFF", "\xC3", "(", "\xE6\x97"}));
        QCOMPARE(pieces.text(), QStringLiteral("x\\xff\\xc3(\\xe6\\x97"));
        QVERIFY(!pieces.text().contains(QChar(0xFFFD)));
    }

    void everyCutGivesTheSameText() {
        // All ways to cut a text into single bytes or pairs end in the same characters.
        const std::string text = "né 日本 😀 ok";
        for (std::size_t width = 1; width <= 4; ++width) {
            std::vector<std::string> parts;
            for (std::size_t at = 0; at < text.size(); at += width) parts.push_back(text.substr(at, width));
            TokenPieces pieces;
            RunTrace trace;
            const RunTrace all = traceOf(parts);
            for (std::size_t i = 0; i < parts.size(); ++i) {  // one at a time, as live
                trace.apply(TokenText{static_cast<TokenId>(i + 1), parts[i]});
                trace.apply(all.points()[i].token);
                QVERIFY(pieces.update(trace) <= static_cast<int>(i));
            }
            QCOMPARE(pieces.text(), QString::fromStdString(text));
            for (qsizetype c = 0; c < pieces.text().size(); ++c) {
                const int token = pieces.tokenOfChar(c);
                QVERIFY(pieces.begin(token) <= c && c < pieces.begin(token + 1));
            }
        }
    }

    void namesUnknownIds() {
        TokenPieces pieces;
        pieces.update(traceOf({"a", "", "b"}));
        QCOMPARE(pieces.text(), QStringLiteral("a⟨2⟩b"));
        QVERIFY(pieces.piece(pieces.pieceIndex(1)).unnamed);
        QCOMPARE(pieces.tokenOfChar(-1), -1);
        QCOMPARE(pieces.tokenOfChar(100), -1);
    }

    void labels() {
        QCOMPARE(tokenLabelOf(" But", true), QStringLiteral("␣But"));
        QCOMPARE(tokenLabelOf("\n\n"), QStringLiteral("↵↵"));
        QCOMPARE(tokenLabelOf("\t\x01"), QStringLiteral("→␁"));
        QCOMPARE(tokenLabelOf("\xE6\x97"), QStringLiteral("\\xe6\\x97"));
    }

    void tagsAreSpecial() {
        TokenPieces pieces;
        pieces.update(traceOf({"</think>", "<", "a < b", "<|im_end|>"}));
        QVERIFY(pieces.piece(pieces.pieceIndex(0)).special);
        QVERIFY(!pieces.piece(pieces.pieceIndex(1)).special);
        QVERIFY(!pieces.piece(pieces.pieceIndex(2)).special);
        QVERIFY(pieces.piece(pieces.pieceIndex(3)).special);
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestTokenPieces)
#include "tst_token_pieces.moc"
