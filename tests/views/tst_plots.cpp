// Traces and scatter: following, zooming, selection both ways, and pictures in three formats.
#include <QFile>
#include <QImage>
#include <QPainter>
#include <QPushButton>
#include <QSvgRenderer>
#include <QTemporaryDir>
#include <QWheelEvent>

#include "tests/views/view_test.h"
#include "views/focus_frame.h"
#include "views/plots/export_dialog.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/token_stream/token_stream_view.h"

using namespace quibble;
using quibble::testing::RunSettings;

class TestPlots : public QObject {
    Q_OBJECT

    struct Shown {
        RunDocument document;
        TracesView traces{&document};
        explicit Shown(const RunSettings& settings) {
            traces.resize(900, 420);
            traces.show();
            testing::loadRun(document, settings);
            QApplication::processEvents();
        }
        void wheel(int token, int delta, Qt::KeyboardModifiers modifiers = {}) {
            const QPointF at(traces.xPixel(token), 100);
            QWheelEvent event(at, traces.plotWidget()->mapToGlobal(at), {}, QPoint(0, delta), Qt::NoButton, modifiers,
                              Qt::NoScrollPhase, false);
            QApplication::sendEvent(traces.plotWidget(), &event);
        }
    };

    static int inkOf(const QImage& image, const QColor& colour) {
        int count = 0;
        for (int y = 0; y < image.height(); ++y) {
            for (int x = 0; x < image.width(); ++x) {
                const QColor c = image.pixelColor(x, y);
                const int distance = std::abs(c.red() - colour.red()) + std::abs(c.green() - colour.green()) +
                                     std::abs(c.blue() - colour.blue());
                count += distance < 60 ? 1 : 0;
            }
        }
        return count;
    }

private slots:
    void followsTheTailUntilTheUserPans() {
        const RunSettings settings{.tokens = 1500, .finished = false};
        const auto batches = testing::makeBatches(settings, 300);
        RunDocument document;
        TracesView traces(&document);
        traces.resize(900, 400);
        traces.show();
        document.start(testing::makeRequest(settings));
        const std::size_t half = batches.size() / 2;
        for (std::size_t i = 0; i < half; ++i) document.apply(batches[i]);
        QVERIFY(traces.followsTail());
        QVERIFY(traces.xUpper() >= document.size() - 1);
        QVERIFY(traces.xUpper() - traces.xLower() < 420);
        QSignalSpy follow(&traces, &TracesView::followTailChanged);
        traces.setXRange(100, 200);
        QVERIFY(!traces.followsTail());
        QCOMPARE(follow.count(), 1);
        for (std::size_t i = half; i < batches.size(); ++i) document.apply(batches[i]);
        QVERIFY(std::abs(traces.xLower() - 100) < 1 && std::abs(traces.xUpper() - 200) < 1);
        traces.jumpToLive();
        QVERIFY(traces.followsTail());
        QVERIFY(traces.xUpper() >= document.size() - 1);
    }

    void storedRunIsShownWhole() {
        Shown shown({.tokens = 3000});
        QVERIFY(shown.traces.xLower() < 1 && shown.traces.xUpper() >= shown.document.size() - 1);
    }

    void wheelZoomsAtTheMouse() {
        Shown shown({.tokens = 1000});
        const double before = shown.traces.xPixel(300);
        shown.wheel(300, 120);
        QVERIFY(shown.traces.xUpper() - shown.traces.xLower() < 900);
        QVERIFY(std::abs(shown.traces.xPixel(300) - before) < 2);
        shown.traces.setXRange(200, 400);
        shown.wheel(300, -120, Qt::ShiftModifier);
        QVERIFY(shown.traces.xLower() > 210);
        shown.traces.fitAll();
        QVERIFY(shown.traces.xLower() < 1 && shown.traces.xUpper() >= shown.document.size() - 1);
        shown.traces.setXRange(-1e9, 1e9);  // never past the run
        QVERIFY(shown.traces.xLower() > -100 && shown.traces.xUpper() < shown.document.size() + 100);
    }

    void mousePansAndSelects() {
        Shown shown({.tokens = 1000});
        QWidget* plot = shown.traces.plotWidget();
        shown.traces.setXRange(300, 500);
        const auto at = [&](int token) { return QPoint(static_cast<int>(shown.traces.xPixel(token)), 60); };
        QTest::mouseClick(plot, Qt::LeftButton, {}, at(400));
        QVERIFY(std::abs(shown.document.current() - 400) <= 1);
        const double lower = shown.traces.xLower();
        QTest::mousePress(plot, Qt::LeftButton, {}, at(400));
        const QPoint target = at(400) + QPoint(-120, 0);
        QMouseEvent move(QEvent::MouseMove, target, plot->mapToGlobal(target), Qt::NoButton, Qt::LeftButton, {});
        QApplication::sendEvent(plot, &move);
        QTest::mouseRelease(plot, Qt::LeftButton, {}, target);
        QVERIFY(shown.traces.xLower() > lower + 10);
        QTest::mouseDClick(plot, Qt::LeftButton, {}, at(450));
        QVERIFY(shown.traces.xLower() < 1);
    }

