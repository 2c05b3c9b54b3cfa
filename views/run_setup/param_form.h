// A form made from parameter specifications: one labelled field each, in its range and on its step.
#pragma once

#include <string>
#include <vector>

#include <QWidget>

#include "engine/values/param_spec.h"

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLineEdit;

namespace quibble {

class NumberField;

class ParamForm : public QWidget {
    Q_OBJECT
public:
    ParamForm(const std::vector<ParamSpec>& specs, QWidget* parent = nullptr);
    void setValues(const MethodChoice& choice);
    /// Appends the values to the choice, in the order of the specifications.
    void fill(MethodChoice& choice) const;
    /// The label of a text that the method cannot do without and that is empty; empty: none is missing.
    [[nodiscard]] QString missing() const;
    /// Whether somebody is in the middle of typing that text.
    [[nodiscard]] bool isTyped(const std::string& key) const;

signals:
    void changed();
    void faultChanged();  // of a number that was typed: firstFault() says which

private:
    struct Field {
        ParamSpec spec;
        NumberField* number = nullptr;  // one of these four
        QCheckBox* toggle = nullptr;
        QComboBox* options = nullptr;
        QLineEdit* line = nullptr;
    };
    void addNumber(Field& field, QFormLayout& form);
    void addOptions(Field& field, QFormLayout& form);
    void addLine(Field& field, QFormLayout& form);

    std::vector<Field> fields_;
};

}  // namespace quibble
