#include "views/number_field.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QStyle>
#include <QStyleOptionSpinBox>

#include "views/widgets.h"

namespace quibble {

namespace {

// Multiples of 0.1 are not exact in binary: a number that is off its grid by less than this is on it.
constexpr double kGridTolerance = 1e-9;
// The steps that an arrow makes are cut to this many decimals, so that 0.6 + 0.05 reads 0.65.
constexpr double kStepDecimals = 1e9;

// Points and commas of any keyboard; the last one is the Arabic decimal separator.
bool isSeparator(QChar c) { return c == QLatin1Char('.') || c == QLatin1Char(',') || c == QChar(0x066B); }
bool isMinus(QChar c) { return c == QLatin1Char('-') || c == QChar(0x2212); }

}  // namespace

std::optional<double> readNumber(QStringView text) {
    QByteArray plain;
    bool separated = false;
    for (const QChar c : text.trimmed()) {
        if (c.digitValue() >= 0)
            plain += static_cast<char>('0' + c.digitValue());
        else if (isMinus(c))
            plain += '-';
        else if (c == QLatin1Char('+') || c == QLatin1Char('e') || c == QLatin1Char('E'))
            plain += c.toLatin1();
        else if (isSeparator(c) && !std::exchange(separated, true))
            plain += '.';
        else
            return std::nullopt;
    }
    bool is_number = false;
    const double value = plain.toDouble(&is_number);  // of a byte array: never of a locale
    if (!is_number || !std::isfinite(value)) return std::nullopt;
    return value;
}

QString writeNumber(double value, const QLocale& locale) {
    return QString::number(value, 'f', QLocale::FloatingPointShortest).replace(QLatin1Char('.'), locale.decimalPoint());
}

CheckedField::CheckedField(const QString& name, QWidget* parent) : QAbstractSpinBox(parent) {
    setAccessibleName(name);
    setKeyboardTracking(false);
    setFocusPolicy(Qt::StrongFocus);
    connect(lineEdit(), &QLineEdit::textEdited, this, &CheckedField::follow);
    connect(this, &QAbstractSpinBox::editingFinished, this, &CheckedField::finish);
}

QSize CheckedField::sizeHint() const {
    ensurePolished();
    QStyleOptionSpinBox option;
    initStyleOption(&option);
    const QSize text(fontMetrics().horizontalAdvance(widest()) + fontMetrics().averageCharWidth(),
                     lineEdit()->sizeHint().height());
    return style()->sizeFromContents(QStyle::CT_SpinBox, &option, text, this);
}

void CheckedField::rewrite() {
    setFault({});
    if (const QString text = write(); lineEdit()->text() != text) lineEdit()->setText(text);
}

void CheckedField::follow(const QString& text) { setFault(read(text)); }

void CheckedField::finish() {
    if (!fault_.isEmpty()) return;  // the text stays, marked, until it is mended
    rewrite();
    tell();
}

void CheckedField::setFault(const QString& fault) {
    if (fault == fault_) return;
    if (fault_.isEmpty()) tip_ = toolTip();
    fault_ = fault;
    setToolTip(fault.isEmpty() ? tip_ : fault);
    setAccessibleDescription(fault);
    setProperty("fault", !fault.isEmpty());
    style()->unpolish(this);
    style()->polish(this);
    emit faultChanged();
}

void CheckedField::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape && lineEdit()->text() != write()) {
        rewrite();
        selectAll();
        return tell();
    }
    QAbstractSpinBox::keyPressEvent(event);
}

void CheckedField::focusInEvent(QFocusEvent* event) {
    if (fault_.isEmpty()) rewrite();  // the number alone, without its unit
    QAbstractSpinBox::focusInEvent(event);
}

void NumberField::setRange(double low, double high) {
    low_ = low;
    high_ = std::max(low, high);
    updateGeometry();
    if (nearest(value_) != value_)
        setValue(value_);
    else if (fault().isEmpty())
        rewrite();
}

void NumberField::setStep(double step) { step_ = step; }

void NumberField::setGrid(double grid) {
    grid_ = grid;
    setValue(value_);
}

void NumberField::setUnit(const QString& unit) {
    unit_ = unit;
    updateGeometry();
    rewrite();
}

void NumberField::setLowestText(const QString& text) {
    lowest_text_ = text;
    updateGeometry();
    rewrite();
}

double NumberField::nearest(double value) const {
    if (grid_ > 0) value = low_ + std::round((value - low_) / grid_) * grid_;
    return std::clamp(value, low_, high_);
}

void NumberField::setValue(double value) {
    value = nearest(value);
    const bool being_typed = hasFocus() && fault().isEmpty() && value == value_;
    value_ = value;
    if (!being_typed) rewrite();
    tell();
}