    void selectionIsSharedBothWays() {
        RunDocument document;
        TokenStreamView stream(&document);
        TracesView traces(&document);
        ScatterView scatter(&document);
        for (QWidget* widget : std::initializer_list<QWidget*>{&stream, &traces, &scatter}) {
            widget->resize(600, 400);
            widget->show();
        }
        testing::loadRun(document, {.tokens = 1200});
        QApplication::processEvents();
        traces.setXRange(0, 100);
        stream.setFocus();
        stream.scrollToToken(0);
        QTest::keyClick(&stream, Qt::Key_End);
        QCOMPARE(document.current(), document.size() - 1);
        QVERIFY(traces.xUpper() >= document.size() - 1);  // the plot brought it into sight
        QVERIFY(traces.figures().contains(QString::number(document.current())));
        QTest::mouseClick(traces.plotWidget(), Qt::LeftButton, {},
                          QPoint(static_cast<int>(traces.xPixel(document.size() - 30)), 60));
        QVERIFY(std::abs(document.current() - (document.size() - 30)) <= 2);
        QVERIFY(stream.viewport()->rect().intersects(stream.tokenRect(document.current())));
        // Dots may hide one another: a click takes one that lies where the wanted one lies.
        const int wanted = 77;
        QTest::mouseClick(scatter.plotWidget(), Qt::LeftButton, {}, scatter.pointOf(wanted));
        QVERIFY((scatter.pointOf(document.current()) - scatter.pointOf(wanted)).manhattanLength() <= 14);
    }

    void theKeyboardsPlaceIsSeen() {
        Shown shown({.tokens = 50});
        shown.traces.show();
        QVERIFY(QTest::qWaitForWindowActive(&shown.traces));
        const auto* frame = shown.traces.findChild<FocusFrame*>();
        QVERIFY(frame != nullptr);
        QPushButton button(&shown.traces);
        button.show();
        button.setFocus(Qt::TabFocusReason);
        QVERIFY(!frame->isVisible());
        shown.traces.plotWidget()->setFocus(Qt::TabFocusReason);
        QTRY_VERIFY(frame->isVisible());
        QCOMPARE(frame->size(), shown.traces.plotWidget()->size());
        QTest::mouseClick(shown.traces.plotWidget(), Qt::LeftButton);
        QVERIFY(!frame->isVisible());
    }

    void figuresSpeak() {
        Shown shown({.tokens = 300, .unscored = 20, .finished = false});
        shown.document.selectToken(shown.document.size() - 1);
        QVERIFY(shown.traces.figures().contains(QStringLiteral("pending")));
        ScatterView scatter(&shown.document);
        QVERIFY(scatter.figures().startsWith(QStringLiteral("ρ = ")));
        RunDocument empty;
        QVERIFY(ScatterView(&empty).figures().isEmpty());
        RunDocument without;
        testing::loadRun(without, {.tokens = 50, .reference = false});
        QCOMPARE(ScatterView(&without).figures(), QStringLiteral("no reference"));
    }

    void linesAreDrawn() {
        Shown shown({.tokens = 20000});
        const QImage image = shown.traces.picture(1).toImage();
        QVERIFY(inkOf(image, Theme::instance().colors().entropy) > 300);
        QVERIFY(inkOf(image, Theme::instance().colors().kl) > 300);
    }

    // Without a reference there is no KL, and its place goes to what was measured.
    void withoutAReferenceTwoRowsShareTheHeight() {
        Shown with({.tokens = 200}), without({.tokens = 200, .reference = false});
        const QColor kl = Theme::instance().colors().kl;
        QVERIFY(inkOf(with.traces.picture(1).toImage(), kl) > 100);
        const QImage image = without.traces.picture(1).toImage();
        QVERIFY(inkOf(image, kl) < 10);
        // The lowest row begins in the lower half of the plot, not in its last third.
        const QColor mass = Theme::instance().colors().mass;
        int first = image.height();
        for (int y = 0; y < image.height() && first == image.height(); ++y) {
            if (inkOf(image.copy(image.width() / 3, y, image.width() / 2, 1), mass) > 0) first = y;
        }
        QVERIFY2(first < image.height() * 0.62, qPrintable(QString::number(first)));
        QSignalSpy wanted(&without.traces, &TracesView::referenceRequested);
        QVERIFY(with.traces.headerWidget()->findChild<QPushButton*>()->isHidden());
        auto* button = without.traces.headerWidget()->findChild<QPushButton*>();
        QVERIFY(!button->isHidden());
        button->click();
        QCOMPARE(wanted.count(), 1);
    }

