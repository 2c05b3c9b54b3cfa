#include "views/token_stream/bidi_line.h"

#include <algorithm>
#include <cmath>

#include <QFontMetricsF>
#include <QGlyphRun>
#include <QPainter>
#include <QTextOption>

#include "views/text_shaping.h"

namespace quibble {

namespace {

constexpr double kNoLimit = 1e6;
constexpr float kTouching = 0.51F;  // pixels
constexpr float kBorrowed = 0.35F;  // of a character, for a part behind it that has no width of its own

}  // namespace

BidiLine::BidiLine(const QFont& font, std::vector<Part> parts, bool from_right, float room)
    : font_(font), parts_(std::move(parts)) {
    shape(from_right);
    findPlaces(from_right, room);
    makeRoom();
    stretches_ = joined(places_);
}

void BidiLine::shape(bool from_right) {
    QString text;
    for (const Part& part : parts_) {
        begins_.push_back(text.size());
        text += part.text;
    }
    layout_.setText(text);
    QFont shaped(font_);
    shaped.setStyleStrategy(QFont::PreferDefault);  // joined letters, and brackets that are turned over
    layout_.setFont(shaped);
    QTextOption option(Qt::AlignLeft | Qt::AlignAbsolute);
    option.setTextDirection(from_right ? Qt::RightToLeft : Qt::LeftToRight);
    option.setWrapMode(QTextOption::NoWrap);
    option.setFlags(QTextOption::IncludeTrailingSpaces);
    layout_.setTextOption(option);
    // Each sign is shaped by itself, so that none is joined with its neighbour.
    QList<QTextLayout::FormatRange> formats;
    for (int i = 0; joinsSigns(font_) && i < text.size(); ++i) {
        if (text[i].unicode() < 0x80) formats.append({i, 1, QTextCharFormat()});
    }
    layout_.setFormats(formats);
    layout_.beginLayout();
    QTextLine line = layout_.createLine();
    if (line.isValid()) line.setLineWidth(kNoLimit);
    layout_.endLayout();
}

void BidiLine::findPlaces(bool from_right, float room) {
    for (int part = 0; part < static_cast<int>(parts_.size()); ++part) {
        const std::vector<Place> own = placesIn(part, 0, parts_[static_cast<std::size_t>(part)].text.size());
        places_.insert(places_.end(), own.begin(), own.end());
    }
    if (places_.empty()) return;
    float least = places_.front().left, greatest = places_.front().right;
    for (const Place& place : places_) {
        least = std::min(least, place.left);
        greatest = std::max(greatest, place.right);
    }
    const float shift = (from_right ? std::max(0.0F, room - (greatest - least)) : 0.0F) - least;
    shift_ = static_cast<double>(shift);
    for (Place& place : places_) {
        place.left += shift;
        place.right += shift;
    }
}

// What the renderer says about the glyphs of these characters; of a glyph for several of them, their share.
std::vector<BidiLine::Place> BidiLine::placesIn(int part, qsizetype begin, qsizetype end) const {
    std::vector<Place> places;
    if (end <= begin || layout_.lineCount() == 0) return places;
    const auto from = static_cast<int>(begins_[static_cast<std::size_t>(part)] + begin);
    for (const QGlyphRun& run : layout_.lineAt(0).glyphRuns(from, static_cast<int>(end - begin))) {
        const QRectF box = run.boundingRect();
        if (box.width() <= 0) continue;
        places.push_back({part, static_cast<float>(box.left() + shift_), static_cast<float>(box.right() + shift_),
                          run.isRightToLeft()});
    }
    return places;
}

// Gives `part` the end of the last character of another part, or the beginning of its first one.
bool BidiLine::takeFrom(int lender, bool end, int part) {
    constexpr float kEnough = 2;  // pixels of a character that can give some
    const QString& text = parts_[static_cast<std::size_t>(lender)].text;
    const qsizetype size = text.size();
    const qsizetype length = size > 1 && (end ? text[size - 1].isLowSurrogate() : text[0].isHighSurrogate()) ? 2 : 1;
    const std::vector<Place> character =
        placesIn(lender, end ? std::max<qsizetype>(0, size - length) : 0, end ? size : std::min(length, size));
    if (character.empty() || character.front().right - character.front().left <= kEnough) return false;
    const Place& from = character.front();
    const float share = (from.right - from.left) * kBorrowed;
    const bool left = end == from.from_right;
    const Place taken{part, left ? from.left : from.right - share, left ? from.left + share : from.right,
                      from.from_right};
    for (Place& place : places_) {
        if (place.part != lender) continue;
        if (left && std::abs(place.left - from.left) < kTouching) place.left += share;
        if (!left && std::abs(place.right - from.right) < kTouching) place.right -= share;
    }
    places_.push_back(taken);
    return true;
}

// A part that shows nothing of its own (the rest of a character that is spread over tokens, a mark over a letter) takes
// the end of the character before it, or the beginning of the one behind it: a gap would tear a word apart.
void BidiLine::makeRoom() {
    const auto count = static_cast<int>(parts_.size());
    for (int part = 0; part < count; ++part) {
        const float least = parts_[static_cast<std::size_t>(part)].least;
        float width = 0;
        for (const Place& place : places_) width += place.part == part ? place.right - place.left : 0.0F;
        if (width >= least / 2) continue;
        bool found = false;
        for (int lender = part - 1; lender >= 0 && !found; --lender) found = takeFrom(lender, true, part);
        for (int lender = part + 1; lender < count && !found; ++lender) found = takeFrom(lender, false, part);
        if (!found) places_.push_back({part, 0, least, false});
    }
}

std::vector<BidiLine::Stretch> BidiLine::joined(const std::vector<Place>& places) {
    std::vector<Place> sorted = places;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Place& a, const Place& b) { return a.left < b.left; });
    std::vector<Stretch> out;
    for (const Place& place : sorted) {
        if (!out.empty() && out.back().part == place.part &&
            place.left <= out.back().x + out.back().width + kTouching) {
            out.back().width = std::max(out.back().width, place.right - out.back().x);
        } else if (place.right > place.left) {
            out.push_back({place.part, place.left, place.right - place.left});
        }
    }
    return out;
}

std::vector<BidiLine::Stretch> BidiLine::placesOf(int part, qsizetype begin, qsizetype end) const {
    return joined(placesIn(part, begin, end));
}

void BidiLine::draw(QPainter& painter, const QPointF& top_left) const {
    if (layout_.lineCount() == 0) return;
    // Letters of another font may be taller: all lines of the text keep one baseline.
    const double baseline = QFontMetricsF(font_).ascent() - layout_.lineAt(0).ascent();
    layout_.draw(&painter, top_left + QPointF(shift_, baseline));
}

}  // namespace quibble
