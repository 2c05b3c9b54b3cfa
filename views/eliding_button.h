// A tool button that gets by with less room than its text: what does not fit is left out in the middle, since both ends
// of "name · format" tell it from others, and the whole stands in the tool tip.
#pragma once

#include <QToolButton>

namespace quibble {

class ElidingButton : public QToolButton {
    Q_OBJECT
public:
    explicit ElidingButton(QWidget* parent = nullptr);
    void setFullText(const QString& text);
    /// What the button does; after the whole text in the tool tip when that does not fit.
    void setHelp(const QString& help);
    /// What is wrong with what the button stands for: the whole tool tip while it holds. Empty: nothing is.
    void setWarning(const QString& warning);
    /// The text as it is painted in the room that there is.
    [[nodiscard]] QString shownText() const;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void updateToolTip();

    QString help_, warning_;
};

}  // namespace quibble
