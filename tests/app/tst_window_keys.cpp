// The sheet of keys and gestures (F1) promises nothing that the window does not do: every row of it is tried.
#include "tests/app/window_fixture.h"

#include <functional>
#include <map>

#include <QClipboard>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTreeView>
#include <QTreeWidget>

#include "views/actions.h"
#include "views/inspector/alternatives_list.h"
#include "views/run_setup/prompt_edit.h"
#include "views/shortcut_sheet.h"
#include "views/token_stream/token_navigation.h"

using namespace quibble;

class TestWindowKeys : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void everyRowIsTried();
    void streamKeys_data() { rowsOf(0); }
    void streamKeys() { tryRow(); }
    void traceKeys_data() { rowsOf(1); }
    void traceKeys() { tryRow(); }
    void otherKeys_data() { rowsOf(2); }
    void otherKeys() { tryRow(); }
    void commandsHaveTheirKeysAlone();
    void fromTheTextToABranchByKeysAlone();

private:
    using Trial = std::function<bool()>;
    struct Row {
        const char* keys;
        Trial works;
    };
    std::vector<Row> rows_[3];  // token stream, traces, other panels

    void makeStreamRows();
    void makeTraceRows();
    void makeOtherRows();
    void rowsOf(int section) {
        QTest::addColumn<int>("section");
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < rows_[section].size(); ++i)
            QTest::newRow(rows_[section][i].keys) << section << static_cast<int>(i);
    }
    void tryRow() {
        QFETCH(int, section);
        QFETCH(int, row);
        show();
        QVERIFY(rows_[section][static_cast<std::size_t>(row)].works());
    }
    void show() {
        if (document().run() != run_) parts().runs->showStored(trace_, run_);
        document().selectToken(kStart);
        w.window().activateWindow();
        (void)QTest::qWaitForWindowActive(&w.window());
    }

    [[nodiscard]] const MainWindow::Parts& parts() const { return w.parts(); }
    [[nodiscard]] RunDocument& document() const { return w.document(); }
    [[nodiscard]] TokenStreamView* stream() const { return parts().stream->stream(); }
    [[nodiscard]] int current() const { return document().current(); }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) const {
        QWidget* focused = QApplication::focusWidget();
        QTest::keyClick(focused != nullptr ? focused : &w.window(), key, modifiers);
    }
    bool inStream(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) const {
        stream()->setFocus();
        press(key, modifiers);
        return true;
    }
    // Those that are not hidden.
    static int rowsIn(const QTreeView* tree, const QModelIndex& parent) {
        int count = 0;
        for (int row = 0; row < tree->model()->rowCount(parent); ++row) {
            if (tree->isRowHidden(row, parent)) continue;
            count += 1 + rowsIn(tree, tree->model()->index(row, 0, parent));
        }
        return count;
    }
    // As a hand does it: pressed, moved, released.
    static void drag(QWidget* widget, const QPoint& from, const QPoint& to, Qt::KeyboardModifiers modifiers = {}) {
        QTest::mousePress(widget, Qt::LeftButton, modifiers, from);
        for (const QPoint& at : {(from + to) / 2, to}) {
            QMouseEvent move(QEvent::MouseMove, at, widget->mapToGlobal(at), Qt::NoButton, Qt::LeftButton, modifiers);
            QApplication::sendEvent(widget, &move);
        }
        QTest::mouseRelease(widget, Qt::LeftButton, modifiers, to);
    }

    static constexpr int kStart = 60;
    WindowFixture w;
    RunTrace trace_;
    RunId run_ = kNoRun;
};

void TestWindowKeys::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
    QVERIFY(w.runLong());  // boosted hesitation: markers and interventions
    QVERIFY(w.saved());
    trace_ = w.trace();
    run_ = document().run();
    w.window().activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&w.window()));
    makeStreamRows();
    makeTraceRows();
    makeOtherRows();
}

