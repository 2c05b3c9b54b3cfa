// What a panel of the window is: a widget with a title and figures at the right of the title, so that no plot needs a
// caption.
//
// Hidden views. What takes time to bring up to date is done in refreshContent(), and only while it can be of use:
// contentChanged() calls it at once for a view that is shown, else it is remembered and done before the view is shown
// or exported. Everything else follows the document at once, shown or not. So whatever is seen is right, and nothing
// works for nobody.
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
    /// Does what was put off, for this view and those it stands in. To be called before a view that may be hidden is
    /// read.
    void bringUpToDate();
    /// How often that was done so far; what a test counts instead of a time.
    [[nodiscard]] int timesRefreshed() const { return refreshed_; }

signals:
    void titleChanged(const QString& title);
    void figuresChanged(const QString& figures);

protected:
    void setTitle(const QString& title);
    void setFigures(const QString& figures);
    void contentChanged();
    virtual void refreshContent() {}
    void showEvent(QShowEvent* event) override;

private:
    QString title_;
    QString figures_;
    bool stale_ = false;
    int refreshed_ = 0;
};

}  // namespace quibble
