// What the window keeps, gives out and refuses: reopening, deleting and undoing, exports, session files, wrong files,
// locks, looks.
#include "app/run_facts.h"
#include "app/session_rows.h"
#include "tests/app/window_fixture.h"

#include <fstream>

#include <QCheckBox>
#include <QDir>
#include <QDockWidget>
#include <QDropEvent>
#include <QFile>
#include <QImage>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QToolButton>
#include <QUrl>

#include "tests/support/checkpoint_writer.h"
#include "tests/support/golden.h"
#include "views/command_palette.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/sessions/session_model.h"

using namespace quibble;

class TestWindowSessions : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void exportsFigures();
    void exportsData();
    void sessionFileOpensElsewhere();
    void reopenFindsTheRunAgain();
    void deleteAndUndo();
    void everyPromptHasItsSession();
    void wrongDropSaysWhy();
    void badModelSaysWhy();
    void publishedFolderRuns();
    void loadingIsShownAndCanBeStopped();
    void modelWithoutTemplateSaysSo();
    void secondWindowReadsOnly();
    void darkIsDark();
    void layoutIsKeptAndReset();
    void aNarrowWindowStaysUsable();
    void runsOfSeveralModelsSayWhich();
    void everythingHasAName();
    void paletteListsTheActions();

private:
    WindowFixture w;
};

namespace {

bool begins(const QString& path, const QByteArray& magic) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) && file.read(magic.size()) == magic;
}

void drop(MainWindow& window, const QList<QUrl>& urls) {
    QMimeData data;
    data.setUrls(urls);
    QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent event(QPointF(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &event);
}

}  // namespace

void TestWindowSessions::initTestCase() {
    Theme::instance().install(*qApp);
    Theme::instance().setMode(ThemeMode::Light);
    w.open();
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
}

void TestWindowSessions::exportsFigures() {
    for (FigureView* figure :
         {static_cast<FigureView*>(w.parts().traces), static_cast<FigureView*>(w.parts().scatter)}) {
        const struct {
            FigureFormat format;
            const char* ending;
            QByteArray magic;
        } rows[] = {{FigureFormat::Png, ".png", "\x89PNG"},
                    {FigureFormat::Svg, ".svg", "<?xml"},
                    {FigureFormat::Pdf, ".pdf", "%PDF"}};
        for (const auto& row : rows) {
            const QString path = w.file(figure->figureName() + QLatin1String(row.ending));
            FigureOptions options;
            options.format = row.format;
            options.footer = provenanceLine(w.trace());
            QVERIFY(!options.footer.isEmpty());
            const auto done = figure->exportFigure(path, options);
            QVERIFY2(done.has_value(), done ? "" : done.error().line().c_str());
            QVERIFY2(begins(path, row.magic), qPrintable(path));
        }
    }
}

void TestWindowSessions::exportsData() {
    w.window().exportDataTo(w.file(QStringLiteral("run.csv")), DataFormat::Csv);
    w.window().exportDataTo(w.file(QStringLiteral("run.jsonl")), DataFormat::JsonLines);
    QVERIFY(w.waitForFiles());
    QCOMPARE(w.banners(), QString());
    QFile lines(w.file(QStringLiteral("run.jsonl")));
    QVERIFY(lines.open(QIODevice::ReadOnly));
    QCOMPARE(lines.readAll().count('\n'), w.document().size() + 2);  // provenance and summary
    QVERIFY(begins(w.file(QStringLiteral("run.csv")), "#"));
    w.window().exportDataTo(w.file(QStringLiteral("no/such/folder/run.csv")), DataFormat::Csv);
    QVERIFY(w.waitForFiles());
    QVERIFY(w.banners().contains(QStringLiteral("cannot write")));
    w.parts().banners->clear(QStringLiteral("export"));
}

