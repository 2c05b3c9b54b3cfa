#include "views/token_stream/token_pieces.h"

#include <algorithm>
#include <string>

#include "views/text_shaping.h"

namespace quibble {

int utf8CharLength(std::string_view bytes) {
    if (bytes.empty()) return 0;
    const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    const int length = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : lead >= 0xE0 && lead <= 0xEF ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
    if (length == 0) return 0;
    for (int i = 1; i < length; ++i) {
        if (static_cast<std::size_t>(i) >= bytes.size()) return -1;
        unsigned char low = 0x80, high = 0xBF;
        if (i == 1) {  // the second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        }
        if (at(static_cast<std::size_t>(i)) < low || at(static_cast<std::size_t>(i)) > high) return 0;
    }
    return length;
}

bool isWholeUtf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const int length = utf8CharLength(bytes);
        if (length <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(length));
    }
    return true;
}

// QString::fromUtf8 drops a byte order mark at the start, which is a character of the text here.
static QString fromUtf8(std::string_view bytes) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    QString out;
    for (; bytes.substr(0, kMark.size()) == kMark; bytes.remove_prefix(kMark.size())) out += QChar(0xFEFF);
    return out + QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size()));
}

static QString hexByte(char byte) {
    return QStringLiteral("\\x%1").arg(static_cast<unsigned char>(byte), 2, 16, QLatin1Char('0'));
}

QString decodeBytes(std::string_view bytes) {
    QString out;
    while (!bytes.empty()) {
        const int length = utf8CharLength(bytes);
        if (length <= 0) {
            out += hexByte(bytes.front());
            bytes.remove_prefix(1);
        } else {
            out += fromUtf8(bytes.substr(0, static_cast<std::size_t>(length)));
            bytes.remove_prefix(static_cast<std::size_t>(length));
        }
    }
    return out;
}

