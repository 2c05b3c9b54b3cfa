// The window as a frame for everything else: its size, its panels, the focus, its fields and its messages. On a screen of 1600 x 1000.
#include <algorithm>

#include <QClipboard>
#include <QDialog>
#include <QDockWidget>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QLayout>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QScreen>
#include <QSignalSpy>
#include <QStatusBar>
#include <QToolButton>

#include "data/models/model_catalogue.h"
#include "engine/model/model.h"
#include "tests/app/window_fixture.h"
#include "views/actions.h"
#include "views/card.h"
#include "views/experts/experts_view.h"
#include "views/number_field.h"
#include "views/plots/export_dialog.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/prompt_edit.h"
#include "views/speculation/speculation_view.h"
#include "views/status/run_status_bar.h"
#include "views/widgets.h"

using namespace quibble;

namespace {

constexpr QSize kScreen(1600, 1000);

void replaceText(CheckedField& field, const QString& text) {
    field.selectAll();
    QTest::keyClicks(&field, text);
}

// Pixels of it that somebody can see.
bool inSight(const QWidget* widget) {
    if (!widget->isVisible() || widget->visibleRegion().isEmpty()) return false;
    const QRect here(widget->mapToGlobal(QPoint()), widget->size());
    return here.intersects(QRect(widget->window()->mapToGlobal(QPoint()), widget->window()->size()));
}

}  // namespace

class TestWindowShell : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init() { QVERIFY(QTest::qWaitForWindowExposed(&w.window())); }

    void newAlwaysBringsAnotherProblem();
    void anUndoneEditHasItsAnswerAgain();
    void everyNumberFieldTakesPointAndComma();
    void aNumberThatDoesNotFitStopsTheRun();
    void whatIsTypedCountsBeforeEnter();
    void everyActionShowsWhatItFocuses();
    void aMessageHidesTheStatusAndGivesItBack();
    void theStatusDecidesNoWidth();
    void theWindowComesBackWhenTheTextDoes();
    void textThatDoesNotFitTheScreenIsRefused();
    void floatingPanelsCanBeReached();
    void aBookAsAPromptIsNotEdited();
    void filesAreNoPrompts();
    void theModelsSpecialityIsSaidAtThePrompt();
    void expertsWithoutDraftsSaySo();
    void movedControlsAreNamed();
    void whatWorkedTakesBackWhatFailed();
    void messagesAreNeverCut();
    void hintsSayWhatIsMissing();

private:
    [[nodiscard]] QDockWidget* dock(const char* name) const { return w.window().findChild<QDockWidget*>(QString::fromLatin1(name)); }
    [[nodiscard]] QSize least() const { return w.window().layout()->totalMinimumSize(); }
    void paste(const QString& text) {
        QGuiApplication::clipboard()->setText(text);
        w.parts().prompt->editor()->selectAll();
        w.parts().prompt->editor()->paste();
    }
    WindowFixture w;
};

void TestWindowShell::initTestCase() {
    Theme::instance().install(*qApp);
    QCOMPARE(QGuiApplication::primaryScreen()->size(), kScreen);
    w.open();
    QVERIFY(w.waitForModel());
}

void TestWindowShell::newAlwaysBringsAnotherProblem() {
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    w.window().close();
    w.close();
    w.open();  // shows the run, and with it the first problem
    QVERIFY(w.waitForModel());
    const auto buttons = w.parts().prompt->findChildren<QPushButton*>();
    const auto button = std::find_if(buttons.begin(), buttons.end(), [](const QPushButton* b) { return b->text() == QStringLiteral("New"); });
    QVERIFY(button != buttons.end());
    for (int i = 0; i < 20; ++i) {
        const QString before = w.parts().prompt->prompt();
        QTest::mouseClick(*button, Qt::LeftButton);
        QVERIFY(w.parts().prompt->prompt() != before);
        QVERIFY(!w.parts().setup->request().known_answer.empty());
    }
}

