// The state machine of a run, driven through the window: run, pause, step, stop, live controls, branches.
#include <algorithm>
#include <cmath>

#include "app/run_facts.h"
#include "engine/metrics/summary.h"
#include "tests/app/window_fixture.h"
#include "tests/support/golden.h"
#include "views/number_field.h"
#include "views/status/run_status_bar.h"

#include <QDialog>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSlider>

using namespace quibble;

class TestWindowRun : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void firstStartIsReadyToRun();
    void theCostOfTheCacheIsShown();
    void aPromptThatIsTooLongSaysSoBeforeTheRun();
    void whatIsSaidOfOtherSettingsHoldsBackNoRun();
    void runStreamsToTheEnd();
    void everyTokenGetsItsKl();
    void actionsSayWhyTheyAreDisabled();
    void pauseStepResumeGiveTheSameTokens();
    void stopKeepsWhatThereIs();
    void sliderWhileRunningIsRecorded();
    void branchKeepsTheOldPath();
    void branchWhileRunningStopsFirst();
    void anotherRunCanBeShownWhileOneRuns();
    void quantizationIsChosenInPlace();
    void ownMarkerListIsUsed();
    void theDetailsSayWhatMadeTheNumbers();

private:
    WindowFixture w;
};

void TestWindowRun::initTestCase() {
    Theme::instance().install(*qApp);
    QVERIFY2(!AppPaths::locate(QStringLiteral("unused")).shippedModel().empty(),
             "data/models/quibble-nano.gguf is missing: make it with quibble-train");
    w.open();
    QVERIFY(w.waitForModel());
}

void TestWindowRun::firstStartIsReadyToRun() {
    QCOMPARE(w.banners(), QString());
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());
    QVERIFY(!w.parts().prompt->prompt().isEmpty());
    const RunRequest request = w.parts().setup->request();
    QVERIFY(!request.known_answer.empty());
    QCOMPARE(request.reference.kind, ReferenceKind::Unquantized);
    QCOMPARE(w.parts().runs->model()->weight_quant.id, std::string("rtn"));
    QVERIFY(w.waitForState(RunState::Idle));
    QTRY_VERIFY(!w.trace().provenance().markers.empty());  // the preview resolved the list
}

void TestWindowRun::theCostOfTheCacheIsShown() {
    QLabel* cost = nullptr;
    for (QLabel* label : w.parts().sampler->findChildren<QLabel*>()) {
        if (label->accessibleName() == QStringLiteral("Cost of the KV cache")) cost = label;
    }
    QVERIFY(cost != nullptr);
    w.parts().setup->showDefaults();
    QTRY_VERIFY(cost->text().contains(QStringLiteral("for 2048 positions (model f32 8.39 MB, reference f32 8.39 MB)")));
    RunRequest request = w.parts().setup->request();
    request.kv_type = KvType::Q8_0;
    request.context = 1000;
    w.parts().setup->show(request);
    QTRY_VERIFY2(cost->text().contains(QStringLiteral("for 1000 positions (model q8_0 1.09 MB")),
                 qPrintable(cost->text()));
    QCOMPARE(w.parts().setup->request().kv_type, KvType::Q8_0);
    w.parts().setup->showDefaults();
}

void TestWindowRun::aPromptThatIsTooLongSaysSoBeforeTheRun() {
    const RunRequest before = w.parts().setup->request();
    RunRequest request = before;
    for (int i = 0; i < 2500; ++i) request.prompt += " 1";
    w.parts().setup->show(request);
    w.parts().runs->setupChanged();
    QTRY_VERIFY(!w.parts().runs->promptBlocked().isEmpty());
    QVERIFY2(w.parts().runs->promptBlocked().contains(QStringLiteral("the context is 2048")),
             qPrintable(w.parts().runs->promptBlocked()));
    QVERIFY(!w.parts().runs->actions()->run()->isEnabled());
    w.parts().setup->show(before);
    w.parts().runs->setupChanged();
    QTRY_VERIFY(w.parts().runs->actions()->run()->isEnabled());
}

