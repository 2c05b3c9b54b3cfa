#include <QTest>

#include <functional>
#include <random>
#include <set>

#include "engine/values/run_json.h"
#include "engine/values/run_settings.h"

using namespace quibble;

namespace {

using Json = nlohmann::json;

std::string textOf(std::mt19937& random) {
    static constexpr std::string_view kTexts[] = {"", "x", "a b", "[", "none of", "\"q\"", "\n", "ä", "3", "on"};
    return std::string(kTexts[random() % std::size(kTexts)]);
}

MethodChoice methodOf(std::mt19937& random) {
    MethodChoice method{random() % 2 == 0 ? "none" : "x", {}};
    for (const char* key : {"a", "b"}) {  // sorted, as stored JSON is
        if (random() % 2 == 0) continue;
        method.params.emplace_back(
            key, random() % 2 == 0 ? ParamValue(static_cast<double>(random() % 9) / 3) : ParamValue(textOf(random)));
    }
    return method;
}

// Any value of the field.
template <typename T>
void randomize(const RequestField& field, T& value, std::mt19937& random) {
    if constexpr (std::is_same_v<T, bool>) {
        value = random() % 2 == 0;
    } else if constexpr (std::is_same_v<T, std::string>) {
        value = textOf(random);
    } else if constexpr (std::is_same_v<T, MethodChoice>) {
        value = methodOf(random);
    } else if constexpr (std::is_same_v<T, std::optional<PromptClock>>) {
        value = PromptClock{static_cast<std::int64_t>(random()), 0};
        if (random() % 3 == 0) value.reset();
    } else if constexpr (std::is_same_v<T, RunId>) {
        value = RunId{static_cast<std::int64_t>(random() % 1000)};
    } else if constexpr (std::is_enum_v<T>) {
        value = static_cast<T>(random() % field.options.size());
    } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<T>(static_cast<double>(random() % 1000) / 7 - 40);
    } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(random());
    } else {
        value.assign(random() % 3, {});
        for (auto& item : value) {
            if constexpr (std::is_same_v<T, std::vector<MethodChoice>>)
                item = methodOf(random);
            else if constexpr (std::is_same_v<T, std::vector<std::string>>)
                item = textOf(random);
            else
                item = static_cast<TokenId>(random() % 50);
        }
    }
}

RunRequest randomRequest(std::mt19937& random) {
    RunRequest request;
    visitFields(request, [&](const RequestField& field, auto& value) {
        if (random() % 3 != 0) randomize(field, value, random);
    });
    if (request.recorded_prompt.tokens.empty()) request.recorded_prompt = {};  // without tokens it is not stored
    return request;
}

// The members of a request that are no struct of their own. Whoever adds a member has to name it here, because the
// number of names in a structured binding is checked when it is compiled.
struct Member {
    const char* name;
    const void* at;
    std::size_t bytes;
};
#define MEMBER(name) \
    Member { #name, &name, sizeof(name) }

std::vector<Member> membersOf(const RunRequest& request) {
    const auto& [model_path, weight_quant, arithmetic, prefill, kv_type, reference, prompt, is_raw, recorded_prompt,
                 prompt_clock, problem_id, known_answer, sampler, penalty, logits, control, draft, experts, seed,
                 max_tokens, context, threads, top_alternatives, branch] = request;
    const auto& [kind, path, block] = reference;
    const auto& [tokens, thinking_open, recorded_clock, second] = recorded_prompt;
    const auto& [temperature, top_k, top_p, min_p] = sampler;
    const auto& [strength, set_name, words, disabled_words, only_thinking] = penalty;
    const auto& [method, draft_path, second_path, verify] = draft;
    const auto& [parent, pos, prefix, acted, acted_at, injected, looks] = branch;
    return {MEMBER(model_path),     MEMBER(weight_quant),
            MEMBER(arithmetic),     MEMBER(prefill),
            MEMBER(kv_type),        MEMBER(kind),
            MEMBER(path),           MEMBER(block),
            MEMBER(prompt),         MEMBER(is_raw),
            MEMBER(tokens),         MEMBER(thinking_open),
            MEMBER(recorded_clock), MEMBER(second),
            MEMBER(prompt_clock),   MEMBER(problem_id),
            MEMBER(known_answer),   MEMBER(temperature),
            MEMBER(top_k),          MEMBER(top_p),
            MEMBER(min_p),          MEMBER(strength),
            MEMBER(set_name),       MEMBER(words),
            MEMBER(disabled_words), MEMBER(only_thinking),
            MEMBER(logits),         MEMBER(control),
            MEMBER(method),         MEMBER(draft_path),
            MEMBER(second_path),    MEMBER(verify),
            MEMBER(experts),        MEMBER(seed),
            MEMBER(max_tokens),     MEMBER(context),
            MEMBER(threads),        MEMBER(top_alternatives),
            MEMBER(parent),         MEMBER(pos),
            MEMBER(prefix),         MEMBER(acted),
            MEMBER(acted_at),       MEMBER(injected),
            MEMBER(looks)};
}

}  // namespace