void TestWindowShell::anUndoneEditHasItsAnswerAgain() {
    w.parts().setup->showDefaults();
    const RunRequest before = w.parts().setup->request();
    QVERIFY(!before.known_answer.empty());
    PromptEdit* editor = w.parts().prompt->editor();
    editor->setFocus();
    editor->moveCursor(QTextCursor::End);
    QTest::keyClicks(editor, QStringLiteral(" Why"));
    QVERIFY(w.parts().setup->request().known_answer.empty());
    QVERIFY(w.parts().prompt->figures().isEmpty());
    for (int i = 0; i < 4 && w.parts().prompt->prompt().toStdString() != before.prompt; ++i) QTest::keyClick(editor, Qt::Key_Z, Qt::ControlModifier);
    QCOMPARE(w.parts().prompt->prompt().toStdString(), before.prompt);
    QCOMPARE(w.parts().setup->request().known_answer, before.known_answer);
    QCOMPARE(w.parts().setup->request().problem_id, before.problem_id);
    QVERIFY(w.parts().prompt->figures().contains(QString::fromStdString(before.known_answer)));
}

// Fields of every panel and every method, of the quantizer's form and of the export dialog: there is one kind of them.
void TestWindowShell::everyNumberFieldTakesPointAndComma() {
    auto* dialog = new ExportDialog({w.parts().traces}, {}, QDir::homePath(), &w.window());
    QWidget* quantizer = w.parts().model_bar->makeModelPopup();
    int fields = 0;
    for (QAbstractSpinBox* box : w.window().findChildren<QAbstractSpinBox*>()) {
        auto* field = qobject_cast<CheckedField*>(box);
        QVERIFY2(field != nullptr, qPrintable(QStringLiteral("a field of another kind: ") + box->accessibleName()));
        QVERIFY(!field->accessibleName().isEmpty());
        auto* number = qobject_cast<NumberField*>(field);
        if (number == nullptr || !number->isEnabledTo(number->window())) continue;
        ++fields;
        const double before = number->value();
        for (const QString& text : {QStringLiteral("0.5"), QStringLiteral("0,5"), QStringLiteral("1.25"), QStringLiteral("1,25"), QStringLiteral("x")}) {
            replaceText(*number, text);
            QCOMPARE(number->text(), text);  // nothing is dropped ...
            const auto value = readNumber(text);
            if (number->fault().isEmpty()) QCOMPARE(number->value(), *value);  // ... and nothing else is taken
            else QVERIFY(number->fault().startsWith(number->accessibleName()));
        }
        QVERIFY(!number->fault().isEmpty());
        number->setValue(before);
        QVERIFY(number->fault().isEmpty());
        QCOMPARE(number->value(), before);
    }
    qInfo("%d number fields under the locale %s", fields, qPrintable(QLocale().name()));
    QVERIFY(fields >= 25);
    delete quantizer;
    delete dialog;
}

void TestWindowShell::aNumberThatDoesNotFitStopsTheRun() {
    const QAction* run = w.parts().runs->actions()->run();
    QTRY_VERIFY(run->isEnabled());
    SeedField* seed = w.parts().sampler->seedField();
    for (const char* text : {"99999999999999999999", "-1", "18446744073709551616"}) {
        replaceText(*seed, QString::fromLatin1(text));
        QVERIFY(!run->isEnabled());
        QVERIFY2(run->toolTip().contains(QStringLiteral("Seed")), qPrintable(run->toolTip()));
        QCOMPARE(w.parts().model_bar->samplerButton()->toolTip(), seed->fault());
    }
    replaceText(*seed, QStringLiteral("18446744073709551615"));
    QVERIFY(run->isEnabled());
    QCOMPARE(w.parts().setup->request().seed, UINT64_MAX);
    replaceText(*w.parts().markers->spinBox(), QStringLiteral("9.5"));
    QVERIFY(!run->isEnabled());
    w.parts().markers->spinBox()->setValue(0);
    QVERIFY(run->isEnabled());
    w.parts().setup->showDefaults();
}

// Run with F5 while the cursor still stands in the field.
void TestWindowShell::whatIsTypedCountsBeforeEnter() {
    replaceText(*w.parts().sampler->temperatureBox(), QStringLiteral("0,25"));
    QCOMPARE(w.parts().setup->request().sampler.temperature, 0.25);
    w.parts().setup->showDefaults();
}

