// Fields for numbers. What was typed stays as it was typed: a point and a comma are both decimal points under every
// locale, and a text that is no number, or one that does not fit, is marked and said at the field instead of being
// turned into another number.
#pragma once

#include <cstdint>
#include <optional>

#include <QAbstractSpinBox>
#include <QLocale>

class QLabel;

namespace quibble {

/// The number of a text, in the writing of any locale; no group separators. Nothing: it is none, or it is not finite.
[[nodiscard]] std::optional<double> readNumber(QStringView text);
/// As short as it can be read back, with the locale's decimal point and without group separators.
[[nodiscard]] QString writeNumber(double value, const QLocale& locale);

/// A field that keeps its text and knows what is wrong with it. The value follows the text at every key, so that a run
/// uses what is shown; it is told when the user is done (Enter, leaving the field, a step), and Esc takes an unfinished
/// text back.
class CheckedField : public QAbstractSpinBox {
    Q_OBJECT
public:
    /// Why the text is not a value of this field, with the field's name; empty: it is one. The value is then the one
    /// before.
    [[nodiscard]] QString fault() const { return fault_; }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

signals:
    void faultChanged();

protected:
    CheckedField(const QString& name, QWidget* parent);
    [[nodiscard]] virtual QString read(const QString& text) = 0;  // takes the value; else says why not
    [[nodiscard]] virtual QString write() const = 0;
    virtual void tell() = 0;  // emits the value if it is a new one
    [[nodiscard]] virtual QString widest() const = 0;
    void rewrite();  // the text becomes that of the value
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;

private:
    void follow(const QString& text);
    void finish();
    void setFault(const QString& fault);

    QString fault_;
    QString tip_;  // what the tool tip says while nothing is wrong
};

class NumberField : public CheckedField {
    Q_OBJECT
    Q_PROPERTY(double value READ value WRITE setValue NOTIFY valueChanged USER true)
    Q_PROPERTY(double minimum READ minimum)
    Q_PROPERTY(double maximum READ maximum)
    Q_PROPERTY(double singleStep READ step)
public:
    /// `name` is spoken and begins what the field says about a fault.
    explicit NumberField(const QString& name, QWidget* parent = nullptr) : CheckedField(name, parent) { rewrite(); }

    void setRange(double low, double high);
    void setStep(double step);  // of the arrows and the wheel
    /// Only numbers that are a multiple of this above the lowest are values of the field; 1: whole numbers; 0: all.
    void setGrid(double grid);
    void setUnit(const QString& unit);        // shown behind the number while the field is not edited
    void setLowestText(const QString& text);  // shown for the lowest value while the field is not edited: "off"
    [[nodiscard]] double value() const { return value_; }
    [[nodiscard]] int whole() const { return static_cast<int>(value_); }
    [[nodiscard]] double minimum() const { return low_; }
    [[nodiscard]] double maximum() const { return high_; }
    [[nodiscard]] double step() const { return step_; }
    /// The nearest value of the field; a text that is being typed gives way to it.
    void setValue(double value);

    void stepBy(int steps) override;

signals:
    void valueChanged(double value);

protected:
    [[nodiscard]] QString read(const QString& text) override;
    [[nodiscard]] QString write() const override;
    void tell() override;
    [[nodiscard]] QString widest() const override;
    [[nodiscard]] StepEnabled stepEnabled() const override;

private:
    [[nodiscard]] double nearest(double value) const;
    double low_ = 0, high_ = 99, step_ = 1, grid_ = 0;
    double value_ = 0, told_ = 0;
    QString unit_, lowest_text_;
};

/// A seed: all 64 bits of it, which a floating-point number has no room for.
class SeedField : public CheckedField {
    Q_OBJECT
public:
    explicit SeedField(const QString& name, QWidget* parent = nullptr) : CheckedField(name, parent) {
        setButtonSymbols(NoButtons);
        rewrite();
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }
    void setValue(std::uint64_t value);
    void stepBy(int steps) override;

signals:
    void valueChanged();

protected:
    [[nodiscard]] QString read(const QString& text) override;
    [[nodiscard]] QString write() const override { return QString::number(value_); }
    void tell() override;
    [[nodiscard]] QString widest() const override { return QStringLiteral("00000000"); }
    [[nodiscard]] StepEnabled stepEnabled() const override;

private:
    std::uint64_t value_ = 0, told_ = 0;
};

/// What is wrong with the first field of `root` that has a fault and can be used; empty: nothing.
[[nodiscard]] QString firstFault(const QWidget* root);
/// A line that shows it, for the end of a form, and nothing else.
[[nodiscard]] QLabel* makeFaultNote(QWidget* root);

}  // namespace quibble
