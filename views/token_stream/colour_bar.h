// "colour [entropy v] ====== 0 - 1.6 nat": chooser of the measurement and the legend of the stream. For a tool bar.
#pragma once

#include <QWidget>

class QComboBox;
class QLabel;

namespace quibble {

class LegendBar;
class RunDocument;

class ColourBar : public QWidget {
    Q_OBJECT
public:
    explicit ColourBar(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] QComboBox* chooser() const { return chooser_; }

    /// How much of it is shown, each with what stands before it; Everything: the caption, too.
    enum class Room { Chooser, Legend, Everything };
    void setRoom(Room room);
    [[nodiscard]] int widthWith(Room room) const;

private:
    QLabel* caption_ = nullptr;
    QComboBox* chooser_;
    LegendBar* legend_;
};

}  // namespace quibble
