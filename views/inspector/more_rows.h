// The line below a list that shows the likeliest of many: how many are shown, and buttons for more of them.
#pragma once

#include <QWidget>

class QLabel;
class QPushButton;

namespace quibble {

class MoreRows : public QWidget {
    Q_OBJECT
public:
    static constexpr int kStep = 12;

    explicit MoreRows(QWidget* parent);

    void setCounts(int shown, int all);
    /// Where the rows come from: "exact, recomputed: 0.6 ms".
    void setNote(const QString& note);
    [[nodiscard]] QString note() const;
    [[nodiscard]] QPushButton* moreButton() const { return more_; }
    [[nodiscard]] QPushButton* allButton() const { return all_; }

signals:
    void wanted(int rows);  // so many in all

private:
    QLabel* counts_;
    QPushButton* more_;
    QPushButton* all_;
    QLabel* note_;
    int shown_ = 0, of_ = 0;
};

}  // namespace quibble
