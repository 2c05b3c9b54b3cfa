// Text as it is: fonts for programmers and some of the interface join "->", "<|" or "36 x 5" into other signs, which
// would hide what a token says. Scripts that cannot be read unshaped keep their shaping. Also which characters decide
// the direction of a line.
#pragma once

#include <QFont>
#include <QString>
#include <QStringView>

namespace quibble {

/// The text holds characters that are wrong unless a font shapes them: joined letters, combining marks, sequences of
/// emoji.
[[nodiscard]] bool needsShaping(QStringView text);
/// The font draws some signs that stand beside each other as one ("->" as an arrow). Found out once for each font.
[[nodiscard]] bool joinsSigns(const QFont& font);
/// `font` without ligatures and the like where it has them and `text` can be read without them.
[[nodiscard]] QFont asItIs(QFont font, QStringView text);

enum class Direction { None, LeftToRight, RightToLeft };
/// Of the first character that has one (rules P2 and P3 of the Unicode bidirectional algorithm).
[[nodiscard]] Direction firstDirection(QStringView text);
/// Some character runs from right to left, so that the order on a line is not the order of the text.
[[nodiscard]] bool hasRightToLeft(QStringView text);

/// Calls use(code point, its offset) for every character; half a surrogate pair is a character of its own.
template <typename Use>
void eachCharacter(QStringView text, const Use& use) {
    for (qsizetype i = 0; i < text.size(); ++i) {
        const qsizetype at = i;
        char32_t code = text[i].unicode();
        if (text[i].isHighSurrogate() && i + 1 < text.size() && text[i + 1].isLowSurrogate()) {
            ++i;
            code = QChar::surrogateToUcs4(text[at], text[i]);
        }
        use(code, at);
    }
}

}  // namespace quibble
