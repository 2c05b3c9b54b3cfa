// The stream: layout of long runs, hit test, selection, keys, search, following, copying, and what a frame costs.
#include <QAccessible>
#include <QClipboard>
#include <QPushButton>
#include <QScrollBar>

#include "tests/views/view_test.h"
#include "views/token_stream/colour_bar.h"
#include "views/token_stream/legend_bar.h"
#include "views/token_stream/token_layout.h"
#include "views/token_stream/token_navigation.h"
#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

using namespace quibble;
using quibble::testing::RunSettings;

class TestTokenStream : public QObject {
    Q_OBJECT

    struct Shown {
        RunDocument document;
        TokenStreamView view{&document};
        explicit Shown(const RunSettings& settings, QSize size = {700, 420}) {
            view.resize(size);
            testing::loadRun(document, settings);
            view.show();
            view.setFocus();
        }
    };

    static void compareLayouts(const TokenLayout& a, const TokenLayout& b) {
        for (int i = 0; i < std::min(a.lineCount(), b.lineCount()); ++i) {
            const auto &x = a.line(i), &y = b.line(i);
            QVERIFY2(x.token == y.token && x.segment == y.segment && x.top == y.top && x.heading == y.heading &&
                         x.soft == y.soft,
                     qPrintable(QStringLiteral("line %1: token %2/%3").arg(i).arg(x.token).arg(y.token)));
        }
        QCOMPARE(a.lineCount(), b.lineCount());
    }

    // A token on two lines counts twice.
    static int tokensInSight(const TokenStreamView& view) {
        const TokenLayout& layout = view.layoutOfTokens();
        const int top = view.verticalScrollBar()->value();
        std::vector<TokenLayout::Run> runs;
        int count = 0;
        for (int line = layout.lineAtY(top); line <= layout.lineAtY(top + view.viewport()->height() - 1); ++line) {
            layout.runsOfLine(view.pieces(), line, runs);
            count += static_cast<int>(runs.size());
        }
        return count;
    }

private slots:
    void everyTokenStandsOnOneLineInOrder() {
        Shown shown({.tokens = 2000, .odd_bytes = true});
        const TokenLayout& layout = shown.view.layoutOfTokens();
        std::vector<TokenLayout::Run> runs;
        int next_token = 0, next_segment = 0;
        for (int line = 0; line < layout.lineCount(); ++line) {
            layout.runsOfLine(shown.view.pieces(), line, runs);
            float x = -1e9F;
            for (const TokenLayout::Run& run : runs) {
                if (run.segment == 0 && next_segment != 0) {
                    ++next_token;
                    next_segment = 0;
                }
                QCOMPARE(run.token, next_token);
                QCOMPARE(run.segment, next_segment);
                QVERIFY(run.x >= x);
                x = run.x;
                ++next_segment;
                // A line is wider than the view only when a single token is.
                QVERIFY(run.x + run.width <= static_cast<float>(layout.metrics().width) + 0.5F || runs.size() == 1);
            }
        }
        QCOMPARE(next_token, shown.document.size() - 1);
    }

    void appendingEqualsLayingOutAnew() {
        const RunSettings settings{.tokens = 900, .odd_bytes = true};
        RunDocument live;
        TokenStreamView view(&live);
        view.resize(333, 300);
        view.show();
        live.start(testing::makeRequest(settings));
        for (const EventBatch& batch : testing::makeBatches(settings, 3)) live.apply(batch);
        TokenLayout fresh;
        fresh.setMetrics(view.layoutOfTokens().metrics());
        fresh.update(view.pieces(), live.trace(), 0);
        compareLayouts(view.layoutOfTokens(), fresh);
    }

    void linesBreakBetweenWords() {
        Shown shown({.tokens = 3000}, {420, 300});
        const TokenLayout& layout = shown.view.layoutOfTokens();
        int soft = 0, inside_words = 0;
        for (int line = 0; line < layout.lineCount(); ++line) {
            if (!layout.line(line).soft) continue;
            ++soft;
            const int token = layout.line(line).token;
            const QStringView before = shown.view.pieces().textOf(token - 1), text = shown.view.pieces().textOf(token);
            if (!text.startsWith(QLatin1Char(' ')) && !before.endsWith(QLatin1Char(' '))) ++inside_words;
        }
        QVERIFY(soft > 50);
        QCOMPARE(inside_words, 0);
    }