void TestWindowRun::whatIsSaidOfOtherSettingsHoldsBackNoRun() {
    const QAction* run = w.parts().runs->actions()->run();
    const RunRequest good = w.parts().setup->request();
    RunRequest bad = good;
    for (int i = 0; i < 2500; ++i) bad.prompt += " 1";
    w.parts().setup->show(bad);
    QTRY_VERIFY_WITH_TIMEOUT(!run->isEnabled(), kPatience);
    // A refusal ends with the settings that it is about, and not with the next answer.
    w.parts().setup->show(good);
    QVERIFY2(run->isEnabled(), qPrintable(run->toolTip()));
    QTRY_VERIFY_WITH_TIMEOUT(w.parts().runs->promptBlocked().isEmpty(), kPatience);
    // An answer that comes when other settings are there: asked for at once, and no timer of the window runs until it
    // has come.
    w.parts().setup->show(bad);
    w.parts().runs->showPreview();
    w.parts().setup->show(good);
    QElapsedTimer clock;
    for (clock.start(); clock.elapsed() < 500; QTest::qSleep(10)) {
        QCoreApplication::sendPostedEvents();
        QVERIFY2(run->isEnabled(), qPrintable(run->toolTip()));
        QCOMPARE(w.parts().runs->promptBlocked(), QString());
    }
}

void TestWindowRun::runStreamsToTheEnd() {
    QElapsedTimer clock;
    clock.start();
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.parts().runs->live());
    QVERIFY(w.waitForTokens(1));
    qInfo("first token on screen after %lld ms", clock.elapsed());
    QVERIFY(w.waitForEnd());
    QVERIFY(w.document().size() > 3);
    QVERIFY(w.trace().finished().has_value());
    QVERIFY2(w.trace().finished()->reason != FinishReason::Failed, w.trace().finished()->message.c_str());
    QVERIFY(w.saved());
    const auto stored = w.parts().sessions->store()->loadRun(w.document().run());
    QVERIFY(stored.has_value());
    QCOMPARE(tokenIds(*stored), tokenIds(w.trace()));
    QCOMPARE(stored->controls().size(), w.trace().controls().size());
}

void TestWindowRun::everyTokenGetsItsKl() {
    QCOMPARE(w.parts().runs->model()->weight_quant.id, std::string("rtn"));
    QVERIFY(w.runToEnd());
    const std::vector<TracePoint>& points = w.trace().points();
    QVERIFY(points.size() > 3);
    QCOMPARE(w.trace().referenced(), points.size());
    QCOMPARE(w.document().referenceLag(), 0);
    QVERIFY(w.saved());
    const auto stored = w.parts().sessions->store()->loadRun(w.document().run());
    QVERIFY(stored.has_value());
    float largest = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        QVERIFY(points[i].hasReference());
        QCOMPARE(points[i].reference.pos, points[i].token.pos);
        QVERIFY(std::isfinite(points[i].reference.kl) && points[i].reference.kl >= 0);
        QCOMPARE(stored->points()[i].reference.kl, points[i].reference.kl);
        largest = std::max(largest, points[i].reference.kl);
    }
    QVERIFY2(largest > 1e-3F, "three bits change nothing");
}

void TestWindowRun::actionsSayWhyTheyAreDisabled() {
    const RunActions* actions = w.parts().runs->actions();
    QVERIFY(!actions->pause()->isEnabled());
    QVERIFY(actions->pause()->toolTip().contains(QStringLiteral("Nothing is running")));
    QVERIFY(!actions->stop()->isEnabled());
    const RunRequest before = w.parts().setup->request();
    w.parts().prompt->showFreePrompt(QString());
    w.parts().runs->setupChanged();
    QVERIFY(!actions->run()->isEnabled());
    QVERIFY(actions->run()->toolTip().contains(QStringLiteral("prompt")));
    w.parts().setup->show(before);
    QVERIFY(actions->run()->isEnabled());
}

