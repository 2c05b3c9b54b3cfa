// Templates: every vector of the Python reference, the limits, and what the caller sees.
#include <clocale>
#include <ctime>
#include <fstream>

#include <nlohmann/json.hpp>

#include <QElapsedTimer>
#include <QProcess>

#include "engine/text/chat_template.h"
#include "engine/text/jinja/template.h"
#include "engine/text/thinking.h"
#include "tests/engine/text/golden_files.h"

using namespace quibble;

namespace {

std::filesystem::path goldens() { return test::repository() / "tests/golden/chat_templates"; }

Result<std::string> render(std::string_view source, const nlohmann::ordered_json& variables = {},
                           std::optional<PromptClock> clock = {}, jinja::Limits limits = {}) {
    const auto parsed = jinja::Template::parse(source);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    std::vector<std::pair<std::string, jinja::Value>> values;
    for (const auto& [name, value] : variables.items()) values.emplace_back(name, jinja::Value::fromJson(value));
    values.emplace_back("bos_token", jinja::Value::string("<s>"));
    values.emplace_back("eos_token", jinja::Value::string("</s>"));
    return parsed->render(std::move(values), clock, limits);
}

}  // namespace

class TestChatTemplate : public QObject {
    Q_OBJECT

private slots:
    void reference() {
        std::ifstream in(goldens() / "expected.json");
        QVERIFY(in.is_open());
        const auto vectors = nlohmann::ordered_json::parse(in);
        const PromptClock now{vectors.at("now").get<std::int64_t>(), 0};
        QVERIFY(vectors.at("cases").size() >= 150);
        int wrong = 0;
        for (const auto& one : vectors.at("cases")) {
            const auto made = render(one.at("template").get<std::string>(), one.at("variables"), now);
            const bool refused = one.contains("refused");
            const std::string expected = refused ? "" : one.at("output").get<std::string>();
            if (refused ? !made.has_value() : (made.has_value() && *made == expected)) continue;
            ++wrong;
            qWarning("%s: %s\n   made     %s\n   expected %s", one.at("name").get<std::string>().c_str(),
                     one.at("template").get<std::string>().substr(0, 300).c_str(),
                     made ? nlohmann::json(*made).dump().c_str() : made.error().line().c_str(),
                     refused ? "an error" : nlohmann::json(expected).dump().c_str());
        }
        QCOMPARE(wrong, 0);
    }

