// The rules of a run as a form: added from the menu, in order, written into the request and read back, live.
#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include "tests/views/view_test.h"
#include "views/number_field.h"
#include "views/run_document.h"
#include "views/run_setup/param_form.h"
#include "views/run_setup/rules_panel.h"

using namespace quibble;

namespace {

constexpr ParamOption kModes[] = {{"hard", "at once"}, {"soft", "softly"}};

std::vector<MethodInfo> logitsMethods() {
    return {{"wave",
             "Wave",
             "A wave.",
             {{"amplitude", "Amplitude", "logits", -20, 20, 0, 1, "How high"}},
             false,
             0,
             "paper"},
            {"ban", "Ban", "A ban.", {textParam("words", "Words", "wait, but", "Which")}, false, 0, "paper"}};
}

std::vector<MethodInfo> controlMethods() {
    return {{"budget",
             "Budget",
             "A budget.",
             {{"tokens", "Tokens", "", 0, 1000, 1, 200, "How many"},
              choiceParam("mode", "Mode", kModes, "hard", "How"),
              textParam("message", "Message", "Time is up.\n", "What"),
              switchParam("always", "Always", true, "When")},
             false,
             0,
             "paper"}};
}

}  // namespace

class TestRulesPanel : public QObject {
    Q_OBJECT
    RunDocument document_;
    std::unique_ptr<RulesPanel> panel_;

    RunRequest request() const {
        RunRequest r;
        panel_->fill(r);
        return r;
    }

private slots:
    void init() {
        panel_ = std::make_unique<RulesPanel>(&document_);
        panel_->setMethods(logitsMethods(), controlMethods());
        panel_->resize(320, 500);
        panel_->show();
    }

    void rulesAreAddedFromTheMenu() {
        const QSignalSpy changed(panel_.get(), &RulesPanel::changed);
        QVERIFY(request().logits.empty() && request().control.empty());
        for (const char* id : {"budget", "ban", "wave"})
            panel_->addButton()->menu()->findChild<QAction*>(id)->trigger();
        QCOMPARE(changed.size(), 3);
        QCOMPARE(panel_->count(), 3);
        // Those of the slot logits stand first, in the order in which they were added.
        const RunRequest r = request();
        QCOMPARE(r.logits.size(), std::size_t{2});
        QCOMPARE(r.logits[0].id, std::string("ban"));
        QCOMPARE(r.logits[1].id, std::string("wave"));
        QCOMPARE(r.control.at(0).text(),
                 std::string("budget:tokens=200,mode=hard,message=\"Time is up.\\n\",always=1"));
        for (const MethodInfo& method : controlMethods()) QVERIFY(checkParams(r.control[0], method.params));
    }

    // What the open model cannot have is grey and says why; a rule that stands there stays.
    void whatTheModelCannotHaveIsGrey() {
        panel_->addRule(true, "budget");
        std::vector<MethodInfo> control = controlMethods();
        control[0].blocked = QStringLiteral("No mark closes a thought");
        panel_->setMethods(logitsMethods(), control);
        const QMenu* menu = panel_->addButton()->menu();
        QVERIFY(!menu->findChild<QAction*>("budget")->isEnabled());
        QCOMPARE(menu->findChild<QAction*>("budget")->toolTip(), control[0].blocked);
        QVERIFY(menu->findChild<QAction*>("ban")->isEnabled());
        QCOMPARE(request().control.at(0).id, std::string("budget"));
        panel_->setMethods(logitsMethods(), controlMethods());
        QVERIFY(menu->findChild<QAction*>("budget")->isEnabled());
    }

    void whatIsTypedIsWritten() {
        panel_->addRule(true, "budget");
        ParamForm* form = panel_->form(0);
        form->findChild<NumberField*>()->setValue(33);
        form->findChild<QComboBox*>()->setCurrentText("softly");
        form->findChild<QCheckBox*>()->setChecked(false);
        auto* line = form->findChild<QLineEdit*>(QString(), Qt::FindDirectChildrenOnly);
        QCOMPARE(line->text(), QStringLiteral("Time is up.\\n"));
        line->selectAll();
        QTest::keyClicks(line, "So, \"now\"\\n\\\\");
        QCOMPARE(request().control[0].text(),
                 std::string("budget:tokens=33,mode=soft,message=\"So, \\\"now\\\"\\n\\\\\",always=0"));
    }

