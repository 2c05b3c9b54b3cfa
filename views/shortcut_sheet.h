// F1: all shortcuts of the window, and the keys and gestures of the views, in one searchable sheet.
#pragma once

#include <vector>

#include <QDialog>

class QLineEdit;
class QTreeWidget;

namespace quibble {

class ShortcutSheet : public QDialog {
    Q_OBJECT
public:
    explicit ShortcutSheet(QWidget* window);
    void open() override;
    [[nodiscard]] QTreeWidget* tree() const { return tree_; }

private:
    void collect();
    void filter(const QString& text);

    QWidget* window_;
    QLineEdit* edit_;
    QTreeWidget* tree_;
};

}  // namespace quibble
