// The window on a file that is quantized already: quantized again it says so everywhere; a reference that cannot work
// or shows nothing is known before Run; the tool bar has room for long names; a run says how far it is.
#include <QFile>
#include <QToolButton>

#include "app/engine_values.h"
#include "app/run_bar.h"
#include "app/run_facts.h"
#include "data/export/trace_export.h"
#include "tests/app/window_fixture.h"
#include "tests/support/golden.h"
#include "views/eliding_button.h"
#include "views/status/run_status_bar.h"
#include "views/token_stream/colour_bar.h"

using namespace quibble;

namespace {

std::filesystem::path golden(const char* name) { return testing::goldenDirectory() / "models" / name; }

}  // namespace

class TestWindowReference : public QObject {
    Q_OBJECT

    WindowFixture w;

    void openGolden(const char* name) {
        w.window().openModel(golden(name));
        QVERIFY(QTest::qWaitFor(
            [&] {
                return w.parts().runs->model() && w.parts().runs->model()->path.filename() == name &&
                       !w.parts().runs->loadingModel();
            },
            kPatience));
        RunRequest request = w.parts().setup->request();
        request.prompt = "1 2 3";
        request.raw = true;
        request.problem_id.clear();
        request.max_tokens = 20;
        w.parts().setup->show(request);
    }
    [[nodiscard]] bool answered() const {
        return QTest::qWaitFor(
            [&] { return !w.parts().runs->actions()->run()->toolTip().contains(QStringLiteral("being looked at")); },
            kPatience);
    }
    [[nodiscard]] std::size_t runsInStore() const {
        std::size_t count = 0;
        const auto sessions = w.parts().sessions->store()->listSessions();
        for (const SessionSummary& session : *sessions) count += static_cast<std::size_t>(session.runs);
        return count;
    }

private slots:
    void initTestCase() {
        w.open();
        QVERIFY(w.waitForModel());
    }
    void whatIsStoredQuantizedIsQuantizedAgain();
    void aReferenceThatCannotWorkSaysSoBeforeTheRun();
    void aModelThatIsItsOwnReferenceSaysSo();
    void theToolBarHasRoom_data();
    void theToolBarHasRoom();
    void aReadOnlyWindowKeepsItsToolBar();
    void aRunSaysHowFarItIs();
};

void TestWindowReference::whatIsStoredQuantizedIsQuantizedAgain() {
    openGolden("qwen2-d256-Q4_K_M.gguf");
    QVERIFY(w.parts().model_bar->modelButton()->text().contains(QStringLiteral(" · Q4_K_M ")));
    for (const QuantMethod& method : quantMethods(w.parts().runs->model()->model)) {
        QCOMPARE(method.blocked, QString());
        QVERIFY2(method.cost({"rtn", {{"bits", 3}, {"group", 64}}}).contains(QStringLiteral("reference")),
                 qPrintable(method.cost({})));
    }
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=3,group=64").value());
    QVERIFY(w.waitForModel());
    const QString format = QStringLiteral("RTN 3 bit g64 of Q4_K_M");
    QVERIFY2(w.parts().model_bar->modelButton()->text().contains(format),
             qPrintable(w.parts().model_bar->modelButton()->text()));
    QVERIFY2(w.parts().model_bar->referenceButton()->text().contains(QStringLiteral("stored Q4_K_M")),
             qPrintable(w.parts().model_bar->referenceButton()->text()));
    QVERIFY(answered());
    QVERIFY2(w.runToEnd(), qPrintable(w.parts().runs->actions()->run()->toolTip()));
    QCOMPARE(w.banners(), QString());
    QVERIFY(w.trace().points().front().hasReference());
    QVERIFY(w.saved());

    const RunId run = w.document().run();
    QVERIFY(QString::fromStdString(w.parts().sessions->store()->runSummary(run)->title).startsWith(format));
    QString facts;
    for (const auto& [name, value] : runFacts(w.trace()))
        facts += name + QStringLiteral(": ") + value + QLatin1Char('\n');
    for (const QString& part :
         {format, QStringLiteral("Reference: stored weights · Q4_K_M (quantized)"), QStringLiteral("Peak memory: ")})
        QVERIFY2(facts.contains(part), qPrintable(facts));
    const QString footer = provenanceLine(w.trace());
    QVERIFY2(
        footer.contains(format) && footer.contains(QStringLiteral("reference: stored weights · Q4_K_M (quantized)")),
        qPrintable(footer));
    for (const DataFormat kind : {DataFormat::Csv, DataFormat::JsonLines}) {
        const QString path = w.file(QStringLiteral("export"));
        w.window().exportDataTo(path, kind);
        QVERIFY(w.waitForFiles());
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QString text = QString::fromUtf8(file.readAll());
        QVERIFY(text.contains(format));
        QVERIFY(text.contains(QStringLiteral("stored weights, Q4_K_M (quantized)")));
        QVERIFY(file.remove());
    }
    bool in_status = false;
    for (const QLabel* label : w.parts().status->findChildren<QLabel*>())
        in_status = in_status || label->text().contains(format);
    QVERIFY(in_status);
}