void TestWindowKeys::makeStreamRows() {
    const auto goes = [this](Qt::Key key, Qt::KeyboardModifiers modifiers, int to) {
        return inStream(key, modifiers) && to >= 0 && current() == to;
    };
    const auto bothWays = [this, goes](Qt::Key forward, Qt::Key back, Qt::KeyboardModifiers back_modifiers,
                                       int (*next)(const RunTrace&, int, bool)) {
        const int there = next(trace_, kStart, false);
        document().selectToken(kStart);
        if (!goes(forward, {}, there)) return false;
        document().selectToken(there + 1);
        return goes(back, back_modifiers, next(trace_, there + 1, true));
    };
    rows_[0] = {
        {"Left, Right", [=, this] { return goes(Qt::Key_Right, {}, kStart + 1) && goes(Qt::Key_Left, {}, kStart); }},
        {"Shift+arrows, drag",
         [=, this] {
             inStream(Qt::Key_Right, Qt::ShiftModifier);
             const bool by_key = document().selection() == TokenRange{kStart, kStart + 2};
             inStream(Qt::Key_Down, Qt::ShiftModifier);
             const bool by_line = document().selection().size() > 2;
             stream()->scrollToToken(kStart);
             drag(stream()->viewport(), stream()->tokenRect(kStart).center(), stream()->tokenRect(kStart + 2).center());
             return by_key && by_line && document().selection() == TokenRange{kStart, kStart + 3};
         }},
        {"Ctrl+Left, Ctrl+Right",
         [=, this] {
             return goes(Qt::Key_Right, Qt::ControlModifier, nextSentence(stream()->pieces(), kStart, false)) &&
                    goes(Qt::Key_Left, Qt::ControlModifier,
                         nextSentence(stream()->pieces(), nextSentence(stream()->pieces(), kStart, false), true));
         }},
        {"Home, End",
         [=, this] {
             return goes(Qt::Key_Home, {}, 0) && goes(Qt::Key_End, {}, document().size() - 1) &&
                    stream()->followsTail();
         }},
        {"N, P", [=] { return bothWays(Qt::Key_N, Qt::Key_P, {}, nextMarker); }},
        {"U, Shift+U", [=] { return bothWays(Qt::Key_U, Qt::Key_U, Qt::ShiftModifier, nextUncertain); }},
        {"I, Shift+I", [=] { return bothWays(Qt::Key_I, Qt::Key_I, Qt::ShiftModifier, nextIntervention); }},
        {"Enter, double click",
         [=, this] {
             inStream(Qt::Key_Return);
             const bool by_key = QApplication::focusWidget() == parts().inspector->quantizedList();
             stream()->setFocus();
             stream()->scrollToToken(kStart);
             QTest::mouseDClick(stream()->viewport(), Qt::LeftButton, {}, stream()->tokenRect(kStart).center());
             return by_key && QApplication::focusWidget() == parts().inspector->quantizedList();
         }},
        {"Ctrl+F, F3",
         [=, this] {
             inStream(Qt::Key_F, Qt::ControlModifier);
             auto* edit = qobject_cast<QLineEdit*>(QApplication::focusWidget());
             if (edit == nullptr) return false;
             edit->setText(QStringLiteral("e"));
             press(Qt::Key_F3);  // while the search is open, and behind it
             const int first = stream()->findCurrent();
             inStream(Qt::Key_F3);
             const int second = stream()->findCurrent();
             parts().stream->closeFind();
             return first >= 0 && second == first + 1;
         }},
        {"Ctrl+C, Ctrl+Shift+C",
         [=, this] {
             document().setSelection({kStart, kStart + 5}, kStart);
             inStream(Qt::Key_C, Qt::ControlModifier);
             const bool text = QApplication::clipboard()->text() == stream()->selectedText();
             inStream(Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
             return text && QApplication::clipboard()->text() == stream()->selectedTable();
         }},
        {"Esc", [=, this] { return inStream(Qt::Key_Escape) && current() < 0; }},
    };
}

void TestWindowKeys::makeTraceRows() {
    TracesView* traces = parts().traces;
    QWidget* plot = traces->plotWidget();
    const auto span = [traces] { return traces->xUpper() - traces->xLower(); };
    const auto reset = [=] {
        traces->setXRange(20, 220);
        plot->setFocus();
    };
    const auto wheel = [plot](Qt::KeyboardModifiers modifiers) {
        const QPointF at = QRectF(plot->rect()).center();
        QWheelEvent event(at, plot->mapToGlobal(at), {}, QPoint(0, 120), Qt::NoButton, modifiers, Qt::NoScrollPhase,
                          false);
        QApplication::sendEvent(plot, &event);
    };
    const auto changes = [](const std::function<double()>& value, const std::function<void()>& act, int sign) {
        const double before = value();
        act();
        return (value() - before) * sign > 1;
    };
    const auto lower = [traces] { return traces->xLower(); };
    const auto at = [=](int token) { return QPoint(static_cast<int>(traces->xPixel(token)), plot->height() / 6); };
    rows_[1] = {
        {"Wheel, + and −",
         [=, this] {
             reset();
             return changes(
                        span, [=] { wheel({}); }, -1) &&
                    changes(
                        span, [=, this] { press(Qt::Key_Plus); }, -1) &&
                    changes(
                        span, [=, this] { press(Qt::Key_Minus); }, 1);
         }},
        {"Drag, Shift+wheel, Page Up and Down",
         [=, this] {
             reset();
             return changes(
                        lower, [=] { drag(plot, at(120), at(80)); }, 1) &&
                    changes(
                        lower, [=] { wheel(Qt::ShiftModifier); }, -1) &&
                    changes(
                        lower, [=, this] { press(Qt::Key_PageDown); }, 1) &&
                    changes(
                        lower, [=, this] { press(Qt::Key_PageUp); }, -1);
         }},
        {"Double click, F",
         [=, this] {
             reset();
             QTest::mouseDClick(plot, Qt::LeftButton, {}, at(100));
             const bool by_mouse = traces->xLower() < 1 && traces->xUpper() >= document().size() - 1;
             reset();
             press(Qt::Key_F);
             return by_mouse && traces->xLower() < 1 && traces->xUpper() >= document().size() - 1;
         }},
        {"Click, Left, Right",
         [=, this] {
             reset();
             QTest::mouseClick(plot, Qt::LeftButton, {}, at(100));
             const int there = current();
             press(Qt::Key_Right);
             const bool right = current() == there + 1;
             press(Qt::Key_Left);
             return std::abs(there - 100) <= 2 && right && current() == there;
         }},
        {"Shift+drag",
         [=, this] {
             reset();
             drag(plot, at(100), at(140), Qt::ShiftModifier);
             return std::abs(document().selection().begin - 100) <= 2 &&
                    std::abs(document().selection().end - 141) <= 2;
         }},
        {"End",
         [=, this] {
             reset();
             press(Qt::Key_End);
             return traces->followsTail() && traces->xUpper() >= document().size() - 1 &&
                    current() == document().size() - 1;
         }},
    };
}

void TestWindowKeys::makeOtherRows() {
    rows_[2] = {
        {"Up, Down, Enter",
         [this] {
             inStream(Qt::Key_Return);
             AlternativesList* list = parts().inspector->quantizedList();
             const TokenId standing = trace_.points()[kStart].token.id;
             if (QApplication::focusWidget() != list || list->currentIndex().row() < 0) return false;
             press(list->currentIndex().row() == 0 ? Qt::Key_Down : Qt::Key_Up);
             const TokenId chosen = parts().inspector->chosen();
             if (chosen == kNoToken || chosen == standing) return false;
             QSignalSpy saved(parts().runs, &RunController::runSaved);
             press(Qt::Key_Return);
             if (!QTest::qWaitFor([this] { return document().run() != run_; }, kPatience) || !w.waitForEnd() ||
                 document().size() <= kStart)
                 return false;
             const TokenRecord& branched = w.trace().points()[kStart].token;
             const bool forced = branched.id == chosen && branched.injected;
             return forced && (saved.count() > 0 || saved.wait(kPatience));  // then the list of runs is at rest
         }},
        {"F2, Del, Ctrl+Z",
         [this] {
             QTreeView* tree = parts().browser->tree();
             parts().browser->setCurrentRun(run_);
             tree->setFocus();
             press(Qt::Key_F2);
             const bool renames = qobject_cast<QLineEdit*>(QApplication::focusWidget()) != nullptr;
             press(Qt::Key_Escape);
             tree->setFocus();
             const int before = rowsIn(tree, {});
             press(Qt::Key_Delete);
             const bool gone = QTest::qWaitFor([=] { return rowsIn(tree, {}) < before; });
             QSignalSpy undone(parts().sessions->undoAction(), &QAction::triggered);
             press(Qt::Key_Z, Qt::ControlModifier);
             const bool back = undone.count() == 1 || rowsIn(tree, {}) == before;
             if (!renames || !gone || !back) qWarning("renames %d, gone %d, back %d", renames, gone, back);
             return renames && gone && back;
         }},
        {"Ctrl+Enter",
         [this] {
             parts().prompt->editor()->setFocus();
             press(Qt::Key_Return, Qt::ControlModifier);
             const bool started = parts().runs->live();
             parts().runs->stop();
             return started && w.waitForEnd();
         }},
    };
}

void TestWindowKeys::everyRowIsTried() {
    ShortcutSheet sheet(&w.window());
    sheet.open();
    const QTreeWidget* tree = sheet.tree();
    QCOMPARE(tree->topLevelItemCount(), 4);
    for (int section = 0; section < 3; ++section) {
        const QTreeWidgetItem* item = tree->topLevelItem(section + 1);
        QStringList promised, tried;
        for (int row = 0; row < item->childCount(); ++row) promised << item->child(row)->text(1);
        for (const Row& row : rows_[section]) tried << QString::fromUtf8(row.keys);
        QCOMPARE(tried, promised);
    }
}

void TestWindowKeys::commandsHaveTheirKeysAlone() {
    std::map<QString, QString> owners;
    for (const QAction* action : windowActions(&w.window())) {
        for (const QKeySequence& keys : action->shortcuts()) {
            const auto [found, fresh] = owners.emplace(keys.toString(), actionText(action));
            QVERIFY2(fresh, qPrintable(QStringLiteral("%1 belongs to \"%2\" and to \"%3\"")
                                           .arg(keys.toString(), found->second, actionText(action))));
        }
    }
    QVERIFY(owners.size() > 20);
}

void TestWindowKeys::fromTheTextToABranchByKeysAlone() {
    show();
    stream()->setFocus();
    press(Qt::Key_N);
    press(Qt::Key_Return);
    press(Qt::Key_Down);
    const int at = current();
    QCOMPARE(at, nextMarker(trace_, kStart, false));
    QVERIFY(parts().inspector->chosen() != kNoToken);
    if (parts().inspector->chosen() == trace_.points()[static_cast<std::size_t>(at)].token.id) press(Qt::Key_Down);
    press(Qt::Key_Return);
    QVERIFY(QTest::qWaitFor([this] { return document().run() != run_; }, kPatience));
    QVERIFY(w.waitForEnd());
}

QTEST_MAIN(TestWindowKeys)
#include "tst_window_keys.moc"