class TestRunFields : public QObject {
    Q_OBJECT
private slots:
    void everyMemberIsAField() {
        const RunRequest request;
        std::map<const void*, std::size_t> listed;
        visitFields(request, [&](const RequestField&, const auto& value) { listed[&value] = sizeof(value); });
        const std::vector<Member> members = membersOf(request);
        for (const Member& member : members) {
            const auto found = listed.find(member.at);
            QVERIFY2(found != listed.end() && found->second == member.bytes, member.name);
        }
        QCOMPARE(listed.size(), members.size());
        QCOMPARE(requestFields().size(), members.size());
    }

    void fieldsAreNamed() {
        std::set<std::string_view> keys, labels;
        const Json stored = toJson(RunRequest{});
        for (const RequestField& field : requestFields()) {
            QVERIFY2(keys.insert(field.key).second, field.key.data());
            QVERIFY2(!field.label.empty(), field.key.data());
            QVERIFY2(field.about == FieldAbout::Problem || labels.insert(field.label).second, field.key.data());
            const bool there = stored.contains(Json::json_pointer(
                "/" + std::string(field.group()) + (field.group().empty() ? "" : "/") + std::string(field.name())));
            const bool always = field.stored != FieldStored::WhenSaid && field.group() != "recorded_prompt";
            QVERIFY2(there == always, field.key.data());
        }
    }

    // The words of a list stand in the order of the enumerators.
    void wordsAreThoseOfTheEnumerators() {
        for (const KvType type : kKvTypes)
            QCOMPARE(enumOptions<KvType>()[static_cast<std::size_t>(type)].id, std::string_view(kvTypeText(type)));
        QCOMPARE(enumOptions<KvType>().size(), kKvTypes.size());
        for (const PrefillMode mode : {PrefillMode::Exact, PrefillMode::Throughput}) {
            QCOMPARE(enumOptions<PrefillMode>()[static_cast<std::size_t>(mode)].id,
                     std::string_view(prefillModeText(mode)));
        }
        RunRequest request;
        request.arithmetic = Arithmetic::F32;
        request.reference.kind = ReferenceKind::File;
        QCOMPARE(toJson(request)["arithmetic"].get<std::string>(), std::string("f32"));
        QCOMPARE(toJson(request)["reference"]["kind"].get<std::string>(), std::string("file"));
        request.arithmetic = Arithmetic::Native;
        request.reference.kind = ReferenceKind::None;
        QCOMPARE(toJson(request)["arithmetic"].get<std::string>(), std::string("native"));
        QCOMPARE(toJson(request)["reference"]["kind"].get<std::string>(), std::string("none"));
    }