void TestWindowRun::pauseStepResumeGiveTheSameTokens() {
    QVERIFY2(w.runLong(), "no seed gives a long run");
    const std::vector<TokenId> expected = tokenIds(w.trace());
    RunActions* actions = w.parts().runs->actions();
    actions->step()->trigger();  // begins a run with one token
    QVERIFY(w.waitForState(RunState::Paused));
    QVERIFY(w.waitForTokens(1));
    QCOMPARE(w.document().size(), 1);
    QVERIFY(actions->run()->isEnabled());
    QVERIFY(!actions->pause()->isEnabled());
    for (int i = 2; i <= 5; ++i) {
        actions->step()->trigger();
        QVERIFY(w.waitForTokens(i));
        QVERIFY(w.waitForState(RunState::Paused));
        QCOMPARE(w.document().size(), i);
    }
    QTRY_COMPARE(w.document().referenceLag(), 0);  // while nobody waits the curve catches up
    actions->run()->trigger();
    QVERIFY(w.waitForTokens(30));
    QElapsedTimer clock;
    clock.start();
    actions->pause()->trigger();
    QVERIFY(w.waitForState(RunState::Paused));
    qInfo("pause answered after %lld ms", clock.elapsed());
    const int at_pause = w.document().size();
    QTest::qWait(100);
    QCOMPARE(w.document().size(), at_pause);
    actions->run()->trigger();
    QVERIFY(w.waitForEnd());
    QCOMPARE(tokenIds(w.trace()), expected);
}

void TestWindowRun::stopKeepsWhatThereIs() {
    w.askForLongRun();
    RunActions* actions = w.parts().runs->actions();
    actions->run()->trigger();
    QVERIFY(w.waitForTokens(10));
    QElapsedTimer clock;
    clock.start();
    actions->stop()->trigger();
    QVERIFY(w.waitForEnd());
    qInfo("stop answered after %lld ms", clock.elapsed());
    QCOMPARE(w.trace().finished()->reason, FinishReason::Stopped);
    QVERIFY(w.document().size() >= 10);
    QVERIFY(actions->run()->isEnabled());
    QVERIFY(w.saved());
    QCOMPARE(w.parts().sessions->store()->loadRun(w.document().run())->points().size(), w.trace().points().size());
}

void TestWindowRun::sliderWhileRunningIsRecorded() {
    w.askForLongRun();
    RunActions* actions = w.parts().runs->actions();
    actions->run()->trigger();
    QVERIFY(w.waitForTokens(10));
    QVERIFY(w.parts().runs->live());
    w.parts().markers->spinBox()->setValue(4);
    QVERIFY(w.parts().runs->live());
    QVERIFY(w.waitForEnd());
    const auto& controls = w.trace().controls();
    QCOMPARE(controls.size(), std::size_t(1));
    QCOMPARE(controls.front().key, std::string("penalty"));
    QCOMPARE(controls.front().number(), 4.0);
    const Position changed = controls.front().pos;
    for (const TracePoint& point : w.trace().points()) {
        QCOMPARE(point.token.penalty, point.token.pos < changed ? static_cast<float>(WindowFixture::kBoost) : 4.0F);
        if (point.token.pos >= changed) QVERIFY(point.token.marker_mass_after <= point.token.marker_mass);
    }
    QCOMPARE(w.parts().setup->request().penalty.strength, 4.0);  // and the next run begins with it
    QVERIFY(w.saved());
    const auto stored = w.parts().sessions->store()->loadRun(w.document().run());
    QCOMPARE(stored->controls(), controls);
}