void TestWindowSessions::sessionFileOpensElsewhere() {
    const QString path = w.file(QStringLiteral("lesson.session"));
    w.window().exportSessionTo(w.parts().sessions->currentSession(), path);
    QVERIFY(w.waitForFiles());
    QCOMPARE(w.banners(), QString());
    WindowFixture other;
    other.open();
    QVERIFY(other.waitForModel());
    other.window().openFile(path);
    QVERIFY(other.waitForFiles());
    QCOMPARE(other.banners(), QString());
    QCOMPARE(tokenIds(other.trace()), tokenIds(w.trace()));
    QVERIFY(other.parts().runs->branchBlocked().isEmpty());
    QVERIFY(QFile::copy(path, other.file(QStringLiteral("broken.session"))));
    QFile broken(other.file(QStringLiteral("broken.session")));
    QVERIFY(broken.resize(broken.size() / 2));
    other.window().openFile(broken.fileName());
    QVERIFY(other.waitForFiles());
    QVERIFY(!other.banners().isEmpty());
}

void TestWindowSessions::reopenFindsTheRunAgain() {
    const std::vector<TokenId> tokens = tokenIds(w.trace());
    const RunRequest request = w.trace().request();
    w.close();
    w.open();
    QCOMPARE(tokenIds(w.trace()), tokens);  // before the model is there
    QVERIFY(w.waitForModel());
    QCOMPARE(w.trace().request(), request);
    QCOMPARE(w.parts().setup->request().prompt, request.prompt);
    QCOMPARE(w.parts().setup->request().seed, request.seed);
    QCOMPARE(w.parts().runs->model()->weight_quant, request.weight_quant);
    QVERIFY(w.runToEnd());  // the same again gives the same tokens
    QCOMPARE(tokenIds(w.trace()), tokens);
    QVERIFY(w.saved());
}

void TestWindowSessions::deleteAndUndo() {
    const RunId run = w.document().run();
    const auto live = [&] {
        const auto runs = w.parts().sessions->store()->listRuns(w.parts().sessions->currentSession());
        return runs && std::any_of(runs->begin(), runs->end(), [&](const RunSummary& row) { return row.id == run; });
    };
    QVERIFY(live());
    w.parts().browser->requestDelete(w.parts().sessions->currentSession(), run);
    QVERIFY(!live());
    QVERIFY(w.document().run() != run);
    QVERIFY(!w.parts().browser->model()->indexOfRun(run).isValid());
    w.parts().sessions->undoAction()->trigger();
    QVERIFY(live());
    QCOMPARE(w.document().run(), run);
    QVERIFY(w.parts().browser->model()->indexOfRun(run).isValid());
    w.parts().browser->requestDelete(w.parts().sessions->currentSession(), run);
    w.parts().browser->findChild<QWidget*>(QStringLiteral("undoBar"))->findChild<QPushButton*>()->click();
    QVERIFY(live());
    QCOMPARE(w.document().run(), run);
    QVERIFY(!w.parts().sessions->undoAction()->isEnabled());  // nothing is left to bring back
}

void TestWindowSessions::everyPromptHasItsSession() {
    const SessionId first = w.parts().sessions->currentSession();
    w.parts().prompt->showFreePrompt(QStringLiteral("Compute 2 + 2."));
    w.parts().runs->setupChanged();
    QVERIFY(w.runToEnd());
    const SessionId second = w.parts().sessions->currentSession();
    QVERIFY(first != second);
    QCOMPARE(w.parts().sessions->sessionName(second), QStringLiteral("Compute 2 + 2."));
    QVERIFY(w.runToEnd());
    QCOMPARE(w.parts().sessions->currentSession(), second);
    w.parts().sessions->newSession();
    const SessionId third = w.parts().sessions->currentSession();
    QVERIFY(w.runToEnd());
    QCOMPARE(w.parts().sessions->currentSession(), third);
    QVERIFY(w.saved());
}

void TestWindowSessions::wrongDropSaysWhy() {
    drop(w.window(), {QUrl::fromLocalFile(w.file(QStringLiteral("notes.txt")))});
    QVERIFY2(w.banners().contains(QStringLiteral("notes.txt is neither a model nor a session")),
             qPrintable(w.banners()));
    QVERIFY(w.banners().contains(QStringLiteral(".gguf")));
    drop(w.window(), {QUrl(QStringLiteral("https://example.org/model.gguf"))});
    QVERIFY(w.banners().contains(QStringLiteral("not a file on this machine")));
    w.parts().banners->clear(QStringLiteral("file"));
    QCOMPARE(w.banners(), QString());
}

