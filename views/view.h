// What a panel of the window is: a widget with a title and figures at the right of the title, so that no plot needs a caption.
#pragma once

#include <QString>
#include <QWidget>

namespace quibble {

class View : public QWidget {
    Q_OBJECT
public:
    explicit View(const QString& title, QWidget* parent = nullptr);

    [[nodiscard]] QString title() const { return title_; }
    [[nodiscard]] QString figures() const { return figures_; }
    /// A small control shown in the header beside the figures, or nullptr. Owned by the view until a header takes it.
    [[nodiscard]] virtual QWidget* headerWidget() { return nullptr; }

signals:
    void titleChanged(const QString& title);
    void figuresChanged(const QString& figures);

protected:
    void setTitle(const QString& title);
    void setFigures(const QString& figures);

private:
    QString title_;
    QString figures_;
};

}  // namespace quibble
