#include <QTest>

#include "engine/values/run_json.h"
#include "engine/values/run_trace.h"

using namespace quibble;

namespace {

RunRequest fullRequest() {
    RunRequest r;
    r.model_path = "some/model.gguf";
    r.weight_quant = {"rtn", {{"bits", 3}, {"group", 64}}};
    r.arithmetic = Arithmetic::F32;
    r.reference = {ReferenceKind::File, "ref.gguf", 8};
    r.prompt = "How many?\n\"x\" \xc3\xa4";
    r.raw = true;
    r.problem_id = "p-1";
    r.known_answer = "318";
    r.sampler = {0.7, 40, 0.9, 0.01};
    r.penalty = {2.5, "mine", {" wait", " but"}, {" but"}, true};
    r.seed = 0xFFFFFFFFFFFFFFFFULL;
    r.max_tokens = 77;
    r.context = 4096;
    r.threads = 3;
    r.top_alternatives = 5;
    r.branch = {RunId{12}, 40, {1, 2, 3}};
    return r;
}

}  // namespace

class TestValues : public QObject {
    Q_OBJECT
private slots:
    void methodChoiceReadsAndWrites() {
        const auto choice = parseMethodChoice("rtn:bits=3,group=64");
        QVERIFY(choice);
        QCOMPARE(choice->id, std::string("rtn"));
        QCOMPARE(choice->text(), std::string("rtn:bits=3,group=64"));
        QCOMPARE(parseMethodChoice("none")->text(), std::string("none"));
        QCOMPARE((MethodChoice{"x", {{"a", 0.25}}}).text(), std::string("x:a=0.25"));
    }
    void methodChoiceFaults_data() {
        QTest::addColumn<QString>("text");
        for (const char* text : {"", ":bits=3", "rtn:bits", "rtn:bits=", "rtn:bits=x", "rtn:bits=3x", "rtn:bits=inf", "rtn:bits=nan"}) QTest::newRow(text) << text;
    }
    void methodChoiceFaults() {
        QFETCH(QString, text);
        const auto choice = parseMethodChoice(text.toStdString());
        QVERIFY(!choice);
        QVERIFY(!choice.error().what.empty());
    }
    void paramsAreChecked() {
        const ParamSpec specs[] = {{.key = "bits", .low = 2, .high = 8, .step = 1, .fallback = 4}};
        QVERIFY(checkParams({"rtn", {{"bits", 3}}}, specs));
        for (const MethodChoice& bad : {MethodChoice{"rtn", {{"bits", 9}}}, MethodChoice{"rtn", {{"bits", 2.5}}}, MethodChoice{"rtn", {{"bots", 3}}}}) {
            QVERIFY(!checkParams(bad, specs));
        }
        QCOMPARE((MethodChoice{"rtn", {}}).value(specs[0]), 4.0);
    }
    void requestSurvivesJson() {
        const RunRequest request = fullRequest();
        const auto back = runRequestFromJson(nlohmann::json::parse(toJson(request).dump()));
        QVERIFY2(back, back ? "" : back.error().what.c_str());
        QVERIFY(*back == request);
    }
    // Every key that is missing or of another type is named.
    void requestJsonFaultsAreNamed() {
        const nlohmann::json whole = toJson(fullRequest());
        for (const auto& [key, value] : whole.items()) {
            nlohmann::json missing = whole;
            missing.erase(key);
            const auto parsed = runRequestFromJson(missing);
            QVERIFY2(!parsed, key.c_str());
            QVERIFY2(parsed.error().what.find(key) != std::string::npos, parsed.error().what.c_str());
            nlohmann::json wrong = whole;
            wrong[key] = nullptr;
            QVERIFY2(!runRequestFromJson(wrong), key.c_str());
        }
        QVERIFY(!runRequestFromJson(nlohmann::json::array()));
    }
    void provenanceSurvivesJson() {
        RunProvenance p;
        p.engine_version = "1";
        p.model_name = "m";
        p.bits_per_weight = 3.25;
        p.prompt_tokens = {5, 6};
        p.markers = {{" wait", 9}};
        p.dropped_markers = {" recheck: 2 tokens"};
        p.thinking_open = true;
        const auto back = runProvenanceFromJson(nlohmann::json::parse(toJson(p).dump()));
        QVERIFY(back);
        QVERIFY(*back == p);
        nlohmann::json bad = toJson(p);
        bad["markers"] = nlohmann::json::array({1});
        QVERIFY(!runProvenanceFromJson(bad));
    }
    void traceMergesReferencesByPosition() {
        RunTrace trace;
        TokenRecord token;
        for (int i = 0; i < 3; ++i) {
            token.pos = 10 + i;
            token.id = i;
            trace.apply(token);
        }
        ReferenceRecord reference;
        reference.rank = 1;
        reference.pos = 9;  // before the run
        trace.apply(reference);
        reference.pos = 13;  // not generated
        trace.apply(reference);
        QCOMPARE(trace.referenced(), std::size_t{0});
        reference.pos = 10;
        reference.kl = 0.5F;
        trace.apply(reference);
        QCOMPARE(trace.referenced(), std::size_t{1});
        QCOMPARE(trace.points()[0].reference.kl, 0.5F);
        QVERIFY(!trace.points()[1].hasReference());
    }
};

QTEST_APPLESS_MAIN(TestValues)
#include "tst_values.moc"