    // What the dashed lines are, and what the axis counts, stands in the picture itself.
    void theFootOfTheTracesExplains() {
        QTemporaryDir folder;
        const auto svgOf = [&folder](const RunSettings& settings) {
            Shown shown(settings);
            FigureOptions options;
            options.format = FigureFormat::Svg;
            options.size = QSize(900, 420);
            const QString path = folder.filePath(QStringLiteral("figure.svg"));
            if (!shown.traces.exportFigure(path, options)) return QByteArray();
            QFile file(path);
            return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
        };
        const QByteArray plain = svgOf({.tokens = 200});
        QVERIFY(plain.contains(">token<") && plain.contains(">marker<"));
        QVERIFY(!plain.contains("a control changed"));
        const QByteArray penalized = svgOf({.tokens = 300, .penalty = 2, .penalty_from = 60});
        QVERIFY(penalized.contains("a control changed") && penalized.contains("the penalty changed the token"));
    }

    // The label of the value axis has its own room, whatever the numbers beside it need.
    void theLabelOfTheAxisIsNotCut() {
        RunTrace trace = testing::makeTrace({.tokens = 120});
        RunTrace small(trace.request());
        small.apply(trace.provenance());
        for (const TracePoint& point : trace.points()) {
            small.apply(point.token);
            ReferenceRecord reference = point.reference;
            reference.kl *= 1e-5F;
            small.apply(reference);
        }
        RunDocument document;
        ScatterView scatter(&document);
        scatter.resize(320, 240);
        scatter.show();
        document.setTrace(std::move(small), RunId{1});
        QApplication::processEvents();
        const QImage image = scatter.picture(1).toImage();
        // Nothing but the card touches the left edge, and the first ink is that of the label, in full height.
        QCOMPARE(inkOf(image.copy(0, 0, 1, image.height()), Theme::instance().colors().card), image.height());
        int first = 0, rows = 0;
        while (first < image.width() &&
               inkOf(image.copy(first, 0, 1, image.height()), Theme::instance().colors().card) == image.height())
            ++first;
        const int line = QFontMetrics(Theme::instance().smallFont()).height();
        const QImage label = image.copy(first, 0, line * 2 / 3, image.height());
        for (int y = 0; y < label.height(); ++y)
            rows += inkOf(label.copy(0, y, label.width(), 1), Theme::instance().colors().card) < label.width() ? 1 : 0;
        QVERIFY2(rows > line * 2, "the label of the axis is cut or gone");
    }