void TestWindowRun::branchKeepsTheOldPath() {
    w.parts().setup->showDefaults();
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    const RunId parent = w.document().run();
    const std::vector<TokenId> before = tokenIds(w.trace());
    const int at = std::min(8, w.document().size() - 2);
    const TokenRecord& record = w.trace().points()[static_cast<std::size_t>(at)].token;
    const auto other =
        std::find_if(record.top.begin(), record.top.end(), [&](const Alternative& a) { return a.id != record.id; });
    QVERIFY(other != record.top.end());
    const TokenId chosen = other->id;
    w.document().selectToken(at);
    w.parts().inspector->choose(chosen);
    QVERIFY2(w.parts().inspector->branchButton()->isEnabled(), qPrintable(w.parts().runs->branchBlocked()));
    w.parts().inspector->branchButton()->click();
    QVERIFY(w.parts().runs->live());
    QVERIFY(w.document().run() != parent);
    QVERIFY(w.document().size() >= at);  // the parent's tokens are there at once
    QVERIFY(w.waitForEnd());
    const std::vector<TokenId> branch = tokenIds(w.trace());
    QVERIFY(std::equal(before.begin(), before.begin() + at, branch.begin()));
    QCOMPARE(branch[static_cast<std::size_t>(at)], chosen);
    QVERIFY(w.trace().points()[static_cast<std::size_t>(at)].token.injected);
    QCOMPARE(w.trace().request().branch.parent, parent);
    QCOMPARE(w.document().referenceLag(), 0);
    // All but the last token before the branch was there already.
    QCOMPARE(w.trace().provenance().reused_positions,
             static_cast<int>(w.trace().provenance().prompt_tokens.size()) + at - 1);
    QVERIFY(w.saved());
    const RunId branch_run = w.document().run();
    const auto stored = w.parts().sessions->store()->loadRun(branch_run);
    QVERIFY(stored.has_value());
    QCOMPARE(tokenIds(*stored), branch);
    // The branch that was watched is the branch that is opened again: the same request, and the same tokens are its
    // own.
    QVERIFY(w.trace().request() == stored->request());
    QCOMPARE(w.trace().inherited(), stored->inherited());
    QCOMPARE(decodedTokens(w.trace()), static_cast<std::int64_t>(branch.size()) - at - 1);
    QCOMPARE(decodingSpeed(w.trace()), decodingSpeed(*stored));
    w.parts().sessions->openRun(parent);
    QCOMPARE(w.document().run(), parent);
    QCOMPARE(tokenIds(w.trace()), before);
}

void TestWindowRun::branchWhileRunningStopsFirst() {
    w.askForLongRun();
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForTokens(20));
    const RunId parent = w.document().run();
    const TokenRecord record = w.trace().points()[5].token;
    w.parts().runs->branch(record.pos, record.top.back().id);
    QVERIFY(QTest::qWaitFor([&] { return w.document().run() != parent; }, kPatience));
    QVERIFY(w.waitForTokens(10));
    w.parts().runs->stop();
    QVERIFY(w.waitForEnd());
    QCOMPARE(w.trace().points()[5].token.id, record.top.back().id);
    QCOMPARE(w.banners(), QString());
}

void TestWindowRun::anotherRunCanBeShownWhileOneRuns() {
    const RunId old = w.document().run();
    QVERIFY(w.saved());
    QVERIFY2(w.runLong(), "no seed gives a long run");
    const std::vector<TokenId> expected = tokenIds(w.trace());
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForTokens(20));
    const RunId live = w.document().run();
    w.parts().sessions->openRun(old);
    QCOMPARE(w.document().run(), old);
    const int shown = w.document().size();
    QVERIFY(w.parts().runs->live());
    QTest::qWait(60);
    QCOMPARE(w.document().size(), shown);  // the live run's tokens do not leak into it
    w.parts().sessions->openRun(live);
    QVERIFY(w.waitForEnd());
    QCOMPARE(w.document().run(), live);
    QVERIFY(QTest::qWaitFor([&] { return w.document().size() == static_cast<int>(expected.size()); }, kPatience));
    QCOMPARE(tokenIds(w.trace()), expected);
}

