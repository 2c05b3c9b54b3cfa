// Chooses a method of a slot and its parameters, from what the registry of the slot says about its methods.
#pragma once

#include <string>
#include <vector>

#include <QWidget>

#include "engine/values/method_head.h"

class QComboBox;
class QLabel;
class QStackedWidget;

namespace quibble {

class ParamForm;

struct MethodInfo {
    std::string id;
    QString label;
    QString help;  // one sentence
    std::vector<ParamSpec> params;
    bool lossless = true;
    int model_files = 0;  // files that the user names
    QString source{};     // where the method comes from: a paper
    QString blocked{};    // why the open model cannot have it; empty: it can
};

[[nodiscard]] MethodInfo methodInfo(const MethodHead& head);
/// What it is called, what it does and where it comes from, one line each.
[[nodiscard]] QString aboutMethod(const MethodInfo& method);

class MethodChooser : public QWidget {
    Q_OBJECT
public:
    /// `name` is spoken. A method that changes what the model says is called lossy.
    MethodChooser(const QString& name, QWidget* parent);

    void setMethods(std::vector<MethodInfo> methods);
    /// Shows a choice without telling; an unknown id shows the first method.
    void setChoice(const MethodChoice& choice);
    [[nodiscard]] MethodChoice choice() const;
    [[nodiscard]] const MethodInfo* method() const;  // nullptr: none are known
    [[nodiscard]] QComboBox* box() const { return box_; }
    [[nodiscard]] QString note() const;

signals:
    void changed();
    void faultChanged();

private:
    void showMethod(int index);

    std::vector<MethodInfo> methods_;
    std::vector<ParamForm*> forms_;
    QComboBox* box_;
    QStackedWidget* pages_;
    QLabel* note_;
    bool silent_ = false;
};

}  // namespace quibble
