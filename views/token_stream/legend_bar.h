// The colour scale of the stream: a gradient and its ends in words.
#pragma once

#include <QWidget>

namespace quibble {

class RunDocument;

class LegendBar : public QWidget {
    Q_OBJECT
public:
    explicit LegendBar(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QString caption() const;  // "0 – 2 nat"

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    RunDocument* document_;
};

}  // namespace quibble
