#include "views/text_shaping.h"

#include <algorithm>
#include <map>

#include <QGlyphRun>
#include <QRawFont>
#include <QTextLayout>

namespace quibble {

namespace {

constexpr char16_t kFirstShaped = 0x0300;  // everything below stands for itself

// Scripts whose letters stand side by side, whatever their neighbours are.
bool plainScript(QChar::Script script) {
    switch (script) {
        case QChar::Script_Common:
        case QChar::Script_Latin:
        case QChar::Script_Greek:
        case QChar::Script_Cyrillic:
        case QChar::Script_Armenian:
        case QChar::Script_Georgian:
        case QChar::Script_Hebrew:
        case QChar::Script_Bopomofo:
        case QChar::Script_Han:
        case QChar::Script_Hangul:
        case QChar::Script_Hiragana:
        case QChar::Script_Katakana: return true;
        default: return false;
    }
}

bool shaped(char32_t code) {
    if (code < kFirstShaped) return false;
    switch (QChar::category(code)) {
        case QChar::Mark_NonSpacing:
        case QChar::Mark_SpacingCombining:
        case QChar::Mark_Enclosing:
        case QChar::Other_Format: return true;  // zero width joiners act on their neighbours
        default: break;
    }
    if (code >= 0x1100 && code <= 0x11FF) return true;    // parts of a Hangul syllable
    if (code >= 0x1F1E6 && code <= 0x1F1FF) return true;  // letters of a flag
    if (code >= 0x1F3FB && code <= 0x1F3FF) return true;  // skin tones
    return !plainScript(QChar::script(code));
}

}  // namespace

bool needsShaping(QStringView text) {
    if (std::all_of(text.begin(), text.end(), [](QChar c) { return c.unicode() < kFirstShaped; })) return false;
    bool found = false;
    eachCharacter(text, [&found](char32_t code, qsizetype) { found = found || shaped(code); });
    return found;
}

bool joinsSigns(const QFont& font) {
    static std::map<QString, bool> known;
    const QString key =
        QStringLiteral("%1/%2/%3").arg(font.family(), font.families().join(QLatin1Char(','))).arg(font.weight());
    const auto [entry, fresh] = known.emplace(key, false);
    if (!fresh) return entry->second;
    QFont probed(font);
    probed.setStyleStrategy(QFont::PreferDefault);
    const QRawFont raw = QRawFont::fromFont(probed);
    for (const char* sample : {"->", "<|end|>", "!=", "=>", "<=", "36 x 5", "36x5", "www", "..."}) {
        const QString text = QString::fromLatin1(sample);
        QTextLayout layout(text, probed);
        layout.beginLayout();
        layout.createLine();
        layout.endLayout();
        const QList<QGlyphRun> runs = layout.glyphRuns();
        entry->second =
            entry->second || runs.size() != 1 || runs.front().glyphIndexes() != raw.glyphIndexesForString(text);
    }
    return entry->second;
}

QFont asItIs(QFont font, QStringView text) {
    // Without shaping there is no kerning either: only fonts that need it lose it.
    if (joinsSigns(font)) font.setStyleStrategy(needsShaping(text) ? QFont::PreferDefault : QFont::PreferNoShaping);
    return font;
}

Direction firstDirection(QStringView text) {
    Direction first = Direction::None;
    eachCharacter(text, [&first](char32_t code, qsizetype) {
        if (first != Direction::None) return;
        const QChar::Direction direction = QChar::direction(code);
        if (direction == QChar::DirL) first = Direction::LeftToRight;
        if (direction == QChar::DirR || direction == QChar::DirAL) first = Direction::RightToLeft;
    });
    return first;
}

bool hasRightToLeft(QStringView text) {
    bool found = false;
    eachCharacter(text, [&found](char32_t code, qsizetype) {
        if (code < kFirstShaped) return;
        const QChar::Direction direction = QChar::direction(code);
        found = found || direction == QChar::DirR || direction == QChar::DirAL || direction == QChar::DirAN;
    });
    return found;
}

}  // namespace quibble
