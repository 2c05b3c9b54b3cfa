// What every method says of itself is whole, and its parameters hold what their descriptions promise.
#include <QTest>

#include <algorithm>
#include <filesystem>
#include <set>

#include "engine/values/run_settings.h"
#include "tests/contract/every_method.h"

using namespace quibble;
using namespace quibble::testing;

class TestMethodHeads : public QObject {
    Q_OBJECT
private slots:
    // A slot fills a field of the request that holds a method or several, and no such field is without a slot.
    void slotsAreTheFieldsThatHoldMethods() {
        std::set<std::string_view> fields, keys;
        for (const RequestField& field : requestFields()) {
            if (field.kind == FieldKind::Method || field.kind == FieldKind::Rules) fields.insert(field.key);
        }
        for (const MethodSlot& slot : methodSlots()) {
            QVERIFY2(keys.insert(slot.key).second && !slot.what.empty(), slot.key.data());
            QVERIFY2(!slot.methods.empty(), slot.key.data());
            std::set<std::string_view> ids;
            for (const MethodHead* method : slot.methods) QVERIFY2(ids.insert(method->id).second, method->id.data());
            const auto nobody = slot.find({"no_such_method", {}});
            QVERIFY(!nobody);
            for (const std::string_view id : ids) {
                QVERIFY2(nobody.error().hint.find(id) != std::string::npos, nobody.error().line().c_str());
            }
        }
        QVERIFY(keys == fields);
    }