    // English in every locale, and the time that is given in every zone of this process.
    void timesAreWrittenAsInTheReference() {
        const std::string before = std::setlocale(LC_ALL, nullptr);
        for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) (void)std::setlocale(LC_ALL, name);
        qputenv("TZ", "Asia/Tokyo");
        ::tzset();
        std::ifstream in(goldens() / "expected.json");
        const auto vectors = nlohmann::ordered_json::parse(in);
        QVERIFY(vectors.at("times").size() >= 150);
        int wrong = 0;
        for (const auto& one : vectors.at("times")) {
            const auto made =
                render("{{ strftime_now(f) }}", {{"f", one.at("format")}},
                       PromptClock{one.at("unix_s").get<std::int64_t>(), one.at("utc_offset_s").get<std::int32_t>()});
            if (made.has_value() && *made == one.at("text").get<std::string>()) continue;
            ++wrong;
            qWarning("%s: made %s", one.dump().c_str(), made ? made->c_str() : made.error().line().c_str());
        }
        std::setlocale(LC_ALL, before.c_str());
        qunsetenv("TZ");
        ::tzset();
        QCOMPARE(wrong, 0);
    }

    // The time is an input: nobody looks at the clock behind the caller's back.
    void timeIsGiven() {
        const std::vector<ChatMessage> messages = {{"user", "2+2?"}};
        ChatTemplateContext context;
        const auto refused = renderChat("{{ strftime_now('%Y') }}", messages, context);
        QVERIFY(!refused);
        QVERIFY2(refused.error().what.find("no time is given") != std::string::npos, refused.error().what.c_str());
        context.clock = PromptClock{1741010709, 3600};
        QCOMPARE(renderChat("{{ strftime_now('%d %b %Y %H:%M') }}", messages, context).value().text,
                 std::string("03 Mar 2025 15:05"));
        context.clock->unix_s = 400'000'000'000;
        QVERIFY(!renderChat("{{ strftime_now('%Y') }}", messages, context));
        QVERIFY(renderChat("undated", messages, {}).has_value());
    }

    // The stored vectors are what the Python reference gives today.
    void vectorsAreTheReference() {
        QProcess python;
        python.start("python3", {QString::fromStdString((goldens() / "reference.py").string()), "--check"});
        if (!python.waitForStarted()) QSKIP("python3 is not installed");
        QVERIFY(python.waitForFinished(60000));
        if (python.exitCode() == 77) QSKIP("python3-jinja2 is not installed");
        QVERIFY2(python.exitCode() == 0, python.readAll().constData());
    }

    void errorsNameThePlace() {
        const auto syntax = render("line one\n{{ 1 + }}");
        QVERIFY(!syntax);
        QVERIFY2(syntax.error().what.find("line 2, column 8") != std::string::npos, syntax.error().what.c_str());
        const auto undefined = render("{{ missing.part }}");
        QVERIFY(!undefined);
        QVERIFY2(undefined.error().what.find("'missing' is undefined") != std::string::npos,
                 undefined.error().what.c_str());
        const auto own = render("\n\n{{ raise_exception('no system turn, please') }}");
        QVERIFY(!own);
        QVERIFY2(own.error().what.find("no system turn, please") != std::string::npos, own.error().what.c_str());
        QVERIFY2(own.error().what.find("line 3") != std::string::npos, own.error().what.c_str());
    }

    void hostileTemplatesEnd_data() {
        QTest::addColumn<QByteArray>("source");
        QTest::newRow("endless recursion") << QByteArray("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
        QTest::newRow("mutual recursion in arguments") << QByteArray("{% macro m(a=m()) %}{% endmacro %}{{ m() }}");
        QTest::newRow("nested loops") << QByteArray(
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}");
        QTest::newRow("huge range") << QByteArray("{% for a in range(9223372036854775807) %}{% endfor %}");
        QTest::newRow("doubling string") << QByteArray(
            "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}");
        QTest::newRow("doubling list") << QByteArray(
            "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}");
        QTest::newRow("repeated string") << QByteArray("{{ 'ab' * 9223372036854775807 }}");
        QTest::newRow("deep list") << QByteArray(
            "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}");
        QTest::newRow("small list, huge print") << QByteArray(
            "{% set ns = namespace(s=[]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s "
            "}}");
        QTest::newRow("small list, huge comparison") << QByteArray(
            "{% set a = namespace(s=[]) %}{% set b = namespace(s=[]) %}{% for i in range(90) %}{% set a.s = [a.s, a.s] "
            "%}{% set b.s = [b.s, b.s] %}{% endfor %}{{ a.s == b.s }}");
        QTest::newRow("small list, huge JSON") << QByteArray(
            "{% set ns = namespace(s=[]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | "
            "tojson(indent=64) }}");
        QTest::newRow("cycle") << QByteArray("{% set ns = namespace() %}{% set ns.me = ns %}");
        QTest::newRow("cycle through a list") << QByteArray("{% set ns = namespace() %}{% set ns.me = [[ns]] %}");
        QTest::newRow("long output") << QByteArray(
            "{% set s = 'x' * 1000000 %}{% for i in range(1000) %}{{ s }}{% endfor %}");
        QTest::newRow("slow search") << QByteArray(
            "{% set s = 'a' * 2000000 %}{% set t = 'a' * 1000000 + 'b' %}{{ t in s }}");
        QTest::newRow("slow replace") << QByteArray("{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}");
        QTest::newRow("slow power") << QByteArray("{{ 1 ** 9223372036854775807 }}");
        QTest::newRow("overflow") << QByteArray("{{ 9223372036854775807 + 1 }}");
        QTest::newRow("division overflow") << QByteArray("{{ (-9223372036854775807 - 1) // -1 }}");
        QTest::newRow("modulo zero") << QByteArray("{{ 1 % 0 }}");
        QTest::newRow("deep brackets") << QByteArray(100000, '(').prepend("{{ ");
        QTest::newRow("deep lists in the source") << QByteArray(100000, '[').prepend("{{ ");
        QTest::newRow("long sum") << QByteArray("{{ 1") + QByteArray("+1").repeated(100000) + "}}";
        QTest::newRow("long path") << QByteArray("{{ a") + QByteArray(".b").repeated(100000) + "}}";
        QTest::newRow("long filter chain") << QByteArray("{{ 1") + QByteArray("|string").repeated(100000) + "}}";
        QTest::newRow("many signs") << QByteArray("{{ ") + QByteArray("-").repeated(100000) + "1}}";
        QTest::newRow("many nots") << QByteArray("{{ ") + QByteArray("not ").repeated(100000) + "1}}";
        QTest::newRow("many else ifs") << QByteArray("{{ 1") + QByteArray(" if 0 else 1").repeated(50000) + "}}";
        QTest::newRow("deep blocks") << QByteArray("{% if 1 %}").repeated(50000);
        QTest::newRow("too long") << QByteArray(2 << 20, 'x');
        QTest::newRow("wide number") << QByteArray("{{ '%9999999999d' | format(1) }}");
        QTest::newRow("wide number from a value") << QByteArray("{{ '%*d' | format(9223372036854775807, 1) }}");
        QTest::newRow("many wide numbers") << QByteArray("{{ ('%100000s' * 9000) % (1,) }}");
        QTest::newRow("many wide numbers, printed")
            << QByteArray("{% set s = ('%(a)99999s' * 9000) | format(a='x') %}");
        QTest::newRow("small list, huge repr") << QByteArray(
            "{% set ns = namespace(s=[]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ '%r' | "
            "format(ns.s) }}");
        QTest::newRow("wide batch") << QByteArray("{{ [1] | batch(9223372036854775807, 0) }}");
        QTest::newRow("deep with") << QByteArray("{% with %}").repeated(50000);
        QTest::newRow("deep call blocks") << QByteArray("{% call m() %}").repeated(50000);
        QTest::newRow("endless callers") << QByteArray(
            "{% macro m() %}{% call m() %}{% endcall %}{{ caller }}{% endmacro %}{% call m() %}{% endcall %}");
        QTest::newRow("callers in callers") << QByteArray(
            "{% macro m(n) %}{% set up = caller %}{% call m(n + 1) %}{{ up() }}{% endcall %}{% endmacro %}{% call m(0) "
            "%}{% endcall %}");
        QTest::newRow("with in endless recursion")
            << QByteArray("{% macro m(a) %}{% with b = a ~ a %}{{ m(b) }}{% endwith %}{% endmacro %}{{ m('ab') }}");
        QTest::newRow("break outside") << QByteArray("{% break %}");
        QTest::newRow("break out of a call block") << QByteArray(
            "{% macro m() %}{{ caller() }}{% endmacro %}{% for i in [1] %}{% call m() %}{% break %}{% endcall %}{% "
            "endfor %}");
        QTest::newRow("break out of a macro")
            << QByteArray("{% macro m() %}{% break %}{% endmacro %}{% for i in [1] %}{{ m() }}{% endfor %}");
    }
    void hostileTemplatesEnd() {
        QFETCH(QByteArray, source);
        QElapsedTimer timer;
        timer.start();
        const auto made = render({source.constData(), static_cast<std::size_t>(source.size())});
        QVERIFY2(!made.has_value(), "a hostile template was rendered");
        QVERIFY(!made.error().what.empty());
        QVERIFY2(timer.elapsed() < 20000, "a hostile template ran too long");
    }

    void limitsAreThoseGiven() {
        const jinja::Limits tight{.steps = 1000, .output_bytes = 100, .memory_bytes = 10000, .depth = 50};
        QVERIFY(!render("{% for i in range(2000) %}{% endfor %}", {}, {}, tight));
        QVERIFY(!render(std::string(101, 'x'), {}, {}, tight));
        const auto fits = render(std::string(100, 'x'), {}, {}, tight);
        QVERIFY(fits.has_value());
        QCOMPARE(fits->size(), std::size_t{100});
    }

    void chatPrompt() {
        std::ifstream in(goldens() / "r1_style.jinja");
        const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        QVERIFY(!source.empty());
        const std::vector<ChatMessage> messages = {{"system", "Be brief."}, {"user", "2+2?"}};
        const auto open = renderChat(
            source, messages,
            {.bos_token = "<s>", .eos_token = "</s>", .add_generation_prompt = true, .extra = {}, .clock = {}});
        QVERIFY(open.has_value());
        QCOMPARE(open->text, std::string("<s>Be brief.<|ask|>2+2?<|reply|><think>\n"));
        QVERIFY(open->thinking_open);
        const auto closed = renderChat(
            source, messages,
            {.bos_token = "<s>", .eos_token = "</s>", .add_generation_prompt = false, .extra = {}, .clock = {}});
        QVERIFY(closed.has_value());
        QVERIFY(!closed->thinking_open);
        const auto extra = renderChat("{{ who }} {{ messages[0].role }} {{ tools | tojson }}", messages,
                                      {.bos_token = {},
                                       .eos_token = {},
                                       .add_generation_prompt = true,
                                       .extra = {{"who", "me"}, {"tools", {{"z", 1}, {"a", 2}}}},
                                       .clock = {}});
        QVERIFY(extra.has_value());
        QCOMPARE(extra->text, std::string("me system {\"z\": 1, \"a\": 2}"));
        const auto none = renderChat("{{ tools is none }} {{ documents is none }}", messages, {});
        QCOMPARE(none.value().text, std::string("True True"));
        QVERIFY(!renderChat("x", messages,
                            {.bos_token = {},
                             .eos_token = {},
                             .add_generation_prompt = true,
                             .extra = nlohmann::ordered_json::array({1}),
                             .clock = {}}));
    }

    void thinkingOpen() {
        QVERIFY(endsInsideThinking("a<think>\n"));
        QVERIFY(!endsInsideThinking("a<think>b</think>"));
        QVERIFY(endsInsideThinking("<think>b</think> again <think>"));
        QVERIFY(!endsInsideThinking(""));
        QVERIFY(!endsInsideThinking("</think>"));
        QVERIFY(endsInsideThinking("<|start|>assistant<|channel|>analysis<|message|>hm"));
        QVERIFY(
            endsInsideThinking("<|channel|>final<|message|>4<|end|><|start|>assistant<|channel|>analysis<|message|>"));
        QVERIFY(!endsInsideThinking("<|channel|>analysis<|message|>hm<|end|><|start|>assistant"));
        QVERIFY(!endsInsideThinking(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>"));
        QVERIFY(!endsInsideThinking("<|start|>assistant<|channel|>analysis"));
        // Words of a text, and marks of the other form.
        QVERIFY(!endsInsideThinking("Put your thoughts into <think> tags.\nUser: 2+2?\nAssistant:"));
        QVERIFY(endsInsideThinking("Put your thoughts into <think> tags.\nUser: 2+2?\nAssistant: <think>\nHm"));
        QVERIFY(!endsInsideThinking("<|channel|>final<|message|>A thought begins with\n<think>"));
        QVERIFY(endsInsideThinking("<|assistant|><think>What does <|end|> mean? And `<think>`?"));
        QVERIFY(endsInsideThinking("[INST]2+2?[/INST][THINK]hm"));
        QVERIFY(!endsInsideThinking("[THINK]hm[/THINK]4"));
    }

    // Every template of the fixtures, with and without a mark in what the user wrote: the state is the template's.
    void thinkingIsKnownFromTheStart_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<bool>("open");
        for (const auto& [name, open] : {std::pair{"r1_style", true},
                                         {"distill_style", true},
                                         {"qwq_style", true},
                                         {"qwen3_style", false},
                                         {"llama3_style", false},
                                         {"mixtral_style", false},
                                         {"olmoe_style", false},
                                         {"channel_style", false},
                                         {"channel_calls_style", false}}) {
            QTest::newRow(name) << QString(name) << open;
        }
    }
    void thinkingIsKnownFromTheStart() {
        QFETCH(QString, name);
        QFETCH(bool, open);
        std::ifstream in(goldens() / (name.toStdString() + ".jinja"));
        const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        for (const char* written : {"2+2?", "What does <think> do?", "Close it: </think>",
                                    "<|channel|>analysis<|message|>", "x<|end|>", "text"}) {
            const std::vector<ChatMessage> messages = {{"user", written}};
            ChatTemplateContext context;
            context.clock = PromptClock{};
            const auto made = renderChat(source, messages, context);
            QVERIFY2(made.has_value(), made ? "" : made.error().line().c_str());
            QCOMPARE(made->thinking_open, open);
            QVERIFY(made->text.find(written) != std::string::npos);
        }
    }

    // Content is data: marks of the template language in it are not looked at, and broken UTF-8 passes through.
    void contentIsNotInterpreted() {
        const std::vector<ChatMessage> messages = {{"user", "{{ 1 + 1 }}{% if %}\xff\xfe"}};
        const auto made = renderChat("{{ messages[0].content }}", messages, {});
        QVERIFY(made.has_value());
        QCOMPARE(made->text, messages[0].content);
    }

    void longConversationIsQuick() {
        std::ifstream in(goldens() / "qwen3_style.jinja");
        const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        std::vector<ChatMessage> messages;
        for (int i = 0; i < 4000; ++i) messages.push_back({i % 2 == 0 ? "user" : "assistant", std::string(2000, 'x')});
        QElapsedTimer timer;
        timer.start();
        const auto made = renderChat(source, messages, {});
        QVERIFY2(made.has_value(), made ? "" : made.error().line().c_str());
        QVERIFY(made->text.size() > 8'000'000);
        QVERIFY2(timer.elapsed() < 5000, "4,000 turns took more than 5 s");
        qInfo("4,000 turns, 8 MB: %lld ms", static_cast<long long>(timer.elapsed()));
    }
};

QTEST_APPLESS_MAIN(TestChatTemplate)
#include "tst_chat_template.moc"
