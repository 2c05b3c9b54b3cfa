// The files of the window: every dialog that saves, and a database that is moved, replaced, removed, full or of
// somebody else while the window is open.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/resource.h>

#include <QAbstractItemView>
#include <QAction>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QLineEdit>
#include <QMessageBox>
#include <QPointer>
#include <QPushButton>

#include "data/file_kind.h"
#include "data/store/store_writer.h"
#include "tests/app/window_fixture.h"
#include "views/plots/export_dialog.h"
#include "views/save_file.h"
#include "views/sessions/session_model.h"
#include "views/status/run_status_bar.h"

using namespace quibble;

namespace {

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray("not there");
}

void write(const QString& path, const QByteArray& content) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(content);
}

template <typename Widget>
Widget* waitFor(const QWidget& window, const char* name) {
    Widget* found = nullptr;
    (void)QTest::qWaitFor(
        [&] {
            for (Widget* widget : window.findChildren<Widget*>(QString::fromLatin1(name)))
                found = widget->isVisible() ? widget : found;
            return found != nullptr;
        },
        10'000);
    return found;
}

// Types a name into the dialog that is open and presses its button.
bool answerDialog(const QWidget& window, const char* name, const QString& path) {
    const QPointer<QFileDialog> dialog = waitFor<QFileDialog>(window, name);
    if (dialog == nullptr) return false;
    auto* edit = dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"));
    auto* buttons = dialog->findChild<QDialogButtonBox*>();
    if (edit == nullptr || buttons == nullptr) return false;
    // The dialog reads the folder meanwhile and then selects what it proposes; what is typed takes the selection away.
    for (int i = 0; i < 3; ++i) {
        edit->setText(path);
        QTest::qWait(60);
        for (QAbstractItemView* list : dialog->findChildren<QAbstractItemView*>()) list->clearSelection();
        edit->setText(path);
    }
    buttons->buttons().constFirst()->setEnabled(true);
    buttons->buttons().constFirst()->click();
    return QTest::qWaitFor([&] { return dialog == nullptr; }, 10'000);
}

std::vector<RunSummary> runsIn(const QString& path) {
    std::vector<RunSummary> runs;
    const auto store = Store::open(toPath(path), OpenMode::ReadOnly);
    if (!store) return runs;
    for (const SessionSummary& session : (*store)->listSessions().value_or(std::vector<SessionSummary>{})) {
        for (RunSummary& run : (*store)->listRuns(session.id).value_or(std::vector<RunSummary>{}))
            runs.push_back(std::move(run));
    }
    return runs;
}

// What that file alone holds, opened in another folder.
std::vector<RunSummary> runsInCopyOf(const QString& path) {
    const QTemporaryDir folder;
    return QFile::copy(path, folder.filePath(QStringLiteral("copy.db")))
               ? runsIn(folder.filePath(QStringLiteral("copy.db")))
               : std::vector<RunSummary>{};
}

}  // namespace

class TestWindowFiles : public QObject {
    Q_OBJECT
private slots:
    void init();
    void endingsOfNames();
    void everyDialogAddsTheEndingBeforeItAsks_data();
    void everyDialogAddsTheEndingBeforeItAsks();
    void contentDecidesWhatIsOpened();
    void aFileThatIsNoDatabase();
    void movedAndBroughtBack();
    void movedDuringARun();
    void removedAndSavedAgain_data();
    void removedAndSavedAgain();
    void theLogOfAnotherIsKept();
    void aCopyMadeWhileIdleIsComplete();
    void fullDiskAsksBeforeItCloses();
    void closingWithoutLossesAsksNothing();
    void recoveryIsToldOnce();
    void theSecondWindowTakesOver();

private:
    void makeRun() {
        QVERIFY(w_->waitForModel());
        QVERIFY(w_->runToEnd());
        QVERIFY(w_->saved());
    }
    [[nodiscard]] QString database() const { return w_->file(QStringLiteral("quibble.db")); }
    [[nodiscard]] QAction* run() const { return w_->parts().runs->actions()->run(); }
    std::unique_ptr<WindowFixture> w_;
};

void TestWindowFiles::init() {
    Theme::instance().install(*qApp);
    w_ = std::make_unique<WindowFixture>();
    w_->open();
}

void TestWindowFiles::endingsOfNames() {
    const QString ending = QStringLiteral("session");
    QCOMPARE(withEnding(QStringLiteral("a.b"), ending), QStringLiteral("a.b.session"));
    QCOMPARE(withEnding(QStringLiteral("a.SESSION"), ending), QStringLiteral("a.SESSION"));
    QCOMPARE(withEnding(QStringLiteral("session"), ending), QStringLiteral("session.session"));
    QCOMPARE(fileNameOf(QStringLiteral("Lea has 31 pages. She finds 2 books of 62.…")),
             QStringLiteral("Lea has 31 pages. She finds 2 books of 62"));
    QCOMPARE(fileNameOf(QStringLiteral("../a/b\n c?")), QStringLiteral("-a-b c-"));
    QCOMPARE(fileNameOf(QStringLiteral("...")), QStringLiteral("untitled"));
    QVERIFY(fileNameOf(QString(5000, QLatin1Char('x'))).size() < 100);
}

void TestWindowFiles::everyDialogAddsTheEndingBeforeItAsks_data() {
    QTest::addColumn<QString>("action");
    QTest::addColumn<QString>("ending");
    for (const auto& [action, ending] :
         {std::pair{"exportSession", "session"}, std::pair{"exportData", "csv"}, std::pair{"exportFigure", "png"}}) {
        QTest::newRow(action) << QString::fromLatin1(action) << QString::fromLatin1(ending);
    }
}

void TestWindowFiles::everyDialogAddsTheEndingBeforeItAsks() {
    QFETCH(QString, action);
    QFETCH(QString, ending);
    makeRun();
    // The dialog that asks for the form first, where there is one, is gone through as it stands.
    const auto start = [&]() -> QWidget* {
        w_->window().findChild<QAction*>(action)->trigger();
        QWidget* asker = &w_->window();
        if (action == QStringLiteral("exportData"))
            waitFor<QDialog>(w_->window(), "dataExportDialog")
                ->findChild<QDialogButtonBox*>()
                ->button(QDialogButtonBox::Save)
                ->click();
        if (action != QStringLiteral("exportFigure")) return asker;
        for (ExportDialog* dialog : w_->window().findChildren<ExportDialog*>())
            asker = dialog->isVisible() ? dialog : asker;
        asker->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Save)->click();
        return asker;
    };
    for (const char* name : {"plain", "lesson 2.5 of 3.", ".hidden.name"}) {
        const QString typed = w_->file(QString::fromLatin1(name)), made = typed + QLatin1Char('.') + ending;
        QWidget* asker = start();
        auto* dialog = waitFor<QFileDialog>(*asker, "saveDialog");
        QVERIFY(dialog != nullptr);
        QVERIFY2(
            dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"))->text().endsWith(QLatin1Char('.') + ending),
            qPrintable(dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"))->text()));
        QVERIFY(answerDialog(*asker, "saveDialog", typed));
        QTRY_VERIFY2(QFileInfo::exists(made), name);
        QVERIFY(!QFileInfo::exists(typed));
    }
    // One of that name exists: it stays until the user says that it may go.
    const QString typed = w_->file(QStringLiteral("fig 1.5")), existing = typed + QLatin1Char('.') + ending;
    write(existing, "mine");
    QWidget* asker = start();
    QVERIFY(answerDialog(*asker, "saveDialog", typed));
    auto* question = waitFor<QMessageBox>(*asker, "replaceQuestion");
    QVERIFY(question != nullptr);
    QVERIFY(question->text().contains(QStringLiteral("fig 1.5.") + ending));
    QCOMPARE(contentOf(existing), QByteArray("mine"));
    question->findChild<QPushButton*>(QStringLiteral("anotherName"))->click();
    QVERIFY(answerDialog(*asker, "saveDialog", existing));  // the same again, with its ending
    question = waitFor<QMessageBox>(*asker, "replaceQuestion");
    QVERIFY(question != nullptr);
    QCOMPARE(contentOf(existing), QByteArray("mine"));
    question->findChild<QPushButton*>(QStringLiteral("replace"))->click();
    QTRY_VERIFY(contentOf(existing) != QByteArray("mine"));
    QCOMPARE(w_->banners(), QString());
}

void TestWindowFiles::contentDecidesWhatIsOpened() {
    makeRun();
    const QString exported = w_->file(QStringLiteral("kept")), model = w_->file(QStringLiteral("weights.session"));
    w_->window().exportSessionTo(w_->parts().sessions->currentSession(), exported);  // a name without an ending
    QVERIFY(w_->waitForFiles());
    QVERIFY(fileKindOf(toPath(exported)) == FileKind::Session);
    const SessionId before = w_->parts().sessions->currentSession();
    w_->window().openFile(exported);
    QVERIFY(w_->waitForFiles());
    QCOMPARE(w_->banners(), QString());
    QVERIFY(w_->parts().sessions->currentSession() != before);
    QVERIFY(QFile::copy(toQString(w_->parts().runs->model()->path), model));
    w_->window().openFile(model);
    QVERIFY(w_->waitForModel());
    QTRY_COMPARE(toQString(w_->parts().runs->model()->path), model);
    QCOMPARE(w_->banners(), QString());
    write(w_->file(QStringLiteral("notes.session")), "only a text");
    w_->window().openFile(w_->file(QStringLiteral("notes.session")));
    QVERIFY(w_->waitForFiles());
    QVERIFY2(w_->banners().contains(QStringLiteral("notes.session")), qPrintable(w_->banners()));
}

void TestWindowFiles::aFileThatIsNoDatabase() {
    write(w_->file(QStringLiteral("list.db")), QByteArray(5000, 'x'));
    w_->window().useDatabase(toPath(w_->file(QStringLiteral("list.db"))));
    QVERIFY2(w_->banners().contains(QStringLiteral("list.db")), qPrintable(w_->banners()));
    QVERIFY2(!w_->banners().contains(QStringLiteral("other window")), qPrintable(w_->banners()));
    QVERIFY2(w_->banners().contains(QStringLiteral("not a session file")), qPrintable(w_->banners()));
    QVERIFY(!run()->isEnabled());
    w_->window().useDatabase(toPath(database()));
    QCOMPARE(w_->banners(), QString());
}

void TestWindowFiles::movedAndBroughtBack() {
    makeRun();
    QVERIFY(run()->isEnabled());
    const QString away = w_->file(QStringLiteral("away.db"));
    QVERIFY(QFile::rename(database(), away));
    // At once, not only when the next look has been taken.
    run()->trigger();
    QVERIFY(!w_->parts().runs->live());
    QVERIFY2(w_->banners().contains(QStringLiteral("moved, replaced or removed")), qPrintable(w_->banners()));
    QVERIFY(!run()->isEnabled());
    QVERIFY(run()->toolTip().contains(QStringLiteral("moved")));
    QTRY_COMPARE(runsInCopyOf(away).size(), std::size_t(1));  // everything is in it
    QVERIFY(QFile::rename(away, database()));
    QTRY_VERIFY(run()->isEnabled());
    QVERIFY2(!w_->banners().contains(QStringLiteral("moved")), qPrintable(w_->banners()));
    makeRun();
    w_->close();
    QCOMPARE(runsIn(database()).size(), std::size_t(2));
}

void TestWindowFiles::movedDuringARun() {
    QVERIFY(w_->waitForModel());
    QVERIFY2(w_->runLong(), "no seed gives a long run");
    const std::size_t before = runsIn(database()).size();
    w_->askForLongRun();
    run()->trigger();
    QVERIFY(w_->waitForTokens(20));
    const QString away = w_->file(QStringLiteral("away.db"));
    QVERIFY(QFile::rename(database(), away));
    QVERIFY(w_->waitForEnd());
    QVERIFY(w_->saved());  // into the file, wherever it is
    QTRY_VERIFY(w_->banners().contains(QStringLiteral("moved, replaced or removed")));
    const auto wal = [&] { return QFileInfo(database() + QStringLiteral("-wal")).size(); };
    QTRY_COMPARE(wal(), 0);
    const auto runs = runsInCopyOf(away);
    QCOMPARE(runs.size(), before + 1);
    QCOMPARE(runs.back().tokens, static_cast<std::int64_t>(w_->document().size()));
    w_->close();
    QVERIFY(!QFileInfo::exists(database()));
    w_->open();  // begins anew, and nothing of the old one is in its way
    QVERIFY(w_->parts().sessions->blocked().isEmpty());
    QCOMPARE(runsIn(away).size(), before + 1);
}

void TestWindowFiles::removedAndSavedAgain_data() {
    QTest::addColumn<bool>("replaced");
    QTest::newRow("removed") << false;
    QTest::newRow("replaced") << true;
}

void TestWindowFiles::removedAndSavedAgain() {
    QFETCH(bool, replaced);
    makeRun();
    const RunId made = w_->document().run();
    QVERIFY(QFile::remove(database()));
    if (replaced) write(database(), "another file");
    QTRY_VERIFY2(w_->banners().contains(QStringLiteral("moved, replaced or removed")), qPrintable(w_->banners()));
    QPushButton* save = nullptr;
    for (QPushButton* button : w_->parts().banners->findChildren<QPushButton*>())
        save = button->text() == QStringLiteral("Save a copy…") ? button : save;
    QVERIFY(save != nullptr);
    save->click();
    QVERIFY(answerDialog(w_->window(), "saveDialog", w_->file(QStringLiteral("saved 1.2"))));
    const QString saved = w_->file(QStringLiteral("saved 1.2.db"));
    QTRY_VERIFY2(toQString(w_->parts().sessions->store()->path()) == saved, qPrintable(w_->banners()));
    QCOMPARE(w_->banners(), QString());
    QCOMPARE(w_->document().run(), made);
    QTRY_VERIFY(run()->isEnabled());
    makeRun();  // and goes on there
    w_->close();
    QCOMPARE(runsIn(saved).size(), std::size_t(2));
    if (replaced) QCOMPARE(contentOf(database()), QByteArray("another file"));
}

void TestWindowFiles::theLogOfAnotherIsKept() {
    w_->close();
    const QByteArray log(9000, 'w');
    write(database() + QStringLiteral("-wal"), log);
    QVERIFY(QFile::remove(database()));
    w_->open();
    QVERIFY2(w_->banners().contains(QStringLiteral("quibble.db-wal")), qPrintable(w_->banners()));
    QVERIFY(!QFileInfo::exists(database()));
    QCOMPARE(contentOf(database() + QStringLiteral("-wal")), log);
    w_->window().useDatabase(toPath(w_->file(QStringLiteral("new.db"))));
    QCOMPARE(w_->banners(), QString());
}

void TestWindowFiles::aCopyMadeWhileIdleIsComplete() {
    makeRun();
    QTRY_COMPARE(QFileInfo(database() + QStringLiteral("-wal")).size(), 0);
    const auto runs = runsInCopyOf(database());
    QCOMPARE(runs.size(), std::size_t(1));
    QVERIFY(runs[0].status == RunStatus::Finished);
    QCOMPARE(runs[0].tokens, static_cast<std::int64_t>(w_->document().size()));
}

void TestWindowFiles::fullDiskAsksBeforeItCloses() {
    QVERIFY(w_->waitForModel());
    QVERIFY2(w_->runLong(), "no seed gives a long run");
    QVERIFY(w_->saved());
    w_->askForLongRun();
    // The limit of a file's size stands for the end of the disk; it needs no rights, and only this process has it.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    QCOMPARE(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto limit = [&](rlim_t bytes) {
        rlimit now = before;
        now.rlim_cur = bytes;
        return setrlimit(RLIMIT_FSIZE, &now);
    };
    run()->trigger();
    QVERIFY(w_->parts().runs->live());
    QVERIFY(w_->waitForTokens(5));
    QCOMPARE(limit(64 << 10), 0);
    const bool told =
        QTest::qWaitFor([&] { return w_->banners().contains(QStringLiteral("Nothing is lost yet")); }, kPatience);
    const bool ended = w_->waitForEnd();
    const bool closed = w_->window().close();
    auto* question = waitFor<QMessageBox>(w_->window(), "unsavedQuestion");
    const bool asked = question != nullptr;
    if (asked) question->findChild<QPushButton*>(QStringLiteral("keepOpen"))->click();
    const bool open = w_->window().isVisible();
    limit(before.rlim_cur);
    QVERIFY(told && ended);
    QVERIFY(!closed && asked && open);
    QTRY_VERIFY_WITH_TIMEOUT(!w_->banners().contains(QStringLiteral("Nothing is lost yet")), kPatience);
    QVERIFY(w_->saved());
    const std::int64_t tokens = w_->document().size();
    QVERIFY(w_->window().close());
    w_->close();
    QCOMPARE(runsIn(database()).back().tokens, tokens);
}

void TestWindowFiles::closingWithoutLossesAsksNothing() {
    QVERIFY(w_->waitForModel());
    QVERIFY2(w_->runLong(), "no seed gives a long run");
    w_->askForLongRun();
    run()->trigger();
    QVERIFY(w_->waitForTokens(5));
    QVERIFY(w_->window().close());  // in the midst of a run
    QVERIFY(w_->window().findChild<QMessageBox*>() == nullptr);
    w_->close();
    QVERIFY(runsIn(database()).back().tokens >= 5);
    QVERIFY(runsIn(database()).back().status == RunStatus::Finished);  // stopped, in order
}

void TestWindowFiles::recoveryIsToldOnce() {
    QVERIFY(w_->waitForModel());
    QVERIFY2(w_->runLong(), "no seed gives a long run");
    w_->askForLongRun();
    w_->parts().runs->setPace(100);
    run()->trigger();
    QVERIFY(w_->waitForTokens(60));
    // What a kill leaves behind: the files as they stand now.
    WindowFixture killed;
    for (const char* ending : {"", "-wal"}) {
        QVERIFY(QFile::copy(database() + QString::fromLatin1(ending),
                            killed.file(QStringLiteral("quibble.db")) + QString::fromLatin1(ending)));
    }
    w_->parts().runs->stop();
    QVERIFY(w_->waitForEnd());
    killed.open();
    QVERIFY2(killed.banners().contains(QStringLiteral("Quibble was ended while it made")),
             qPrintable(killed.banners()));
    const auto& recovered = killed.parts().sessions->store()->recovered();
    QCOMPARE(recovered.size(), std::size_t(1));
    QVERIFY(recovered[0].tokens > 0 && recovered[0].tokens == killed.document().size());
    QVERIFY2(killed.banners().contains(QString::number(recovered[0].tokens)), qPrintable(killed.banners()));
    QCOMPARE(killed.parts().status->stateText(), QStringLiteral("interrupted"));
    QCOMPARE(killed.document().referenceLag(), 0);  // nothing more will come
    killed.close();
    killed.open();
    QCOMPARE(killed.banners(), QString());
    QCOMPARE(killed.parts().status->stateText(), QStringLiteral("interrupted"));
}

void TestWindowFiles::theSecondWindowTakesOver() {
    QVERIFY(w_->waitForModel());
    QVERIFY2(w_->runLong(), "no seed gives a long run");
    w_->askForLongRun();
    w_->parts().runs->setPace(100);
    run()->trigger();
    QVERIFY(w_->waitForTokens(40));
    const RunId made = w_->document().run();
    QTRY_VERIFY(w_->parts().sessions->store()->runSummary(made)->tokens > 0);
    MainWindow second(AppPaths::locate(QFileInfo(database()).absolutePath()));
    second.begin({});
    second.show();
    const auto banners = [&] { return second.parts().banners->texts().join(QLatin1Char('\n')); };
    QVERIFY(banners().contains(QStringLiteral("Another window")));
    QVERIFY(QTest::qWaitFor([&] { return second.parts().runs->model().has_value(); }, kPatience));
    QCOMPARE(second.parts().runs->document()->run(), made);
    QCOMPARE(second.parts().status->stateText(), QStringLiteral("running"));
    const auto listedAs = [&](bool running) {
        const SessionItem* row =
            second.parts().browser->model()->item(second.parts().browser->model()->indexOfRun(made));
        return row != nullptr && row->running == running;
    };
    QTRY_VERIFY(listedAs(true));
    QVERIFY(!second.parts().runs->actions()->run()->isEnabled());
    w_->window().close();
    w_->close();
    QTRY_VERIFY_WITH_TIMEOUT(second.parts().runs->actions()->run()->isEnabled(), kPatience);
    QCOMPARE(banners(), QString());
    QTRY_VERIFY_WITH_TIMEOUT(listedAs(false), kPatience);  // the list is read anew
    QCOMPARE(second.parts().status->stateText(), QStringLiteral("stopped"));
    second.parts().runs->actions()->run()->trigger();
    QVERIFY(second.parts().runs->live());
    second.parts().runs->stop();
    QVERIFY(QTest::qWaitFor([&] { return !second.parts().runs->live(); }, kPatience));
}

QTEST_MAIN(TestWindowFiles)
#include "tst_window_files.moc"
