// What the window says of an answer that no rule of grading decides, and of one that an earlier version graded by other
// rules.
#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/app/window_fixture.h"
#include "views/sessions/session_model.h"

using namespace quibble;

class TestWindowGrading : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void notGradableIsSaid();
    void oldGradesAreMadeAgain();

private:
    [[nodiscard]] QString row(RunId run) const {
        const SessionModel* model = w.parts().browser->model();
        return model->data(model->indexOfRun(run), SessionModel::SubtitleRole).toString();
    }
    WindowFixture w;
    RunId run_{};
};

void TestWindowGrading::initTestCase() {
    Theme::instance().install(*qApp);
    w.open();
    QVERIFY(w.waitForModel());
}

// The model answers with a number, and the letter of a choice beside a number is not decided.
void TestWindowGrading::notGradableIsSaid() {
    RunRequest request = w.parts().setup->request();
    request.known_answer = "(C)";
    request.sampler.temperature = 0;
    w.parts().setup->show(request);
    QVERIFY(w.runToEnd());
    QVERIFY(w.saved());
    run_ = w.document().run();
    QVERIFY(w.trace().finished()->reason == FinishReason::EndOfText);
    const QString note = w.parts().stream->stream()->answerNote();
    QCOMPARE(note, QStringLiteral("not gradable against (C): the letter of a choice is compared with a value"));
    QTRY_VERIFY2(row(run_).contains(QStringLiteral(", not gradable")), qPrintable(row(run_)));
    QVERIFY(!w.parts().sessions->store()->runSummary(run_)->correct.has_value());
}

void TestWindowGrading::oldGradesAreMadeAgain() {
    const auto file = w.parts().sessions->store()->path();
    w.window().close();
    w.close();
    // As another version would have graded it.
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec("UPDATE run SET correct = 1, graded_by = 0");
    w.open();
    QVERIFY(row(run_).contains(QStringLiteral("✓")));  // what is stored is shown at once
    QTRY_VERIFY2_WITH_TIMEOUT(row(run_).contains(QStringLiteral(", not gradable")), qPrintable(row(run_)), kPatience);
    QVERIFY(!w.parts().sessions->store()->runSummary(run_)->correct.has_value());
}

QTEST_MAIN(TestWindowGrading)
#include "tst_window_grading.moc"
