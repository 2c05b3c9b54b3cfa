// Ctrl+Shift+P: every action of a window by name, filtered while typing. Disabled actions are listed and say so.
#pragma once

#include <QDialog>

class QLineEdit;
class QListView;
class QSortFilterProxyModel;
class QStandardItemModel;

namespace quibble {

class CommandPalette : public QDialog {
    Q_OBJECT
public:
    explicit CommandPalette(QWidget* window);
    /// Reads the actions of the window anew and shows the dialog.
    void open() override;
    [[nodiscard]] QLineEdit* edit() const { return edit_; }
    [[nodiscard]] int count() const;  // rows after filtering
    [[nodiscard]] QString textOf(int row) const;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void collect();
    void trigger();

    QWidget* window_;
    QLineEdit* edit_;
    QListView* list_;
    QStandardItemModel* model_;
    QSortFilterProxyModel* filter_;
};

}  // namespace quibble
