// Marker sets: the published list word for word, the single-token rule, files.
#include <algorithm>
#include <fstream>
#include <set>

#include <QTemporaryDir>

#include "engine/text/marker_set.h"
#include "tests/engine/text/golden_files.h"
#include "tests/engine/text/small_vocabulary.h"

using namespace quibble;

class TestMarkerSet : public QObject {
    Q_OBJECT

private slots:
    void publishedList() {
        const MarkerSet set = publishedMarkers();
        QCOMPARE(set.name, std::string("published-50"));
        QCOMPARE(set.words.size(), std::size_t{50});
        QCOMPARE(set.words[0], std::string(" perhaps"));
        QCOMPARE(set.words[2], std::string(" wait"));
        QCOMPARE(set.words[3], std::string(" Wait"));
        QCOMPARE(set.words[10], std::string(" However"));
        QCOMPARE(set.words[42], std::string(" recheck"));
        QCOMPARE(set.words[49], std::string(" incorrect"));
        for (const std::string& word : set.words) QVERIFY(word.starts_with(' ') && word.size() > 2);
        QCOMPARE(std::set<std::string>(set.words.begin(), set.words.end()).size(), std::size_t{50});
    }

    // With the Qwen vocabulary one entry splits and 49 stay.
    void publishedOnQwen() {
        const auto tokenizer = test::loadTokenizer("deepseek-r1-qwen");
        QVERIFY(tokenizer != nullptr);
        const ResolvedMarkers resolved = resolveMarkers(publishedMarkers(), *tokenizer);
        QCOMPARE(resolved.entries.size(), std::size_t{49});
        QCOMPARE(resolved.ids.size(), std::size_t{49});
        QCOMPARE(resolved.dropped.size(), std::size_t{1});
        QCOMPARE(resolved.dropped.front(), std::string(" recheck: splits into 2 tokens"));
        QVERIFY(std::is_sorted(resolved.ids.begin(), resolved.ids.end()));
        for (const auto& [word, id] : resolved.entries) QCOMPARE(tokenizer->tokenBytes(id), std::string_view(word));
        QVERIFY(!std::binary_search(resolved.ids.begin(), resolved.ids.end(),
                                    tokenizer->idOf("Wait").value()));  // no leading space: another token
    }

    void expandedOnQwen() {
        const auto tokenizer = test::loadTokenizer("deepseek-r1-qwen");
        const MarkerSet set = expandMarkers(publishedMarkers());
        QCOMPARE(set.name, std::string("expanded"));
        const ResolvedMarkers resolved = resolveMarkers(set, *tokenizer);
        QCOMPARE(resolved.entries.size() + resolved.dropped.size(), set.words.size());
        QCOMPARE(std::set<std::string>(set.words.begin(), set.words.end()).size(), set.words.size());
        const ResolvedMarkers published = resolveMarkers(publishedMarkers(), *tokenizer);
        QVERIFY(std::includes(resolved.ids.begin(), resolved.ids.end(), published.ids.begin(), published.ids.end()));
        QVERIFY(std::binary_search(resolved.ids.begin(), resolved.ids.end(), tokenizer->idOf("Wait").value()));
        qInfo("expanded: %zu words, %zu ids", set.words.size(), resolved.ids.size());
        QCOMPARE(resolved.ids.size(), std::size_t{147});
    }

    void droppedAreNamed() {
        test::SmallVocabulary vocabulary;
        const TokenId wait = vocabulary.word(" wait");
        const auto tokenizer = vocabulary.load().value();
        const MarkerSet set{.name = "mine", .note = {}, .words = {" wait", " hmm", " wait", "x"}};
        const ResolvedMarkers resolved = resolveMarkers(set, *tokenizer);
        QCOMPARE(resolved.ids, (std::vector<TokenId>{'x', wait}));
        QCOMPARE(resolved.dropped, (std::vector<std::string>{" hmm: splits into 4 tokens", " wait: listed twice"}));
    }

    void sentencePiece() {
        if (test::vocabularyPath("llama-spm").empty()) QSKIP("../shared/goldens is absent");
        const auto tokenizer = test::loadTokenizer("llama-spm");
        const ResolvedMarkers resolved =
            resolveMarkers({.name = "mine", .note = {}, .words = {" wait", "But"}}, *tokenizer);
        QCOMPARE(resolved.entries.size(), std::size_t{2});
        QCOMPARE(tokenizer->tokenBytes(resolved.entries[0].second), std::string_view(" wait"));
        QCOMPARE(tokenizer->tokenBytes(resolved.entries[1].second), std::string_view("But"));
    }