void TestWindowShell::everyActionShowsWhatItFocuses() {
    MainWindow& window = w.window();
    // Every panel lies behind another one, or away.
    const auto hide = [this, &window] {
        window.resetLayout();
        dock("decoding")->raise();
        dock("experts")->raise();
        dock("token")->hide();
        dock("tokens")->hide();
        window.activateWindow();
        w.parts().stream->setFocus();
        QVERIFY(QTest::qWaitFor([this, &window] { return window.isActiveWindow() && w.parts().stream->stream()->hasFocus(); }));
    };
    const QStringList other{QStringLiteral("quit"), QStringLiteral("presentation"), QStringLiteral("run"), QStringLiteral("step"), QStringLiteral("branch")};
    int moved = 0;
    for (QAction* action : windowActions(&window)) {
        if (other.contains(action->objectName()) || !action->isEnabled()) continue;
        hide();
        QPointer<QWidget> before = QApplication::focusWidget();
        action->trigger();
        QTest::qWait(20);
        const QWidget* now = QApplication::focusWidget();
        if (now != nullptr && now != before) {
            ++moved;
            QVERIFY2(inSight(now), qPrintable(action->objectName() + QLatin1Char(' ') + action->text() + QLatin1Char(' ') + now->accessibleName()));
        }
        for (QWidget* top : QApplication::topLevelWidgets()) {
            if (top != &window && top->isVisible() && qobject_cast<QDockWidget*>(top) == nullptr) top->close();
        }
        Theme::instance().setFontScale(1);
    }
    QVERIFY2(moved >= 6, qPrintable(QString::number(moved)));
    hide();
    window.findChild<QAction*>(QStringLiteral("editPrompt"))->trigger();
    QTRY_VERIFY(inSight(w.parts().prompt->editor()));
    QTRY_VERIFY(w.parts().prompt->editor()->hasFocus());
    hide();
    const QString prompt = w.parts().prompt->prompt();
    window.findChild<QAction*>(QStringLiteral("showSpeculation"))->trigger();  // its figures are not shown: there are no drafts
    QTRY_VERIFY(inSight(w.parts().speculation));
    QTest::keyClicks(QApplication::focusWidget() != nullptr ? QApplication::focusWidget() : &window, QStringLiteral("x"));
    QCOMPARE(w.parts().prompt->prompt(), prompt);
    window.resetLayout();
}

void TestWindowShell::aMessageHidesTheStatusAndGivesItBack() {
    RunStatusBar* bar = w.parts().status;
    const auto labels = [bar] {
        QStringList shown;
        for (const QLabel* label : bar->findChildren<QLabel*>()) {
            if (label->isVisible() && !label->text().isEmpty()) shown << label->text();
        }
        return shown;
    };
    const QStringList before = labels();
    QVERIFY(before.size() >= 3);
    bar->showMessage(QStringLiteral("Saved figure.png"), 60000);
    w.parts().status->setStatus({.tokens_per_second = 12, .with_reference = false, .context_size = 0, .saved_seconds_ago = {}, .device = {}, .model = {}});
    QTest::qWait(1200);  // the controller's own refresh, once a second
    const QStringList during = labels();
    QVERIFY2(during.size() <= 1 && during.join(QString()).startsWith(during.isEmpty() ? QString() : QStringLiteral("saved")), qPrintable(during.join(QLatin1Char('|'))));
    bar->clearMessage();
    QTRY_VERIFY(labels().size() >= 3);
}

void TestWindowShell::theStatusDecidesNoWidth() {
    QVERIFY2(w.parts().status->minimumSizeHint().width() < Theme::instance().em(30), qPrintable(QString::number(w.parts().status->minimumSizeHint().width())));
}

