// The inspector shows what could have stood there, and asks for a branch.
#include <QAbstractItemModelTester>
#include <QLabel>
#include <QPushButton>

#include "tests/views/view_test.h"
#include "views/inspector/alternatives_list.h"
#include "views/inspector/token_inspector.h"

using namespace quibble;

class TestInspector : public QObject {
    Q_OBJECT

    static QString allText(const QWidget& widget) {
        QString text;
        for (const QLabel* label : widget.findChildren<QLabel*>()) {
            if (label->isVisibleTo(&widget)) text += label->text() + QLatin1Char('\n');
        }
        return text;
    }

private slots:
    void followsTheSelection() {
        RunDocument document;
        TokenInspector inspector(&document);
        inspector.resize(340, 600);
        inspector.show();
        QVERIFY(allText(inspector).contains(QStringLiteral("Click a token")));
        testing::loadRun(document, {.tokens = 100});
        QAbstractItemModelTester tester(inspector.quantizedList()->alternatives(),
                                        QAbstractItemModelTester::FailureReportingMode::QtTest);
        const int wait = testing::tokenWithText(document.trace(), " Then");
        document.selectToken(wait);
        const TokenRecord& token = document.trace().points()[static_cast<std::size_t>(wait)].token;
        QVERIFY(inspector.title().contains(QStringLiteral("“ Then”")));
        QVERIFY(inspector.figures().contains(QStringLiteral("rank %1").arg(token.rank)));
        const AlternativesModel* model = inspector.quantizedList()->alternatives();
        QVERIFY(model->rowCount() >= 5);
        QCOMPARE(model->index(0, 0).data(AlternativesModel::IdRole).toInt(), token.top[0].id);
        QVERIFY(model->rowOf(token.id) >= 0);
        QVERIFY(inspector.referenceList()->isVisible());
        QVERIFY(!inspector.penalizedList()->isVisible());
        bool marker = false;
        for (int row = 0; row < model->rowCount(); ++row) {
            const bool says = model->index(row, 0).data(AlternativesModel::MarkerRole).toBool();
            marker = marker || says;
            QVERIFY(model->index(row, 0).data().toString().startsWith(QChar(0x2423)));
        }
        QVERIFY(marker);
        document.clearSelection();
        QVERIFY(!inspector.branchButton()->isVisible());
    }

    // Whoever brings the inspector forward can go on with the cursor keys, from the token that stands in the text.
    void theKeyboardGoesOnInTheList() {
        RunDocument document;
        TokenInspector inspector(&document);
        inspector.resize(340, 600);
        testing::loadRun(document, {.tokens = 100});
        inspector.show();
        QVERIFY(QTest::qWaitForWindowActive(&inspector));
        document.selectToken(testing::tokenWithText(document.trace(), " Then"));
        const TokenId standing = document.trace().points()[static_cast<std::size_t>(document.current())].token.id;
        inspector.setFocus();
        AlternativesList* list = inspector.quantizedList();
        QVERIFY(list->hasFocus());
        QCOMPARE(list->currentIndex().data(AlternativesModel::IdRole).toInt(), standing);
        QCOMPARE(inspector.chosen(), kNoToken);  // looking is not choosing
        QTest::keyClick(list, list->currentIndex().row() == 0 ? Qt::Key_Down : Qt::Key_Up);
        QVERIFY(inspector.chosen() != kNoToken && inspector.chosen() != standing);
        QSignalSpy branch(&inspector, &TokenInspector::branchRequested);
        QTest::keyClick(list, Qt::Key_Return);
        QCOMPARE(branch.count(), 1);
    }

    // A bar at its left and a check mark: seen without comparing weights of letters.
    void theTokenOfTheTextIsMarked() {
        RunDocument document;
        TokenInspector inspector(&document);
        inspector.resize(340, 600);
        testing::loadRun(document, {.tokens = 100});
        inspector.show();
        document.selectToken(testing::tokenWithText(document.trace(), " Then"));
        QApplication::processEvents();
        AlternativesList* list = inspector.quantizedList();
        const TokenId standing = document.trace().points()[static_cast<std::size_t>(document.current())].token.id;
        const QImage image = list->viewport()->grab().toImage();
        const double ratio = image.devicePixelRatio();
        for (int row = 0; row < list->alternatives()->rowCount(); ++row) {
            const QModelIndex index = list->alternatives()->index(row, 0);
            const QRect place = list->visualRect(index);
            const QColor left = image.pixelColor((QPointF(place.left() + 1.5, place.center().y()) * ratio).toPoint());
            const bool marked = left == Theme::instance().colors().accent;
            QCOMPARE(marked, index.data(AlternativesModel::IdRole).toInt() == standing);
            QCOMPARE(index.data(Qt::AccessibleTextRole).toString().contains(QStringLiteral("stands in the text")),
                     marked);
        }
    }

