// Tokens are drawn as they are: signs are not joined, lines that run from right to left keep their order, and what
// cannot be seen is marked and has a place that can be clicked.
#include <QFontDatabase>
#include <QLabel>
#include <QPainter>
#include <QRawFont>
#include <QScrollBar>
#include <QStyleFactory>
#include <QTextLayout>

#include "tests/views/view_test.h"
#include "views/run_setup/prompt_edit.h"
#include "views/text_shaping.h"
#include "views/token_stream/token_layout.h"
#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_view.h"

using namespace quibble;

namespace {

RunTrace traceOf(const QStringList& texts) {
    RunTrace trace;
    for (int i = 0; i < texts.size(); ++i) {
        const auto id = static_cast<TokenId>(i + 1);
        trace.apply(TokenText{id, texts[i].toStdString()});
        TokenRecord record;
        record.pos = i;
        record.id = id;
        record.entropy = 0.2F;
        trace.apply(record);
    }
    trace.apply(StateChanged{RunState::Finished});
    return trace;
}

// As the renderer numbers them, left to right.
QList<quint32> glyphsOf(const QString& text, const QFont& font) {
    QTextLayout layout(text, font);
    layout.beginLayout();
    layout.createLine().setLineWidth(1e5);
    layout.endLayout();
    QList<quint32> glyphs;
    for (const QGlyphRun& run : layout.glyphRuns()) glyphs += run.glyphIndexes();
    return glyphs;
}

QFont ligatureFont() {
    QFont font(QStringLiteral("Fira Code"));
    font.setPixelSize(20);
    return font;
}

struct Shown {
    RunDocument document;
    TokenStreamView view{&document};
    explicit Shown(const QStringList& texts, bool invisibles = false, QSize size = {700, 420}) {
        view.resize(size);
        view.setShowInvisibles(invisibles);
        document.setMeasure(Measure::None);
        document.setTrace(traceOf(texts), RunId{1});
        view.show();
    }
    [[nodiscard]] std::vector<TokenLayout::Run> runsOf(int token) const {
        std::vector<TokenLayout::Run> runs;
        const TokenLayout& layout = view.layoutOfTokens();
        layout.runsOfLine(view.pieces(), layout.lineOfToken(token), runs);
        return runs;
    }
    // The tokens of a line as they are seen, from left to right.
    [[nodiscard]] QList<int> orderOf(int token) const {
        QList<int> order;
        for (const TokenLayout::Run& run : runsOf(token)) order << run.token;
        return order;
    }
};

}  // namespace

class TestTextAsItIs : public QObject {
    Q_OBJECT
private slots:
    void aFontWithLigaturesIsThere() {
        // The package is one of those that the tests install.
        QVERIFY2(QFontDatabase::families().contains(QStringLiteral("Fira Code")), "fonts-firacode is missing");
        const QString arrow = QStringLiteral("->");
        QVERIFY(glyphsOf(arrow, ligatureFont()) != QRawFont::fromFont(ligatureFont()).glyphIndexesForString(arrow));
        QVERIFY(joinsSigns(ligatureFont()));
        QVERIFY(!joinsSigns(QFont(QStringLiteral("DejaVu Sans"))));  // that keeps its kerning
    }

    void signsAreNotJoined_data() {
        QTest::addColumn<QString>("text");
        for (const char* text :
             {"<|end|>", "<|im_start|>", "->", "=>", "!=", "==", "36 x 5", "www", "...", "fi", "</think>"})
            QTest::newRow(text) << QString::fromUtf8(text);
    }
    void signsAreNotJoined() {
        QFETCH(QString, text);
        const QList<quint32> letters = QRawFont::fromFont(ligatureFont()).glyphIndexesForString(text);
        QCOMPARE(glyphsOf(text, asItIs(ligatureFont(), text)), letters);
        TokenPieces pieces;
        const RunTrace trace = traceOf({text});
        pieces.update(trace);
        TokenLayout layout;
        layout.setMetrics(
            {.font = ligatureFont(), .width = 600, .line_height = 30, .heading_height = 30, .section_padding = 5});
        layout.update(pieces, trace, 0);
        std::vector<TokenLayout::Run> runs;
        layout.runsOfLine(pieces, layout.lineOfToken(0), runs);
        QCOMPARE(runs.size(), std::size_t{1});
        QCOMPARE(glyphsOf(runs.front().content->shown, runs.front().content->font), letters);
    }