void TestWindowSessions::badModelSaysWhy() {
    const QString path = w.file(QStringLiteral("broken.gguf"));
    std::ofstream(path.toStdString(), std::ios::binary) << "GGUF and nothing else";
    const std::string before = w.parts().runs->model()->model->hash();
    drop(w.window(), {QUrl::fromLocalFile(path)});
    QVERIFY(QTest::qWaitFor([&] { return !w.banners().isEmpty(); }, kPatience));
    QVERIFY2(w.banners().contains(QStringLiteral("broken.gguf")), qPrintable(w.banners()));
    QCOMPARE(w.parts().runs->model()->model->hash(), before);  // the open one stays
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());
    drop(w.window(), {QUrl::fromLocalFile(w.file(QStringLiteral("missing.gguf")))});
    QVERIFY(QTest::qWaitFor([&] { return w.banners().contains(QStringLiteral("missing.gguf")); }, kPatience));
    // A checkpoint is read, and found wanting; a folder without one is no model.
    const QString folder = w.file(QStringLiteral("checkpoint"));
    QVERIFY(QDir().mkpath(folder));
    drop(w.window(), {QUrl::fromLocalFile(folder)});
    QVERIFY(QTest::qWaitFor([&] { return w.banners().contains(QStringLiteral("checkpoint is a folder")); }, kPatience));
    w.parts().banners->clear(QStringLiteral("file"));
    std::ofstream(folder.toStdString() + "/config.json") << "{}";
    drop(w.window(), {QUrl::fromLocalFile(folder)});
    QVERIFY(QTest::qWaitFor(
        [&] {
            return w.banners().contains(QStringLiteral("checkpoint")) &&
                   !w.banners().contains(QStringLiteral("is a folder"));
        },
        kPatience));
    w.parts().banners->clear(QStringLiteral("model"));
}

// The shipped model as a folder with two safetensors files: dropped, it thinks the same, and stays in the list of
// models by its name.
void TestWindowSessions::publishedFolderRuns() {
    const std::filesystem::path shipped = w.parts().runs->model()->path;
    emit w.parts().model_bar->quantChosen({});  // as stored
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    const std::vector<TokenId> expected = tokenIds(w.trace());
    const auto file = ModelFile::open(shipped);
    QVERIFY2(file, file ? "" : file.error().line().c_str());
    const QString folder = w.file(QStringLiteral("published-nano"));
    testing::writeCheckpoint(**file, folder.toStdString(), 2);
    drop(w.window(), {QUrl::fromLocalFile(folder)});
    QVERIFY(QTest::qWaitFor(
        [&] { return w.parts().runs->model()->path == folder.toStdString() && !w.parts().runs->loadingModel(); },
        kPatience));
    QCOMPARE(w.banners(), QString());
    QVERIFY(w.runToEnd());
    QVERIFY(expected.size() > 20);
    QCOMPARE(tokenIds(w.trace()), expected);
    const auto menus = w.window().findChildren<QMenu*>();
    const auto recent = std::find_if(menus.begin(), menus.end(), [](const QMenu* menu) {
        return menu->title() == QStringLiteral("&Recent Models");
    });
    QVERIFY(recent != menus.end());
    emit(*recent)->aboutToShow();
    const QList<QAction*> actions = (*recent)->actions();
    const auto listed = std::find_if(actions.begin(), actions.end(), [](const QAction* action) {
        return action->text() == QStringLiteral("published-nano");
    });
    QVERIFY(listed != actions.end());
    QVERIFY((*listed)->isEnabled());
    w.window().openModel(shipped);
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->model()->path == shipped && !w.parts().runs->loadingModel(); },
                            kPatience));
}

