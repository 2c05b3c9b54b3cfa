// Drafts and experts through the real window: chosen in the panel, run with the shipped models, seen in the views, kept
// and shown again.
#include "tests/app/window_fixture.h"

#include <QComboBox>
#include <QFile>
#include <QLayout>
#include <QMenu>
#include <QPushButton>
#include <QSlider>
#include <QToolButton>

#include "views/experts/dropped_chart.h"
#include "views/experts/expert_map.h"
#include "views/experts/experts_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/speculation/draft_tree_view.h"
#include "views/speculation/speculation_view.h"

using namespace quibble;

class TestWindowLenses : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void shippedModelsAreOffered();
    void plainRunThenEveryDraft_data();
    void plainRunThenEveryDraft();
    void theSpeedUpHasSomethingToCompareWith();
    void aStoredDraftedRunIsShownAgain();
    void badChoicesSayWhyBeforeTheRun_data();
    void badChoicesSayWhyBeforeTheRun();
    void aPrefillThatRoundsNothingSaysWhy();
    void theMixtureOpensFromTheEmptyPanel();
    void expertsOfARunAreShown();
    void theBudgetMovesWhileTheRunGoesOn();

private:
    // Values that were not measured are NaN, which equals nothing.
    static bool alike(const DraftRound& a, const DraftRound& b) {
        const auto same_node = [](const DraftNode& x, const DraftNode& y) {
            return x.parent == y.parent && x.id == y.id && x.fate == y.fate;
        };
        return a.pos == b.pos && a.path == b.path && a.added == b.added && a.verify_ns == b.verify_ns &&
               a.nodes.size() == b.nodes.size() &&
               std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), same_node);
    }
    void choose(const RunRequest& request) const { w.parts().setup->show(request); }
    // The panel's answer to the settings as they are now.
    [[nodiscard]] QString reason() const {
        (void)QTest::qWaitFor([this] { return !w.parts().runs->checkingDecoding(); }, kPatience);
        return w.parts().decoding->blocked();
    }
    [[nodiscard]] QStringList offered() const {
        QMenu* menu = w.parts().decoding->draftFileButton(0)->menu();
        emit menu->aboutToShow();
        QStringList names;
        for (const QAction* action : menu->actions()) names << action->text();
        return names;
    }

    WindowFixture w;
    std::vector<TokenId> plain_;
};

void TestWindowLenses::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
}

void TestWindowLenses::shippedModelsAreOffered() {
    QWidget* popup = w.parts().model_bar->makeModelPopup();
    QStringList names;
    for (const QPushButton* button : popup->findChildren<QPushButton*>()) names << button->text();
    delete popup;
    for (const char* name : {"quibble-nano", "quibble-nano-moe", "quibble-nano-draft"}) {
        QVERIFY2(names.contains(QLatin1String(name)), name);
        QVERIFY2(offered().contains(QLatin1String(name)), name);
    }
}

void TestWindowLenses::plainRunThenEveryDraft_data() {
    QTest::addColumn<QString>("method");
    QTest::addColumn<bool>("same");  // the same text as plain decoding of the quantized model
    QTest::newRow("plain") << "none" << true;
    QTest::newRow("chain") << "chain:length=4" << true;
    QTest::newRow("tree") << "tree" << true;
    QTest::newRow("static tree") << "static_tree" << true;
    QTest::newRow("look-up") << "ngram" << true;
    QTest::newRow("three models") << "cascade" << true;
    QTest::newRow("for the reference") << "self" << false;
}

void TestWindowLenses::plainRunThenEveryDraft() {
    QFETCH(QString, method);
    QFETCH(bool, same);
    RunRequest request = w.parts().setup->request();
    request.draft = {};
    request.draft.method = parseMethodChoice(method.toStdString()).value();
    choose(request);
    QCOMPARE(reason(), QString());
    QVERIFY(w.runToEnd());
    QVERIFY2(w.trace().finished()->reason != FinishReason::Failed, w.trace().finished()->message.c_str());
    if (plain_.empty()) plain_ = tokenIds(w.trace());
    if (same) QCOMPARE(tokenIds(w.trace()), plain_);
    if (method == QStringLiteral("none")) {
        QVERIFY(w.trace().draftRounds().empty());
        return;
    }
    SpeculationView* view = w.parts().speculation;
    w.window().findChild<QAction*>(QStringLiteral("showSpeculation"))->trigger();
    QVERIFY(!view->isEmpty());
    QTRY_VERIFY(view->numbers().rounds > 0);
    const auto& rounds = w.trace().draftRounds();
    QVERIFY(!view->tree()->round().nodes.empty());
    const DraftRound& first =
        *std::find_if(rounds.begin(), rounds.end(), [](const DraftRound& round) { return !round.nodes.empty(); });
    w.document().selectToken(w.document().indexAt(first.pos));
    QCOMPARE(view->tree()->roundIndex(), static_cast<int>(&first - rounds.data()));
    QVERIFY(alike(view->tree()->round(), first));
    for (FigureView* figure : view->deckFigures())
        QVERIFY2(figure->table()->rowCount() > 0, qPrintable(figure->title()));
    w.document().clearSelection();
}