    void labelsAreDrawnAsTheyAre() {
        const QString text = QStringLiteral("Token 5 “<|end|>” -> 36 x 5");
        const auto picture = [&text](const QFont& font, QStyle* style) {
            QLabel label(text);
            if (style != nullptr) label.setStyle(style);
            label.setFont(font);
            label.resize(500, 40);
            return label.grab().toImage();
        };
        const std::unique_ptr<QStyle> fusion(QStyleFactory::create(QStringLiteral("Fusion")));
        const QImage as_it_is = picture(asItIs(ligatureFont(), text), nullptr);
        QCOMPARE(picture(ligatureFont(), nullptr), as_it_is);
        QVERIFY(picture(ligatureFont(), fusion.get()) != as_it_is);
    }

    // Also after the text and the font have changed.
    void promptsAreDrawnAsTheyAre() {
        PromptEdit edit;
        edit.resize(500, 80);
        edit.setFont(ligatureFont());
        edit.show();
        for (const QString& text : {QStringLiteral("36 -> 5"), QStringLiteral("a != b")}) {
            edit.setPrompt(text);
            const QList<quint32> letters = QRawFont::fromFont(ligatureFont()).glyphIndexesForString(text);
            QVERIFY(glyphsOf(text, edit.font()) != letters);
            QCOMPARE(glyphsOf(text, edit.document()->defaultFont()), letters);
        }
        QFont larger = ligatureFont();
        larger.setPixelSize(30);
        edit.setFont(larger);
        QCOMPARE(edit.document()->defaultFont(), asItIs(larger, edit.prompt()));
    }

    // What does not fit ends in an ellipsis, not inside a letter.
    void whatDoesNotFitSaysSo() {
        const QString text = QStringLiteral("Tree grown by draft probability");
        const QFontMetrics metrics(asItIs(Theme::instance().uiFont(), text));
        const auto picture = [](const QString& shown, int width) {
            QImage image(400, 40, QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            painter.setFont(Theme::instance().uiFont());
            QApplication::style()->drawItemText(&painter, QRect(0, 0, width, 40), Qt::AlignLeft | Qt::AlignVCenter,
                                                QPalette(Qt::black), true, shown);
            return image;
        };
        const int needed = metrics.size(Qt::TextSingleLine, text).width(), tight = needed * 90 / 100;
        const QString elided = metrics.elidedText(text, Qt::ElideRight, tight);
        QVERIFY(elided.endsWith(QChar(0x2026)));
        QCOMPARE(picture(text, tight), picture(elided, needed));
        QVERIFY(picture(text, needed) != picture(elided, needed));
    }

    void whatNeedsShapingKeepsIt_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("needed");
        QTest::newRow("ascii") << QStringLiteral("a -> b") << false;
        QTest::newRow("accents") << QStringLiteral("é ß ł") << false;
        QTest::newRow("cyrillic") << QStringLiteral("дом") << false;
        QTest::newRow("chinese") << QStringLiteral("三十六") << false;
        QTest::newRow("math") << QStringLiteral("x ≤ √2 → ∞") << false;
        QTest::newRow("combining") << QStringLiteral("e\u0301") << true;
        QTest::newRow("arabic") << QStringLiteral("سلام") << true;
        QTest::newRow("devanagari") << QStringLiteral("हिन्दी") << true;
        QTest::newRow("flag") << QStringLiteral("🇩🇪") << true;
        QTest::newRow("joined emoji") << QStringLiteral("👩‍💻") << true;
    }
    void whatNeedsShapingKeepsIt() {
        QFETCH(QString, text);
        QFETCH(bool, needed);
        QCOMPARE(needsShaping(text), needed);
    }

