// A slider around a neutral value: what is filled is the way from there to the handle, and a notch shows where it is.
#pragma once

#include <QSlider>

namespace quibble {

class PenaltySlider : public QSlider {
    Q_OBJECT
public:
    /// Horizontal. neutral: a value of the range.
    explicit PenaltySlider(int neutral, QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    int neutral_;
};

}  // namespace quibble