    void hitTestFindsEveryVisibleToken() {
        Shown shown({.tokens = 400});
        shown.view.scrollToToken(0);
        int tested = 0;
        for (int i = 0; i < shown.document.size(); ++i) {
            const QRect rect = shown.view.tokenRect(i);
            if (rect.top() < 40 || rect.bottom() > shown.view.viewport()->height() || rect.width() < 4) continue;
            QCOMPARE(shown.view.tokenAt(QPoint(rect.left() + rect.width() / 2 + 1, rect.center().y())), i);
            ++tested;
        }
        QVERIFY(tested > 50);
        QCOMPARE(shown.view.tokenAt(QPoint(-10, -10)), -1);
        QCOMPARE(shown.view.tokenAt(QPoint(5, 5)), -1);  // the heading
    }

    void sectionsFollowTheThinkingFlag() {
        Shown shown({.tokens = 200});
        const auto& sections = shown.view.layoutOfTokens().sections();
        QCOMPARE(sections.size(), std::size_t{2});
        QVERIFY(sections[0].thinking && !sections[1].thinking);
        // The closing tag and the line end behind it stand with the thought.
        const int answer = testing::tokenWithText(shown.document.trace(), "The");
        QCOMPARE(sections[1].begin, answer);
        QVERIFY(!shown.document.trace().points()[static_cast<std::size_t>(answer) - 1].token.thinking);
    }

    // The letters of a tag stand with the thought, live and afterwards.
    void tagsThatAreCutStandWithTheThought() {
        RunDocument live;
        TokenStreamView view(&live);
        view.resize(333, 300);
        view.show();
        RunRequest request;
        live.start(request);
        const std::vector<std::pair<const char*, bool>> tokens = {
            {"\n", false},   {"<", false}, {"think", false}, {">", true},   {"Hm", true},   {" 7", true}, {"</", true},
            {"think", true}, {">", false}, {"\n", false},    {"It", false}, {" is", false}, {" 7", false}};
        TokenId id = 0;
        for (const auto& [text, thinking] : tokens) {
            TokenRecord record;
            record.pos = record.id = record.without_penalty_id = id;
            record.thinking = thinking;
            live.apply(EventBatch{kNoRun, {TokenText{id, text}, record}});
            ++id;
        }
        const auto& sections = view.layoutOfTokens().sections();
        QCOMPARE(sections.size(), std::size_t{2});
        QVERIFY(sections[0].thinking && !sections[1].thinking);
        QCOMPARE(sections[1].begin, 10);
        TokenLayout fresh;
        fresh.setMetrics(view.layoutOfTokens().metrics());
        fresh.update(view.pieces(), live.trace(), 0);
        compareLayouts(view.layoutOfTokens(), fresh);
    }

    void mouseSelects() {
        Shown shown({.tokens = 300});
        shown.view.scrollToToken(0);
        const auto centre = [&](int token) { return shown.view.tokenRect(token).center(); };
        QWidget* viewport = shown.view.viewport();
        QTest::mouseClick(viewport, Qt::LeftButton, {}, centre(10));
        QCOMPARE(shown.document.current(), 10);
        QCOMPARE(shown.document.selection(), (TokenRange{10, 11}));
        QTest::mousePress(viewport, Qt::LeftButton, {}, centre(12));
        QTest::mouseMove(viewport, centre(20));
        QMouseEvent move(QEvent::MouseMove, centre(20), viewport->mapToGlobal(centre(20)), Qt::NoButton, Qt::LeftButton,
                         {});
        QApplication::sendEvent(viewport, &move);
        QTest::mouseRelease(viewport, Qt::LeftButton, {}, centre(20));
        QCOMPARE(shown.document.selection(), (TokenRange{12, 21}));
        QTest::mouseClick(viewport, Qt::LeftButton, Qt::ShiftModifier, centre(8));
        QCOMPARE(shown.document.selection(), (TokenRange{8, 13}));
        QSignalSpy inspect(&shown.view, &TokenStreamView::inspectRequested);
        QTest::mouseDClick(viewport, Qt::LeftButton, {}, centre(15));
        QCOMPARE(inspect.count(), 1);
    }