    void hebrewRunsFromRightToLeft() {
        Shown shown({QStringLiteral("שלום"), QStringLiteral(" עולם"), QStringLiteral(" טוב"), QStringLiteral("\nabc"),
                     QStringLiteral(" def")});
        QCOMPARE(shown.orderOf(0), (QList<int>{3, 2, 1, 0}));  // the line feed ends it, at the left
        const auto runs = shown.runsOf(0);
        QVERIFY(std::abs(runs.back().x + runs.back().width -
                         static_cast<float>(shown.view.layoutOfTokens().metrics().width)) < 2);  // begins at the right
        QVERIFY(shown.runsOf(4).front().line == nullptr);  // the next line is laid out as ever
        QCOMPARE(shown.orderOf(4), (QList<int>{3, 4}));
    }

    void aLineOfBothKeepsItsOrder() {
        // Latin first: the Hebrew words of one stretch run from right to left, what stands around them stays.
        Shown shown({QStringLiteral("x ="), QStringLiteral(" שלום"), QStringLiteral(" עולם"), QStringLiteral(" is"),
                     QStringLiteral(" 5")});
        const auto x = [&](int token) {
            const auto runs = shown.runsOf(token);
            float widest = -1, at = 0;
            for (const TokenLayout::Run& run : runs) {
                if (run.token == token && run.width > widest) {
                    widest = run.width;
                    at = run.x;
                }
            }
            return at;
        };
        QVERIFY(x(0) < x(2) && x(2) < x(1) && x(1) < x(3) && x(3) < x(4));
        QCOMPARE(x(0), 0.0F);
    }

    void theLineLooksAsLaidOutWhole_data() {
        QTest::addColumn<QStringList>("tokens");
        QTest::newRow("hebrew") << QStringList{QStringLiteral("שלום"), QStringLiteral(" עולם"), QStringLiteral(", 36"),
                                               QStringLiteral(" x"), QStringLiteral(" 5")};
        QTest::newRow("arabic in pieces")
            << QStringList{QStringLiteral("ال"), QStringLiteral("سلا"), QStringLiteral("م"), QStringLiteral(" عليكم")};
        QTest::newRow("inside latin") << QStringList{QStringLiteral("say"), QStringLiteral(" ש"), QStringLiteral("לום"),
                                                     QStringLiteral(" now")};
        QTest::newRow("numbers between") << QStringList{
            QStringLiteral("שלום"), QStringLiteral(" 36"),  QStringLiteral(" x"), QStringLiteral(" 5"),
            QStringLiteral(" ="),   QStringLiteral(" 180"), QStringLiteral(" כן")};
    }
    void theLineLooksAsLaidOutWhole() {
        QFETCH(QStringList, tokens);
        Shown shown(tokens);
        QScrollBar* bar = shown.view.verticalScrollBar();
        QCOMPARE(bar->value(), 0);
        const QString text = tokens.join(QString());
        const TokenLayout& tokens_layout = shown.view.layoutOfTokens();
        QTextLayout whole(text, asItIs(tokens_layout.metrics().font, text));
        QTextOption option(Qt::AlignLeft | Qt::AlignAbsolute);
        option.setTextDirection(Qt::LayoutDirectionAuto);
        option.setWrapMode(QTextOption::NoWrap);
        whole.setTextOption(option);
        whole.beginLayout();
        QTextLine line = whole.createLine();
        line.setLineWidth(1e5);
        whole.endLayout();
        // Each token is where its characters are: the middle of a character hits the token that holds it.
        const auto runs = shown.runsOf(0);
        double least = 1e6;
        const auto boxOf = [&line](int i) { return line.glyphRuns(i, 1).value(0).boundingRect(); };
        for (int i = 0; i < text.size(); ++i) least = std::min(least, boxOf(i).left());
        float left = 1e6F;
        for (const TokenLayout::Run& run : runs) left = std::min(left, run.x);
        const int top = tokens_layout.line(tokens_layout.lineOfToken(0)).top + tokens_layout.metrics().line_height / 2;
        const int margin = shown.view.tokenRect(runs.front().token).left() - static_cast<int>(runs.front().x);
        int at = 0;
        for (int token = 0; token < tokens.size(); ++token) {
            for (int i = 0; i < tokens[token].size(); ++i, ++at) {
                const double middle = boxOf(at).center().x() - least + static_cast<double>(left);
                const QPoint point(static_cast<int>(std::lround(middle)) + margin, top);
                QVERIFY2(shown.view.tokenAt(point) == token,
                         qPrintable(QStringLiteral("character %1 of token %2 hits %3")
                                        .arg(i)
                                        .arg(token)
                                        .arg(shown.view.tokenAt(point))));
            }
        }
    }