void TestWindowSessions::loadingIsShownAndCanBeStopped() {
    const auto open = w.parts().runs->model()->model;
    const QString before = w.parts().model_bar->modelButton()->text();
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=4,group=32").value());
    QVERIFY(w.parts().runs->loadingModel());
    QVERIFY2(w.parts().model_bar->modelButton()->text().contains(QStringLiteral("loading quibble-nano")),
             qPrintable(w.parts().model_bar->modelButton()->text()));
    QWidget* popup = w.parts().model_bar->makeModelPopup();  // closes, and so deletes itself
    const auto buttons = popup->findChildren<QPushButton*>();
    const auto stop = std::find_if(buttons.begin(), buttons.end(), [](const QPushButton* button) {
        return button->text().startsWith(QStringLiteral("Stop loading"));
    });
    QVERIFY(stop != buttons.end());
    (*stop)->click();
    QVERIFY(!w.parts().runs->loadingModel());
    QCOMPARE(w.parts().model_bar->modelButton()->text(), before);
    QTest::qWait(300);  // what was on its way comes to nothing
    QCOMPARE(w.parts().runs->model()->model, open);
    QCOMPARE(w.banners(), QString());
}

// Without a chat template only raw completion can be run; nobody has to try to learn that.
void TestWindowSessions::modelWithoutTemplateSaysSo() {
    const std::filesystem::path before = w.parts().runs->model()->path;
    QAction* run = w.parts().runs->actions()->run();
    w.window().openModel(testing::goldenDirectory() / "models" / "llama-d64-F16.gguf");
    QVERIFY(QTest::qWaitFor([&] { return !w.parts().runs->promptBlocked().isEmpty(); }, kPatience));
    QVERIFY(w.parts().runs->promptBlocked().contains(QStringLiteral("chat template")));
    QVERIFY(!run->isEnabled());
    QVERIFY(run->toolTip().contains(QStringLiteral("chat template")));
    auto* raw = w.parts().prompt->findChild<QCheckBox*>();
    raw->click();
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->promptBlocked().isEmpty(); }, kPatience));
    QVERIFY(run->isEnabled());
    raw->click();
    w.window().openModel(before);
    QVERIFY(QTest::qWaitFor([&] { return run->isEnabled() && w.parts().runs->model()->path == before; }, kPatience));
}

void TestWindowSessions::secondWindowReadsOnly() {
    MainWindow second(AppPaths::locate(QFileInfo(w.file(QStringLiteral("x"))).absolutePath()));
    second.begin({});
    second.show();
    QVERIFY(second.parts().banners->texts().join(QString()).contains(QStringLiteral("Another window")));
    QVERIFY(second.parts().runs->document()->size() > 0);  // it shows the last run
    QVERIFY(QTest::qWaitFor([&] { return second.parts().runs->model().has_value(); }, kPatience));
    QVERIFY(!second.parts().runs->actions()->run()->isEnabled());
    QVERIFY(second.parts().runs->actions()->run()->toolTip().contains(QStringLiteral("Another window")));
    second.useDatabase(toPath(w.file(QStringLiteral("second.db"))));
    QVERIFY(second.parts().runs->actions()->run()->isEnabled());
    QCOMPARE(second.parts().banners->texts().join(QString()), QString());
}

void TestWindowSessions::darkIsDark() {
    const auto lightness = [this] {
        const QImage shot = w.window().grab().toImage();
        qint64 sum = 0;
        for (int x = 0; x < shot.width(); x += 16) {
            for (int y = 0; y < shot.height(); y += 16) sum += qGray(shot.pixel(x, y));
        }
        return static_cast<double>(sum) / ((shot.width() / 16.0) * (shot.height() / 16.0));
    };
    const double light = lightness();
    Theme::instance().setMode(ThemeMode::Dark);
    QTest::qWait(50);
    const double dark = lightness();
    qInfo("mean lightness: light %.0f, dark %.0f", light, dark);
    QVERIFY(light > 200);
    QVERIFY(dark < 70);
    Theme::instance().setMode(ThemeMode::Light);
}