void TestWindowReference::aReferenceThatCannotWorkSaysSoBeforeTheRun() {
    const std::size_t runs = runsInStore();
    QAction* run = w.parts().runs->actions()->run();
    const QTemporaryDir folder;
    const QString broken = folder.filePath(QStringLiteral("broken.gguf"));
    QFile file(broken);
    QVERIFY(file.open(QIODevice::WriteOnly) && file.write("GGUF") == 4);
    file.close();
    for (const auto& [path, reason] :
         {std::pair{toQString(golden("llama-d64-F32.gguf")), QStringLiteral("another tokenizer")},
          {folder.filePath(QStringLiteral("gone.gguf")), QStringLiteral("gone.gguf")},
          {broken, QStringLiteral("broken.gguf")}}) {
        w.window().setReferenceFile(path);
        QVERIFY(!run->isEnabled());  // also while it is being looked at
        QVERIFY(answered());
        QVERIFY(!run->isEnabled());
        QVERIFY2(run->toolTip().contains(reason), qPrintable(run->toolTip()));
        QVERIFY2(w.banners().contains(reason), qPrintable(w.banners()));
        QVERIFY2(w.parts().model_bar->referenceButton()->toolTip().contains(reason),
                 qPrintable(w.parts().model_bar->referenceButton()->toolTip()));
        QVERIFY(!w.parts().model_bar->referenceButton()->icon().isNull());
        run->trigger();
        QVERIFY(!w.parts().runs->live());
    }
    w.parts().setup->setReference({.kind = ReferenceKind::None, .path = {}});
    QVERIFY(run->isEnabled());
    QCOMPARE(w.banners(), QString());
    QVERIFY(w.parts().model_bar->referenceButton()->icon().isNull());
    QCOMPARE(runsInStore(), runs);
}

void TestWindowReference::aModelThatIsItsOwnReferenceSaysSo() {
    openGolden("qwen2-d256-Q4_K_M.gguf");
    const auto note = [this] { return w.parts().model_bar->referenceButton()->toolTip(); };
    QVERIFY2(!note().contains(QStringLiteral("KL is 0")), qPrintable(note()));
    w.parts().setup->setReference({.kind = ReferenceKind::Unquantized, .path = {}});
    QVERIFY2(note().contains(QStringLiteral("KL is 0 at every token")), qPrintable(note()));
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());
    QCOMPARE(w.banners(), QString());
    RunRequest request = w.parts().setup->request();
    request.kv_type = KvType::Q8_0;  // now KL shows what the cache does
    w.parts().setup->show(request);
    QVERIFY2(!note().contains(QStringLiteral("KL is 0")), qPrintable(note()));
    request.kv_type = KvType::F32;
    w.parts().setup->show(request);
    w.window().setReferenceFile(toQString(golden("qwen2-d256-Q4_K_M.gguf")));
    QVERIFY(answered());
    QVERIFY2(note().contains(QStringLiteral("KL is 0 at every token")), qPrintable(note()));
    QVERIFY(w.runToEnd());
    for (const TracePoint& point : w.trace().points()) QCOMPARE(point.reference.kl, 0.0F);
}

void TestWindowReference::theToolBarHasRoom_data() {
    QTest::addColumn<QSize>("size");
    for (const QSize& size :
         {QSize(1024, 700), QSize(1152, 768), QSize(1280, 800), QSize(1440, 900), QSize(1600, 1000)})
        QTest::addRow("%d x %d", size.width(), size.height()) << size;
}