void TestWindowLenses::theSpeedUpHasSomethingToCompareWith() {
    SpeculationView* view = w.parts().speculation;
    RunRequest request = w.parts().setup->request();
    request.draft = {};
    request.draft.method = parseMethodChoice("chain").value();
    choose(request);
    QCOMPARE(reason(), QString());
    QVERIFY(w.runToEnd());
    QTRY_VERIFY(view->numbers().speedUp().has_value());
    QVERIFY(*view->numbers().speedUp() > 0.01);
    QTRY_VERIFY2(view->figures().contains(QStringLiteral("speed-up")), qPrintable(view->figures()));
}

void TestWindowLenses::aStoredDraftedRunIsShownAgain() {
    QVERIFY(w.saved());
    const RunId run = w.document().run();
    const auto rounds = w.trace().draftRounds();
    w.close();
    w.open();
    QVERIFY(w.waitForModel());
    QCOMPARE(w.document().run(), run);
    QCOMPARE(w.trace().draftRounds().size(), rounds.size());
    QVERIFY(std::equal(rounds.begin(), rounds.end(), w.trace().draftRounds().begin(), alike));
    QCOMPARE(w.parts().setup->request().draft.method.id, std::string("chain"));
    w.window().findChild<QAction*>(QStringLiteral("showSpeculation"))->trigger();
    QTRY_COMPARE(w.parts().speculation->numbers().steps(), static_cast<std::int64_t>(rounds.size()));
}

void TestWindowLenses::badChoicesSayWhyBeforeTheRun_data() {
    QTest::addColumn<QString>("method");
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("said");
    const auto model = [](const char* name) {
        return QString::fromStdString((AppPaths::locate(QStringLiteral("unused")).data_dir / "models" / name).string());
    };
    QTest::newRow("file missing") << "chain"
                                  << "/nowhere/draft.gguf"
                                  << "draft.gguf";
    QTest::newRow("larger than the target") << "chain" << model("quibble-nano-moe.gguf") << "larger than";
    QTest::newRow("no model at all") << "chain" << model("README.md") << "README.md";
    QTest::newRow("larger than a pass") << "static_tree:first=8,second=8,third=4" << model("quibble-nano-draft.gguf")
                                        << "does not fit";
}

void TestWindowLenses::badChoicesSayWhyBeforeTheRun() {
    QFETCH(QString, method);
    QFETCH(QString, path);
    QFETCH(QString, said);
    const RunRequest before = w.parts().setup->request();
    RunRequest request = before;
    request.draft.method = parseMethodChoice(method.toStdString()).value();
    request.draft.path = path.toStdString();
    choose(request);
    QVERIFY2(reason().contains(said), qPrintable(reason()));
    const QAction* run = w.parts().runs->actions()->run();
    QVERIFY(!run->isEnabled());
    QVERIFY2(run->toolTip().contains(said), qPrintable(run->toolTip()));
    // Another draft is innocent until it is looked at.
    request.draft.method = parseMethodChoice("ngram").value();
    request.draft.path.clear();
    choose(request);
    QVERIFY(w.parts().runs->checkingDecoding());
    QVERIFY2(run->isEnabled(), qPrintable(run->toolTip()));
    choose(before);
    QCOMPARE(reason(), QString());
    QTRY_VERIFY(run->isEnabled());
}

void TestWindowLenses::aPrefillThatRoundsNothingSaysWhy() {
    const RunRequest before = w.parts().setup->request();
    RunRequest request = before;
    request.prefill = PrefillMode::Throughput;
    choose(request);
    QVERIFY(w.parts().setup->request().prefill == PrefillMode::Throughput);
    QTRY_VERIFY(!w.parts().sampler->prefillBlocked().isEmpty());
    const QString said = w.parts().sampler->prefillBlocked();
    QVERIFY2(said.contains(QStringLiteral("BF16 weights")) && said.contains(QStringLiteral("F16")), qPrintable(said));
    QVERIFY(!w.parts().runs->actions()->run()->isEnabled());
    QCOMPARE(reason(), QString());  // that is of drafts and experts
    // Seen without opening anything, and all of it where it is opened.
    QCOMPARE(w.parts().model_bar->samplerButton()->toolTip(), said);
    QVERIFY(!w.parts().model_bar->samplerButton()->icon().isNull());
    w.window().findChild<QAction*>(QStringLiteral("sampler"))->trigger();
    const QWidget* popup = w.parts().sampler->window();
    QVERIFY(popup->isVisible());
    QTRY_VERIFY(popup->height() >= popup->layout()->totalHeightForWidth(popup->width()));
    w.parts().sampler->window()->close();
    choose(before);
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());
    QTRY_VERIFY(w.parts().sampler->prefillBlocked().isEmpty());
    QVERIFY(w.parts().model_bar->samplerButton()->icon().isNull());
}