void TestWindowRun::quantizationIsChosenInPlace() {
    w.parts().setup->showDefaults();
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=8,group=32,symmetric=0").value());
    QVERIFY(!w.parts().runs->actions()->run()->isEnabled());  // loading
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    QVERIFY2(w.trace().provenance().weight_format.find('8') != std::string::npos,
             w.trace().provenance().weight_format.c_str());
    double kl_8 = 0;
    for (const TracePoint& point : w.trace().points()) kl_8 += static_cast<double>(point.reference.kl);
    kl_8 /= w.document().size();
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=2,group=64").value());
    QVERIFY(w.waitForModel());
    QVERIFY(w.runToEnd());
    double kl_2 = 0;
    for (const TracePoint& point : w.trace().points()) kl_2 += static_cast<double>(point.reference.kl);
    kl_2 /= w.document().size();
    qInfo("mean KL: 8 bit %.6f nat, 2 bit %.6f nat", kl_8, kl_2);
    QVERIFY(kl_2 > kl_8);
    emit w.parts().model_bar->quantChosen(MethodChoice{});
    QVERIFY(w.waitForModel());
    QCOMPARE(w.parts().setup->request().reference.kind,
             ReferenceKind::None);  // the weights would be their own reference
}

void TestWindowRun::ownMarkerListIsUsed() {
    MarkerSet own{.name = "mine", .note = {}, .words = {" Wait", " But", "no such single token at all"}};
    QVERIFY(w.window().markerLists().save(own, {}).has_value());
    RunRequest request = w.parts().setup->request();
    request.penalty.set_name = own.name;
    request.penalty.words = own.words;
    request.penalty.strength = 2;
    w.parts().setup->show(request);
    QVERIFY(w.runToEnd());
    QCOMPARE(w.trace().request().penalty.words, own.words);
    QCOMPARE(w.trace().provenance().dropped_markers.size(), std::size_t(1));
}

// A prompt computed with rounded inputs says so wherever the run's numbers go.
void TestWindowRun::theDetailsSayWhatMadeTheNumbers() {
    QVERIFY(!provenanceLine(w.trace()).contains(QStringLiteral("throughput")));
    w.window().openModel(testing::goldenDirectory() / "models" / "qwen2-d96-BF16.gguf");
    QVERIFY(
        QTest::qWaitFor([&] { return w.parts().runs->model()->path.filename() == "qwen2-d96-BF16.gguf"; }, kPatience));
    RunRequest request = w.parts().setup->request();
    request.prompt = "one two three";
    request.raw = true;
    request.prefill = PrefillMode::Throughput;
    request.kv_type = KvType::F16;
    request.reference = {.kind = ReferenceKind::None, .path = {}};
    request.max_tokens = 3;
    w.parts().setup->show(request);
    QTRY_VERIFY(w.parts().runs->actions()->run()->isEnabled());
    QVERIFY(w.runToEnd());
    const int rounded = w.trace().provenance().throughput_positions;
    QVERIFY(rounded > 0);
    QVERIFY2(provenanceLine(w.trace()).contains(QStringLiteral("throughput prefill · KV cache f16")),
             qPrintable(provenanceLine(w.trace())));
    emit w.parts().status->detailsRequested();
    const auto dialogs = w.window().findChildren<QDialog*>();
    const auto details = std::find_if(dialogs.begin(), dialogs.end(), [](const QDialog* dialog) {
        return dialog->windowTitle() == QStringLiteral("Run");
    });
    QVERIFY(details != dialogs.end() && (*details)->isVisible());
    QStringList said;
    for (const QLabel* label : (*details)->findChildren<QLabel*>()) said << label->text();
    const QString all = said.join(QLatin1Char('\n'));
    for (const QString& part : {QStringLiteral("throughput: %1 positions").arg(rounded), QStringLiteral("qwen2-d96"),
                                QStringLiteral("raw completion"), QStringLiteral("f16, at most")}) {
        QVERIFY2(all.contains(part), qPrintable(all));
    }
    (*details)->close();
}

QTEST_MAIN(TestWindowRun)
#include "tst_window_run.moc"
