// What the run is asked: panels that read and write a RunRequest without loss.
#include <QCheckBox>
#include <QComboBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QToolButton>

#include "tests/views/view_test.h"
#include "views/number_field.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/param_form.h"
#include "views/run_setup/prompt_edit.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"

using namespace quibble;

namespace {

const ParamSpec kBits{"bits", "Bits per weight", "bit", 2, 8, 1, 3, "How many bits a weight gets"};
const ParamSpec kGroup{"group", "Group size", "", 32, 256, 32, 64, "Weights that share a scale"};
const ParamSpec kSymmetric{"symmetric", "Symmetric", "", 0, 1, 1, 1, "No zero point"};

}  // namespace

class TestRunSetup : public QObject {
    Q_OBJECT
private slots:
    void problemUntilItIsEdited() {
        RunSetupPanel panel;
        panel.showProblem(QStringLiteral("nano-7"), QStringLiteral("How many?"), QStringLiteral("42"));
        QVERIFY(panel.figures().contains(QStringLiteral("42")));
        RunRequest request;
        panel.fill(request);
        QCOMPARE(request.problem_id, std::string("nano-7"));
        QCOMPARE(request.known_answer, std::string("42"));
        QSignalSpy changed(&panel, &RunSetupPanel::promptChanged);
        panel.editor()->setPlainText(QStringLiteral("How many more?"));
        QVERIFY(changed.count() >= 1);
        panel.fill(request);
        QVERIFY(request.problem_id.empty() && request.known_answer.empty());
        QCOMPARE(request.prompt, std::string("How many more?"));
        QVERIFY(panel.figures().isEmpty());
    }

    void asksForWhatItNeeds() {
        RunSetupPanel panel;
        panel.resize(240, 200);
        panel.show();
        QSignalSpy fresh(&panel, &RunSetupPanel::newProblemRequested), run(&panel, &RunSetupPanel::runRequested),
            tokens(&panel, &RunSetupPanel::promptTokensRequested);
        for (QPushButton* button : panel.findChildren<QPushButton*>()) {
            if (button->text() == QStringLiteral("New")) QTest::mouseClick(button, Qt::LeftButton);
        }
        QCOMPARE(fresh.count(), 1);
        QTest::keyClick(panel.editor(), Qt::Key_Return, Qt::ControlModifier);
        QCOMPARE(run.count(), 1);
        QVERIFY(panel.prompt().isEmpty());
        panel.findChild<QToolButton*>()->click();
        QCOMPARE(tokens.count(), 1);
        panel.setPromptTokens({{1, "<|user|>", true}, {2, "Hi\n", false}, {3, "\xFF", false}});
        panel.findChild<QCheckBox*>()->click();
        QVERIFY(panel.raw());
        panel.setProblemsAvailable(false);
        QVERIFY(!panel.findChildren<QPushButton*>().front()->isEnabled());
    }

    void samplerKeepsARequest() {
        SamplerPanel panel;
        RunRequest request;
        request.sampler = {0.8, 40, 0.9, 0.05};
        request.seed = 18446744073709551615ULL;
        request.max_tokens = 777;
        request.threads = 3;
        request.context = 8192;
        request.kv_type = KvType::Q8_0;
        request.arithmetic = Arithmetic::F32;
        request.prefill = PrefillMode::Throughput;
        request.reference = {ReferenceKind::File, "models/other.gguf", 8};
        QSignalSpy control(&panel, &SamplerPanel::controlChanged), changed(&panel, &SamplerPanel::changed);
        panel.setRequest(request);
        QCOMPARE(control.count() + changed.count(), 0);
        RunRequest back;
        panel.fill(back);
        QVERIFY(back == request);
        QVERIFY(panel.summary().contains(QStringLiteral("top-k 40")));
        panel.temperatureBox()->setValue(0);
        QCOMPARE(control.last()[0].toString(), QStringLiteral("temperature"));
        QCOMPARE(control.last()[1].toDouble(), 0.0);
        QVERIFY(panel.summary().startsWith(QStringLiteral("greedy")));
        panel.rollSeed();
        panel.fill(back);
        QVERIFY(back.seed >= 1 && back.seed < 1000000);
    }