    void showsTheTokenEvenWhenItIsFarDown() {
        RunDocument document;
        RunTrace trace = testing::makeTrace({.tokens = 40});
        TokenRecord rare = trace.points()[5].token;
        rare.pos = static_cast<Position>(rare.pos + static_cast<Position>(trace.points().size()));
        rare.id = rare.without_penalty_id = 100;
        rare.rank = 812;
        rare.logprob = -9.5F;
        rare.top.erase(
            std::remove_if(rare.top.begin(), rare.top.end(), [](const Alternative& a) { return a.id == 100; }),
            rare.top.end());
        trace.apply(rare);
        document.setTrace(std::move(trace));
        TokenInspector inspector(&document);
        document.selectToken(document.size() - 1);
        const AlternativesModel* model = inspector.quantizedList()->alternatives();
        QCOMPARE(model->rowOf(100), model->rowCount() - 1);
    }

    void branchIntent() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 100});
        TokenInspector inspector(&document);
        inspector.resize(340, 600);
        inspector.show();
        const int then = testing::tokenWithText(document.trace(), " Then");
        document.selectToken(then);
        QSignalSpy branch(&inspector, &TokenInspector::branchRequested);
        QVERIFY(!inspector.branchButton()->isEnabled());
        const TokenRecord& token = document.trace().points()[static_cast<std::size_t>(then)].token;
        inspector.choose(token.id);
        QVERIFY(!inspector.branchButton()->isEnabled());  // it stands there already
        QVERIFY(!inspector.branchButton()->toolTip().isEmpty());
        const TokenId other = token.top[0].id == token.id ? token.top[1].id : token.top[0].id;
        AlternativesList* list = inspector.quantizedList();
        const QRect row = list->visualRect(list->model()->index(list->alternatives()->rowOf(other), 0));
        QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, row.center());
        QCOMPARE(inspector.chosen(), other);
        QVERIFY(inspector.branchButton()->isEnabled());
        QTest::mouseClick(inspector.branchButton(), Qt::LeftButton);
        QCOMPARE(branch.count(), 1);
        QCOMPARE(branch[0][0].toInt(), token.pos);
        QCOMPARE(branch[0][1].toInt(), other);
        QTest::keyClick(list, Qt::Key_Return);  // the keyboard alone
        QCOMPARE(branch.count(), 2);
        inspector.setBranchBlocked(QStringLiteral("The model is not loaded"));
        QVERIFY(!inspector.branchButton()->isEnabled());
        QVERIFY(inspector.branchButton()->toolTip().contains(QStringLiteral("not loaded")));
        QTest::keyClick(list, Qt::Key_Return);
        QCOMPARE(branch.count(), 2);
        document.selectToken(then + 1);
        QCOMPARE(inspector.chosen(), kNoToken);
    }

    void penaltyIsExplained() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 400, .penalty = 2});
        TokenInspector inspector(&document);
        inspector.show();
        int intervened = -1;
        for (int i = 0; i < document.size() && intervened < 0; ++i) {
            if (document.trace().points()[static_cast<std::size_t>(i)].token.intervened()) intervened = i;
        }
        QVERIFY(intervened >= 0);
        document.selectToken(intervened);
        QVERIFY(inspector.penalizedList()->isVisible());
        QVERIFY(allText(inspector).contains(QStringLiteral("Without the penalty the same noise gives “ Wait”")));
    }

    void referenceThatIsNotThereYet() {
        RunDocument document;
        testing::loadRun(document, {.tokens = 100, .unscored = 20, .finished = false});
        TokenInspector inspector(&document);
        inspector.show();
        document.selectToken(document.size() - 1);
        QVERIFY(!inspector.referenceList()->isVisible());
        QVERIFY(allText(inspector).contains(QStringLiteral("not scored yet")));
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestInspector)
#include "tst_inspector.moc"