    void aRequestComesBackAsItWas() {
        RunRequest given;
        given.logits = {{"wave", {{"amplitude", -2.5}}}, {"ban", {{"words", "hmm"}}}, {"wave", {{"amplitude", 1e-7}}}};
        given.control = {{"budget", {{"tokens", 5}, {"mode", "soft"}, {"message", "a\\b\nc"}, {"always", 0}}}};
        const QSignalSpy changed(panel_.get(), &RulesPanel::changed);
        panel_->setRequest(given);
        QCOMPARE(changed.size(), 0);
        QCOMPARE(request().logits, given.logits);
        QCOMPARE(request().control, given.control);
        panel_->setRequest({});
        QCOMPARE(panel_->count(), 0);
    }

    void rulesMoveGoAndRest() {
        for (const char* id : {"wave", "ban"}) panel_->addRule(false, id);
        panel_->addRule(true, "budget");
        panel_->moveUp(0);  // the first stays
        panel_->moveUp(2);  // the slots do not mix
        QCOMPARE(request().logits[0].id, std::string("wave"));
        panel_->moveUp(1);
        QCOMPARE(request().logits[0].id, std::string("ban"));
        panel_->toggle(0)->setChecked(false);
        QVERIFY(!panel_->form(0)->isEnabled());
        QCOMPARE(request().logits.size(), std::size_t{1});
        panel_->toggle(0)->setChecked(true);
        panel_->removeRule(1);
        QCOMPARE(request().logits.size(), std::size_t{1});
        QCOMPARE(request().logits[0].id, std::string("ban"));
        panel_->removeRule(0);
        panel_->removeRule(0);
        panel_->removeRule(0);
        QCOMPARE(panel_->count(), 0);
    }

    // A narrow dock shows every field whole.
    void rulesFitANarrowPanel() {
        std::vector<MethodInfo> control = controlMethods();
        control[0].label = QStringLiteral("Early stop when the entropy of the answer settles");
        panel_->setMethods(logitsMethods(), control);
        panel_->addRule(false, "wave");
        panel_->addRule(false, "ban");
        panel_->addRule(true, "budget");
        panel_->resize(180, 2000);
        panel_->show();
        QCoreApplication::processEvents();
        for (const QWidget* child : panel_->findChildren<QWidget*>()) {
            if (!child->isVisible() || child->isWindow()) continue;
            const int right = child->mapTo(panel_.get(), QPoint(child->width(), 0)).x();
            QVERIFY2(right <= 180,
                     qPrintable(QStringLiteral("%1 %2 ends at %3, wants %4")
                                    .arg(QString::fromLatin1(child->metaObject()->className()), child->accessibleName())
                                    .arg(right)
                                    .arg(child->minimumSizeHint().width())));
        }
    }

    // Numbers reach a run of the same rules, under the place that the rule has there.
    void numbersAreLive() {
        panel_->addRule(false, "wave");
        panel_->addRule(true, "budget");
        QSignalSpy control(panel_.get(), &RulesPanel::controlChanged);
        panel_->form(0)->findChild<NumberField*>()->setValue(3);
        QVERIFY(control.isEmpty());  // no run goes on
        RunRequest running = request();
        document_.start(running, RunId{1});
        document_.apply({RunId{1}, {StateChanged{RunState::Running}}});
        QVERIFY(document_.live());
        panel_->form(1)->findChild<NumberField*>()->setValue(50);
        QCOMPARE(control.size(), 1);
        QCOMPARE(control[0][0].toString(), QStringLiteral("rule:2:tokens"));
        QCOMPARE(std::get<double>(control[0][1].value<ParamValue>()), 50.0);
        panel_->addRule(false, "ban");  // from here on it is another set of rules
        panel_->form(0)->findChild<NumberField*>()->setValue(4);
        QCOMPARE(control.size(), 1);
    }
};

QTEST_MAIN(TestRulesPanel)
#include "tst_rules_panel.moc"