    // Brackets are turned over where they run from right to left, and signs are not joined there either.
    void signsOfALineFromTheRight() {
        const auto picture = [](const std::function<void(QPainter&)>& draw) {
            QImage image(400, 40, QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            painter.setPen(Qt::black);
            draw(painter);
            return image;
        };
        const auto line = [&picture](const QString& text) {
            return picture([&text](QPainter& painter) {
                BidiLine(ligatureFont(), {{.token = 0, .segment = 0, .text = text}}, true, 400)
                    .draw(painter, QPointF(0, 4));
            });
        };
        const auto whole = [&picture](const QString& text) {
            return picture([&text](QPainter& painter) {
                QTextLayout layout(text, ligatureFont());
                QTextOption option(Qt::AlignRight | Qt::AlignAbsolute);
                option.setTextDirection(Qt::RightToLeft);
                layout.setTextOption(option);
                layout.beginLayout();
                QTextLine only = layout.createLine();
                only.setLineWidth(400);
                layout.endLayout();
                layout.draw(&painter, QPointF(0, 4 + QFontMetricsF(ligatureFont()).ascent() - only.ascent()));
            });
        };
        const QString brackets = QStringLiteral("שלום (36) [א]"), arrow = QStringLiteral("שלום a -> b");
        QCOMPARE(line(brackets), whole(brackets));
        QVERIFY(line(arrow) != whole(arrow));  // that one draws an arrow
    }

    void clicksHitTheToken() {
        Shown shown({QStringLiteral("שלום"), QStringLiteral(" hello"), QStringLiteral(" עולם"), QStringLiteral(" 123"),
                     QStringLiteral("\nמה"), QStringLiteral(" קורה?")});
        for (int token = 0; token < shown.document.size(); ++token) {
            const QRect rect = shown.view.tokenRect(token);
            QVERIFY(rect.width() > 2);
            QTest::mouseClick(shown.view.viewport(), Qt::LeftButton, {}, rect.center());
            QCOMPARE(shown.document.current(), token);
        }
    }

    // A letter is spread over two tokens: the second takes the end of its place, and the word is not torn apart.
    void aLetterOverTwoTokensIsShared() {
        Shown shown({QStringLiteral("ש"), QString(), QStringLiteral("לום")});
        RunTrace trace;
        const std::vector<std::string> bytes{"\xD7", "\xA9", "\xD7\x9C\xD7\x95\xD7\x9D"};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            trace.apply(TokenText{static_cast<TokenId>(i + 1), bytes[i]});
            TokenRecord record;
            record.pos = static_cast<Position>(i);
            record.id = static_cast<TokenId>(i + 1);
            trace.apply(record);
        }
        shown.document.setTrace(std::move(trace), RunId{2});
        QCOMPARE(shown.orderOf(0), (QList<int>{2, 1, 0}));
        for (int token = 0; token < 3; ++token) {
            QTest::mouseClick(shown.view.viewport(), Qt::LeftButton, {}, shown.view.tokenRect(token).center());
            QCOMPARE(shown.document.current(), token);
        }
    }

