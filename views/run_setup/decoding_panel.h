// Drafts and experts of the next run: who drafts, by which rule the target accepts, how many experts a pass may use.
// The expert budget is live.
#pragma once

#include "engine/values/run_request.h"
#include "views/run_setup/known_model.h"
#include "views/run_setup/method_chooser.h"
#include "views/view.h"

class QLabel;
class QPushButton;
class QSlider;

namespace quibble {

class RunDocument;

class DecodingPanel : public View {
    Q_OBJECT
public:
    explicit DecodingPanel(RunDocument* document, QWidget* parent = nullptr);

    /// Without "none", which is always there.
    void setDraftMethods(std::vector<MethodInfo> methods);
    void setVerifyMethods(std::vector<MethodInfo> methods);
    void setExpertMethods(std::vector<MethodInfo> methods);
    /// Draft models that are proposed when the user named none: the smallest there is, and one between it and the open
    /// model for methods that need two. Empty: none.
    void setProposedDrafts(const QString& smallest, const QString& middle);
    /// Models that the menu of a draft offers, beside any other file.
    void setKnownModels(std::vector<KnownModel> models);
    /// Why the next run cannot start like this; empty: it can.
    void setBlocked(const QString& reason);
    [[nodiscard]] QString blocked() const;
    /// Why the choice of experts would change nothing, shown below it; empty: it would.
    void setExpertsNote(const QString& note);
    /// What is wrong with a number that was typed; empty: nothing.
    [[nodiscard]] QString fault() const;
    /// Experts a layer and a token of the open model; 0: a dense model, the section says so.
    void setExperts(int count, int used);

    /// Shows the settings of a request without emitting anything.
    void setRequest(const RunRequest& request);
    /// Writes draft and experts.
    void fill(RunRequest& request) const;
    void setDraftFile(int which, const QString& path);  // 0: the draft, 1: the smallest of a chain of three
    [[nodiscard]] QSlider* budgetSlider() const { return budget_; }
    [[nodiscard]] QPushButton* draftFileButton(int which) const { return files_[which]; }
    [[nodiscard]] MethodChooser* draftChooser() const { return draft_; }
    [[nodiscard]] MethodChooser* verifyChooser() const { return verify_; }
    [[nodiscard]] MethodChooser* expertChooser() const { return experts_; }

signals:
    void changed();
    /// Live control with the key of ControlChange: "experts:budget", "draft:length"; only while a run of the same
    /// method goes on.
    void controlChanged(const QString& key, double value);
    void draftFileRequested(int which);
    void faultChanged();

private:
    void onChanged();
    void refresh();
    void moveBudget(int value);
    void tellRun(const QString& slot, const MethodChoice& now, MethodChoice& told);
    void refreshFiles(int files);
    void refreshBudget();
    void fillFileMenu(int which);
    [[nodiscard]] QString draftPath(int which, int files) const;
    [[nodiscard]] QString nameOf(const QString& path) const;

    RunDocument* document_;
    MethodChooser* draft_;
    QPushButton* files_[2];
    QString paths_[2];
    QString smallest_, middle_;
    std::vector<KnownModel> known_;
    QLabel* blocked_;
    QWidget* verify_box_;
    MethodChooser* verify_;
    QWidget* experts_box_;
    MethodChooser* experts_;
    QLabel* experts_note_;
    QWidget* budget_box_;
    QLabel* budget_label_;
    QSlider* budget_;
    QLabel* dense_note_;
    int expert_count_ = 0, experts_used_ = 0;
    MethodChoice told_draft_, told_experts_;  // what a run that is going on knows
    bool silent_ = false;
};

}  // namespace quibble