    // What an earlier version stored, key by key and in its order.
    void storedTextIsAsItWas() {
        QCOMPARE(
            toJson(RunRequest{}).dump(),
            std::string(R"({"arithmetic":"native","branch":{"parent":0,"pos":0,"prefix":[]},"context":0,"control":[],)"
                        R"("draft":{"method":{"id":"none","params":{}},"path":"","second_path":"",)"
                        R"("verify":{"id":"match","params":{}}},"experts":{"id":"observe","params":{}},)"
                        R"("known_answer":"","kv_type":"f32","logits":[],"max_tokens":512,"model_path":"",)"
                        R"("penalty":{"disabled_words":[],"only_thinking":false,"set_name":"published-50",)"
                        R"("strength":0.0,"words":[]},"prefill":"exact","problem_id":"","prompt":"","raw":false,)"
                        R"("reference":{"block":16,"kind":"unquantized","path":""},)"
                        R"("sampler":{"min_p":0.0,"temperature":0.6,"top_k":0,"top_p":0.95},"seed":1,"threads":0,)"
                        R"("top_alternatives":10,"weight_quant":{"id":"none","params":{}}})"));
    }

    void randomRequestsSurviveJson() {
        std::mt19937 random(1);
        for (int i = 0; i < 2000; ++i) {
            const RunRequest request = randomRequest(random);
            const auto back = runRequestFromJson(Json::parse(toJson(request).dump()));
            QVERIFY2(back, back ? "" : back.error().what.c_str());
            QVERIFY2(*back == request, toJson(request).dump().c_str());
            QVERIFY(differences(request, *back).empty());
        }
    }

    void faultsNameTheirPlace_data() {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("value");  // empty: the key is taken out
        QTest::addColumn<QString>("what");
        QTest::newRow("top") << "/seed"
                             << "\"x\""
                             << "\"seed\" has the wrong type";
        QTest::newRow("group") << "/sampler"
                               << ""
                               << "\"sampler\" is missing";
        QTest::newRow("group of another kind") << "/sampler"
                                               << "3"
                                               << "\"sampler\" has the wrong type";
        QTest::newRow("group as a list") << "/sampler"
                                         << "[]"
                                         << "not an object";
        QTest::newRow("in a group") << "/sampler/top_k"
                                    << ""
                                    << "\"top_k\" is missing";
        QTest::newRow("in draft") << "/draft/path"
                                  << ""
                                  << "draft: \"path\" is missing";
        QTest::newRow("draft as a list") << "/draft"
                                         << "[]"
                                         << "draft: not an object";
        QTest::newRow("draft method") << "/draft/method"
                                      << R"({"id":"x"})"
                                      << "draft: \"params\" is missing";
        QTest::newRow("verify") << "/draft/verify"
                                << R"({"id":"x"})"
                                << "verify: \"params\" is missing";
        QTest::newRow("weights") << "/weight_quant"
                                 << R"({"id":"x","params":{"a":[]}})"
                                 << "weight_quant: parameter \"a\" is neither a number nor a text";
        QTest::newRow("word") << "/reference/kind"
                              << "\"x\""
                              << "\"reference.kind\" is \"x\"";
        QTest::newRow("rule") << "/control"
                              << R"([":"])"
                              << "control: \":\" names no method";
        QTest::newRow("clock") << "/clock"
                               << "{}"
                               << "clock: \"unix_s\" is missing";
        QTest::newRow("recorded") << "/recorded_prompt"
                                  << "{}"
                                  << "recorded_prompt: \"tokens\" is missing";
        QTest::newRow("recorded clock") << "/recorded_prompt"
                                        << R"({"tokens":[1],"thinking_open":true,"clock":3})"
                                        << "recorded_prompt: clock: not an object";
    }
    void faultsNameTheirPlace() {
        QFETCH(QString, path);
        QFETCH(QString, value);
        QFETCH(QString, what);
        Json json = toJson(RunRequest{});
        const Json::json_pointer place(path.toStdString());
        if (value.isEmpty())
            json[place.parent_pointer()].erase(place.back());
        else
            json[place] = Json::parse(value.toStdString());
        const auto read = runRequestFromJson(json);
        QVERIFY(!read);
        QCOMPARE(QString::fromStdString(read.error().what), "stored run request: " + what);
    }

