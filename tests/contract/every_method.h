// Data rows for tests over the tables of all slots: a slot and one of its methods.
#pragma once

#include <QTest>

#include "engine/run/method_slots.h"

Q_DECLARE_METATYPE(const quibble::MethodHead*)
Q_DECLARE_METATYPE(const quibble::MethodSlot*)

namespace quibble::testing {

inline void addMethodColumns() {
    QTest::addColumn<const MethodSlot*>("slot");
    QTest::addColumn<const MethodHead*>("method");
}

inline std::string rowName(const MethodSlot& slot, const MethodHead& method) {
    return std::string(slot.key) + " " + std::string(method.id);
}

/// A row for each method of each slot.
inline void addMethodRows() {
    addMethodColumns();
    for (const MethodSlot& slot : methodSlots()) {
        for (const MethodHead* method : slot.methods) {
            QTest::addRow("%s", rowName(slot, *method).c_str()) << &slot << method;
        }
    }
}

/// For a text that a method cannot do without.
inline constexpr const char* kNeededText = "How many?";

/// The method with what the user has to give, and else as it is when nothing is said.
inline MethodChoice plainChoice(const MethodHead& method) {
    MethodChoice choice{std::string(method.id), {}};
    for (const ParamSpec& spec : method.params) {
        if (spec.needed) choice.params.emplace_back(std::string(spec.key), kNeededText);
    }
    return choice;
}

/// Values of a parameter that it takes: its limits, what it is when nothing is said, each word of a choice.
inline std::vector<ParamValue> goodValues(const ParamSpec& spec) {
    if (spec.isNumber()) return {spec.low, spec.high, spec.fallback};
    if (spec.needed) return {kNeededText};
    std::vector<ParamValue> values{std::string(spec.text)};
    for (const ParamOption& option : spec.options) values.emplace_back(std::string(option.id));
    return values;
}

/// Values that it does not take: outside of its limits, between its steps, of another kind.
inline std::vector<ParamValue> badValues(const ParamSpec& spec) {
    if (!spec.isNumber()) {
        std::vector<ParamValue> values{1.5};
        if (spec.kind == ParamKind::Choice) values.emplace_back("no such word");
        if (spec.kind == ParamKind::Text) values.emplace_back(std::string(kLongestParamText + 1, 'x'));
        return values;
    }
    const double step = spec.step == 0 ? 0.001 : spec.step;
    std::vector<ParamValue> values{spec.low - step, spec.high + step, 1e300, "no number"};
    if (spec.step != 0) values.emplace_back(spec.low + spec.step / 2);
    return values;
}

}  // namespace quibble::testing
