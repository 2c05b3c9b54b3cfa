// What the run is asked: a problem with a known answer, or a free prompt; with the chat template or as it stands.
#pragma once

#include <string>
#include <vector>

#include "engine/values/run_request.h"
#include "views/view.h"

class QCheckBox;
class QLabel;
class QPushButton;
class QTextBrowser;
class QToolButton;

namespace quibble {

class PromptEdit;

/// A token of the exact prompt, for the pop-up.
struct PromptToken {
    TokenId id = kNoToken;
    std::string bytes;
    bool special = false;
};

class RunSetupPanel : public View {
    Q_OBJECT
public:
    explicit RunSetupPanel(QWidget* parent = nullptr);

    void showProblem(const QString& id, const QString& text, const QString& known_answer);
    void showFreePrompt(const QString& text);
    /// Shows the prompt of a stored run.
    void show(const RunRequest& request);
    /// Writes prompt, raw, problem_id and known_answer.
    void fill(RunRequest& request) const;
    [[nodiscard]] QString prompt() const;
    [[nodiscard]] bool raw() const;
    /// The first tokens of the prompt, of `total` (0: these are all).
    void setPromptTokens(std::vector<PromptToken> tokens, std::size_t total = 0);
    /// More are not shown: laying them out takes too long.
    static constexpr std::size_t kTokensShown = 4000;
    [[nodiscard]] bool tokensShown() const;
    void setProblemsAvailable(bool available);
    /// What the button offers that is about all problems of the set, or why it cannot.
    void setSetOffer(const QString& text, const QString& tip, bool possible);
    /// Why the model cannot be asked this; empty: it can.
    void setBlocked(const QString& reason);
    /// What the open model was made for, if nothing else; said beside prompts that are not of the problem set. Empty:
    /// it was made for anything.
    void setSpeciality(const QString& text);
    [[nodiscard]] PromptEdit* editor() const { return text_; }

    using View::show;

signals:
    void newProblemRequested();
    void setRequested();           // what setSetOffer() offers
    void promptChanged();          // text, raw, or kind
    void promptTokensRequested();  // the pop-up was opened: call setPromptTokens
    void runRequested();           // Ctrl+Enter in the editor

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    /// The text is that of the problem, and its answer is known.
    [[nodiscard]] bool isProblem() const;
    void showKind();
    void openTokens();
    void renderTokens();

    PromptEdit* text_;
    QPushButton* new_button_;
    QPushButton* free_button_;
    QPushButton* set_button_;
    QLabel* speciality_;
    QLabel* length_note_;
    QPushButton* take_back_;
    QLabel* blocked_;
    QCheckBox* raw_;
    QToolButton* tokens_button_;
    QWidget* tokens_popup_ = nullptr;
    QTextBrowser* tokens_text_ = nullptr;
    QLabel* tokens_title_ = nullptr;
    std::vector<PromptToken> tokens_;
    std::size_t tokens_total_ = 0;
    QString problem_id_, known_answer_, problem_text_;
    bool free_ = false;  // the user asked for a prompt without a known answer, and has typed nothing yet
};

}  // namespace quibble