void TestWindowShell::theWindowComesBackWhenTheTextDoes() {
    MainWindow& window = w.window();
    window.setWindowState(Qt::WindowNoState);
    const QSize small = least().expandedTo(QSize(700, 600));
    window.resize(small);
    QTRY_COMPARE(window.size(), small);
    QAction *larger = window.findChild<QAction*>(QStringLiteral("larger")), *normal = window.findChild<QAction*>(QStringLiteral("normalText"));
    for (int i = 0; i < 10; ++i) larger->trigger();
    QTest::qWait(50);
    QVERIFY(window.width() > small.width());  // larger text needs it
    const QRect room = QGuiApplication::primaryScreen()->availableGeometry();
    QVERIFY(room.contains(window.frameGeometry()));
    QVERIFY(least().width() <= window.width() && least().height() <= window.height());
    // A restart takes up what was there, inside the screen.
    window.close();
    w.close();
    w.open();
    QVERIFY(w.waitForModel());
    QTest::qWait(50);
    QVERIFY(room.contains(w.window().frameGeometry()));
    larger = w.window().findChild<QAction*>(QStringLiteral("larger"));
    normal = w.window().findChild<QAction*>(QStringLiteral("normalText"));
    w.window().setWindowState(Qt::WindowNoState);
    w.window().resize(1500, 980);
    normal->trigger();
    QTRY_COMPARE(w.window().size(), QSize(1500, 980));
    QTest::qWait(20);
    w.window().resize(small);
    QTRY_COMPARE(w.window().size(), small);
    for (int i = 0; i < 10; ++i) {
        larger->trigger();
        QTest::qWait(20);
    }
    QVERIFY(w.window().width() > small.width());
    normal->trigger();
    QTRY_COMPARE(w.window().size(), small);
    w.window().resetLayout();
    QTest::qWait(20);
    QVERIFY(room.contains(w.window().frameGeometry()));
}

void TestWindowShell::textThatDoesNotFitTheScreenIsRefused() {
    // A name that nothing shortens makes the window's least size larger than any screen at some size of the text.
    auto* wide = new QLabel(QString(90, QLatin1Char('m')), &w.window());
    useFont(wide, FontRole::Ui);
    auto* holder = new QDockWidget(&w.window());
    holder->setObjectName(QStringLiteral("wide"));
    holder->setWidget(wide);
    w.window().addDockWidget(Qt::TopDockWidgetArea, holder);
    holder->show();
    QVERIFY(least().width() <= kScreen.width());
    QAction* larger = w.window().findChild<QAction*>(QStringLiteral("larger"));
    for (int i = 0; i < 10; ++i) larger->trigger();
    QTest::qWait(20);
    QVERIFY(Theme::instance().fontScale() > 1);
    QVERIFY(Theme::instance().fontScale() < 2.5);
    QVERIFY(least().width() <= kScreen.width());
    QVERIFY2(w.parts().status->currentMessage().contains(QStringLiteral("as large as")), qPrintable(w.parts().status->currentMessage()));
    w.window().findChild<QAction*>(QStringLiteral("normalText"))->trigger();
    delete holder;
    w.parts().status->clearMessage();
}

void TestWindowShell::floatingPanelsCanBeReached() {
    QDockWidget* sessions = dock("sessions");
    sessions->setFloating(true);
    sessions->move(5000, 4000);  // a screen that is gone later
    QTest::qWait(20);
    w.window().close();
    w.close();
    w.open();
    QVERIFY(w.waitForModel());
    sessions = dock("sessions");
    QTRY_VERIFY(sessions->isFloating() && sessions->isVisible());
    const QRect room = QGuiApplication::primaryScreen()->availableGeometry();
    QTRY_VERIFY(room.contains(sessions->frameGeometry()));
    QVERIFY(sessions->windowHandle()->transientParent() == w.window().windowHandle());  // stays in front of the window
    // It has a frame: its edge is not the colour of what lies in it.
    const QImage picture = sessions->grab().toImage();
    QCOMPARE(picture.pixelColor(picture.width() / 2, 1), Theme::instance().colors().accent);
    QCOMPARE(picture.pixelColor(1, picture.height() / 2), Theme::instance().colors().accent);
    sessions->hide();
    sessions->move(-4000, 20);
    sessions->toggleViewAction()->trigger();
    QTRY_VERIFY(room.contains(sessions->frameGeometry()));
    const auto buttons = sessions->titleBarWidget()->findChildren<QToolButton*>();
    const auto back = std::find_if(buttons.begin(), buttons.end(), [](const QToolButton* b) { return b->accessibleName().startsWith(QStringLiteral("Put the panel back")); });
    QVERIFY(back != buttons.end() && (*back)->isVisible());
    (*back)->click();
    QTRY_VERIFY(!sessions->isFloating());
    QVERIFY(!(*back)->isVisible());
}

