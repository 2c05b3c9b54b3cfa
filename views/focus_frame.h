// Where the keyboard is, in views that draw themselves and so have no focus frame of a style: plots, text, maps. After
// a click nothing is drawn: who clicks knows where.
#pragma once

#include <QPointer>
#include <QWidget>

namespace quibble {

class FocusFrame : public QWidget {
    Q_OBJECT
public:
    /// Lies over `view`, which owns it, and follows the focus among its children.
    explicit FocusFrame(QWidget* view);

protected:
    void paintEvent(QPaintEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void follow(const QWidget* old, QWidget* now);
    void place();

    QPointer<QWidget> target_;
};

}  // namespace quibble
