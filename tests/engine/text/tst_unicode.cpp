// Classes of characters, and composed text: the cases of Unicode annex 15 by which implementations differ. Expected
// forms are Python's.
#include <QElapsedTimer>
#include <QTest>

#include "engine/text/special_matcher.h"
#include "engine/text/text_normalizer.h"
#include "engine/text/unicode.h"
#include "engine/text/utf8.h"

using namespace quibble;

namespace {

std::string written(const std::vector<char32_t>& characters) {
    std::string text;
    for (const char32_t character : characters) utf8Append(text, character);
    return text;
}

}  // namespace

class TestUnicode : public QObject {
    Q_OBJECT

private slots:
    void composes_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("expected");
        const auto row = [](const char* name, const std::vector<char32_t>& text,
                            const std::vector<char32_t>& expected) {
            QTest::newRow(name) << QByteArray::fromStdString(written(text))
                                << QByteArray::fromStdString(written(expected));
        };
        row("nothing", {}, {});
        row("letters", {'a', 'b', ' ', 0xe9}, {'a', 'b', ' ', 0xe9});
        row("accent", {'x', 'e', 0x301, 'y'}, {'x', 0xe9, 'y'});
        row("two accents on one letter", {'s', 0x307, 0x323}, {0x1e69});
        row("order of marks", {'q', 0x307, 0x323}, {'q', 0x323, 0x307});
        row("mark without a letter", {0x301, 'a'}, {0x301, 'a'});
        row("blocked mark", {'a', 0x328, 0x301, 0x301}, {0x105, 0x301, 0x301});
        row("letter that is another", {0x212b, 0x2126, 0x37e}, {0xc5, 0x3a9, ';'});
        row("excluded from composition", {0x958, 0x1d15e}, {0x915, 0x93c, 0x1d157, 0x1d165});
        row("one that falls apart", {0x344}, {0x308, 0x301});
        row("compatibility forms stay", {0xfb01, 0xbd, 0x2460}, {0xfb01, 0xbd, 0x2460});
        row("ideograph", {0x2f801}, {0x4e38});
        row("syllable of three", {0x1112, 0x1161, 0x11ab}, {0xd55c});
        row("syllable and final", {0xd558, 0x11ab}, {0xd55c});
        row("jamo before the finals", {0xb124, 0x11a7, 0x301}, {0xb124, 0x11a7, 0x301});
        row("no character", {0x378, 0xfffe, 0x10ffff}, {0x378, 0xfffe, 0x10ffff});
    }
    void composes() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, expected);
        const std::string made = composed(text.toStdString());
        QCOMPARE(QByteArray::fromStdString(made).toHex(' '), expected.toHex(' '));
        QCOMPARE(composed(made), made);
    }

    void bytesThatAreNoTextStay() {
        QCOMPARE(composed("e\xff\xcc\x81 e\xcc\x81\xcc"), std::string("e\xff\xcc\x81 \xc3\xa9\xcc"));
    }

    // A library that exchanges neighbours would take minutes.
    void manyMarksAreQuick() {
        std::string text = "a";
        for (int i = 0; i < 200000; ++i) utf8Append(text, i % 2 == 0 ? 0x301 : 0x323);
        QElapsedTimer clock;
        clock.start();
        const std::string made = composed(text);
        QVERIFY2(clock.elapsed() < 2000, "sorting the marks took too long");
        QCOMPARE(made.size(), text.size());  // two of its three bytes are the mark that it took
        QCOMPARE(made.substr(0, 5), std::string("\xe1\xba\xa1\xcc\xa3"));
    }

    void wordCharacters() {
        for (const char32_t yes : {U'a', U'Z', U'0', U'_', U'\u00e9', U'\u0301', U'\u0663', U'\u2167', U'\u203f',
                                   U'\u200d', U'\u24d0', U'\U0001f130', U'\ud55c'})
            QVERIFY2(isWordCharacter(yes), written({yes}).c_str());
        for (const char32_t no :
             {U' ', U'-', U'.', U'<', U'\u00bd', U'\u00b2', U'\u2581', U'\u00a0', U'\u200b', U'\U0001f469', U'\u0378'})
            QVERIFY2(!isWordCharacter(no), written({no}).c_str());
    }

    void whiteSpace() {
        for (const char32_t yes :
             {U'\t', U'\r', U' ', U'\u0085', U'\u00a0', U'\u1680', U'\u2003', U'\u2029', U'\u3000'})
            QVERIFY(isWhiteSpace(yes));
        for (const char32_t no : {U'\b', U'a', U'\u180e', U'\u200b', U'\u2581', U'\ufeff'}) QVERIFY(!isWhiteSpace(no));
    }

    void normalizerMarksSpaces() {
        const TextNormalizer all{.composes = true, .marks_begin = true, .marks_spaces = true};
        QCOMPARE(all.apply("e\u0301 x"), std::string("\u2581\u00e9\u2581x"));
        QCOMPARE(all.apply("x", true), std::string("x"));
        QCOMPARE(all.apply(""), std::string());
        QVERIFY(!TextNormalizer{}.active());
    }

    // Tokens that take white space on both sides, and that is one themselves, over a long run of it.
    void takingSpaceIsLinear() {
        SpecialMatcher matcher;
        matcher.add(" ", {.id = 1, .strips_right = true});
        matcher.add("x", {.id = 2, .strips_left = true, .strips_right = true});
        const std::string text = "x" + std::string(400000, ' ') + "x";
        QElapsedTimer clock;
        clock.start();
        const auto parts = matcher.split(text, {.found = true});
        QVERIFY2(clock.elapsed() < 2000, "white space is walked more than once");
        QCOMPARE(parts.size(), std::size_t{400002});
    }
};

QTEST_APPLESS_MAIN(TestUnicode)
#include "tst_unicode.moc"
