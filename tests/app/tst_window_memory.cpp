// What does not fit in memory is refused on a banner with numbers, and whoever insists can go on from there, once.
#include <QPushButton>
#include <QStandardPaths>
#include <QTest>

#include "tests/app/window_fixture.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;

class TestWindowMemory : public QObject {
    Q_OBJECT

private slots:
    void initTestCase();
    void aModelThatDoesNotFitCanBeInsistedOn();
    void aCacheThatDoesNotFitCanBeInsistedOn();

private:
    // The button of the one banner that is shown; nullptr where there is none.
    [[nodiscard]] QPushButton* insist(const QString& text) const {
        for (QPushButton* button : w.parts().banners->findChildren<QPushButton*>()) {
            if (button->isVisible() && button->text() == text) return button;
        }
        return nullptr;
    }
    [[nodiscard]] bool waitForBanner(const QString& text) const {
        return QTest::qWaitFor([&] { return w.banners().contains(text); }, kPatience);
    }
    // A request that the open model can begin with.
    [[nodiscard]] RunRequest request() const {
        RunRequest r = w.parts().setup->request();
        r.prompt = "a";
        r.raw = true;
        r.known_answer.clear();
        r.reference = {.kind = ReferenceKind::None, .path = {}};
        r.max_tokens = 3;
        return r;
    }
    WindowFixture w;
};

void TestWindowMemory::initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    w.open();
    QVERIFY(w.waitForModel());
}

void TestWindowMemory::aModelThatDoesNotFitCanBeInsistedOn() {
    const std::filesystem::path before = w.parts().runs->model()->path,
                                large = w.file(QStringLiteral("large.gguf")).toStdString();
    RandomShape shape;
    shape.type = kernels::TensorType::F16;  // read where they lie in the file, so that opening touches next to nothing
    shape.n_layers = 16;
    largerThanMemory(shape).write(large);
    w.window().openModel(large);
    QVERIFY(waitForBanner(QStringLiteral("the weights take 825 GB")));
    QVERIFY2(w.banners().contains(QStringLiteral("of memory are free")), qPrintable(w.banners()));
    QVERIFY2(!w.banners().contains(QStringLiteral("--")), qPrintable(w.banners()));  // no word of the command line
    QCOMPARE(w.parts().runs->model()->path, before);                                 // the open one stays
    QVERIFY(insist(QStringLiteral("Load anyway")) != nullptr);
    insist(QStringLiteral("Load anyway"))->click();
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->model()->path == large; }, kPatience));
    QVERIFY2(w.banners().isEmpty(), qPrintable(w.banners()));
    // It is not remembered: another load of the same file is asked about again.
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=8,group=64").value());
    QVERIFY(waitForBanner(QStringLiteral("made anew")));
    QVERIFY(insist(QStringLiteral("Load anyway")) != nullptr);
    w.window().openModel(before);
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->model()->path == before; }, kPatience));
    QVERIFY(w.banners().isEmpty());
}

void TestWindowMemory::aCacheThatDoesNotFitCanBeInsistedOn() {
    const std::filesystem::path before = w.parts().runs->model()->path,
                                path = w.file(QStringLiteral("long.gguf")).toStdString();
    makeLongContextModel().write(path);
    w.window().openModel(path);
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->model()->path == path; }, kPatience));
    RunRequest r = request();
    r.context = kLongContext;  // of which a run of three tokens writes next to nothing
    w.parts().setup->show(r);
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());  // whatever was or will be said about the prompt before,
                                                             // which has no template
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(waitForBanner(QStringLiteral("524 GB for 16000000 positions")));
    QVERIFY(w.waitForEnd());
    QCOMPARE(w.document().size(), 0);
    QPushButton* button = insist(QStringLiteral("Run anyway"));
    QVERIFY(button != nullptr);
    button->click();
    QVERIFY(w.parts().runs->live());
    QVERIFY2(w.banners().isEmpty(), qPrintable(w.banners()));
    QVERIFY(w.waitForEnd());
    QVERIFY(w.document().size() > 0);
    QCOMPARE(w.trace().request().context, Position{kLongContext});
    w.parts().runs->actions()->run()->trigger();  // asked about again
    QVERIFY(waitForBanner(QStringLiteral("524 GB for 16000000 positions")));
    QVERIFY(w.waitForEnd());
    w.window().openModel(before);
    QVERIFY(QTest::qWaitFor([&] { return w.parts().runs->model()->path == before; }, kPatience));
}

QTEST_MAIN(TestWindowMemory)
#include "tst_window_memory.moc"
