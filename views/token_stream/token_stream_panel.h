// The stream with its search bar and its "Jump to live" button: what the window puts in its centre.
#pragma once

#include "views/view.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QTimer;

namespace quibble {

class RunDocument;
class TokenStreamView;

class TokenStreamPanel : public View {
    Q_OBJECT
public:
    explicit TokenStreamPanel(RunDocument* document, QWidget* parent = nullptr);
    [[nodiscard]] TokenStreamView* stream() const { return stream_; }

public slots:
    void openFind();
    void closeFind();

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void buildFindBar();
    void placeLiveButton();
    void updateFindLabel();
    void updateNotes();

    RunDocument* document_;
    TokenStreamView* stream_;
    QWidget* find_bar_ = nullptr;
    QLineEdit* find_edit_ = nullptr;
    QLabel* find_label_ = nullptr;
    QPushButton* live_button_ = nullptr;
    QWidget* empty_hint_ = nullptr;
    QTimer* note_timer_ = nullptr;
};

}  // namespace quibble