    void aLongParagraphKeepsItsDirection() {
        QStringList texts{QStringLiteral("שלום")};
        for (int i = 0; i < 60; ++i) texts << QStringLiteral(" עולם");
        for (int i = 0; i < 60; ++i) texts << QStringLiteral(" word");
        Shown shown(texts, false, {360, 600});
        const auto width = static_cast<float>(shown.view.layoutOfTokens().metrics().width);
        for (const int token : {30, 90, 115}) {
            float right = 0;
            for (const TokenLayout::Run& run : shown.runsOf(token)) {
                right = std::max(right, run.x + run.width);
                QVERIFY(run.x >= -0.5F && run.x + run.width <= width + 0.5F);
            }
            QVERIFY2(std::abs(right - width) < 2,
                     qPrintable(QString::number(token)));  // every line of it begins at the right
        }
    }

    void appendingEqualsLayingOutAnewFromRightToLeft() {
        QStringList texts;
        for (int i = 0; i < 80; ++i)
            texts << (i % 7 == 6   ? QStringLiteral("\n")
                      : i % 3 == 0 ? QStringLiteral(" שלום")
                      : i % 3 == 1 ? QStringLiteral(" is")
                                   : QStringLiteral(" سلام"));
        RunDocument live;
        TokenStreamView view(&live);
        view.resize(300, 300);
        view.show();
        live.start(RunRequest{}, RunId{1});
        const RunTrace whole = traceOf(texts);
        for (std::size_t i = 0; i < whole.points().size(); ++i) {
            EventBatch batch;
            batch.events.emplace_back(
                TokenText{whole.points()[i].token.id, std::string(whole.text(whole.points()[i].token.id))});
            batch.events.emplace_back(whole.points()[i].token);
            live.apply(batch);
            (void)view.grab();
        }
        TokenLayout fresh;
        fresh.setMetrics(view.layoutOfTokens().metrics());
        fresh.update(view.pieces(), live.trace(), 0);
        QCOMPARE(view.layoutOfTokens().lineCount(), fresh.lineCount());
        std::vector<TokenLayout::Run> a, b;
        for (int line = 0; line < fresh.lineCount(); ++line) {
            view.layoutOfTokens().runsOfLine(view.pieces(), line, a);
            fresh.runsOfLine(view.pieces(), line, b);
            QCOMPARE(a.size(), b.size());
            for (std::size_t i = 0; i < a.size(); ++i)
                QVERIFY(a[i].token == b[i].token && a[i].x == b[i].x && a[i].width == b[i].width);
        }
    }

