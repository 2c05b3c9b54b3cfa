// The log as a window: the last lines of this process, filtered by level and text, followed as they come.
#pragma once

#include <functional>
#include <vector>

#include <QDialog>
#include <QTimer>

#include "engine/values/log_line.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QTableView;

namespace quibble {

class LogModel;

class LogWindow : public QDialog {
    Q_OBJECT
public:
    struct Source {
        std::function<std::vector<LogLine>(std::uint64_t after)>
            lines;                          // a portion of those that are newer; empty: none are
        std::function<QString()> place;     // the file, or why there is none
        std::function<void()> open_folder;  // empty: there is none
    };
    LogWindow(Source source, QWidget* parent);

    [[nodiscard]] LogModel* model() const { return model_; }
    [[nodiscard]] QTableView* table() const { return table_; }
    [[nodiscard]] QComboBox* levelBox() const { return level_; }
    [[nodiscard]] QLineEdit* filterEdit() const { return filter_; }
    [[nodiscard]] QPushButton* copyButton() const { return copy_; }
    [[nodiscard]] QPlainTextEdit* details() const { return details_; }

public slots:
    void copy();  // selected rows, or all that are shown
    void refresh();

protected:
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void place();
    void applyFilter();
    [[nodiscard]] bool atEnd() const;

    Source source_;
    LogModel* model_;
    QTableView* table_;
    QComboBox* level_;
    QLineEdit* filter_;
    QPlainTextEdit* details_;  // the current line, all of it
    QLabel* state_;
    QPushButton* copy_;
    QTimer poll_;
};

}  // namespace quibble
