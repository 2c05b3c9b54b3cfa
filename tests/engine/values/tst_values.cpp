#include <QTest>

#include <cmath>
#include <limits>

#include "engine/values/run_json.h"
#include "engine/values/run_trace.h"

using namespace quibble;

namespace {

RunRequest fullRequest() {
    RunRequest r;
    r.model_path = "some/model.gguf";
    r.weight_quant = {"rtn", {{"bits", 3}, {"group", 64}}};
    r.arithmetic = Arithmetic::F32;
    r.kv_type = KvType::Q8_0;
    r.prefill = PrefillMode::Throughput;
    r.reference = {ReferenceKind::File, "ref.gguf", 8};
    r.prompt = "How many?\n\"x\" \xc3\xa4";
    r.raw = true;
    r.problem_id = "p-1";
    r.known_answer = "318";
    r.sampler = {0.7, 40, 0.9, 0.01};
    r.penalty = {2.5, "mine", {" wait", " but"}, {" but"}, true};
    r.draft = {{"chain", {{"length", 4}}}, "draft.gguf", "tiny.gguf", {"exact", {{"x", 0.5}}}};
    r.experts = {"budget", {{"experts", 4}}};
    r.logits = {{"cyclic", {{"amplitude", 1e-7}, {"words", "spaced"}}}, {"marker_penalty", {}}};
    r.control = {{"budget", {{"tokens", 20}, {"message", "Time is up, \"so\"\nI answer."}}}};
    r.seed = 0xFFFFFFFFFFFFFFFFULL;
    r.max_tokens = 77;
    r.context = 4096;
    r.threads = 3;
    r.top_alternatives = 5;
    r.branch = {RunId{12}, 40, {1, 2, 3}, {0, 1}, {38, 39}, {38, 39}};
    r.recorded_prompt = {{7, 8}, true, PromptClock{123, -3600}};
    r.clock = PromptClock{-5, 7200};
    return r;
}

// Positions 10 to 16: a round that was corrected at 12, a plain step, a round that was accepted to its end, and one
// that the run ended.
RunTrace draftedTrace() {
    RunTrace trace;
    RunProvenance provenance;
    provenance.prompt_tokens.assign(10, 0);
    trace.apply(provenance);
    const auto token = [&](Position pos) {
        TokenRecord record;
        record.pos = pos;
        record.id = pos * 10;
        trace.apply(record);
    };
    DraftRound corrected;
    corrected.pos = 10;
    corrected.nodes = {{-1, 100, 0.9F, 0.9F, 1.0F, 0.3F, DraftFate::Accepted},
                       {0, 110, 0.9F, 0.9F, 1.0F, 0.3F, DraftFate::Accepted},
                       {1, 5, 0.9F, 0.1F, 0.1F, 0.3F, DraftFate::Rejected},
                       {2, 6, 0.9F, kNotMeasured, kNotMeasured, kNotMeasured, DraftFate::Ignored}};
    corrected.path = {0, 1};
    corrected.added = 120;
    corrected.corrected = true;
    corrected.rows = 5;
    trace.apply(corrected);
    for (Position pos = 10; pos < 14; ++pos) token(pos);
    DraftRound whole;
    whole.pos = 14;
    whole.nodes = {{-1, 140, 0.9F, 0.9F, 1.0F, 0.3F, DraftFate::Accepted}};
    whole.path = {0};
    whole.added = 150;
    trace.apply(whole);
    token(14);
    token(15);
    DraftRound last = whole;
    last.pos = 16;
    last.added = kNoToken;
    trace.apply(last);
    token(16);
    return trace;
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
        // What is written reads back as the same bits, however small.
        for (const double value : {1e-7, 0.1 + 0.2, 100000.0, 1e300, -3.0}) {
            const MethodChoice one{"x", {{"a", value}}};
            const auto back = parseMethodChoice(one.text());
            QVERIFY2(back && *back == one, one.text().c_str());
        }
    }
    // Texts of any kind survive the written form, and so does the kind: a text that looks like a number stays a text.
    void textsReadAndWrite() {
        QCOMPARE((MethodChoice{"budget", {{"tokens", 200}, {"mode", "message"}}}).text(),
                 std::string("budget:tokens=200,mode=message"));
        for (const char* text : {"", " ", "a, b", "say \"no\"", "two\nlines", "7", "1e3", "inf", "-", "a:b=c", "\\",
                                 "Zeit läuft", "\xF0\x9F\x98\x80", "models/a b.gguf", "on"}) {
            const MethodChoice one{"x", {{"a", text}, {"b", 1e-7}}};
            const auto back = parseMethodChoice(one.text());
            QVERIFY2(back && *back == one, one.text().c_str());
        }
    }
    void parametersOfEveryKindAreChecked() {
        static constexpr ParamOption kModes[] = {{"hard", "Hard"}, {"soft", "Soft"}};
        const ParamSpec specs[] = {choiceParam("mode", "Mode", kModes, "hard", "How"),
                                   textParam("text", "Text", "Wait", "What"),
                                   switchParam("always", "Always", true, "When")};
        const MethodChoice none{"m", {}};
        QCOMPARE(none.textOf(specs[0]), std::string("hard"));
        QCOMPARE(none.textOf(specs[1]), std::string("Wait"));
        QVERIFY(none.flag(specs[2]));
        QVERIFY(checkParams(*parseMethodChoice("m:mode=soft,text=\"a, b\",always=0"), specs));
        const auto mode = checkParams(*parseMethodChoice("m:mode=middle"), specs);
        QVERIFY(!mode);
        QCOMPARE(mode.error().line(), std::string("m: mode=middle is not what it takes. Use one of hard, soft"));
        QVERIFY(!checkParams(*parseMethodChoice("m:always=2"), specs));
        QVERIFY(
            !checkParams(*parseMethodChoice("m:text=3"), specs));  // a text that looks like a number stands in quotes
        QVERIFY(!checkParams({"m", {{"text", std::string(kLongestParamText + 1, 'x')}}}, specs));
        QVERIFY(!checkParams({"m", {{"text", "\xFF wait"}}}, specs));  // not UTF-8
        const MethodChoice typed = normalized(*parseMethodChoice("m:text=\"3\",always=off"), specs);
        QVERIFY(checkParams(typed, specs));
        QCOMPARE(typed.textOf(specs[1]), std::string("3"));
        QVERIFY(!typed.flag(specs[2]));
    }
    void rangesAreSaidInShortestDigits() {
        QCOMPARE(rangeText({.key = "budget", .low = 1, .high = 4096, .step = 1}),
                 std::string("1 to 4096, whole numbers"));
        QCOMPARE(rangeText({.key = "epsilon", .low = 0.001, .high = 1}), std::string("0.001 to 1"));
        const ParamSpec specs[] = {{.key = "nodes", .low = 1, .high = 100000, .step = 1}};
        const auto refused = checkParams({"tree", {{"nodes", 0.5}}}, specs);
        QVERIFY(!refused);
        QCOMPARE(refused.error().line(),
                 std::string("tree: nodes=0.5 is out of range. Use 1 to 100000, whole numbers"));
    }
    void aParameterIsNamedOnce() {
        const ParamSpec specs[] = {{.key = "bits", .low = 2, .high = 8, .step = 1, .fallback = 4}};
        const auto twice = checkParams(*parseMethodChoice("rtn:bits=3,bits=4"), specs);
        QVERIFY(!twice && twice.error().what.find("more than once") != std::string::npos);
        const auto none = checkParams(*parseMethodChoice("none:bits=3"), {});
        QVERIFY(!none && none.error().hint == "It takes none");
    }
    void methodChoiceFaults_data() {
        QTest::addColumn<QString>("text");
        for (const char* text :
             {"", ":bits=3", "rtn:bits", "rtn:bits=", "rtn:bits=\"x", "rtn:bits=\"x\"y", "rtn:bits=x=y", "rtn:=3",
              "rtn:bits=3x", "rtn:bits=inf", "rtn:bits=nan", "rtn:bits=1e999", "rtn:bits=3,",
              "rtn:", "rtn:bits=3,,group=64", "rtn:bits=0x3", "rtn:bits= 3"})
            QTest::newRow(text) << text;
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
        for (const MethodChoice& bad : {MethodChoice{"rtn", {{"bits", 9}}}, MethodChoice{"rtn", {{"bits", 2.5}}},
                                        MethodChoice{"rtn", {{"bots", 3}}}, MethodChoice{"rtn", {{"bits", "x"}}}}) {
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
            const bool later = key == "draft" || key == "experts" || key == "kv_type" || key == "prefill" ||
                               key == "recorded_prompt" || key == "clock" || key == "logits" ||
                               key == "control";  // the first version did not write them
            QCOMPARE(parsed.has_value(), later);
            if (!later) QVERIFY2(parsed.error().what.find(key) != std::string::npos, parsed.error().what.c_str());
            nlohmann::json wrong = whole;
            wrong[key] = nullptr;
            QVERIFY2(!runRequestFromJson(wrong), key.c_str());
        }
        QVERIFY(!runRequestFromJson(nlohmann::json::array()));
    }
    void requestOfTheFirstVersion() {
        nlohmann::json old = toJson(fullRequest());
        for (const char* later : {"draft", "experts", "kv_type", "prefill", "recorded_prompt", "clock"})
            old.erase(later);
        const auto request = runRequestFromJson(old);
        QVERIFY(request);
        QCOMPARE(request->prefill, PrefillMode::Exact);
        QCOMPARE(request->kv_type, KvType::F32);
        QVERIFY(request->recorded_prompt == RecordedPrompt{} && !request->clock);
        QVERIFY(request->draft == DraftSettings{});
        QCOMPARE(request->draft.method.id, std::string("none"));
        QCOMPARE(request->experts.id, std::string("observe"));
        for (const char* part : {"method", "path", "second_path", "verify"}) {
            nlohmann::json damaged = toJson(fullRequest());
            damaged["draft"].erase(part);
            const auto refused = runRequestFromJson(damaged);
            QVERIFY(!refused);
            QVERIFY2(refused.error().what.find(part) != std::string::npos, refused.error().what.c_str());
        }
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
        p.clock = PromptClock{1'700'000'000, 3600};
        p.kv_cache = "q8_0";
        p.kv_bytes = 1234;
        p.reused_positions = 56;
        p.reused_bytes = 789;
        p.draft_name = "d";
        p.draft_hash = "dh";
        p.draft_format = "F16";
        p.expert_layers = 4;
        p.experts = 8;
        p.experts_used = 2;
        const auto back = runProvenanceFromJson(nlohmann::json::parse(toJson(p).dump()));
        QVERIFY(back);
        QVERIFY(*back == p);
        nlohmann::json bad = toJson(p);
        bad["markers"] = nlohmann::json::array({1});
        QVERIFY(!runProvenanceFromJson(bad));
        bad = toJson(p);
        bad["clock"].erase("utc_offset_s");
        QVERIFY(!runProvenanceFromJson(bad));
        nlohmann::json old = toJson(p);
        for (const char* later : {"draft_name", "draft_hash", "draft_format", "expert_layers", "experts",
                                  "experts_used", "kv_cache", "kv_bytes", "reused_positions", "reused_bytes", "clock"})
            old.erase(later);
        const auto first_version = runProvenanceFromJson(old);
        QVERIFY(first_version);
        QCOMPARE(first_version->experts, 0);
        QVERIFY(first_version->draft_name.empty() && !first_version->clock);
        QCOMPARE(first_version->kv_cache, std::string("f32"));
    }
    void originsOfTokens() {
        const RunTrace trace = draftedTrace();
        const TokenOrigin expected[] = {TokenOrigin::Accepted, TokenOrigin::Accepted, TokenOrigin::Corrected,
                                        TokenOrigin::Decoded,  TokenOrigin::Accepted, TokenOrigin::Bonus,
                                        TokenOrigin::Accepted, TokenOrigin::Decoded};
        for (Position pos = 10; pos < 18; ++pos)
            QCOMPARE(tokenOriginText(trace.originAt(pos)), tokenOriginText(expected[pos - 10]));
        QVERIFY(trace.originAt(3) == TokenOrigin::Decoded);
        QVERIFY(trace.roundAt(9) == nullptr && trace.roundAt(13) == nullptr && trace.roundAt(17) == nullptr);
        QCOMPARE(trace.roundAt(12), &trace.draftRounds()[0]);
        QCOMPARE(trace.roundAt(15), &trace.draftRounds()[1]);
        QCOMPARE(trace.draftRounds()[0].accepted(), 2);
        QCOMPARE(trace.draftRounds()[0].tokens(), 3);
        QCOMPARE(trace.draftRounds()[2].tokens(), 1);
    }
    void beginningOfARound() {
        const RunTrace trace = draftedTrace();
        const DraftRound& round = trace.draftRounds()[0];
        QCOMPARE(beginningOf(round, 13).tokens(), 3);
        QCOMPARE(beginningOf(round, 99).added, 120);
        const DraftRound path_only = beginningOf(round, 12);
        QCOMPARE(path_only.tokens(), 2);
        QVERIFY(path_only.added == kNoToken && !path_only.corrected);
        QCOMPARE(beginningOf(round, 11).path, std::vector<std::int32_t>{0});
        QCOMPARE(beginningOf(round, 11).nodes.size(), std::size_t(4));
    }
    // A branch that leaves in the midst of a round takes the part of it that stands before.
    void branchInherits() {
        RunTrace parent = draftedTrace();
        parent.apply(TokenText{100, "x"});
        ReferenceRecord reference;
        reference.pos = 10;
        reference.rank = 1;
        parent.apply(reference);
        for (const Position pos : {3, 10, 11, 12}) {
            parent.apply(TokenExperts{pos, 1, 1, {2}, {1.0F}, {0.0F}});
            parent.apply(ExpertPass{pos, 1, false, 0, {{1, 1, 1.0F}}, {}, 1, 2, 3});
        }
        QCOMPARE(parent.expertsAt(11)->ids, std::vector<std::int16_t>{2});
        QVERIFY(parent.expertsAt(4) == nullptr && parent.expertsAt(-1) == nullptr && parent.expertsAt(99) == nullptr);
        parent.apply(TokenExperts{1 << 30, 1, 1, {2}, {1.0F}, {0.0F}});  // no such place: not kept
        QCOMPARE(parent.tokenExperts().size(), std::size_t(13));
        RunTrace branch(fullRequest());
        branch.inherit(parent, 11);
        QVERIFY(branch.provenance() == parent.provenance());
        QCOMPARE(branch.text(100), std::string_view("x"));
        QCOMPARE(branch.points().size(), std::size_t(1));
        QCOMPARE(branch.referenced(), std::size_t(1));
        QCOMPARE(branch.draftRounds().size(), std::size_t(1));
        QVERIFY(branch.originAt(10) == TokenOrigin::Accepted);
        QVERIFY(branch.originAt(11) == TokenOrigin::Decoded);
        QCOMPARE(branch.expertPasses().size(), std::size_t(2));
        QVERIFY(branch.expertsAt(10) != nullptr && branch.expertsAt(11) == nullptr);
        QVERIFY(!branch.finished());
        QCOMPARE(branch.inherited(), (InheritedParts{1, 1, 2}));
        branch.apply(parent.points()[1].token);
        QCOMPARE(branch.ownPoints().size(), std::size_t(1));
        QVERIFY(branch.ownRounds().empty() && branch.ownPasses().empty());
        RunTrace again(fullRequest());  // a branch of the branch: what it takes over is all of it inherited
        again.inherit(branch, 12);
        QCOMPARE(again.inherited(), (InheritedParts{2, 1, 2}));
        RunTrace nothing;
        nothing.inherit(parent, 0);
        QVERIFY(nothing.points().empty() && nothing.draftRounds().empty() && nothing.tokenExperts().empty());
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
    void aDivergenceBelowZeroIsRounding() {
        QCOMPARE(recordedDivergence(-1e-9), 0.0F);
        QVERIFY(!std::signbit(recordedDivergence(-0.5)));
        QCOMPARE(recordedDivergence(0.25), 0.25F);
        QVERIFY(std::isnan(recordedDivergence(std::numeric_limits<double>::quiet_NaN())));
    }
};

QTEST_APPLESS_MAIN(TestValues)
#include "tst_values.moc"