void TestWindowLenses::theMixtureOpensFromTheEmptyPanel() {
    ExpertsView* view = w.parts().experts;
    QVERIFY(view->isEmpty());
    QVERIFY2(view->emptyText().contains(QStringLiteral("dense")), qPrintable(view->emptyText()));
    QVERIFY(view->emptyButton()->text().contains(QStringLiteral("quibble-nano-moe")));
    view->emptyButton()->click();
    QVERIFY(QTest::qWaitFor([this] { return w.parts().runs->model()->model->config().experts.count > 0; }, kPatience));
    // A third model stands between the mixture and the smallest draft.
    RunRequest request = w.parts().setup->request();
    w.parts().decoding->draftChooser()->box()->setCurrentText(QStringLiteral("Chain of three models"));
    request = w.parts().setup->request();
    QVERIFY2(request.draft.path.ends_with("quibble-nano.gguf"), request.draft.path.c_str());
    QVERIFY2(request.draft.second_path.ends_with("quibble-nano-draft.gguf"), request.draft.second_path.c_str());
    QCOMPARE(reason(), QString());
}

void TestWindowLenses::expertsOfARunAreShown() {
    RunRequest request = w.parts().setup->request();
    request.draft = {};
    request.draft.method = parseMethodChoice("tree").value();
    request.experts = parseMethodChoice("moe_spec:budget=3").value();
    choose(request);
    QCOMPARE(reason(), QString());
    QVERIFY(w.runToEnd());
    QVERIFY2(w.trace().finished()->reason != FinishReason::Failed, w.trace().finished()->message.c_str());
    ExpertsView* view = w.parts().experts;
    w.window().findChild<QAction*>(QStringLiteral("showExperts"))->trigger();
    QTRY_VERIFY(view->map()->table()->rowCount() > 0);
    QTRY_VERIFY(view->findChild<DroppedChart*>()->mean() > 0);
    QTRY_VERIFY2(view->figures().contains(QStringLiteral("budget 3")), qPrintable(view->figures()));
    for (FigureView* figure : view->deckFigures())
        QVERIFY2(figure->table()->rowCount() > 0, qPrintable(figure->title()));
    // The run as it was kept shows the same.
    QVERIFY(w.saved());
    const auto stored = w.parts().sessions->store()->loadRun(w.document().run());
    QVERIFY(stored.has_value());
    QCOMPARE(stored->expertPasses(), w.trace().expertPasses());
    QCOMPARE(stored->tokenExperts(), w.trace().tokenExperts());
    // A budget below the experts of a token is refused in the panel.
    request.experts = parseMethodChoice("moe_spec:budget=1").value();
    choose(request);
    QVERIFY2(reason().contains(QStringLiteral("budget")), qPrintable(reason()));
    QVERIFY(!w.parts().runs->actions()->run()->isEnabled());
}

void TestWindowLenses::theBudgetMovesWhileTheRunGoesOn() {
    RunRequest request = w.parts().setup->request();
    request.experts = parseMethodChoice("moe_spec:budget=6").value();
    choose(request);
    QCOMPARE(reason(), QString());
    w.parts().runs->actions()->step()->trigger();
    QVERIFY(w.waitForState(RunState::Paused));
    QVERIFY(w.waitForTokens(1));
    QTRY_VERIFY(w.document().live());
    w.parts().decoding->budgetSlider()->setValue(2);
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForEnd());
    const auto& controls = w.trace().controls();
    QVERIFY(std::any_of(controls.begin(), controls.end(), [](const ControlChange& change) {
        return change.key == "experts:budget" && change.number() == 2;
    }));
    std::vector<int> budgets;
    for (const ExpertPass& pass : w.trace().expertPasses()) {
        if (pass.verify && (budgets.empty() || budgets.back() != pass.budget)) budgets.push_back(pass.budget);
    }
    QCOMPARE(budgets, (std::vector<int>{6, 2}));
    QCOMPARE(w.banners(), QString());
}

QTEST_MAIN(TestWindowLenses)
#include "tst_window_lenses.moc"
