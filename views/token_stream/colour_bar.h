// "colour [entropy v] ====== 0 - 1.6 nat": chooser of the measurement and the legend of the stream. For a tool bar.
#pragma once

#include <QWidget>

class QComboBox;

namespace quibble {

class LegendBar;
class RunDocument;

class ColourBar : public QWidget {
    Q_OBJECT
public:
    explicit ColourBar(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] QComboBox* chooser() const { return chooser_; }

private:
    QComboBox* chooser_;
    LegendBar* legend_;
};

}  // namespace quibble