    void formsAreMadeFromSpecs() {
        ParamForm form({kBits, kGroup, kSymmetric});
        form.setValues({"rtn", {{"bits", 5}, {"symmetric", 0}}});
        MethodChoice choice{"rtn", {}};
        form.fill(choice);
        QCOMPARE(QString::fromStdString(choice.text()), QStringLiteral("rtn:bits=5,group=64,symmetric=0"));
        const ParamSpec specs[] = {kBits, kGroup, kSymmetric};
        QVERIFY(checkParams(choice, specs).has_value());
        for (NumberField* box : form.findChildren<NumberField*>()) box->setValue(1e9);  // a form cannot leave the range
        MethodChoice extreme{"rtn", {}};
        form.fill(extreme);
        QVERIFY(checkParams(extreme, specs).has_value());
    }

    void modelBarChoosesAFormat() {
        ModelBar bar;
        bar.setModel(QStringLiteral("quibble-nano"), QStringLiteral("F16"));
        const auto name = [](const MethodChoice& choice) {
            return QStringLiteral("RTN %1 bit of Q4_K_M").arg(choice.value(kBits));
        };
        bar.setQuantMethods({{"rtn", QStringLiteral("Round to nearest"), {kBits, kGroup, kSymmetric}, {}, name, {}}});
        bar.setQuant({"rtn", {{"bits", 3}, {"group", 64}}});
        QVERIFY(bar.modelButton()->text().contains(QStringLiteral("quibble-nano · RTN 3 bit of Q4_K_M")));
        QCOMPARE(bar.quantLabel({"none", {}}), QStringLiteral("F16"));
        QCOMPARE(bar.quantLabel({"rtn", {{"bits", 5}}}),
                 QStringLiteral("RTN 5 bit of Q4_K_M"));  // the engine's name, not one made here
        bar.setRecentModels({{QStringLiteral("a.gguf"), QStringLiteral("a"), false},
                             {QStringLiteral("b.gguf"), QStringLiteral("b"), true}});
        QSignalSpy chosen(&bar, &ModelBar::quantChosen), recent(&bar, &ModelBar::recentModelChosen),
            open(&bar, &ModelBar::openModelRequested);
        bar.show();
        QPointer<QWidget> popup = bar.makeModelPopup();
        popup->show();
        auto* format = popup->findChild<QComboBox*>();
        QCOMPARE(format->currentIndex(), 1);
        NumberField* bits = nullptr;
        for (NumberField* box : popup->findChildren<NumberField*>()) {
            if (box->accessibleName() == QStringLiteral("Bits per weight")) bits = box;
        }
        QVERIFY(bits != nullptr);
        bits->setValue(2);
        QPushButton *load = nullptr, *known = nullptr, *missing = nullptr;
        for (QPushButton* button : popup->findChildren<QPushButton*>()) {
            if (button->text().startsWith(QStringLiteral("Load"))) load = button;
            if (button->text() == QStringLiteral("a")) known = button;
            if (button->text() == QStringLiteral("b")) missing = button;
        }
        QVERIFY(load != nullptr && known != nullptr && missing != nullptr);
        QVERIFY(!missing->isEnabled());
        known->click();
        QCOMPARE(recent.count(), 1);
        load->click();
        QCOMPARE(chosen.count(), 1);
        QCOMPARE(QString::fromStdString(bar.quant().text()), QStringLiteral("rtn:bits=2,group=64,symmetric=1"));
        QCOMPARE(open.count(), 0);
    }

    void blockedMethodSaysWhy() {
        ModelBar bar;
        bar.setModel(QStringLiteral("m"), QStringLiteral("Q4_0"));
        bar.setQuantMethods({{"rtn",
                              QStringLiteral("Round to nearest"),
                              {kBits},
                              QStringLiteral("The weights of this file are quantized already")}});
        QWidget* popup = bar.makeModelPopup();
        popup->findChild<QComboBox*>()->setCurrentIndex(1);
        for (QPushButton* button : popup->findChildren<QPushButton*>()) {
            if (button->text().startsWith(QStringLiteral("Load"))) QVERIFY(!button->isEnabled());
        }
        delete popup;
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestRunSetup)
#include "tst_run_setup.moc"