void TestWindowSessions::layoutIsKeptAndReset() {
    auto* dock = w.window().findChild<QDockWidget*>(QStringLiteral("scatter"));
    QVERIFY(dock != nullptr && dock->isVisible());
    dock->hide();
    w.window().close();
    w.close();
    w.open();
    QVERIFY(w.waitForModel());
    dock = w.window().findChild<QDockWidget*>(QStringLiteral("scatter"));
    QVERIFY(!dock->isVisible());
    w.window().resetLayout();
    QVERIFY(dock->isVisible());
    w.window().setPresentation(true);
    QVERIFY(w.window().isFullScreen());
    QVERIFY(!w.window().findChild<QDockWidget*>(QStringLiteral("sessions"))->isVisible());
    w.window().setPresentation(false);
    QVERIFY(w.window().findChild<QDockWidget*>(QStringLiteral("sessions"))->isVisible());
}

void TestWindowSessions::aNarrowWindowStaysUsable() {
    const QSize before = w.window().size();
    w.window().resize(1000, 700);
    QTRY_COMPARE(w.window().size(), QSize(1000, 700));
    const auto* more = w.window().findChild<QToolButton*>(QStringLiteral("qt_toolbar_ext_button"));
    QVERIFY(more != nullptr && !more->icon().isNull() && !more->accessibleName().isEmpty());
    QTRY_VERIFY(!more->isVisible());
    QTRY_VERIFY2(w.parts().stream->height() > 120, qPrintable(QString::number(w.parts().stream->height())));
    w.window().resize(before);
    QTRY_COMPARE(w.window().size(), before);
}

void TestWindowSessions::runsOfSeveralModelsSayWhich() {
    SessionSummary session;
    RunSummary first, second;
    first.status = second.status = RunStatus::Finished;
    first.title = second.title = "F16, λ 0";
    first.model_name = second.model_name = "one";
    const auto subtitle = [&](std::size_t row) {
        return QString(sessionRows(session, {first, second}).at(row).subtitle + QStringLiteral(" · "));
    };
    QVERIFY2(!subtitle(1).contains(QStringLiteral("one")), qPrintable(subtitle(1)));
    second.model_name = "other";
    QVERIFY2(subtitle(1).startsWith(QStringLiteral("one · ")), qPrintable(subtitle(1)));
    QVERIFY2(subtitle(2).startsWith(QStringLiteral("other · ")), qPrintable(subtitle(2)));
    second.model_name.clear();  // not loaded yet
    QVERIFY2(!subtitle(1).contains(QStringLiteral("one")), qPrintable(subtitle(1)));
}

void TestWindowSessions::everythingHasAName() {
    QStringList nameless;
    int controls = 0;
    for (const QWidget* widget : w.window().findChildren<QWidget*>()) {
        const bool control = widget->inherits("QAbstractButton") || widget->inherits("QComboBox") ||
                             widget->inherits("QAbstractSpinBox") || widget->inherits("QLineEdit") ||
                             widget->inherits("QAbstractSlider") || widget->inherits("QAbstractItemView");
        const QString inner = QString::fromLatin1(widget->metaObject()->className());
        if (!control || widget->objectName().startsWith(QStringLiteral("qt_")) ||
            inner.startsWith(QStringLiteral("QScrollBar")) || inner == QStringLiteral("QLineEditIconButton") ||
            !widget->isVisible())
            continue;
        ++controls;
        const QVariant text = widget->property("text");
        if (widget->accessibleName().isEmpty() && text.toString().isEmpty() && widget->toolTip().isEmpty()) {
            const QWidget* parent = widget->parentWidget();
            nameless << inner + QStringLiteral(" in ") +
                            (parent != nullptr ? QString::fromLatin1(parent->metaObject()->className()) : QString());
        }
    }
    QVERIFY2(controls > 20, qPrintable(QString::number(controls)));
    QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(QStringLiteral(", "))));
}

void TestWindowSessions::paletteListsTheActions() {
    auto* action = w.window().findChild<QAction*>(QStringLiteral("palette"));
    QVERIFY(action != nullptr);
    action->trigger();
    auto* palette = w.window().findChild<CommandPalette*>();
    QVERIFY(palette != nullptr && palette->isVisible());
    QVERIFY2(palette->count() > 30, qPrintable(QString::number(palette->count())));
    palette->close();
}

QTEST_MAIN(TestWindowSessions)
#include "tst_window_sessions.moc"