    void keysMove() {
        Shown shown({.tokens = 300, .penalty = 2});
        RunDocument& document = shown.document;
        const RunTrace& trace = document.trace();
        const auto key = [&](int which, Qt::KeyboardModifiers modifiers = {}) {
            QTest::keyClick(&shown.view, static_cast<Qt::Key>(which), modifiers);
        };
        key(Qt::Key_Home);
        QCOMPARE(document.current(), 0);
        key(Qt::Key_Right);
        key(Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(document.selection(), (TokenRange{1, 3}));
        key(Qt::Key_Left);
        QCOMPARE(document.current(), 1);
        key(Qt::Key_N);
        const int first_marker = document.current();
        QVERIFY(trace.points()[static_cast<std::size_t>(first_marker)].token.marker);
        key(Qt::Key_N);
        QVERIFY(document.current() > first_marker);
        key(Qt::Key_P);
        QCOMPARE(document.current(), first_marker);
        key(Qt::Key_U);
        QVERIFY(static_cast<double>(trace.points()[static_cast<std::size_t>(document.current())].token.entropy) >=
                kUncertainNats);
        key(Qt::Key_I);
        QVERIFY(trace.points()[static_cast<std::size_t>(document.current())].token.intervened());
        key(Qt::Key_Down);
        const int below = document.current();
        key(Qt::Key_Up);
        QVERIFY(document.current() < below);
        key(Qt::Key_Home);
        key(Qt::Key_Right, Qt::ControlModifier);
        QVERIFY(shown.view.pieces().textOf(document.current() - 1).trimmed().endsWith(QLatin1Char('.')));
        key(Qt::Key_Left, Qt::ControlModifier);
        QCOMPARE(document.current(), 0);
        key(Qt::Key_End);
        QCOMPARE(document.current(), document.size() - 1);
        key(Qt::Key_Escape);
        QCOMPARE(document.current(), -1);
        QSignalSpy find(&shown.view, &TokenStreamView::findRequested);
        key(Qt::Key_F, Qt::ControlModifier);
        QCOMPARE(find.count(), 1);
    }

    void copies() {
        Shown shown({.tokens = 120});
        shown.document.setSelection({0, 2}, 0);
        QTest::keyClick(&shown.view, Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("First,"));
        QLocale::setDefault(QLocale(QLocale::German));
        QTest::keyClick(&shown.view, Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
        QLocale::setDefault(QLocale::c());
        const QStringList lines = QApplication::clipboard()->text().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 3);
        const QStringList head = lines[0].split(QLatin1Char('\t')), row = lines[1].split(QLatin1Char('\t'));
        QCOMPARE(row.size(), head.size());
        QCOMPARE(row[3], QStringLiteral("First"));
        bool number = false;
        const double entropy = row[4].toDouble(&number);  // C locale: a point, never a comma
        QVERIFY(number);
        QVERIFY(std::abs(entropy - static_cast<double>(shown.document.trace().points()[0].token.entropy)) < 1e-6);
        QTest::keyClick(&shown.view, Qt::Key_A, Qt::ControlModifier);
        QCOMPARE(shown.view.selectedText(), shown.view.pieces().text());
    }

    void findsAcrossTokensAndWhileTokensArrive() {
        const RunSettings settings{.tokens = 600};
        RunDocument document;
        TokenStreamView view(&document);
        view.resize(600, 400);
        document.start(testing::makeRequest(settings));
        view.setFindText(QStringLiteral("LET ME"));
        QCOMPARE(view.findCount(), 0);
        for (const EventBatch& batch : testing::makeBatches(settings, 5)) document.apply(batch);
        const int expected = static_cast<int>(view.pieces().text().count(QStringLiteral("let me")));
        QVERIFY(expected > 3);
        QCOMPARE(view.findCount(), expected);
        QSet<int> places;
        for (int i = 0; i < expected; ++i) {
            view.findNext();
            QVERIFY(view.selectedText().contains(QStringLiteral("let me")));
            places.insert(document.current());
        }
        QCOMPARE(static_cast<int>(places.size()), expected);
        const int last = document.current();
        view.findNext();
        view.findNext(true);
        QCOMPARE(document.current(), last);
        view.setFindText(QStringLiteral("LET ME"), Qt::CaseSensitive);
        QCOMPARE(view.findCount(), 0);
        view.findNext();  // nothing to go to
        view.setFindText({});
        QCOMPARE(view.findCount(), 0);
    }

    void followsTheTailUntilTheUserScrolls() {
        const RunSettings settings{.tokens = 2500, .finished = false};
        const std::vector<EventBatch> batches = testing::makeBatches(settings, 400);
        RunDocument document;
        TokenStreamPanel panel(&document);
        panel.resize(500, 300);
        panel.show();
        document.start(testing::makeRequest(settings));
        QScrollBar* bar = panel.stream()->verticalScrollBar();
        const std::size_t half = batches.size() / 2;
        for (std::size_t i = 0; i < half; ++i) document.apply(batches[i]);
        QVERIFY(bar->maximum() > 0);
        QCOMPARE(bar->value(), bar->maximum());
        QVERIFY(panel.stream()->followsTail());
        bar->setValue(bar->maximum() / 2);
        const int stays = bar->value();
        QVERIFY(!panel.stream()->followsTail());
        auto* live = panel.findChild<QPushButton*>();
        QVERIFY(live != nullptr && live->isVisible());
        for (std::size_t i = half; i < batches.size(); ++i) document.apply(batches[i]);
        QCOMPARE(bar->value(), stays);
        QTest::mouseClick(live, Qt::LeftButton);
        QCOMPARE(bar->value(), bar->maximum());
        QVERIFY(panel.stream()->followsTail());
        QVERIFY(!live->isVisible());
    }

    void selectionElsewhereScrollsHere() {
        Shown shown({.tokens = 4000});
        shown.document.selectToken(2000);
        const QRect rect = shown.view.tokenRect(2000);
        QVERIFY(rect.top() >= 0 && rect.bottom() <= shown.view.viewport()->height());
        shown.view.resize(400, 420);  // another width keeps the place
        QApplication::processEvents();
        QVERIFY(!shown.view.followsTail());
    }

    void invisiblesChangeTheLayoutNotTheText() {
        Shown shown({.tokens = 200});
        const QString before = shown.view.pieces().text();
        QSignalSpy changed(&shown.view, &TokenStreamView::invisiblesChanged);
        shown.view.setShowInvisibles(true);
        QCOMPARE(changed.count(), 1);
        QCOMPARE(shown.view.pieces().text(), before);
        std::vector<TokenLayout::Run> runs;
        shown.view.layoutOfTokens().runsOfLine(shown.view.pieces(), 1, runs);
        QString line;
        for (const TokenLayout::Run& run : runs) line += run.content->shown;
        QVERIFY(line.contains(QChar(0x00B7)));
    }

    void speaksToScreenReaders() {
        Shown shown({.tokens = 150});
        shown.document.setSelection({3, 6}, 4);
        QAccessibleInterface* face = QAccessible::queryAccessibleInterface(&shown.view);
        QVERIFY(face != nullptr);
        QVERIFY(!face->text(QAccessible::Name).isEmpty());
        QAccessibleTextInterface* text = face->textInterface();
        QVERIFY(text != nullptr);
        QCOMPARE(text->characterCount(), static_cast<int>(shown.view.pieces().text().size()));
        QCOMPARE(text->cursorPosition(), static_cast<int>(shown.view.pieces().begin(4)));
        int start = 0, end = 0;
        text->selection(0, &start, &end);
        QCOMPARE(text->text(start, end), shown.view.selectedText());
        text->setCursorPosition(static_cast<int>(shown.view.pieces().begin(9)));
        QCOMPARE(shown.document.current(), 9);
        QVERIFY(text->characterRect(start).isValid());
    }

    void legendFollows() {
        RunDocument document;
        ColourBar bar(&document);
        auto* legend = bar.findChild<LegendBar*>();
        QVERIFY(legend->caption().contains(QStringLiteral("nothing")));
        testing::loadRun(document, {.tokens = 200});
        QVERIFY(legend->caption().contains(QStringLiteral("nat")));
        document.setUnit(Unit::Bit);
        QVERIFY(legend->caption().contains(QStringLiteral("bit")));
        document.setMeasure(Measure::Rank);
        QVERIFY(legend->caption().startsWith(QLatin1Char('1')));
        document.setMeasure(Measure::None);
        QVERIFY(legend->caption().isEmpty());
    }

    void coloursAreOnTheScreen() {
        // A token high on the scale is painted in a colour that a plain run does not show.
        Shown shown({.tokens = 200});
        const auto fills = [&] {
            const QImage image = shown.view.viewport()->grab().toImage();
            int warm = 0;
            for (int y = 45; y < image.height(); ++y) {
                for (int x = 0; x < image.width(); ++x) {
                    const QColor c = image.pixelColor(x, y);
                    warm += c.red() > 225 && c.blue() < 190 && c.green() > 120 ? 1 : 0;
                }
            }
            return warm;
        };
        shown.document.setMeasure(Measure::Entropy);
        const int coloured = fills();
        shown.document.setMeasure(Measure::None);
        QVERIFY(coloured > fills() + 500);
    }

    // What a frame costs is counted in tokens that were placed or painted; the times are printed only.
    void hundredThousandTokens() {
        RunDocument document;
        TokenStreamView view(&document);
        view.resize(900, 600);
        view.show();
        RunTrace trace = testing::makeTrace({.tokens = 100000, .finished = false});
        const auto placedBy = [&view](const auto& action) {
            const std::int64_t before = view.layoutOfTokens().tokensPlaced();
            action();
            return view.layoutOfTokens().tokensPlaced() - before;
        };
        QElapsedTimer timer;
        timer.start();
        const std::int64_t loaded = placedBy([&] { document.setTrace(std::move(trace)); });
        const double first = static_cast<double>(timer.nsecsElapsed()) / 1e6;
        QVERIFY(document.size() >= 99000);
        QCOMPARE(loaded, std::int64_t{document.size()});
        const std::int64_t narrowed = placedBy([&] {
            view.resize(640, 600);
            QApplication::processEvents();
        });
        QCOMPARE(narrowed, std::int64_t{document.size()});
        double paint = 0;
        for (int i = 0; i < 20; ++i) {
            view.verticalScrollBar()->setValue(view.verticalScrollBar()->maximum() * i / 20);
            QApplication::processEvents();
            const std::int64_t before = view.tokensPainted();
            timer.restart();
            view.viewport()->repaint();
            paint = std::max(paint, static_cast<double>(timer.nsecsElapsed()) / 1e6);
            QCOMPARE(view.tokensPainted() - before, std::int64_t{tokensInSight(view)});
        }
        const EventBatch more = testing::makeBatches({.tokens = 60, .finished = false}, 100000).front();
        const int size = document.size();
        const std::int64_t appended = placedBy([&] { document.apply(more); });
        const int added = document.size() - size;
        QVERIFY(added >= 50);
        // With the line that they go on from, and up to four before it.
        QVERIFY2(appended >= added && appended < added + 200, qPrintable(QString::number(appended)));
        qInfo("100k tokens: load and lay out %.1f ms, worst page paint %.2f ms", first, paint);
        QVERIFY2(view.layoutOfTokens().lineCount() > 2000,
                 qPrintable(QString::number(view.layoutOfTokens().lineCount())));
        for (const int token : {0, 1234, 50000, document.size() - 1}) {
            view.scrollToToken(token);
            const QRect rect = view.tokenRect(token);
            QCOMPARE(view.tokenAt(QPoint(rect.left() + rect.width() / 2 + 1, rect.center().y())), token);
        }
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestTokenStream)
#include "tst_token_stream.moc"
