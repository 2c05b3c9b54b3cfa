// Every method on every shipped model: a short text comes out, or an error that says why not and what to do.
#include <QTest>

#include <map>

#include "engine/values/run_settings.h"
#include "tests/contract/every_method.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

constexpr int kTokens = 10;
const char* const kModels[] = {"quibble-nano.gguf", "quibble-nano-moe.gguf", "quibble-nano-draft.gguf"};

std::string shipped(const std::string& name) { return (shippedModel().parent_path() / name).string(); }

// With everything that a method may need beside the model.
RunRequest requestOf(const std::string& model) {
    RunRequest request;
    request.model_path = shipped(model);
    request.reference.kind = ReferenceKind::Unquantized;
    request.draft.path = request.draft.second_path = shipped("quibble-nano-draft.gguf");
    request.prompt = "Mia has 84 shells. Then gets 29 more. How many shells now?";
    request.max_tokens = kTokens;
    request.sampler.temperature = 0;
    request.threads = 1;
    return request;
}

void choose(RunRequest& request, const MethodSlot& slot, const MethodChoice& choice) {
    QVERIFY(setField(request, slot.key, choice.text()));
    if (slot.key == "draft.verify") request.draft.method = {"ngram", {}};  // somebody has to draft
}

Result<std::vector<TokenId>> textOf(const RunRequest& request) {
    auto opened = openRunModels(models(), request, {});
    if (!opened) return tl::unexpected(opened.error());
    CpuDevice device(request.threads);
    auto loop = RunLoop::create(request, std::move(*opened), device);
    if (!loop) return tl::unexpected(loop.error());
    std::vector<RunEvent> events;
    if (auto done = (*loop)->runToEnd(events); !done) return tl::unexpected(done.error());
    std::vector<TokenId> ids;
    for (const RunEvent& event : events) {
        if (const auto* token = std::get_if<TokenRecord>(&event)) ids.push_back(token->id);
    }
    return ids;
}

const std::vector<TokenId>& plainText(const std::string& model) {
    static std::map<std::string, std::vector<TokenId>> texts;
    if (!texts.contains(model)) texts[model] = textOf(requestOf(model)).value();
    return texts[model];
}

}  // namespace

class TestMethodRuns : public QObject {
    Q_OBJECT
private slots:
    void everyModelRuns_data() {
        addMethodColumns();
        QTest::addColumn<QString>("model");
        for (const MethodSlot& slot : methodSlots()) {
            for (const MethodHead* method : slot.methods) {
                for (const char* model : kModels)
                    QTest::addRow("%s, %s", rowName(slot, *method).c_str(), model) << &slot << method << QString(model);
            }
        }
    }
    void everyModelRuns() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        QFETCH(QString, model);
        RunRequest request = requestOf(model.toStdString());
        choose(request, *slot, plainChoice(*method));
        auto opened = openRunModels(models(), request, {});
        QVERIFY2(opened, opened ? "" : opened.error().line().c_str());
        RunTraits traits = traitsOf(*opened);
        traits.draft_models = 2;
        const std::string why_not = whyNot(*method, slot->what, traits);
        const auto text = textOf(request);
        // What the head needs is what decides.
        QCOMPARE(text.has_value(), why_not.empty());
        if (!text) {
            QCOMPARE(text.error().line(), why_not);
            QVERIFY(!text.error().what.empty() && !text.error().hint.empty());
            return;
        }
        QVERIFY(!text->empty());
        if (method->lossless) QVERIFY(*text == plainText(model.toStdString()));
    }

    // Whatever the form lets a user choose, a run begins or says why it does not.
    void everyLimitRuns_data() { addMethodRows(); }
    void everyLimitRuns() {
        QFETCH(const MethodSlot*, slot);
        QFETCH(const MethodHead*, method);
        const char* model = method->needs.has(Need::Experts) ? "quibble-nano-moe.gguf" : "quibble-nano.gguf";
        for (const ParamSpec& spec : method->params) {
            for (const ParamValue& value : goodValues(spec)) {
                RunRequest request = requestOf(model);
                request.max_tokens = 3;
                MethodChoice choice = plainChoice(*method);
                if (!spec.needed) choice.params.emplace_back(std::string(spec.key), value);
                choose(request, *slot, choice);
                const auto text = textOf(request);
                const bool fallback = value == ParamValue(spec.isNumber() ? ParamValue(spec.fallback)
                                                                          : ParamValue(std::string(spec.text)));
                const std::string place = std::string(spec.key) + "=" + paramText(value);
                if (text)
                    QVERIFY2(!text->empty(), place.c_str());
                else
                    QVERIFY2(!fallback && !text.error().what.empty() && !text.error().hint.empty(),
                             (place + ": " + text.error().line()).c_str());
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestMethodRuns)
#include "tst_method_runs.moc"