    // Whatever single field changes, comparison, equality and stored JSON see it, and differences() names that one.
    void everyChangeIsSeen() {
        std::mt19937 random(2);
        std::map<std::string_view, int> seen;
        for (int i = 0; i < 100; ++i) {
            RunRequest base = randomRequest(random);
            if (base.recorded_prompt.tokens.empty()) base.recorded_prompt.tokens = {1};
            for (const RequestField& wanted : requestFields()) {
                RunRequest changed = base;
                bool differs = false;
                visitFields(changed, base, [&](const RequestField& field, auto& value, const auto& before) {
                    if (field.key != wanted.key) return;
                    randomize(field, value, random);
                    differs = !(value == before);
                });
                const auto found = differences(changed, base);
                QCOMPARE(changed == base, !differs);
                QCOMPARE(found.size(), std::size_t(differs ? 1 : 0));
                if (!differs) continue;
                ++seen[wanted.key];
                QCOMPARE(found[0].field.key, wanted.key);
                QVERIFY2(found[0].mine != found[0].other, found[0].text().c_str());
                if (!changed.recorded_prompt.tokens.empty()) QVERIFY(toJson(changed) != toJson(base));
                // Put alone, the field decides its own question and no other.
                const auto only = [&](const RunRequest& request) {
                    return onlyFields(request, [&](const RequestField& field) { return field.key == wanted.key; });
                };
                const auto without = [&](const RunRequest& request) {
                    return onlyFields(request, [&](const RequestField& field) { return field.key != wanted.key; });
                };
                QVERIFY(!(only(changed) == only(base)));
                QVERIFY(without(changed) == without(base));
            }
        }
        QCOMPARE(seen.size(), requestFields().size());
    }

    void parametersHaveNoOrder() {
        RunRequest a, b;
        a.weight_quant = {"rtn", {{"bits", 3}, {"group", 64}}};
        b.weight_quant = {"rtn", {{"group", 64}, {"bits", 3}}};
        QVERIFY(differences(a, b).empty());
        b.weight_quant.params[1].second = 4;
        QCOMPARE(differences(a, b).size(), std::size_t(1));
        b.weight_quant.params.pop_back();
        QCOMPARE(differences(a, b)[0].text(), std::string("Weight format rtn:bits=3,group=64, not rtn:group=64"));
    }

