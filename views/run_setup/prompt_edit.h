// The editor of the prompt. Qt lays a paragraph out anew at every key and hands out its text as a copy, so the editor
// holds only what that is quick for. A longer text is the prompt all the same: it is kept beside the editor, which then
// shows its beginning and its end, unchangeable.
#pragma once

#include <string>

#include <QPlainTextEdit>

namespace quibble {

class PromptEdit : public QPlainTextEdit {
    Q_OBJECT
public:
    /// Characters that can be edited, in all and in one paragraph.
    static constexpr qsizetype kMostEditable = 100'000, kLongestParagraph = 10'000;

    explicit PromptEdit(QWidget* parent = nullptr);

    void setPrompt(const QString& text);
    [[nodiscard]] const QString& prompt() const { return prompt_; }
    [[nodiscard]] const std::string& utf8() const { return utf8_; }
    /// Too long to be edited: the editor shows an excerpt.
    [[nodiscard]] bool held() const { return held_; }
    /// The text before the one that was too long, and that can be edited again.
    void takeBack();

signals:
    void promptChanged();  // by the user

protected:
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;
    [[nodiscard]] bool canInsertFromMimeData(const QMimeData* source) const override;
    void insertFromMimeData(const QMimeData* source) override;

private:
    void display(const QString& text);
    void drawAsItIs();
    void remember(const QString& text);

    QString prompt_;
    std::string utf8_;
    QString before_;
    bool held_ = false;
    bool showing_ = false;  // the change of the document is ours
};

}  // namespace quibble
