// The rules of the next run beside the marker penalty: on the logits before each token, and on the text. They act from
// top to bottom. Numbers of a rule are live.
#pragma once

#include <memory>
#include <vector>

#include "engine/values/run_request.h"
#include "views/run_setup/method_chooser.h"
#include "views/view.h"

class QCheckBox;
class QLabel;
class QMenu;
class QPushButton;
class QVBoxLayout;

namespace quibble {

class ParamForm;
class RunDocument;

class RulesPanel : public View {
    Q_OBJECT
public:
    explicit RulesPanel(RunDocument* document, QWidget* parent = nullptr);

    /// What the menu offers.
    /// What can be added; rules that stand here stay.
    void setMethods(std::vector<MethodInfo> logits, std::vector<MethodInfo> control);
    /// What is wrong with a number that was typed; empty: nothing.
    [[nodiscard]] QString fault() const;

    /// Shows the rules of a request without emitting anything. Rules that no method of the menu has are left out.
    void setRequest(const RunRequest& request);
    /// Writes the rules that are switched on.
    void fill(RunRequest& request) const;

    [[nodiscard]] QPushButton* addButton() const { return add_; }
    [[nodiscard]] int count() const { return static_cast<int>(rows_.size()); }
    [[nodiscard]] QCheckBox* toggle(int row) const { return rows_[static_cast<std::size_t>(row)].on; }
    [[nodiscard]] ParamForm* form(int row) const { return rows_[static_cast<std::size_t>(row)].form; }
    /// What the rule did in the shown run: "3 turned away", "12 injected"; empty: nothing.
    [[nodiscard]] QString deeds(int row) const;

public slots:
    /// Adds the rule of that id of the slot, behind the others of its slot.
    void addRule(bool control, const QString& id);
    void removeRule(int row);
    /// Lets the rule act before the one above it of its slot.
    void moveUp(int row);

signals:
    void changed();
    /// Live control with the key of ControlChange: "rule:1:tokens"; only while a run of the same rules goes on.
    void controlChanged(const QString& key, const quibble::ParamValue& value);
    void faultChanged();

private:
    struct Row {
        bool control = false;
        std::string id;
        QWidget* box = nullptr;
        QCheckBox* on = nullptr;
        QLabel* deeds = nullptr;
        ParamForm* form = nullptr;
        MethodChoice told{};  // what a run that is going on knows
    };
    Row makeRow(bool control, const MethodInfo& method);
    [[nodiscard]] const MethodInfo* methodOf(bool control, const std::string& id) const;
    [[nodiscard]] MethodChoice choiceOf(const Row& row) const;
    void placeRows();
    void onChanged();
    void tellRun();
    void refreshDeeds();
    /// Index of the row's rule among those of the shown run; -1: that run has other rules.
    [[nodiscard]] int indexInRun(std::size_t row) const;

    RunDocument* document_;
    std::vector<MethodInfo> logits_, control_;
    std::vector<Row> rows_;  // those of slot logits first
    QVBoxLayout* column_;
    QLabel* logits_title_;
    QLabel* control_title_;
    QLabel* empty_;
    QPushButton* add_;
    bool silent_ = false;
};

}  // namespace quibble
