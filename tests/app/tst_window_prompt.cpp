// The prompt of the window: problems and free texts, texts as long as books, what is dropped on it, and what stands
// beside it.
#include <algorithm>

#include <QClipboard>
#include <QElapsedTimer>
#include <QLabel>
#include <QMimeData>
#include <QPushButton>

#include "data/models/model_catalogue.h"
#include "engine/model/model.h"
#include "tests/app/one_screen.h"
#include "tests/app/window_fixture.h"
#include "views/number_field.h"
#include "views/run_setup/prompt_edit.h"

using namespace quibble;

class TestWindowPrompt : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init() { QVERIFY(QTest::qWaitForWindowExposed(&w.window())); }

    void newAlwaysBringsAnotherProblem();
    void anUndoneEditHasItsAnswerAgain();
    void aBookAsAPromptIsNotEdited();
    void filesAreNoPrompts();
    void theModelsSpecialityIsSaidAtThePrompt();
    void hintsSayWhatIsMissing();

private:
    void paste(const QString& text) {
        QGuiApplication::clipboard()->setText(text);
        w.parts().prompt->editor()->selectAll();
        w.parts().prompt->editor()->paste();
    }
    WindowFixture w;
};

void TestWindowPrompt::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
}

void TestWindowPrompt::newAlwaysBringsAnotherProblem() {
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    w.window().close();
    w.close();
    w.open();  // shows the run, and with it the first problem
    QVERIFY(w.waitForModel());
    const auto buttons = w.parts().prompt->findChildren<QPushButton*>();
    const auto button = std::find_if(buttons.begin(), buttons.end(),
                                     [](const QPushButton* b) { return b->text() == QStringLiteral("New"); });
    QVERIFY(button != buttons.end());
    for (int i = 0; i < 20; ++i) {
        const QString before = w.parts().prompt->prompt();
        QTest::mouseClick(*button, Qt::LeftButton);
        QVERIFY(w.parts().prompt->prompt() != before);
        QVERIFY(!w.parts().setup->request().known_answer.empty());
    }
}

void TestWindowPrompt::anUndoneEditHasItsAnswerAgain() {
    w.parts().setup->showDefaults();
    const RunRequest before = w.parts().setup->request();
    QVERIFY(!before.known_answer.empty());
    PromptEdit* editor = w.parts().prompt->editor();
    editor->setFocus();
    editor->moveCursor(QTextCursor::End);
    QTest::keyClicks(editor, QStringLiteral(" Why"));
    QVERIFY(w.parts().setup->request().known_answer.empty());
    QVERIFY(w.parts().prompt->figures().isEmpty());
    for (int i = 0; i < 4 && w.parts().prompt->prompt().toStdString() != before.prompt; ++i)
        QTest::keyClick(editor, Qt::Key_Z, Qt::ControlModifier);
    QCOMPARE(w.parts().prompt->prompt().toStdString(), before.prompt);
    QCOMPARE(w.parts().setup->request().known_answer, before.known_answer);
    QCOMPARE(w.parts().setup->request().problem_id, before.problem_id);
    QVERIFY(w.parts().prompt->figures().contains(QString::fromStdString(before.known_answer)));
}

// What is done at every key is bounded, and what is done to the whole of a long prompt is done by another thread.
void TestWindowPrompt::aBookAsAPromptIsNotEdited() {
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
    qInfo("ten keys behind %lld characters in one line were taken in %lld ms", static_cast<long long>(longest.size()),
          clock.elapsed());
    QCOMPARE(w.parts().setup->request().prompt.size(), static_cast<std::size_t>(longest.size()) + 10);
    // No-break spaces are the model's business.
    paste(QStringLiteral("1\u00A0000"));
    QCOMPARE(w.parts().setup->request().prompt, std::string("1\u00A0000"));
    w.parts().setup->showDefaults();
}

// A file that is dropped on the prompt is the window's; a text is the prompt's.
void TestWindowPrompt::filesAreNoPrompts() {
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

void TestWindowPrompt::theModelsSpecialityIsSaidAtThePrompt() {
    const QString said = QString::fromStdString(specialityOf(w.parts().runs->model()->model->hash()));
    QVERIFY2(said.contains(QStringLiteral("arithmetic")),
             "the shipped model's hash is not in data/models/catalogue.json");
    for (const auto& path : AppPaths::locate(QStringLiteral("unused")).shippedModels()) {
        const auto model = Model::load(path, {});
        QVERIFY(model.has_value());
        QVERIFY2(!specialityOf((*model)->hash()).empty(), path.c_str());
    }
    const auto shown = [this, &said] {
        const auto labels = w.parts().prompt->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(),
                           [&](const QLabel* label) { return label->isVisible() && label->text() == said; });
    };
    w.parts().setup->showDefaults();
    QVERIFY(!shown());  // a problem of the set is what it was made for
    w.parts().prompt->showFreePrompt(QStringLiteral("What is the capital of France?"));
    QVERIFY(shown());
    w.parts().setup->showDefaults();
}

void TestWindowPrompt::hintsSayWhatIsMissing() {
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

int main(int argc, char** argv) { return runOnOneScreen<TestWindowPrompt>(argc, argv); }
#include "tst_window_prompt.moc"