    void fileForm() {
        const auto set = parseMarkerSet(
            "# name: My list\n# note: for a test\n\n# a "
            "comment\nwait\n_wait\r\n\\_under\n_\\_odd\n\\#hash\nback\\\\slash\ntwo words\n_  \n",
            "file");
        QVERIFY2(set.has_value(), set ? "" : set.error().line().c_str());
        QCOMPARE(set->name, std::string("My list"));
        QCOMPARE(set->note, std::string("for a test"));
        QCOMPARE(set->words, (std::vector<std::string>{"wait", " wait", "_under", " _odd", "#hash", "back\\slash",
                                                       "two words", " "}));
        QCOMPARE(parseMarkerSet(formatMarkerSet(*set), "other").value(), *set);
        QCOMPARE(parseMarkerSet("", "empty").value().name, std::string("empty"));
        for (const MarkerSet& builtin : builtinMarkerSets())
            QCOMPARE(parseMarkerSet(formatMarkerSet(builtin), "x").value(), builtin);
    }

    void badFiles() {
        const auto message = [](const std::string& text) {
            const auto set = parseMarkerSet(text, "mine");
            return set ? std::string("was read") : set.error().line();
        };
        QVERIFY(message("wait\n but\n").find("marker list mine, line 2: begins with white space; write _") == 0);
        QVERIFY(message("\xff\n").find("line 1: is not UTF-8") != std::string::npos);
        QVERIFY(message(std::string(300, 'a')).find("has 300 bytes; the limit is 256") != std::string::npos);
        std::string many;
        for (int i = 0; i < 5000; ++i) many += "w" + std::to_string(i) + "\n";
        QVERIFY(message(many).find("is entry 4097") != std::string::npos);
        QVERIFY(loadMarkerSet("/nonexistent/list.txt").error().code == ErrorCode::NotFound);
        QTemporaryDir folder;
        const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "list.txt";
        const auto loaded = [&](std::string_view bytes) {
            std::ofstream(path, std::ios::binary) << bytes;
            const auto set = loadMarkerSet(path);
            return set ? "read: " + formatMarkerSet(*set) : set.error().line();
        };
        QVERIFY(loaded("# nothing\n\n").find("has no entries: every line is empty or a comment") != std::string::npos);
        QVERIFY(loaded("").find("has no entries") != std::string::npos);
        QVERIFY(loaded(std::string_view("\xff\xfe_\0w\0\n\0", 8)).find("line 1: is not UTF-8") != std::string::npos);
    }

    void byteOrderMark() {
        const auto set = parseMarkerSet("\xEF\xBB\xBF# name: marked\n_wait\n", "file");
        QCOMPARE(set->name, std::string("marked"));
        QCOMPARE(set->words, std::vector<std::string>{" wait"});
        QCOMPARE(parseMarkerSet("\xEF\xBB\xBF_wait\nno\n", "file")->words, (std::vector<std::string>{" wait", "no"}));
    }

    void entriesAreFound() {
        const std::vector<std::string> words = {" wait", "Wait", "_odd", "a\\b"};
        for (const auto& [given, meant] : {std::pair{" wait", " wait"},
                                           {"_wait", " wait"},
                                           {"Wait", "Wait"},
                                           {"_odd", "_odd"},
                                           {"\\_odd", "_odd"},
                                           {"a\\b", "a\\b"},
                                           {"a\\\\b", "a\\b"}}) {
            QCOMPARE(findMarkerEntry(words, given).value(), std::string(meant));
        }
        const auto refusal = [&](std::string_view given) {
            const auto found = findMarkerEntry(words, given);
            return found ? "found " + *found : found.error().line();
        };
        QCOMPARE(refusal(" Wiat"), std::string("the marker list has no entry \" Wiat\". Entries are written with their "
                                               "leading space, or as in a list file: _wait"));
        QVERIFY(refusal("wait").find("no entry \"wait\". It has \" wait\"") != std::string::npos);
        QVERIFY(refusal("\xE2\x96\x81WAIT").find("It has \" wait\"") != std::string::npos);
        QVERIFY(refusal("").find("no entry \"\"") != std::string::npos);
    }

    void saveAndLoad() {
        QTemporaryDir folder;
        const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "mine.txt";
        const MarkerSet set{.name = "mine", .note = "n", .words = {" wait", "_x", " #y", "a\\b"}};
        QVERIFY(saveMarkerSet(set, path).has_value());
        QCOMPARE(loadMarkerSet(path).value(), set);
        // What would not read back the same is refused, and the old file stays.
        QVERIFY(!saveMarkerSet({.name = "mine", .note = {}, .words = {"two\nlines"}}, path));
        QVERIFY(!saveMarkerSet({.name = "mine", .note = {}, .words = {""}}, path));
        QCOMPARE(loadMarkerSet(path).value(), set);
        QVERIFY(!saveMarkerSet(set, std::filesystem::path(folder.path().toStdString()) / "none" / "mine.txt"));
    }

    // The lists that ship are the built-in ones.
    void shippedLists() {
        for (const MarkerSet& builtin : builtinMarkerSets()) {
            const auto shipped = loadMarkerSet(test::repository() / "data/markers" / (builtin.name + ".txt"));
            QVERIFY2(shipped.has_value(), shipped ? "" : shipped.error().line().c_str());
            QCOMPARE(*shipped, builtin);
        }
    }
};

QTEST_APPLESS_MAIN(TestMarkerSet)
#include "tst_marker_set.moc"