namespace {

// Short names as in the code charts; the rest is named by its number.
struct InvisibleName {
    char32_t code;
    const char* name;
};
constexpr InvisibleName kInvisibleNames[] = {
    {0x00A0, "NBSP"},  {0x00AD, "SHY"},  {0x034F, "CGJ"},  {0x061C, "ALM"},   {0x2002, "ENSP"}, {0x2003, "EMSP"},
    {0x2007, "FIGSP"}, {0x2009, "THSP"}, {0x200A, "HSP"},  {0x200B, "ZWSP"},  {0x200C, "ZWNJ"}, {0x200D, "ZWJ"},
    {0x200E, "LRM"},   {0x200F, "RLM"},  {0x2028, "LSEP"}, {0x2029, "PSEP"},  {0x202A, "LRE"},  {0x202B, "RLE"},
    {0x202C, "PDF"},   {0x202D, "LRO"},  {0x202E, "RLO"},  {0x202F, "NNBSP"}, {0x205F, "MMSP"}, {0x2060, "WJ"},
    {0x2066, "LRI"},   {0x2067, "RLI"},  {0x2068, "FSI"},  {0x2069, "PDI"},   {0x3000, "IDSP"}, {0xFE0E, "VS15"},
    {0xFE0F, "VS16"},  {0xFEFF, "BOM"},
};

bool between(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

bool isInvisible(char32_t code) {
    switch (QChar::category(code)) {
        case QChar::Other_Control:
        case QChar::Separator_Line:
        case QChar::Separator_Paragraph: return true;
        case QChar::Separator_Space: return code != U' ';
        case QChar::Other_Format:
            // Signs that stand around a number or an abbreviation have a shape.
            return !between(code, 0x0600, 0x0605) && code != 0x06DD && code != 0x070F &&
                   !between(code, 0x0890, 0x0891) && code != 0x08E2;
        default: break;
    }
    // Letters and marks without ink: fillers, joiners, variation selectors, the empty Braille cell.
    return code == 0x034F || code == 0x115F || code == 0x1160 || between(code, 0x17B4, 0x17B5) ||
           between(code, 0x180B, 0x180F) || code == 0x2800 || code == 0x3164 || between(code, 0xFE00, 0xFE0F) ||
           code == 0xFFA0 || between(code, 0xE0000, 0xE0FFF);
}

}  // namespace

QString invisibleMark(char32_t code) {
    if (code < 0x7F || !isInvisible(code)) return {};
    for (const InvisibleName& named : kInvisibleNames) {
        if (named.code == code) return QStringLiteral("⟦%1⟧").arg(QLatin1String(named.name));
    }
    return QStringLiteral("⟦U+%1⟧").arg(
        QString::number(static_cast<uint>(code), 16).toUpper().rightJustified(4, QLatin1Char('0')));
}

bool isDirectionControl(char32_t code) { return between(code, 0x202A, 0x202E) || between(code, 0x2066, 0x2069); }

QString tokenLabelOf(std::string_view bytes, bool spaces) {
    QString text;
    eachCharacter(decodeBytes(bytes), [&text](char32_t code, qsizetype) {
        if (code == U'\n')
            text += QChar(0x21B5);
        else if (code == U'\t')
            text += QChar(0x2192);
        else if (code < 0x20)
            text += QChar(0x2400 + static_cast<char16_t>(code));
        else if (code == 0x7F)
            text += QChar(0x2421);
        else if (const QString mark = invisibleMark(code); !mark.isEmpty())
            text += mark;
        else
            text += QStringView(QChar::fromUcs4(code));
    });
    if (spaces) {
        for (qsizetype i = 0; i < text.size() && text[i] == QLatin1Char(' '); ++i) text[i] = QChar(0x2423);
        for (qsizetype i = text.size() - 1; i >= 0 && text[i] == QLatin1Char(' '); --i) text[i] = QChar(0x2423);
    }
    return text;
}

void TokenPieces::clear() { *this = TokenPieces(); }

int TokenPieces::internPiece(Piece piece) {
    const QString key = (piece.unnamed ? QLatin1Char('?') : QLatin1Char('=')) + piece.text;
    const auto found = by_text_.constFind(key);
    if (found != by_text_.constEnd()) return *found;
    piece.special = piece.text.size() > 2 && piece.text.startsWith(QLatin1Char('<')) &&
                    piece.text.endsWith(QLatin1Char('>')) && !piece.text.contains(QLatin1Char(' '));
    const int index = static_cast<int>(table_.size());
    table_.push_back(std::move(piece));
    by_text_.insert(key, index);
    return index;
}

void TokenPieces::push(int piece_index) {
    piece_of_.push_back(piece_index);
    begin_.push_back(text_.size());
    text_ += table_[static_cast<std::size_t>(piece_index)].text;
}

void TokenPieces::truncate(int size) {
    if (size >= this->size()) return;
    text_.truncate(begin_[static_cast<std::size_t>(size)]);
    piece_of_.resize(static_cast<std::size_t>(size));
    begin_.resize(static_cast<std::size_t>(size));
}

int TokenPieces::update(const RunTrace& trace) {
    const int total = static_cast<int>(trace.points().size());
    int first_changed = size();
    for (int i = size(); i < total; ++i) {
        const TokenId id = trace.points()[static_cast<std::size_t>(i)].token.id;
        const std::string_view bytes = trace.text(id);
        if (open_ < 0) {
            if (const auto known = by_id_.find(id); known != by_id_.end()) {
                push(known->second);
                continue;
            }
        }
        if (bytes.empty()) {
            open_ = -1;
            push(internPiece({QStringLiteral("⟨%1⟩").arg(id), false, true}));
        } else if (isWholeUtf8(bytes)) {
            open_ = -1;  // what was open stays as \xNN
            const int index = internPiece({fromUtf8(bytes), false, false});
            by_id_.emplace(id, index);
            push(index);
        } else {
            if (open_ < 0) {
                open_byte_ = 0;
                open_prefix_.clear();
            }
            const int first = open_ < 0 ? i : open_;
            first_changed = std::min(first_changed, first);
            truncate(first);
            pushJoined(trace, first, i + 1);
        }
    }
    return first_changed;
}

// Decodes the bytes of tokens [first, last) together; a character belongs to the token in which it begins.
void TokenPieces::pushJoined(const RunTrace& trace, int first, int last) {
    std::string bytes;
    std::vector<std::size_t> ends;
    for (int i = first; i < last; ++i) {
        bytes += trace.text(trace.points()[static_cast<std::size_t>(i)].token.id);
        ends.push_back(bytes.size());
    }
    std::vector<QString> texts(ends.size());
    texts.front() = open_prefix_;
    std::size_t at = open_byte_, owner = 0;
    open_ = -1;
    while (at < bytes.size()) {
        while (at >= ends[owner]) ++owner;
        const std::string_view rest = std::string_view(bytes).substr(at);
        const int length = utf8CharLength(rest);
        if (length > 0) {
            texts[owner] += fromUtf8(rest.substr(0, static_cast<std::size_t>(length)));
            at += static_cast<std::size_t>(length);
            continue;
        }
        if (length < 0 && open_ < 0) {
            open_ = first + static_cast<int>(owner);
            open_byte_ = at - (owner == 0 ? 0 : ends[owner - 1]);
            open_prefix_ = texts[owner];
        }
        texts[owner] += hexByte(rest.front());
        ++at;
    }
    for (QString& text : texts) push(internPiece({std::move(text), false, false}));
}

qsizetype TokenPieces::begin(int token) const {
    return token < size() ? begin_[static_cast<std::size_t>(token)] : text_.size();
}

QStringView TokenPieces::textOf(int token) const {
    const qsizetype from = begin(token);
    return QStringView(text_).mid(from, begin(token + 1) - from);
}

int TokenPieces::tokenOfChar(qsizetype offset) const {
    if (offset < 0 || offset >= text_.size()) return -1;
    const auto after = std::upper_bound(begin_.begin(), begin_.end(), offset);
    return static_cast<int>(after - begin_.begin()) - 1;
}

}  // namespace quibble