void NumberField::stepBy(int steps) {
    const double next = std::round((value_ + steps * step_) * kStepDecimals) / kStepDecimals;
    value_ = nearest(next);
    rewrite();
    selectAll();
    tell();
}

QAbstractSpinBox::StepEnabled NumberField::stepEnabled() const {
    StepEnabled enabled = StepNone;
    if (value_ < high_) enabled |= StepUpEnabled;
    if (value_ > low_) enabled |= StepDownEnabled;
    return enabled;
}

QString NumberField::read(const QString& text) {
    QString number = text.trimmed();
    if (!unit_.isEmpty() && number.endsWith(unit_)) number.chop(unit_.size());
    number = number.trimmed();
    const QString name = accessibleName();
    if (number.isEmpty()) return tr("%1: type a number").arg(name);
    const QString range =
        tr("%1 goes from %2 to %3").arg(name, writeNumber(low_, locale()), writeNumber(high_, locale()));
    const auto value = readNumber(number);
    if (!value) return tr("%1: “%2” is not a number").arg(name, number);
    // A separator in a whole number may stand for thousands or for decimals: nobody can tell.
    if (grid_ == 1 && std::any_of(number.begin(), number.end(), isSeparator)) {
        return tr("%1 takes whole numbers, without points and commas").arg(name);
    }
    if (*value < low_ || *value > high_) return range;
    if (std::fabs(*value - nearest(*value)) > kGridTolerance * std::max(1.0, std::fabs(*value))) {
        return grid_ == 1 ? tr("%1 takes whole numbers").arg(name)
                          : tr("%1, in steps of %2").arg(range, writeNumber(grid_, locale()));
    }
    value_ = nearest(*value);
    return {};
}

QString NumberField::write() const {
    if (!hasFocus() && value_ == low_ && !lowest_text_.isEmpty()) return lowest_text_;
    const QString number = writeNumber(value_, locale());
    return hasFocus() || unit_.isEmpty() ? number : number + QLatin1Char(' ') + unit_;
}

void NumberField::tell() {
    if (value_ == told_) return;
    told_ = value_;
    update();  // the arrows
    emit valueChanged(value_);
}

QString NumberField::widest() const {
    const QString unit = unit_.isEmpty() ? QString() : QLatin1Char(' ') + unit_;
    const std::array texts{writeNumber(low_, locale()) + unit, writeNumber(high_, locale()) + unit,
                           writeNumber(nearest(low_ + step_), locale()) + unit, lowest_text_};
    return *std::max_element(texts.begin(), texts.end(),
                             [](const QString& a, const QString& b) { return a.size() < b.size(); });
}

void SeedField::setValue(std::uint64_t value) {
    value_ = value;
    rewrite();
    tell();
}

void SeedField::stepBy(int steps) {
    const auto distance = static_cast<std::uint64_t>(std::abs(steps));
    if (steps > 0)
        value_ += std::min(distance, UINT64_MAX - value_);
    else
        value_ -= std::min(distance, value_);
    rewrite();
    tell();
}

QAbstractSpinBox::StepEnabled SeedField::stepEnabled() const {
    StepEnabled enabled = StepNone;
    if (value_ < UINT64_MAX) enabled |= StepUpEnabled;
    if (value_ > 0) enabled |= StepDownEnabled;
    return enabled;
}

QString SeedField::read(const QString& text) {
    bool whole = false;
    const qulonglong value = text.trimmed().toULongLong(&whole);
    const bool signless = !text.contains(QLatin1Char('-'));
    if (!whole || !signless) return tr("%1: whole numbers from 0 to %2").arg(accessibleName()).arg(UINT64_MAX);
    value_ = value;
    return {};
}

void SeedField::tell() {
    if (value_ == told_) return;
    told_ = value_;
    emit valueChanged();
}

QString firstFault(const QWidget* root) {
    for (const CheckedField* field : root->findChildren<CheckedField*>()) {
        if (!field->fault().isEmpty() && field->isEnabledTo(root) && field->isVisibleTo(root)) return field->fault();
    }
    return {};
}

QLabel* makeFaultNote(QWidget* root) {
    QLabel* note = makeCaption({}, root);
    useTextColour(note, TextRole::Bad);
    note->hide();
    const auto show = [root, note] {
        note->setText(firstFault(root));
        note->setVisible(!note->text().isEmpty());
    };
    for (CheckedField* field : root->findChildren<CheckedField*>())
        QObject::connect(field, &CheckedField::faultChanged, note, show);
    return note;
}

}  // namespace quibble