// What is done at every key is bounded, and what is done to the whole of a long prompt is done by another thread.
void TestWindowShell::aBookAsAPromptIsNotEdited() {
    w.parts().setup->showDefaults();
    const QString before = w.parts().prompt->prompt();
    QString book;
    while (book.size() < 2'000'000) book += QStringLiteral("Lea has 31 pages and finds two books of 62. ");
    PromptEdit* editor = w.parts().prompt->editor();
    for (const QString& text : {book, QString(book).replace(QStringLiteral(". "), QStringLiteral(".\n"))}) {
        QElapsedTimer clock;
        clock.start();
        paste(text);
        qInfo("2 MB were pasted in %lld ms", clock.elapsed());
        QVERIFY(editor->held() && editor->isReadOnly());
        QVERIFY(editor->document()->characterCount() < 5000);
        QCOMPARE(w.parts().setup->request().prompt.size(), static_cast<std::size_t>(text.size()));
        QVERIFY(w.parts().setup->request().known_answer.empty());
        const auto at_once = w.parts().runs->exactPrompt();
        QVERIFY(!at_once.has_value());
        QCOMPARE(at_once.error().code, ErrorCode::Busy);  // nobody on this thread reads it
        clock.restart();
        QTest::keyClicks(editor, QStringLiteral("abc"));
        QTest::keyClick(w.parts().sampler->seedField(), Qt::Key_1);
        qInfo("four keys were taken in %lld ms", clock.elapsed());
        QTRY_VERIFY_WITH_TIMEOUT(w.parts().runs->exactPrompt().has_value(), kPatience);
        QVERIFY(w.parts().runs->exactPrompt()->ids.size() > 100'000);
        QTRY_VERIFY(w.parts().runs->promptBlocked().contains(QStringLiteral("context")));
        QVERIFY(!w.parts().runs->actions()->run()->isEnabled());
        QTest::keyClick(editor, Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(!editor->held() && !editor->isReadOnly());
        QCOMPARE(w.parts().prompt->prompt(), before);
        QVERIFY(!w.parts().setup->request().known_answer.empty());
    }
    const QString longest(PromptEdit::kLongestParagraph, QLatin1Char('7'));
    paste(longest);
    QVERIFY(!editor->held());
    QElapsedTimer clock;
    clock.start();
    QTest::keyClicks(editor, QStringLiteral("1234567890"));
    qInfo("ten keys behind %lld characters in one line were taken in %lld ms", static_cast<long long>(longest.size()), clock.elapsed());
    QCOMPARE(w.parts().setup->request().prompt.size(), static_cast<std::size_t>(longest.size()) + 10);
    // No-break spaces are the model's business.
    paste(QStringLiteral("1\u00A0000"));
    QCOMPARE(w.parts().setup->request().prompt, std::string("1\u00A0000"));
    w.parts().setup->showDefaults();
}

// A file that is dropped on the prompt is the window's; a text is the prompt's.
void TestWindowShell::filesAreNoPrompts() {
    QWidget* prompt = w.parts().prompt->editor()->viewport();
    const auto dropOn = [prompt](const QMimeData& dropped) {
        QDragEnterEvent enter(QPoint(5, 5), Qt::CopyAction, &dropped, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(prompt, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(5, 5), Qt::CopyAction, &dropped, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(prompt, &drop);
    };
    const RunRequest before = w.parts().setup->request();
    QMimeData file, text;
    file.setUrls({QUrl::fromLocalFile(w.file(QStringLiteral("notes.txt")))});
    text.setText(QStringLiteral("How many?"));
    dropOn(file);
    QCOMPARE(w.parts().setup->request().prompt, before.prompt);
    QVERIFY(w.banners().contains(QStringLiteral("notes.txt")));
    w.parts().banners->clear(QStringLiteral("file"));
    dropOn(text);
    QVERIFY(w.parts().prompt->prompt().contains(QStringLiteral("How many?")));
    w.parts().setup->show(before);
}

void TestWindowShell::theModelsSpecialityIsSaidAtThePrompt() {
    const QString said = QString::fromStdString(specialityOf(w.parts().runs->model()->model->hash()));
    QVERIFY2(said.contains(QStringLiteral("arithmetic")), "the shipped model's hash is not in data/models/catalogue.json");
    for (const auto& path : AppPaths::locate(QStringLiteral("unused")).shippedModels()) {
        const auto model = Model::load(path, {});
        QVERIFY(model.has_value());
        QVERIFY2(!specialityOf((*model)->hash()).empty(), path.c_str());
    }
    const auto shown = [this, &said] {
        const auto labels = w.parts().prompt->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) { return label->isVisible() && label->text() == said; });
    };
    w.parts().setup->showDefaults();
    QVERIFY(!shown());  // a problem of the set is what it was made for
    w.parts().prompt->showFreePrompt(QStringLiteral("What is the capital of France?"));
    QVERIFY(shown());
    w.parts().setup->showDefaults();
}

void TestWindowShell::expertsWithoutDraftsSaySo() {
    w.window().openModel(AppPaths::locate(QStringLiteral("unused")).shippedMixture());
    QVERIFY(QTest::qWaitFor([this] { return w.parts().runs->model()->model->config().experts.count > 0 && !w.parts().runs->loadingModel(); }, kPatience));
    const auto said = [this] {
        for (const QLabel* label : w.parts().decoding->findChildren<QLabel*>()) {
            if (!label->isHidden() && label->text().contains(QStringLiteral("verify a draft"))) return label->text();
        }
        return QString();
    };
    RunRequest request = w.parts().setup->request();
    QCOMPARE(said(), QString());
    request.experts = parseMethodChoice("moe_spec:budget=4").value();
    w.parts().setup->show(request);
    QVERIFY(!said().isEmpty());
    request.experts = parseMethodChoice("moe_spec:budget=4,all_passes=1").value();
    w.parts().setup->show(request);
    QCOMPARE(said(), QString());
    request.experts = parseMethodChoice("threshold").value();
    w.parts().setup->show(request);
    QVERIFY(!said().isEmpty());
    request.draft.method = parseMethodChoice("ngram").value();
    w.parts().setup->show(request);
    QCOMPARE(said(), QString());
    w.parts().setup->showDefaults();
    w.window().openModel(AppPaths::locate(QStringLiteral("unused")).shippedModel());
    QVERIFY(QTest::qWaitFor([this] { return w.parts().runs->model()->model->config().experts.count == 0 && !w.parts().runs->loadingModel(); }, kPatience));
}

void TestWindowShell::movedControlsAreNamed() {
    const auto text = [](const char* key, double value) { return controlText({.pos = 0, .key = key, .value = value}); };
    QCOMPARE(text("experts:budget", 5), QStringLiteral("expert budget 5"));
    QCOMPARE(text("draft:length", 4), QStringLiteral("draft length 4"));
    QCOMPARE(text("top_k", 40), QStringLiteral("top-k 40"));
    QCOMPARE(text("penalty", 2), QStringLiteral("λ 2"));
    QCOMPARE(text("word: Wait", 0), QStringLiteral("Wait −"));
    for (const char* key : {"penalty", "penalty.only_thinking", "word: Wait", "temperature", "top_k", "top_p", "min_p", "max_tokens", "draft:length", "experts:all_passes"}) {
        const QString shown = text(key, 1);
        QVERIFY2(!shown.contains(QLatin1Char(':')) && !shown.contains(QLatin1Char('_')) && !shown.contains(QLatin1Char('.')), qPrintable(shown));
    }
}

void TestWindowShell::whatWorkedTakesBackWhatFailed() {
    const QString model = toQString(AppPaths::locate(QStringLiteral("unused")).shippedModel());
    const QString wrong = w.file(QStringLiteral("notes.txt"));
    w.window().openFile(wrong);
    QVERIFY(w.banners().contains(QStringLiteral("notes.txt")));
    w.window().openFile(model);
    QVERIFY(w.waitForModel());
    QTRY_COMPARE(w.banners(), QString());
    // Of files that come together each has its say, whatever else loads meanwhile.
    w.window().openFiles({wrong, model});
    QVERIFY(w.waitForModel());
    QTest::qWait(20);
    QVERIFY(w.banners().contains(QStringLiteral("notes.txt")));
    w.window().openModel(toPath(model));
    QCOMPARE(w.banners(), QString());
    QVERIFY(w.waitForModel());
}

// In a small window the text under the messages gives way.
void TestWindowShell::messagesAreNeverCut() {
    w.window().setWindowState(Qt::WindowNoState);
    for (const QSize& size : {QSize(1024, 700), QSize(800, 600), QSize(1600, 1000)}) {
        w.window().resize(size);
        for (int i = 0; i < 3; ++i) {
            w.parts().banners->showMessage({.kind = BannerMessage::Kind::Problem, .key = QString::number(i), .cause = QString(12, QLatin1Char('m')) + QStringLiteral(" is not a model"),
                                            .hint = QStringLiteral("A long line that says what can be done about it. ").repeated(3), .action = QStringLiteral("Open model…"), .on_action = {}});
        }
        QTest::qWait(50);
        for (const QWidget* label : w.parts().banners->findChildren<QWidget*>(QStringLiteral("bannerText"))) {
            QVERIFY2(label->height() >= label->heightForWidth(label->width()), qPrintable(QStringLiteral("%1 of %2").arg(label->height()).arg(label->heightForWidth(label->width()))));
            const QRect here(label->mapTo(&w.window(), QPoint()), label->size());
            QVERIFY(w.window().centralWidget()->geometry().contains(here));
        }
        const QWidget* text = w.parts().stream;
        QVERIFY(w.window().centralWidget()->rect().contains(QRect(text->mapTo(w.window().centralWidget(), QPoint()), text->size())));
        for (int i = 0; i < 3; ++i) w.parts().banners->clear(QString::number(i));
        // A word that is longer than the line, as paths are, breaks.
        w.parts().banners->showMessage({.kind = BannerMessage::Kind::Problem, .key = QStringLiteral("long"), .cause = QLatin1Char('/') + QString(120, QLatin1Char('m')),
                                        .hint = QStringLiteral("Choose another file"), .action = QStringLiteral("Open model…"), .on_action = {}});
        QTest::qWait(50);
        QCOMPARE(w.window().width(), size.width());
        const auto* label = w.parts().banners->findChild<QWidget*>(QStringLiteral("bannerText"));
        QVERIFY2(label->height() >= label->heightForWidth(label->width()), qPrintable(QStringLiteral("%1 of %2").arg(label->height()).arg(label->heightForWidth(label->width()))));
        w.parts().banners->clear(QStringLiteral("long"));
    }
}

void TestWindowShell::hintsSayWhatIsMissing() {
    w.parts().prompt->showFreePrompt(QString());
    w.parts().sessions->newSession();
    w.parts().runs->showPreview();
    QVERIFY2(w.document().runHint().contains(QStringLiteral("prompt")), qPrintable(w.document().runHint()));
    const auto hints = [this] {
        QString all;
        for (const QLabel* label : w.parts().stream->findChildren<QLabel*>()) all += label->text() + QLatin1Char('\n');
        return all;
    };
    QVERIFY(!hints().contains(QStringLiteral("Press Run")));
    QVERIFY(hints().contains(w.document().runHint()));
    w.parts().setup->showDefaults();
    QTRY_VERIFY(hints().contains(QStringLiteral("Press Run")));
}

int main(int argc, char** argv) {
    QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("screens.json"));
    const int scale = std::max(1, qEnvironmentVariableIntValue("QT_SCALE_FACTOR"));  // of the points that tests speak of
    const QJsonObject screen{{"name", "one"}, {"x", 0}, {"y", 0}, {"width", kScreen.width() * scale}, {"height", kScreen.height() * scale},
                             {"logicalDpi", 96}, {"logicalBaseDpi", 96}, {"dpr", 1}};
    QFile out(file);
    if (!out.open(QIODevice::WriteOnly)) return 1;
    out.write(QJsonDocument(QJsonObject{{"screens", QJsonArray{screen}}}).toJson());
    out.close();
    qputenv("QT_QPA_PLATFORM", ("offscreen:configfile=" + file).toLocal8Bit());
    QApplication app(argc, argv);
    TestWindowShell test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_window_shell.moc"