    void differencesAreSaidInWords() {
        RunRequest a, b;
        b.sampler.temperature = 0;
        b.sampler.top_k = 40;
        b.kv_type = KvType::Q8_0;
        b.reference.kind = ReferenceKind::None;
        b.raw = true;
        b.threads = 3;
        b.clock = PromptClock{1'000'000'000, 3600};
        b.prompt = std::string(100, 'x');
        std::string all;
        for (const FieldDifference& difference : differences(a, b)) all += difference.text() + "\n";
        QCOMPARE(QString::fromStdString(all),
                 QString("KV cache f32, not q8_0\nReference stored weights, not none\nPrompt is another\n"
                         "Raw completion off, not on\nClock none, not 2001-09-09T02:46:40 (UTC+01:00)\n"
                         "Temperature 0.6, not 0 (greedy)\nTop-k off, not 40\nThreads all cores, not 3\n"));
    }

    // What a field says of itself is read back as the same value.
    void fieldsAreSetFromTheirTexts() {
        std::mt19937 random(3);
        for (int i = 0; i < 300; ++i) {
            const RunRequest wanted = randomRequest(random);
            RunRequest made = randomRequest(random);
            for (const RequestField& field : requestFields()) {
                const std::string text = fieldText(wanted, field.key);
                const auto set = setField(made, field.key, text);
                QVERIFY2(set, set ? "" : set.error().line().c_str());
            }
            for (const FieldDifference& difference : differences(made, wanted)) QFAIL(difference.text().c_str());
            QVERIFY(made == wanted);
        }
    }

    void settingsAreTyped() {
        RunRequest request;
        QVERIFY(setField(request, "sampler.temperature", "0.25"));
        QVERIFY(setField(request, "penalty.only_thinking", "on"));
        QVERIFY(setField(request, "weight_quant", "rtn:bits=3"));
        QVERIFY(setField(request, "control", "budget:tokens=20"));
        QVERIFY(setField(request, "logits", R"(["ban", "cyclic:amplitude=2"])"));
        QVERIFY(setField(request, "penalty.words", " wait"));
        QVERIFY(setField(request, "clock", "2026-11-30T16:05:00"));
        QCOMPARE(request.sampler.temperature, 0.25);
        QVERIFY(request.penalty.only_thinking);
        QCOMPARE(request.weight_quant.text(), std::string("rtn:bits=3"));
        QCOMPARE(request.control.size(), std::size_t(1));
        QCOMPARE(request.logits.size(), std::size_t(2));
        QCOMPARE(request.penalty.words, std::vector<std::string>{" wait"});
        QCOMPARE(promptClockText(*request.clock), std::string("2026-11-30T16:05:00"));
        QVERIFY(setField(request, "control", "none") && request.control.empty());
        QVERIFY(setField(request, "clock", "") && !request.clock);
    }

    void wrongSettingsAreRefused_data() {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("hint");
        QTest::newRow("no such field") << "temperature"
                                       << "1"
                                       << "sampler.temperature";
        QTest::newRow("no number") << "sampler.temperature"
                                   << "0,6"
                                   << "a number";
        QTest::newRow("nothing") << "sampler.temperature"
                                 << ""
                                 << "a number";
        QTest::newRow("not finite") << "sampler.temperature"
                                    << "nan"
                                    << "a number";
        QTest::newRow("not whole") << "max_tokens"
                                   << "2.5"
                                   << "a whole number";
        QTest::newRow("too large") << "max_tokens"
                                   << "3000000000"
                                   << "2147483647";
        QTest::newRow("below zero") << "seed"
                                    << "-1"
                                    << "from 0 to";
        QTest::newRow("no switch") << "raw"
                                   << "yes"
                                   << "on or off";
        QTest::newRow("no word") << "kv_type"
                                 << "q4"
                                 << "one of f32, f16, bf16, q8_0";
        QTest::newRow("no method") << "weight_quant"
                                   << "rtn:bits"
                                   << "key=value";
        QTest::newRow("no rule") << "control"
                                 << R"(["budget:tokens=3", ":"])"
                                 << "key=value";
        QTest::newRow("no list") << "penalty.words"
                                 << "[1]"
                                 << "a list of texts";
        QTest::newRow("no tokens") << "branch.prefix"
                                   << "1,2"
                                   << "a list of whole numbers";
        QTest::newRow("no time") << "clock"
                                 << "today"
                                 << "2026-11-30T16:05:00";
    }
    void wrongSettingsAreRefused() {
        QFETCH(QString, key);
        QFETCH(QString, text);
        QFETCH(QString, hint);
        RunRequest request;
        request.penalty.words = {"a"};
        const RunRequest before = request;
        const auto set = setField(request, key.toStdString(), text.toStdString());
        QVERIFY(!set);
        QVERIFY2(QString::fromStdString(set.error().what).contains(key), set.error().line().c_str());
        QVERIFY2(QString::fromStdString(set.error().hint).contains(hint), set.error().line().c_str());
        QVERIFY(request == before);
    }
};

QTEST_APPLESS_MAIN(TestRunFields)
#include "tst_run_fields.moc"