    void headIsComplete_data() { addMethodRows(); }
    void headIsComplete() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        const std::filesystem::path folder(QUIBBLE_SOURCE_DIR "/engine");
        QVERIFY(std::filesystem::exists(folder / slot->folder / (std::string(method->id) + ".cpp")));
        QVERIFY(!method->label.empty() && !method->source.empty());
        QVERIFY(method->help.ends_with('.'));
        const auto found = slot->find({std::string(method->id), {}});
        QVERIFY(found && *found == method);
    }

    void parametersAreComplete_data() { addMethodRows(); }
    void parametersAreComplete() {
        QFETCH(const MethodHead*, method);
        std::set<std::string_view> keys, labels;
        for (const ParamSpec& spec : method->params) {
            QVERIFY2(!spec.key.empty() && keys.insert(spec.key).second, spec.key.data());
            const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
            QVERIFY2(std::all_of(spec.key.begin(), spec.key.end(), plain), spec.key.data());
            QVERIFY2(!spec.label.empty() && labels.insert(spec.label).second, spec.key.data());
            QVERIFY2(!spec.help.empty(), spec.key.data());
            if (spec.isNumber()) QVERIFY2(spec.low < spec.high && spec.step >= 0, spec.key.data());
            if (spec.kind == ParamKind::Choice) QVERIFY2(spec.options.size() > 1, spec.key.data());
            const bool on_or_off = spec.isNumber() && spec.low == 0 && spec.high == 1 && spec.step == 1;
            QVERIFY2(on_or_off == (spec.kind == ParamKind::Switch), spec.key.data());  // so that it may be a word
        }
    }

    void limitsAreTaken_data() { addMethodRows(); }
    void limitsAreTaken() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        for (const ParamSpec& spec : method->params) {
            for (const ParamValue& value : goodValues(spec)) {
                const MethodChoice choice{std::string(method->id), {{std::string(spec.key), value}}};
                const auto found = slot->find(choice);
                QVERIFY2(found, found ? "" : found.error().line().c_str());
                // As it is typed and stored.
                const auto typed = readMethod(choice.text(), slot->find);
                QVERIFY2(typed && *typed == choice, choice.text().c_str());
            }
        }
    }

    void othersAreRefusedByName_data() { addMethodRows(); }
    void othersAreRefusedByName() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        const std::string id(method->id);
        for (const ParamSpec& spec : method->params) {
            for (const ParamValue& value : badValues(spec)) {
                const auto found = slot->find({id, {{std::string(spec.key), value}}});
                QVERIFY2(!found, (id + ":" + std::string(spec.key) + "=" + paramText(value).substr(0, 40)).c_str());
                const std::string place = id + ": " + std::string(spec.key) + "=";
                QVERIFY2(found.error().what.starts_with(place), found.error().what.substr(0, 200).c_str());
                QVERIFY2(found.error().hint == "Use " + rangeText(spec), found.error().hint.c_str());
            }
        }
        const auto unknown = slot->find({id, {{"no_such_parameter", 1}}});
        QVERIFY(!unknown && unknown.error().what.find("no_such_parameter") != std::string::npos);
    }

    // A switch is written as a word or as a number, in every slot, and stored as a number.
    void switchesAreWritten_data() { addMethodRows(); }
    void switchesAreWritten() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        for (const ParamSpec& spec : method->params) {
            if (spec.kind != ParamKind::Switch) continue;
            for (const auto& [word, number] : {std::pair{"on", 1.0}, std::pair{"true", 1.0}, std::pair{"off", 0.0},
                                               std::pair{"false", 0.0}, std::pair{"1", 1.0}, std::pair{"0", 0.0}}) {
                RunRequest request;
                const std::string text = std::string(method->id) + ":" + std::string(spec.key) + "=" + word;
                QVERIFY(setField(request, slot->key, text));
                const auto read = readMethods(request);
                QVERIFY2(read, read ? "" : read.error().line().c_str());
                RunRequest wanted;
                QVERIFY(setField(wanted, slot->key,
                                 MethodChoice{std::string(method->id), {{std::string(spec.key), number}}}.text()));
                QVERIFY2(request == wanted, text.c_str());
            }
        }
    }

    void someSlotHasASwitch() {
        int slots_with_switches = 0;
        for (const MethodSlot& slot : methodSlots()) {
            const bool any = std::any_of(slot.methods.begin(), slot.methods.end(), [](const MethodHead* method) {
                return std::any_of(method->params.begin(), method->params.end(),
                                   [](const ParamSpec& spec) { return spec.kind == ParamKind::Switch; });
            });
            slots_with_switches += any ? 1 : 0;
        }
        QVERIFY(slots_with_switches >= 3);  // else the test above says nothing
    }

    void aMethodWithoutSlotIsRefused() {
        for (const MethodSlot& slot : methodSlots()) {
            RunRequest request;
            QVERIFY(setField(request, slot.key, "no_such_method"));
            const auto read = readMethods(request);
            QVERIFY(!read);
            QVERIFY2(read.error().what.find("no_such_method") != std::string::npos, read.error().line().c_str());
        }
        RunRequest plain;
        plain.logits = {{"marker_penalty", {}}};  // says where the penalty acts
        QVERIFY(readMethods(plain));
        QCOMPARE(plain.logits.size(), std::size_t(1));
    }

    // What a run lacks is said of the methods that need it, with what to do, and of no other.
    void needsAreExplained_data() { addMethodRows(); }
    void needsAreExplained() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        const RunTraits all{.model = "m", .draft_models = 2, .reference = true, .experts = true, .thought_marks = true};
        QCOMPARE(whyNot(*method, slot->what, all), std::string());
        for (const Need need : kNeeds) {
            RunTraits lacking = all;
            switch (need) {
                case Need::DraftModel: lacking.draft_models = 0; break;
                case Need::SecondDraftModel: lacking.draft_models = 1; break;
                case Need::Reference: lacking.reference = false; break;
                case Need::Experts: lacking.experts = false; break;
                case Need::ThoughtMarks: lacking.thought_marks = false; break;
            }
            QVERIFY(!lacking.meets(need));
            const auto checked = checkNeeds(*method, slot->what, lacking);
            QCOMPARE(checked.has_value(), !method->needs.has(need));
            if (checked) continue;
            QVERIFY(!checked.error().what.empty() && !checked.error().hint.empty());
            QCOMPARE(whyNot(*method, slot->what, lacking), checked.error().line());
        }
    }
};

QTEST_APPLESS_MAIN(TestMethodHeads)
#include "tst_method_heads.moc"