    void exports_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<bool>("scatter");
        for (const bool scatter : {false, true}) {
            for (const char* ending : {"png", "svg", "pdf"}) {
                const QString name = QStringLiteral("figure.%1").arg(QLatin1String(ending));
                QTest::newRow(qPrintable(name + (scatter ? " scatter" : " traces"))) << name << scatter;
            }
        }
    }
    void exports() {
        QFETCH(QString, name);
        QFETCH(bool, scatter);
        Theme::instance().setMode(ThemeMode::Dark);
        RunDocument document;
        testing::loadRun(document, {.tokens = 2000});
        TracesView traces(&document);
        ScatterView dots(&document);
        FigureView& figure = scatter ? static_cast<FigureView&>(dots) : traces;
        QTemporaryDir folder;
        const QString path = folder.filePath(name);
        FigureOptions options;
        options.format = figureFormatOf(path).value();
        options.size = QSize(800, 400);
        options.title = QStringLiteral("Title");
        options.footer = QStringLiteral("provenance");
        const Result<void> result = figure.exportFigure(path, options);
        QVERIFY2(result.has_value(), result ? "" : result.error().line().c_str());
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray bytes = file.readAll();
        if (name.endsWith(QLatin1String("pdf"))) {
            QVERIFY(bytes.startsWith("%PDF-1"));
            QVERIFY(bytes.contains("%%EOF"));
            QVERIFY(bytes.size() > 4000 && bytes.size() < 3'000'000);
        } else {
            QImage image;
            if (name.endsWith(QLatin1String("svg"))) {
                QSvgRenderer renderer(bytes);
                QVERIFY(renderer.isValid());
                QCOMPARE(renderer.viewBox().size(), QSize(800, 400));
                QVERIFY(bytes.contains("provenance"));
                image = QImage(800, 400, QImage::Format_ARGB32);
                image.fill(Qt::black);
                QPainter painter(&image);
                renderer.render(&painter);
            } else {
                QVERIFY(image.loadFromData(bytes, "PNG"));
                QCOMPARE(image.size(), QSize(1600, 800));
                QCOMPARE(qRound(image.dotsPerMeterX() * 0.0254), 192);
            }
            QCOMPARE(image.pixelColor(2, image.height() / 2).rgb() | 0xFF000000,
                     Theme::light().card.rgb());  // light although the window is dark
            QVERIFY(inkOf(image, scatter ? Theme::light().entropy : Theme::light().kl) > 50);
        }
        Theme::instance().setMode(ThemeMode::Light);
    }

    void exportErrorsNameTheCause() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 50});
        TracesView traces(&document);
        traces.resize(500, 300);
        FigureOptions options;
        const Result<void> folder = traces.exportFigure(QStringLiteral("/nowhere/figure.png"), options);
        QVERIFY(!folder && folder.error().code == ErrorCode::Io);
        QVERIFY(QString::fromStdString(folder.error().what).contains(QStringLiteral("/nowhere/figure.png")));
        options.scale = 1000;
        QVERIFY(!traces.exportFigure(QStringLiteral("figure.png"), options));
        options.scale = 2;
        options.size = QSize(3, 3);
        QVERIFY(!traces.exportFigure(QStringLiteral("figure.png"), options));
        QVERIFY(!figureFormatOf(QStringLiteral("figure.gif")));
        QVERIFY(!figureFormatOf(QStringLiteral("png")));
        QCOMPARE(figureFormatOf(QStringLiteral("a.b/FIGURE.PDF")).value(), FigureFormat::Pdf);
    }

    void dialogMakesTheOptions() {
        Shown shown({.tokens = 100});
        ScatterView scatter(&shown.document);
        ExportDialog dialog({&shown.traces, &scatter}, QStringLiteral("made by a test"), QStringLiteral("."));
        const FigureOptions options = dialog.options();
        QCOMPARE(options.size, shown.traces.size());
        QCOMPARE(options.footer, QStringLiteral("made by a test"));
        QVERIFY(options.title.startsWith(QStringLiteral("Traces")));
        dialog.chooseFigure(&scatter);
        QVERIFY(dialog.options().title.startsWith(QStringLiteral("KL")));
    }

    void tableTwinShowsTheSame() {
        Shown shown({.tokens = 100});
        QCOMPARE(shown.traces.table()->rowCount(), shown.document.size());
        shown.traces.copyCsv();
        QVERIFY(!shown.traces.plotWidget()->accessibleDescription().isEmpty());
        shown.traces.showTable(true);
        QVERIFY(!shown.traces.plotWidget()->isVisible());
        shown.traces.showTable(false);
        QVERIFY(shown.traces.plotWidget()->isVisible());
    }

    // What a frame costs is counted in values that were looked at; the times are printed only.
    void aFrameReadsWhatIsInSight() {
        Shown shown({.tokens = 100000, .finished = false});
        constexpr std::int64_t kCurves = 3;
        const auto readBy = [&](const auto& action) {
            const std::int64_t before = shown.traces.valuesRead();
            action();
            return shown.traces.valuesRead() - before;
        };
        const auto replot = [&] { shown.traces.replotNow(); };
        // Some values beside what is in sight: lines go on behind the edge.
        constexpr std::int64_t kBeside = 8;
        shown.traces.fitAll();
        const std::int64_t whole = readBy(replot);
        QVERIFY(whole > kCurves * 99'000 && whole <= kCurves * (shown.document.size() + kBeside));
        qInfo("traces with 100k tokens: replot %.2f ms", shown.traces.lastReplotMs());
        QVERIFY(readBy([&] {
                    for (int i = 0; i < 20; ++i) shown.document.setHovered(i * 4000);
                }) == 0);  // the crosshair has a layer of its own
        QVERIFY(readBy([&] { QVERIFY(!shown.traces.picture(2).isNull()); }) <= whole);
        shown.traces.setXRange(50'000, 50'400);
        const std::int64_t part = readBy(replot);
        QVERIFY2(part > kCurves * 300 && part <= kCurves * (402 + kBeside), qPrintable(QString::number(part)));
        // Following the newest token: those in sight, to draw them and for the upper end of the axis.
        shown.traces.setXRange(shown.document.size() - 400, shown.document.size());
        QVERIFY(shown.traces.followsTail());
        QApplication::processEvents();
        const EventBatch more = testing::makeBatches({.tokens = 60, .finished = false}, 100000).front();
        const std::int64_t followed = readBy([&] {
            shown.document.apply(more);
            QApplication::processEvents();
        });
        QVERIFY2(followed > 0 && followed < kCurves * 2000, qPrintable(QString::number(followed)));

        ScatterView scatter(&shown.document);
        scatter.resize(400, 300);
        scatter.show();
        QApplication::processEvents();
        QVERIFY(!scatter.grab().isNull());
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestPlots)
#include "tst_plots.moc"
