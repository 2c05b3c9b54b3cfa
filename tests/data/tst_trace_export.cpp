#include <QTest>

#include <clocale>
#include <sstream>

#include <nlohmann/json.hpp>

#include "data/export/trace_export.h"
#include "tests/data/trace_fixture.h"

using namespace quibble;

namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> linesOf(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// Two tokens written by hand: one ordinary, one half of a character with a reference.
RunTrace smallTrace(const std::string& known = "7") {
    RunRequest request;
    request.prompt = "a\nb";
    request.known_answer = known;
    RunTrace trace(request);
    RunProvenance provenance;
    provenance.model_name = "nano, \"small\"";
    provenance.prompt_tokens = {0, 1, 2};
    trace.apply(provenance);
    trace.apply(TokenText{5, " \"7\",\n\\"});
    trace.apply(TokenText{6, "\xE2\x82"});
    TokenRecord first;
    first.pos = 3;
    first.id = first.without_penalty_id = 5;
    first.logprob = -0.1f;
    first.rank = 1;
    first.entropy = 0.25f;
    first.marker_mass = 1e-5f;
    first.time_ns = 123456789012;
    first.top = {{5, -0.1f}, {6, -std::numeric_limits<float>::infinity()}};
    trace.apply(first);
    TokenRecord second;
    second.pos = 4;
    second.id = 6;
    second.without_penalty_id = 5;
    second.penalized = true;
    second.penalty = 2;
    trace.apply(second);
    ReferenceRecord reference;
    reference.pos = 4;
    reference.kl = 0.5f;
    reference.entropy = 1.5f;
    reference.rank = 3;
    trace.apply(reference);
    trace.apply(ControlChange{4, "penalty", 2});
    trace.apply(RunFinished{FinishReason::EndOfText, "", 10, 1'000'000'000, 30, 40, 50});
    return trace;
}

}  // namespace

class TestTraceExport : public QObject {
    Q_OBJECT
private slots:
    void tokenByHand() {
        const RunTrace trace = smallTrace();
        // Written with ' for ".
        const QString expected = QString(
                                     "{'pos':3,'id':5,'text':' "
                                     "\\'7\\',\\n\\\\','logprob':-0.1,'rank':1,'entropy':0.25,'kl':null,'ref_entropy':"
                                     "null,'marker_mass':1e-05,"
                                     "'penalized':false,'without_penalty_id':5,'varentropy':null,'ref_varentropy':null,"
                                     "'ref_logprob':null,'ref_rank':null,"
                                     "'marker_mass_after':0,'penalty':0,'thinking':false,'marker':false,'injected':"
                                     "false,'intervened':false,'time_ns':123456789012,"
                                     "'top':[[5,' "
                                     "\\'7\\',\\n\\\\',-0.1],[6,'\xEF\xBF\xBD\xEF\xBF\xBD',null]],'top_after':[],'ref_"
                                     "top':[],'origin':'decoded','round':null}")
                                     .replace('\'', '"');
        QCOMPARE(QString::fromStdString(tokenJson(trace.points()[0], trace)), expected);
        const Json second = Json::parse(tokenJson(trace.points()[1], trace));
        QCOMPARE(second["text"].get<std::string>(), std::string("\xEF\xBF\xBD\xEF\xBF\xBD"));
        QCOMPARE(second["bytes"].get<std::string>(), std::string("e282"));
        QCOMPARE(second["kl"].get<double>(), 0.5);
        QCOMPARE(second["ref_rank"].get<int>(), 3);
        QCOMPARE(second["intervened"].get<bool>(), true);
    }

    void keysInOrder() {
        const RunTrace trace = test::traceOf(test::fullRequest(), test::eventsOf({.tokens = 60}));
        const std::vector<std::string> wanted = {
            "pos",         "id",          "text",      "logprob",           "rank", "entropy", "kl",
            "ref_entropy", "marker_mass", "penalized", "without_penalty_id"};
        for (const TracePoint& point : trace.points()) {
            const Json json = Json::parse(tokenJson(point, trace));
            std::size_t i = 0;
            for (const auto& item : json.items()) {
                if (i < wanted.size()) QCOMPARE(item.key(), wanted[i]);
                ++i;
            }
            QVERIFY(i > wanted.size());
            // Shortest digits read back as the same float.
            if (std::isfinite(point.token.entropy))
                QCOMPARE(static_cast<float>(json["entropy"].get<double>()), point.token.entropy);
            else
                QVERIFY(json["entropy"].is_null());
        }
    }

    void summary() {
        const Json s = Json::parse(summaryJson(smallTrace()))["summary"];
        QCOMPARE(s["tokens"].get<int>(), 2);
        QCOMPARE(s["thinking_tokens"].get<int>(), 0);
        QCOMPARE(s["markers"].get<int>(), 0);
        QCOMPARE(s["interventions"].get<int>(), 1);
        QCOMPARE(s["prompt_tokens"].get<int>(), 3);
        QCOMPARE(s["mean_entropy"].get<double>(), 0.25);
        QCOMPARE(s["mean_kl"].get<double>(), 0.5);
        QCOMPARE(s["finish_reason"].get<std::string>(), std::string("end_of_text"));
        QCOMPARE(s["answer"].get<std::string>(), std::string("7"));
        QCOMPARE(s["known_answer"].get<std::string>(), std::string("7"));
        QCOMPARE(s["correct"].get<bool>(), true);
        QCOMPARE(s["grade"].get<std::string>(), std::string("right"));
        const Json open = Json::parse(summaryJson(smallTrace("about 7")))["summary"];
        QVERIFY(open["correct"].is_null() && !open["overthinking"].get<bool>());
        QCOMPARE(open["grade"].get<std::string>(), std::string("not gradable"));
        QVERIFY(!open["grade_reason"].get<std::string>().empty());
        QCOMPARE(s["decode_ns"].get<std::int64_t>(), 1'000'000'000);
        QCOMPARE(s["tokens_per_second"].get<double>(), 2.0);
        const Json empty = Json::parse(summaryJson(RunTrace{}))["summary"];
        QVERIFY(empty["mean_kl"].is_null() && empty["finish_reason"].is_null() && empty["answer"].is_null() &&
                empty["correct"].is_null());
        QCOMPARE(empty["tokens"].get<int>(), 0);
    }

    void jsonLines() {
        const RunTrace trace = test::traceOf(test::fullRequest(), test::eventsOf({.tokens = 30}));
        std::ostringstream all, part;
        exportJsonLines(all, trace);
        exportJsonLines(part, trace, {10, 20});
        const auto lines = linesOf(all.str());
        QCOMPARE(lines.size(), std::size_t(32));
        for (const std::string& line : lines) QVERIFY(!Json::parse(line, nullptr, false).is_discarded());
        const Json head = Json::parse(lines.front());
        QCOMPARE(head["provenance"]["weight_format"].get<std::string>(), std::string("rtn 3 bit g64 symmetric"));
        QCOMPARE(head["request"]["seed"].get<std::uint64_t>(), trace.request().seed);
        QCOMPARE(head["controls"].size(), std::size_t(2));
        QCOMPARE(Json::parse(lines[1]).begin().key(), std::string("pos"));
        QCOMPARE(Json::parse(lines.back()).begin().key(), std::string("summary"));
        const auto some = linesOf(part.str());
        QCOMPARE(some.size(), std::size_t(12));
        QCOMPARE(Json::parse(some[1])["pos"].get<int>(), 10);
        QCOMPARE(Json::parse(some[10])["pos"].get<int>(), 19);
    }

    void csv() {
        std::ostringstream out;
        exportCsv(out, smallTrace());
        const auto lines = linesOf(out.str());
        std::size_t row = 0;
        while (row < lines.size() && lines[row].starts_with("# ")) ++row;
        QVERIFY(row > 10);
        const auto has = [&](const std::string& line) {
            return std::find(lines.begin(), lines.end(), line) != lines.end();
        };
        QVERIFY(has("# model_name: \"nano, \\\"small\\\"\""));
        QVERIFY(has("# request.prompt: \"a\\nb\""));
        QVERIFY(has("# request.known_answer: 7"));
        QVERIFY(has("# control: 4 \"penalty\" 2"));
        QVERIFY(has("# summary.tokens: 2"));
        QVERIFY(lines[row].starts_with("pos,id,text,logprob,rank,entropy,kl,"));
        QCOMPARE(lines.size(), row + 3);
        QCOMPARE(QString::fromStdString(lines[row + 1]),
                 QString("3,5,\" \"\"7\"\",\\n\\\\\",-0.1,1,0.25,,,1e-05,0,5,,,,,0,0,0,0,0,0,123456789012,5:-0.1 "
                         "6:,,,decoded,,"));
        QCOMPARE(QString::fromStdString(lines[row + 2]),
                 QString("4,6,\"\\xe2\\x82\",,0,,0.5,1.5,0,1,5,,,,3,0,2,0,0,0,1,0,,,,decoded,,"));
    }

    // A model, or whoever wrote the prompt, must not make a spreadsheet compute.
    void noTextIsAFormula() {
        RunRequest request;
        request.prompt = "a,=cmd|' /C calc'!A0;+1 \"quoted\",-2";
        request.penalty.words = {" wait", "@SUM(1)"};
        RunTrace trace(request);
        trace.apply(RunProvenance{});
        const std::pair<const char*, const char*> texts[] = {{"=1+1", "\\x3d1+1"}, {"+", "\\x2b"}, {"-3", "\\x2d3"},
                                                             {"@x", "\\x40x"},     {" =1", " =1"}, {"\t=1", "\\t=1"},
                                                             {"1-1", "1-1"}};
        for (TokenId id = 0; id < 7; ++id) {
            trace.apply(TokenText{id, texts[id].first});
            TokenRecord token;
            token.pos = token.id = id;
            trace.apply(token);
        }
        std::ostringstream out;
        exportCsv(out, trace);
        Position row = 0;
        for (const std::string& line : linesOf(out.str())) {
            if (line.starts_with("# request.prompt: "))
                QCOMPARE(QString::fromStdString(Json::parse(line.substr(18)).get<std::string>()),
                         QString::fromStdString(request.prompt));
            for (const char* separator : {",", ";", ",\"", ";\""}) {
                for (const char* sign : {"=", "+", "@"})
                    QVERIFY2(line.find(std::string(separator) + sign) == std::string::npos, line.c_str());
            }
            if (line.starts_with("#") || line.starts_with("pos,")) continue;
            const std::string expected =
                std::to_string(row) + ',' + std::to_string(row) + ",\"" + texts[row].second + "\",";
            QVERIFY2(line.starts_with(expected), line.c_str());
            ++row;
        }
        QCOMPARE(row, 7);
    }

    // What ended the text is what was accepted: five tokens out of one verify step are a length of 5. Where nothing was
    // verified there is no length.
    void acceptedLengthsAreOfWhatWasEmitted() {
        const auto speculation = [](const RunTrace& trace) {
            return Json::parse(summaryJson(trace))["summary"]["speculation"];
        };
        RunTrace whole;
        DraftRound round;
        round.pos = 3;
        for (std::int32_t i = 0; i < 5; ++i) {
            DraftNode node;
            node.parent = i - 1;
            node.fate = DraftFate::Accepted;
            round.nodes.push_back(node);
            round.path.push_back(i);
        }
        whole.apply(round);
        QCOMPARE(speculation(whole)["mean_accepted_length"].get<double>(), 5.0);
        QCOMPARE(speculation(whole)["tokens_per_verify"].get<double>(), 5.0);
        RunTrace plain;
        DraftRound step;
        step.added = 1;
        plain.apply(step);
        for (const char* key : {"mean_accepted_length", "tokens_per_verify", "speed_up"})
            QVERIFY2(speculation(plain)[key].is_null(), key);
        QCOMPARE(speculation(plain)["tokens_per_step"].get<double>(), 1.0);
        // A branch says what it did itself.
        RunTrace branch;
        branch.inherit(whole, 5);
        QVERIFY(!Json::parse(summaryJson(branch))["summary"].contains("speculation"));
        branch.apply(step);
        QCOMPARE(speculation(branch)["steps"].get<int>(), 1);
    }

    // Every row has the columns of the header, whatever the tokens hold.
    void csvColumns() {
        std::ostringstream out;
        exportCsv(out, test::traceOf(test::fullRequest(), test::eventsOf({.tokens = 200})), {7, 150});
        int rows = 0;
        for (const std::string& line : linesOf(out.str())) {
            if (line.starts_with("#")) continue;
            bool quoted = false;
            int commas = 0;
            for (const char c : line) {
                quoted = quoted != (c == '"');
                commas += !quoted && c == ',';
            }
            QCOMPARE(commas, 27);
            ++rows;
        }
        QCOMPARE(rows, 1 + 143);
    }

    void draftsAndExperts() {
        const RunTrace trace =
            test::traceOf(test::fullRequest(), test::eventsOf({.tokens = 40, .drafts = true, .experts = 8}));
        std::ostringstream out, sheet;
        exportJsonLines(out, trace);
        std::size_t rounds = 0, passes = 0, tokens = 0;
        for (const std::string& line : linesOf(out.str())) {
            const Json json = Json::parse(line);
            if (json.contains("pos")) {
                const auto pos = json["pos"].get<Position>();
                QCOMPARE(json["origin"].get<std::string>(), std::string(tokenOriginText(trace.originAt(pos))));
                const DraftRound* round = trace.roundAt(pos);
                QCOMPARE(json["round"].is_null(), round == nullptr);
                if (round != nullptr) QCOMPARE(&trace.draftRounds().at(json["round"].get<std::size_t>()), round);
                QCOMPARE(json.contains("experts"), trace.expertsAt(pos) != nullptr);
                if (trace.expertsAt(pos) != nullptr)
                    QCOMPARE(json["experts"][2][1].get<std::int16_t>(), trace.expertsAt(pos)->ids[5]);
                ++tokens;
            } else if (json.contains("draft_round")) {
                const DraftRound& round = trace.draftRounds()[rounds++];
                QCOMPARE(json["draft_round"]["nodes"].size(), round.nodes.size());
                QCOMPARE(json["draft_round"]["pos"].get<Position>(), round.pos);
                QCOMPARE(json["draft_round"]["path"].get<std::vector<std::int32_t>>(), round.path);
            } else if (json.contains("expert_pass")) {
                QCOMPARE(json["expert_pass"]["total_bytes"].get<std::int64_t>(),
                         trace.expertPasses()[passes++].total_bytes);
            }
        }
        QCOMPARE(tokens, std::size_t(40));
        QCOMPARE(rounds, trace.draftRounds().size());
        QCOMPARE(passes, trace.expertPasses().size());
        const Json s = Json::parse(summaryJson(trace))["summary"];
        QCOMPARE(s["speculation"]["drafted"].get<int>(),
                 s["speculation"]["tested"].get<int>() + s["speculation"]["ignored"].get<int>());
        QCOMPARE(s["speculation"]["steps"].get<int>(),
                 s["speculation"]["rounds"].get<int>() + s["speculation"]["plain_steps"].get<int>());
        QCOMPARE(s["experts"]["passes"].get<std::size_t>(), passes);
        exportCsv(sheet, trace);
        QVERIFY(sheet.str().find("# summary.speculation.rounds: ") != std::string::npos);
        QVERIFY(sheet.str().find(",top,top_after,ref_top,origin,round,experts\n") != std::string::npos);
        QVERIFY(!Json::parse(summaryJson(smallTrace()))["summary"].contains("speculation"));
    }

    void otherLocale() {
        std::ostringstream plain, local;
        exportCsv(plain, smallTrace());
        const std::string before = std::setlocale(LC_ALL, nullptr);
        bool found = false;
        for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"})
            found = found || std::setlocale(LC_ALL, name) != nullptr;
        // Digits are grouped by a stream's locale too, so the test does not depend on what is installed.
        struct Grouped : std::numpunct<char> {
            char do_decimal_point() const override { return ','; }
            char do_thousands_sep() const override { return '.'; }
            std::string do_grouping() const override { return "\3"; }
        };
        local.imbue(std::locale(std::locale::classic(), new Grouped));
        RunTrace trace = smallTrace();
        trace.apply(ControlChange{1234567, "penalty", 0.5});
        exportCsv(local, trace);
        exportJsonLines(local, trace);
        std::setlocale(LC_ALL, before.c_str());
        QVERIFY(local.str().find("# control: 1234567 \"penalty\" 0.5\n") != std::string::npos);
        QVERIFY(local.str().find(",-0.1,1,0.25,") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestTraceExport)
#include "tst_trace_export.moc"
