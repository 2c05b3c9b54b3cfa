// The window as a frame for everything else: its size, its panels, the focus, its status and its messages. On a screen
// of 1600 x 1000.
#include <algorithm>

#include <QDockWidget>
#include <QLabel>
#include <QLayout>
#include <QPushButton>
#include <QScreen>
#include <QStatusBar>
#include <QToolButton>

#include "tests/app/one_screen.h"
#include "tests/app/window_fixture.h"
#include "views/actions.h"
#include "views/card.h"
#include "views/run_setup/prompt_edit.h"
#include "views/speculation/speculation_view.h"
#include "views/status/run_status_bar.h"
#include "views/widgets.h"

using namespace quibble;

namespace {

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

    void everyActionShowsWhatItFocuses();
    void aMessageHidesTheStatusAndGivesItBack();
    void theStatusDecidesNoWidth();
    void theWindowComesBackWhenTheTextDoes();
    void textThatDoesNotFitTheScreenIsRefused();
    void floatingPanelsCanBeReached();
    void whatWorkedTakesBackWhatFailed();
    void messagesAreNeverCut();

private:
    [[nodiscard]] QDockWidget* dock(const char* name) const {
        return w.window().findChild<QDockWidget*>(QString::fromLatin1(name));
    }
    [[nodiscard]] QSize least() const { return w.window().layout()->totalMinimumSize(); }
    WindowFixture w;
};

void TestWindowShell::initTestCase() {
    Theme::instance().install(*qApp);
    QCOMPARE(QGuiApplication::primaryScreen()->size(), kScreen);
    w.open();
    QVERIFY(w.waitForModel());
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
        QVERIFY(QTest::qWaitFor(
            [this, &window] { return window.isActiveWindow() && w.parts().stream->stream()->hasFocus(); }));
    };
    const QStringList other{QStringLiteral("quit"), QStringLiteral("presentation"), QStringLiteral("run"),
                            QStringLiteral("step"), QStringLiteral("branch")};
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
            QVERIFY2(inSight(now), qPrintable(action->objectName() + QLatin1Char(' ') + action->text() +
                                              QLatin1Char(' ') + now->accessibleName()));
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
    window.findChild<QAction*>(QStringLiteral("showSpeculation"))
        ->trigger();  // its figures are not shown: there are no drafts
    QTRY_VERIFY(inSight(w.parts().speculation));
    QTest::keyClicks(QApplication::focusWidget() != nullptr ? QApplication::focusWidget() : &window,
                     QStringLiteral("x"));
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
    w.parts().status->setStatus({.tokens_per_second = 12,
                                 .with_reference = false,
                                 .context_size = 0,
                                 .saved_seconds_ago = {},
                                 .device = {},
                                 .model = {}});
    QTest::qWait(1200);  // the controller's own refresh, once a second
    const QStringList during = labels();
    QVERIFY2(
        during.size() <= 1 && during.join(QString()).startsWith(during.isEmpty() ? QString() : QStringLiteral("saved")),
        qPrintable(during.join(QLatin1Char('|'))));
    bar->clearMessage();
    QTRY_VERIFY(labels().size() >= 3);
}

void TestWindowShell::theStatusDecidesNoWidth() {
    QVERIFY2(w.parts().status->minimumSizeHint().width() < Theme::instance().em(30),
             qPrintable(QString::number(w.parts().status->minimumSizeHint().width())));
}

void TestWindowShell::theWindowComesBackWhenTheTextDoes() {
    MainWindow& window = w.window();
    window.setWindowState(Qt::WindowNoState);
    const QSize small = least().expandedTo(QSize(700, 600));
    window.resize(small);
    QTRY_COMPARE(window.size(), small);
    QAction *larger = window.findChild<QAction*>(QStringLiteral("larger")),
            *normal = window.findChild<QAction*>(QStringLiteral("normalText"));
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
    QVERIFY2(w.parts().status->currentMessage().contains(QStringLiteral("as large as")),
             qPrintable(w.parts().status->currentMessage()));
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
    const auto back = std::find_if(buttons.begin(), buttons.end(), [](const QToolButton* b) {
        return b->accessibleName().startsWith(QStringLiteral("Put the panel back"));
    });
    QVERIFY(back != buttons.end() && (*back)->isVisible());
    (*back)->click();
    QTRY_VERIFY(!sessions->isFloating());
    QVERIFY(!(*back)->isVisible());
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
            w.parts().banners->showMessage(
                {.kind = BannerMessage::Kind::Problem,
                 .key = QString::number(i),
                 .cause = QString(12, QLatin1Char('m')) + QStringLiteral(" is not a model"),
                 .hint = QStringLiteral("A long line that says what can be done about it. ").repeated(3),
                 .action = QStringLiteral("Open model…"),
                 .on_action = {}});
        }
        QTest::qWait(50);
        for (const QWidget* label : w.parts().banners->findChildren<QWidget*>(QStringLiteral("bannerText"))) {
            QVERIFY2(
                label->height() >= label->heightForWidth(label->width()),
                qPrintable(QStringLiteral("%1 of %2").arg(label->height()).arg(label->heightForWidth(label->width()))));
            const QRect here(label->mapTo(&w.window(), QPoint()), label->size());
            QVERIFY(w.window().centralWidget()->geometry().contains(here));
        }
        const QWidget* text = w.parts().stream;
        QVERIFY(w.window().centralWidget()->rect().contains(
            QRect(text->mapTo(w.window().centralWidget(), QPoint()), text->size())));
        for (int i = 0; i < 3; ++i) w.parts().banners->clear(QString::number(i));
        // A word that is longer than the line, as paths are, breaks.
        w.parts().banners->showMessage({.kind = BannerMessage::Kind::Problem,
                                        .key = QStringLiteral("long"),
                                        .cause = QLatin1Char('/') + QString(120, QLatin1Char('m')),
                                        .hint = QStringLiteral("Choose another file"),
                                        .action = QStringLiteral("Open model…"),
                                        .on_action = {}});
        QTest::qWait(50);
        QCOMPARE(w.window().width(), size.width());
        const auto* label = w.parts().banners->findChild<QWidget*>(QStringLiteral("bannerText"));
        QVERIFY2(
            label->height() >= label->heightForWidth(label->width()),
            qPrintable(QStringLiteral("%1 of %2").arg(label->height()).arg(label->heightForWidth(label->width()))));
        w.parts().banners->clear(QStringLiteral("long"));
    }
}

int main(int argc, char** argv) { return runOnOneScreen<TestWindowShell>(argc, argv); }
#include "tst_window_shell.moc"
