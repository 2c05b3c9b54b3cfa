// A check box whose text gives way where there is no room for it.
#pragma once

#include <QCheckBox>

namespace quibble {

class ElidingCheckBox : public QCheckBox {
    Q_OBJECT
public:
    ElidingCheckBox(const QString& text, QWidget* parent);
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
};

}  // namespace quibble
