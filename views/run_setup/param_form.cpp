#include "views/run_setup/param_form.h"

#include <algorithm>

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>

#include "views/number_field.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kSteps = 20;  // of the arrows, through a range of real numbers

QString text(std::string_view view) { return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size())); }

// A text of several lines in a field of one: a backslash stands for itself twice, and for an end of line with an n.
QString oneLine(QString text) {
    return text.replace(QLatin1Char('\\'), QLatin1String("\\\\")).replace(QLatin1Char('\n'), QLatin1String("\\n"));
}

QString manyLines(const QString& line) {
    QString text;
    for (qsizetype i = 0; i < line.size(); ++i) {
        const bool escape = line[i] == QLatin1Char('\\') && i + 1 < line.size();
        if (escape && line[i + 1] == QLatin1Char('n')) {
            text += QLatin1Char('\n');
            ++i;
        } else {
            text += line[i];
            if (escape && line[i + 1] == QLatin1Char('\\')) ++i;
        }
    }
    return text;
}

}  // namespace

ParamForm::ParamForm(const std::vector<ParamSpec>& specs, QWidget* parent) : QWidget(parent) {
    auto* form = new QFormLayout(this);
    form->setContentsMargins(0, 0, 0, 0);
    form->setRowWrapPolicy(QFormLayout::WrapLongRows);  // in a narrow panel a field stands below its label
    for (const ParamSpec& spec : specs) {
        Field field{spec};
        const bool on_or_off = spec.isNumber() && spec.low == 0 && spec.high == 1 && spec.step == 1;
        if (on_or_off) {
            field.toggle = new QCheckBox(text(spec.label), this);
            field.toggle->setChecked(spec.fallback != 0);
            field.toggle->setToolTip(text(spec.help));
            form->addRow(QString(), field.toggle);
            connect(field.toggle, &QCheckBox::toggled, this, &ParamForm::changed);
        } else if (spec.isNumber()) {
            addNumber(field, *form);
        } else if (spec.kind == ParamKind::Choice) {
            addOptions(field, *form);
        } else {
            addLine(field, *form);
        }
        fields_.push_back(field);
    }
    form->addRow(makeFaultNote(this));
}

void ParamForm::addNumber(Field& field, QFormLayout& form) {
    const ParamSpec& spec = field.spec;
    field.number = new NumberField(text(spec.label), this);
    field.number->setRange(spec.low, spec.high);
    field.number->setGrid(spec.step);
    field.number->setStep(spec.step > 0 ? spec.step : (spec.high - spec.low) / kSteps);
    field.number->setValue(spec.fallback);
    field.number->setToolTip(text(spec.help));
    wheelOnlyWithFocus(field.number);
    field.number->setUnit(text(spec.unit));
    form.addRow(text(spec.label), field.number);
    connect(field.number, &NumberField::valueChanged, this, &ParamForm::changed);
    connect(field.number, &NumberField::faultChanged, this, &ParamForm::faultChanged);
}

void ParamForm::addOptions(Field& field, QFormLayout& form) {
    field.options = new QComboBox(this);
    for (const ParamOption& option : field.spec.options) field.options->addItem(text(option.label), text(option.id));
    field.options->setCurrentIndex(field.options->findData(text(field.spec.text)));
    field.options->setToolTip(text(field.spec.help));
    // A long option does not widen a narrow panel.
    field.options->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    field.options->setMinimumContentsLength(6);
    field.options->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    field.options->setAccessibleName(text(field.spec.label));
    wheelOnlyWithFocus(field.options);
    form.addRow(text(field.spec.label), field.options);
    connect(field.options, &QComboBox::currentIndexChanged, this, &ParamForm::changed);
}

// Ends of lines are written as \n, so that a message of several lines stands in one.
void ParamForm::addLine(Field& field, QFormLayout& form) {
    field.line = new QLineEdit(oneLine(text(field.spec.text)), this);
    field.line->setToolTip(text(field.spec.help));
    field.line->setAccessibleName(text(field.spec.label));
    field.line->setMaxLength(static_cast<int>(kLongestParamText));
    field.line->setCursorPosition(0);
    form.addRow(text(field.spec.label), field.line);
    if (field.spec.needed) field.line->setPlaceholderText(tr("needed"));
    connect(field.line, &QLineEdit::textEdited, this, &ParamForm::changed);
    connect(field.line, &QLineEdit::editingFinished, this, [this, line = field.line] {
        if (!line->isModified()) return;
        line->setModified(false);
        emit changed();
    });
}

QString ParamForm::missing() const {
    for (const Field& field : fields_) {
        if (field.spec.needed && field.line->text().trimmed().isEmpty()) return text(field.spec.label);
    }
    return {};
}

bool ParamForm::isTyped(const std::string& key) const {
    return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
        return field.line != nullptr && field.spec.key == key && field.line->isModified();
    });
}

void ParamForm::setValues(const MethodChoice& choice) {
    for (const Field& field : fields_) {
        if (field.options != nullptr) {
            field.options->setCurrentIndex(field.options->findData(text(choice.textOf(field.spec))));
        } else if (field.line != nullptr) {
            const QString line = oneLine(text(choice.textOf(field.spec)));
            if (field.line->text() != line) field.line->setText(line);
        } else if (field.toggle != nullptr) {
            field.toggle->setChecked(choice.flag(field.spec));
        } else {
            field.number->setValue(choice.value(field.spec));
        }
    }
}

void ParamForm::fill(MethodChoice& choice) const {
    const auto add = [&](const Field& field, ParamValue value) {
        choice.params.emplace_back(std::string(field.spec.key), std::move(value));
    };
    for (const Field& field : fields_) {
        if (field.options != nullptr)
            add(field, field.options->currentData().toString().toStdString());
        else if (field.line != nullptr)
            add(field, manyLines(field.line->text()).toStdString());
        else if (field.toggle != nullptr)
            add(field, field.toggle->isChecked() ? 1.0 : 0.0);
        else
            add(field, field.number->value());
    }
}

}  // namespace quibble
