// A line of tokens in which something runs from right to left. Order belongs to the line: its text is laid out as a
// whole by the bidirectional algorithm, and a token is a range of it, which may come out as several stretches.
#pragma once

#include <QFont>
#include <QPointF>
#include <QString>
#include <QTextLayout>

#include <vector>

class QPainter;

namespace quibble {

class BidiLine {
public:
    struct Part {  // a token, or a segment of one, in the order of the text
        int token = 0;
        int segment = 0;
        QString text;
        float least = 0;  // what it takes when it shows nothing, if it can
    };
    struct Stretch {  // what is seen of a part, from left to right
        int part = 0;
        float x = 0, width = 0;
    };

    /// `room`: where a line that begins at the right begins.
    BidiLine(const QFont& font, std::vector<Part> parts, bool from_right, float room);

    [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
    [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }
    /// Where the characters [begin, end) of a part stand.
    [[nodiscard]] std::vector<Stretch> placesOf(int part, qsizetype begin, qsizetype end) const;
    /// With the pen of the painter; `top_left` is that of a line of `font`.
    void draw(QPainter& painter, const QPointF& top_left) const;

private:
    struct Place {  // of neighbours in one direction
        int part = 0;
        float left = 0, right = 0;
        bool from_right = false;
    };
    void shape(bool from_right);
    void findPlaces(bool from_right, float room);
    void makeRoom();
    [[nodiscard]] std::vector<Place> placesIn(int part, qsizetype begin, qsizetype end) const;
    [[nodiscard]] bool takeFrom(int lender, bool end, int part);
    [[nodiscard]] static std::vector<Stretch> joined(const std::vector<Place>& places);

    QFont font_;
    std::vector<Part> parts_;
    QTextLayout layout_;
    std::vector<qsizetype> begins_;  // of the parts in the text of the line
    std::vector<Place> places_;
    std::vector<Stretch> stretches_;
    double shift_ = 0;  // of the layout, to the right
};

}  // namespace quibble
