#include "views/run_setup/param_form.h"

#include <QCheckBox>
#include <QFormLayout>
#include <QLabel>

#include "views/number_field.h"
#include "views/widgets.h"

namespace quibble {

constexpr int kSteps = 20;  // of the arrows, through a range of real numbers

static QString text(std::string_view view) {
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

ParamForm::ParamForm(const std::vector<ParamSpec>& specs, QWidget* parent) : QWidget(parent) {
    auto* form = new QFormLayout(this);
    form->setContentsMargins(0, 0, 0, 0);
    for (const ParamSpec& spec : specs) {
        Field field{spec};
        if (spec.low == 0 && spec.high == 1 && spec.step == 1) {
            field.toggle = new QCheckBox(text(spec.label), this);
            field.toggle->setChecked(spec.fallback != 0);
            field.toggle->setToolTip(text(spec.help));
            form->addRow(QString(), field.toggle);
            connect(field.toggle, &QCheckBox::toggled, this, &ParamForm::changed);
        } else {
            field.number = new NumberField(text(spec.label), this);
            field.number->setRange(spec.low, spec.high);
            field.number->setGrid(spec.step);
            field.number->setStep(spec.step > 0 ? spec.step : (spec.high - spec.low) / kSteps);
            field.number->setValue(spec.fallback);
            field.number->setToolTip(text(spec.help));
            wheelOnlyWithFocus(field.number);
            field.number->setUnit(text(spec.unit));
            form->addRow(text(spec.label), field.number);
            connect(field.number, &NumberField::valueChanged, this, &ParamForm::changed);
            connect(field.number, &NumberField::faultChanged, this, &ParamForm::faultChanged);
        }
        fields_.push_back(field);
    }
    form->addRow(makeFaultNote(this));
}

void ParamForm::setValues(const MethodChoice& choice) {
    for (const Field& field : fields_) {
        const double value = choice.value(field.spec);
        if (field.toggle != nullptr)
            field.toggle->setChecked(value != 0);
        else
            field.number->setValue(value);
    }
}

void ParamForm::fill(MethodChoice& choice) const {
    for (const Field& field : fields_) {
        choice.params.emplace_back(std::string(field.spec.key), field.toggle != nullptr
                                                                    ? (field.toggle->isChecked() ? 1.0 : 0.0)
                                                                    : field.number->value());
    }
}

}  // namespace quibble