void TestWindowReference::theToolBarHasRoom() {
    QFETCH(QSize, size);
    const QSize before = w.window().size();
    const QString name = QStringLiteral("DeepSeek R1 Distill Qwen 1.5B Instruct GGUF, a name that goes on");
    w.parts().model_bar->setModel(name, QStringLiteral("Q4_K_M"));
    w.parts().model_bar->setReference(
        {.kind = ReferenceKind::File,
         .path = "/models/DeepSeek-R1-Distill-Qwen-1.5B-Instruct-BF16-00001-of-00002.gguf"});
    w.window().resize(size);
    QTRY_COMPARE(w.window().size(), size);
    auto* bar = w.window().findChild<RunBar*>();
    QVERIFY(bar != nullptr);
    QTRY_VERIFY(!bar->findChild<QToolButton*>(QStringLiteral("qt_toolbar_ext_button"))->isVisible());
    QList<QWidget*> parts{bar->exportButton(), bar->paceButton(), w.parts().colours->chooser()};
    for (QToolButton* button : {w.parts().model_bar->modelButton(), w.parts().model_bar->referenceButton(),
                                w.parts().model_bar->samplerButton()})
        parts << button;
    for (QAction* action : {w.parts().runs->actions()->run(), w.parts().runs->actions()->stop()})
        parts << bar->widgetForAction(action);
    for (const QWidget* part : parts) {
        QVERIFY2(part->isVisible(), qPrintable(part->accessibleName() + part->property("text").toString()));
        const QRect place(part->mapTo(bar, QPoint()), part->size());
        QVERIFY2(bar->rect().contains(place), qPrintable(part->property("text").toString()));
        QVERIFY2(part->width() >= 20, qPrintable(part->property("text").toString()));
    }
    for (const QWidget* a : parts) {
        for (const QWidget* b : parts) {
            if (a < b)
                QVERIFY(
                    !QRect(a->mapTo(bar, QPoint()), a->size()).intersects(QRect(b->mapTo(bar, QPoint()), b->size())));
        }
    }
    const auto* model = qobject_cast<const ElidingButton*>(w.parts().model_bar->modelButton());
    const QString shown = model->shownText();
    QVERIFY2(shown.startsWith(QStringLiteral("Deep")) && shown.endsWith(QStringLiteral("▾")), qPrintable(shown));
    if (shown != model->text())
        QVERIFY2(shown.contains(QStringLiteral("…")) && model->toolTip().contains(name), qPrintable(shown));
    if (size.width() <= 1280) QVERIFY(shown != model->text());
    w.window().resize(before);
    QTRY_COMPARE(w.window().size(), before);
}

void TestWindowReference::aReadOnlyWindowKeepsItsToolBar() {
    MainWindow second(AppPaths::locate(QFileInfo(w.file(QStringLiteral("x"))).absolutePath()));
    second.begin({});
    second.resize(1024, 700);
    second.show();
    QVERIFY(QTest::qWaitFor([&] { return second.parts().runs->model().has_value(); }, kPatience));
    QVERIFY(!second.parts().runs->actions()->run()->isEnabled());
    for (const QToolButton* button :
         {second.parts().model_bar->modelButton(), second.parts().model_bar->referenceButton(),
          second.parts().model_bar->samplerButton()}) {
        QTRY_VERIFY(button->isVisible() && button->width() > 30);
    }
    QVERIFY(!second.findChild<QToolButton*>(QStringLiteral("qt_toolbar_ext_button"))->isVisible());
}

void TestWindowReference::aRunSaysHowFarItIs() {
    w.window().openModel(testing::shippedModel());
    QVERIFY(QTest::qWaitFor([&] { return !w.parts().runs->loadingModel(); }, kPatience));
    w.parts().setup->showDefaults();
    QVERIFY(answered());
    w.parts().runs->setPace(20);
    w.parts().runs->actions()->run()->trigger();
    const auto text = [this] { return w.parts().status->progressText(); };
    QVERIFY2(QTest::qWaitFor([&] { return text().contains(QStringLiteral("left")); }, kPatience), qPrintable(text()));
    const int limit = w.trace().request().max_tokens;
    QVERIFY2(text().startsWith(QStringLiteral("%L1 of %L2, ").arg(w.document().size()).arg(limit)), qPrintable(text()));
    w.parts().runs->setControl(QStringLiteral("max_tokens"), 300);  // the limit as it stands now
    QVERIFY2(QTest::qWaitFor([&] { return text().contains(QStringLiteral("of 300")); }, kPatience), qPrintable(text()));
    w.parts().runs->actions()->pause()->trigger();
    QVERIFY(w.waitForState(RunState::Paused));
    QVERIFY2(QTest::qWaitFor([&] { return text().endsWith(QStringLiteral("of 300")); }, kPatience),
             qPrintable(text()));  // nobody knows how long a pause is
    w.parts().runs->actions()->stop()->trigger();
    QVERIFY(w.waitForEnd());
    QCOMPARE(text(), QString());
    w.parts().runs->setPace(0);
}

QTEST_MAIN(TestWindowReference)
#include "tst_window_reference.moc"
