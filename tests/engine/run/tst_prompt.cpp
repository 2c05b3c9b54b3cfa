// What the model is given: by template or raw, with one beginning token at most.
#include <QTest>

#include "engine/run/prompt.h"
#include "tests/engine/text/small_vocabulary.h"

using namespace quibble;

namespace {

// 256 bytes, "<s>" (256) as the beginning, "</s>" (257) as the end; a template that prints the beginning or leaves it out.
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
    const auto made = buildPrompt(request, tokenizer);
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
    void thinkingIsKnownFromTheStart() {
        const auto open = tokenizerWith("{{ messages[0].content }}<think>\n");
        const auto closed = tokenizerWith("{{ messages[0].content }}<think>\n\n</think>\n");
        RunRequest request;
        request.prompt = "hi";
        QVERIFY(buildPrompt(request, *open).value().thinking_open);
        QVERIFY(!buildPrompt(request, *closed).value().thinking_open);
        request.raw = true;
        QVERIFY(!buildPrompt(request, *open).value().thinking_open);
        request.prompt = "hi<think>";
        QVERIFY(buildPrompt(request, *closed).value().thinking_open);
    }
    void whatCannotBeBuiltSaysWhatToDo() {
        const auto bare = tokenizerWith("");
        RunRequest request;
        QVERIFY(!buildPrompt(request, *bare));
        request.prompt = "hi";
        const auto refused = buildPrompt(request, *bare);
        QVERIFY(!refused && refused.error().line().find("--raw") != std::string::npos);
        request.raw = true;
        QVERIFY(buildPrompt(request, *bare).has_value());
    }
};

QTEST_APPLESS_MAIN(TestPrompt)
#include "tst_prompt.moc"
