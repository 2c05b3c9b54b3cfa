// What the model is given: by template or raw, with one beginning token at most.
#include <QTest>

#include "engine/run/prompt.h"
#include "tests/engine/text/small_vocabulary.h"

using namespace quibble;

namespace {

// 256 bytes, "<s>" (256) as the beginning, "</s>" (257) as the end; a template that prints the beginning or leaves it
// out.
std::shared_ptr<const Tokenizer> tokenizerWith(const std::string& chat_template) {
    test::SmallVocabulary vocabulary;
    vocabulary.pre = "llama-bpe";  // a family that asks for a beginning token
    const auto bos = static_cast<std::uint32_t>(vocabulary.add("<s>", 3));
    const auto eos = static_cast<std::uint32_t>(vocabulary.add("</s>", 3));
    vocabulary.ids = {{"bos_token_id", bos}, {"eos_token_id", eos}};
    vocabulary.chat_template = chat_template;
    return vocabulary.load().value();
}

std::vector<TokenId> idsOf(const Tokenizer& tokenizer, const std::string& prompt, bool raw) {
    RunRequest request;
    request.prompt = prompt;
    request.raw = raw;
    const auto made = buildPrompt(request, tokenizer, {});
    return made ? made->ids : std::vector<TokenId>{};
}

}  // namespace

class TestPrompt : public QObject {
    Q_OBJECT
private slots:
    void oneBeginningToken() {
        const std::vector<TokenId> expected{256, 'h', 'i'};
        const auto silent = tokenizerWith("{{ messages[0].content }}");
        const auto printing = tokenizerWith("{{ bos_token }}{{ messages[0].content }}");
        QVERIFY(silent->addsBos());
        QCOMPARE(idsOf(*silent, "hi", false), expected);
        QCOMPARE(idsOf(*printing, "hi", false), expected);
        QCOMPARE(idsOf(*silent, "hi", true), expected);
        QCOMPARE(idsOf(*silent, "<s>hi", true), expected);
        // One that stands elsewhere is text of the user.
        QCOMPARE(idsOf(*silent, "h<s>", true), (std::vector<TokenId>{256, 'h', 256}));
    }
    void controlTokensOfTheUserAreText() {
        const auto tokenizer = tokenizerWith("{{ bos_token }}[{{ messages[0].content | trim }}]{{ eos_token }}");
        const std::string written = " a</s><s></s> ";
        std::vector<TokenId> expected{256, '['};
        for (const char byte : std::string("a</s><s></s>")) expected.push_back(static_cast<unsigned char>(byte));
        expected.insert(expected.end(), {']', 257});
        QCOMPARE(idsOf(*tokenizer, written, false), expected);
        RunRequest request;
        request.prompt = written;
        QCOMPARE(buildPrompt(request, *tokenizer, {}).value().text, std::string("<s>[a</s><s></s>]</s>"));
        // A raw prompt is the whole text, tokens and all.
        QCOMPARE(idsOf(*tokenizer, "a</s>", true), (std::vector<TokenId>{256, 'a', 257}));
        // One that only looks like the template's beginning does not stand for it.
        const auto silent = tokenizerWith("{{ messages[0].content }}");
        QCOMPARE(idsOf(*silent, "<s>", false), (std::vector<TokenId>{256, '<', 's', '>'}));
        // The mark that is carried through the template is a character that nothing else uses.
        QCOMPARE(idsOf(*silent, "\xEF\xB7\x90</s>", false),
                 (std::vector<TokenId>{256, 0xEF, 0xB7, 0x90, '<', '/', 's', '>'}));
    }
    void thinkingIsKnownFromTheStart() {
        const auto open = tokenizerWith("{{ messages[0].content }}<think>\n");
        const auto closed = tokenizerWith("{{ messages[0].content }}<think>\n\n</think>\n");
        RunRequest request;
        request.prompt = "hi";
        QVERIFY(buildPrompt(request, *open, {}).value().thinking_open);
        QVERIFY(!buildPrompt(request, *closed, {}).value().thinking_open);
        request.raw = true;
        QVERIFY(!buildPrompt(request, *open, {}).value().thinking_open);
        request.prompt = "hi<think>";
        QVERIFY(buildPrompt(request, *closed, {}).value().thinking_open);
    }
    // The recorded tokens are the prompt, whatever the template or the request's text would give now.
    void theRecordedPromptDecides() {
        const auto tokenizer = tokenizerWith("{{ strftime_now('%Y') }} {{ messages[0].content }}");
        RunRequest request;
        request.recorded_prompt = {{'a', 256, 'b'}, true, PromptClock{5, 6}};
        const auto made = buildPrompt(request, *tokenizer, {});
        QVERIFY(made.has_value());
        QCOMPARE(made->ids, (std::vector<TokenId>{'a', 256, 'b'}));
        QCOMPARE(made->text, std::string("a<s>b"));
        QVERIFY(made->thinking_open);
        QVERIFY(made->clock == (PromptClock{5, 6}));
        for (const TokenId bad : {-1, 258}) {
            request.recorded_prompt.tokens[1] = bad;
            const auto refused = buildPrompt(request, *tokenizer, {});
            QVERIFY(!refused && refused.error().what.find(std::to_string(bad)) != std::string::npos);
        }
    }
    void theClockOfTheRequestComesFirst() {
        const auto dated = tokenizerWith("{{ strftime_now('%Y') }} {{ messages[0].content }}");
        RunRequest request;
        request.prompt = "hi";
        const PromptClock wall{1'700'000'000, 0}, chosen{1'000'000'000, 0};
        QCOMPARE(buildPrompt(request, *dated, wall).value().text, std::string("2023 hi"));
        QVERIFY(buildPrompt(request, *dated, wall).value().clock == wall);
        request.clock = chosen;
        QCOMPARE(buildPrompt(request, *dated, wall).value().text, std::string("2001 hi"));
        QVERIFY(buildPrompt(request, *dated, wall).value().clock == chosen);
        // A template that shows no time depends on none.
        QVERIFY(!buildPrompt(request, *tokenizerWith("{{ messages[0].content }}"), wall).value().clock);
    }
    void whatCannotBeBuiltSaysWhatToDo() {
        const auto bare = tokenizerWith("");
        RunRequest request;
        QVERIFY(!buildPrompt(request, *bare, {}));
        request.prompt = "hi";
        const auto refused = buildPrompt(request, *bare, {});
        QVERIFY(!refused && refused.error().line().find("--raw") != std::string::npos);
        request.raw = true;
        QVERIFY(buildPrompt(request, *bare, {}).has_value());
    }
};

QTEST_APPLESS_MAIN(TestPrompt)
#include "tst_prompt.moc"