    // A page of it, coloured: what a frame takes is printed, and it is ordered from the first line to the last.
    void aPageFromRightToLeft() {
        QStringList texts;
        for (int i = 0; i < 20'000; ++i)
            texts << (i % 40 == 39 ? QStringLiteral("\n")
                      : i % 5 == 4 ? QStringLiteral(" word")
                      : i % 2 == 0 ? QStringLiteral(" שלום")
                                   : QStringLiteral(" سلام"));
        Shown shown(texts, false, {900, 700});
        shown.document.setMeasure(Measure::Entropy);
        QElapsedTimer timer;
        std::vector<double> ms;
        QScrollBar* bar = shown.view.verticalScrollBar();
        for (int frame = 0; frame < 20; ++frame) {
            bar->setValue(bar->maximum() * frame / 20);
            QCoreApplication::processEvents();
            const std::int64_t before = shown.view.tokensPainted();
            timer.restart();
            QVERIFY(!shown.view.viewport()->grab().isNull());
            ms.push_back(static_cast<double>(timer.nsecsElapsed()) / 1e6);
            const std::int64_t painted = shown.view.tokensPainted() - before;
            QVERIFY2(painted > 0 && painted < 1500, qPrintable(QString::number(painted)));  // a page of them
        }
        std::sort(ms.begin(), ms.end());
        qInfo("a page of 20,000 tokens from right to left: %.1f ms a frame, at most %.1f ms", ms[ms.size() / 2],
              ms.back());
        for (const int token : {0, 10'000, 19'990}) {
            const auto runs = shown.runsOf(token);
            QVERIFY(runs.size() > 1 && runs.front().line != nullptr && runs.back().token < runs.front().token);
        }
    }

    void linesFromLeftToRightStayAsTheyWere() {
        Shown shown({QStringLiteral("one"), QStringLiteral(" two"), QStringLiteral(" drei"), QStringLiteral(" 三")});
        for (const TokenLayout::Run& run : shown.runsOf(0)) QVERIFY(run.line == nullptr);
    }

    void whatCannotBeSeenIsMarked_data() {
        QTest::addColumn<char32_t>("code");
        QTest::addColumn<QString>("mark");
        QTest::newRow("no-break space") << U'\u00A0' << QStringLiteral("⟦NBSP⟧");
        QTest::newRow("line separator") << U'\u2028' << QStringLiteral("⟦LSEP⟧");
        QTest::newRow("zero width space") << U'\u200B' << QStringLiteral("⟦ZWSP⟧");
        QTest::newRow("zero width joiner") << U'\u200D' << QStringLiteral("⟦ZWJ⟧");
        QTest::newRow("right to left override") << U'\u202E' << QStringLiteral("⟦RLO⟧");
        QTest::newRow("isolate") << U'\u2067' << QStringLiteral("⟦RLI⟧");
        QTest::newRow("byte order mark") << U'\uFEFF' << QStringLiteral("⟦BOM⟧");
        QTest::newRow("soft hyphen") << U'\u00AD' << QStringLiteral("⟦SHY⟧");
        QTest::newRow("hangul filler") << U'\u3164' << QStringLiteral("⟦U+3164⟧");
        QTest::newRow("next line") << U'\u0085' << QStringLiteral("⟦U+0085⟧");
        QTest::newRow("tag") << U'\U000E0041' << QStringLiteral("⟦U+E0041⟧");
        QTest::newRow("variation selector") << U'\uFE0F' << QStringLiteral("⟦VS16⟧");
        QTest::newRow("em space") << U'\u2003' << QStringLiteral("⟦EMSP⟧");
    }
    void whatCannotBeSeenIsMarked() {
        QFETCH(char32_t, code);
        QFETCH(QString, mark);
        const QString hidden = QStringView(QChar::fromUcs4(code)).toString();  // keeps a byte order mark
        QCOMPARE(invisibleMark(code), mark);
        QCOMPARE(tokenLabelOf(hidden.toStdString()), mark);
        for (const bool invisibles : {false, true}) {
            Shown shown(
                {QStringLiteral("one"), hidden, QStringLiteral("two"), QStringLiteral("\n"), QStringLiteral("three")},
                invisibles);
            const auto runs = shown.runsOf(1);
            QCOMPARE(runs.size(), std::size_t{4});
            if (invisibles) QCOMPARE(runs[1].content->shown, mark);
            const QRect rect = shown.view.tokenRect(1);
            QVERIFY2(rect.width() >= 3, "no place to click");
            QTest::mouseClick(shown.view.viewport(), Qt::LeftButton, {}, rect.center());
            QCOMPARE(shown.document.current(), 1);
            QCOMPARE(shown.orderOf(0), (QList<int>{0, 1, 2, 3}));  // and nothing around it changed places
        }
    }
    void whatCanBeSeenIsNotMarked() {
        for (const char32_t code : {U'a', U'é', U'→', U'三', U'ש', U'😀', U'\u0301', U'\u0600'})
            QVERIFY(invisibleMark(code).isEmpty());
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestTextAsItIs)
#include "tst_text_as_it_is.moc"
