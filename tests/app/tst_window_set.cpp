// "Run the whole set" beside the window: what is stored is what a single run stores, the figures are those of
// quibble-cli eval, a stop keeps what is done and a second start goes on from there, a problem that cannot be run is
// counted with its reason, and the user can run, look and close meanwhile.
#include <bit>
#include <fstream>
#include <set>
#include <sstream>

#include <QClipboard>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QScrollArea>

#include "app/set_controller.h"
#include "app/set_summary_dialog.h"
#include "tests/app/window_fixture.h"
#include "tests/cli/cli_process.h"
#include "views/sessions/session_model.h"
#include "views/status/run_status_bar.h"

using namespace quibble;

namespace {

constexpr int kFew = 5, kMany = 40, kEndless = 400;  // problems; the last are never waited for

// The first problems of the held-out set, as lines.
std::string problemLines(int count) {
    std::ifstream file(QUIBBLE_SOURCE_DIR "/data/problems/nano-heldout.jsonl");
    std::string lines, line;
    for (int i = 0; i < count && std::getline(file, line); ++i) lines += line + '\n';
    return lines;
}

// A report without the figures of the work, which say nothing of the answers.
QStringList withoutWork(const QString& report) {
    QStringList lines;
    for (const QString& line : report.split(QLatin1Char('\n'), Qt::SkipEmptyParts)) {
        static const QRegularExpression work(QStringLiteral("^(parallel|tokens_per_second|reused_positions):"));
        if (!work.match(line).hasMatch()) lines << line;
    }
    return lines;
}

}  // namespace

class TestWindowSet : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void cleanup();
    void whatIsMissingIsSaid();
    void eachRunIsThatOfRunAlone();
    void aSetIsOpenedFromAFile();
    void theFiguresAreThoseOfEval();
    void aStopKeepsWhatIsDone();
    void aProblemThatFailsIsCounted();
    void theUserCanRunMeanwhile();
    void closingAsks();
    void aWindowThatGoesKeepsWhatIsDone();

private:
    void useSet(const std::string& lines, const std::string& name) {
        std::istringstream in(lines);
        auto set = ProblemSet::read(in, name);
        QVERIFY2(set, set ? "" : set.error().line().c_str());
        w.parts().setup->setProblems(std::move(*set));
        sets().update();
    }
    [[nodiscard]] SetController& sets() const { return *w.parts().sets; }
    [[nodiscard]] bool waitForSet() const {
        return waitUntil([this] { return !sets().running() && !w.parts().work->busy(); });
    }
    [[nodiscard]] bool runSet() const {
        sets().runAction()->trigger();
        return sets().running() && waitForSet();
    }
    // The newest session whose name begins with that of the set.
    [[nodiscard]] SessionSummary sessionOf(const std::string& set) const {
        const auto sessions = w.parts().sessions->store()->listSessions();
        if (sessions) {
            for (const SessionSummary& session : *sessions) {
                if (session.name.starts_with(set + " · ")) return session;
            }
        }
        return {};
    }
    [[nodiscard]] std::vector<RunSummary> runsOf(const std::string& set) const {
        return w.parts().sessions->store()->listRuns(sessionOf(set).id).value_or(std::vector<RunSummary>{});
    }
    [[nodiscard]] QPushButton* setButton() const {
        return w.parts().prompt->findChild<QPushButton*>(QStringLiteral("runSetButton"));
    }
    [[nodiscard]] int doneIn(const QString& figures) const {
        const auto match = QRegularExpression(QStringLiteral("^(\\d+) of \\d+, .*tok/s")).match(figures);
        return match.hasMatch() ? match.captured(1).toInt() : -1;
    }
    [[nodiscard]] bool waitForDone(int count) const {
        return waitUntil([&] { return doneIn(w.parts().work->figures()) >= count || !sets().running(); }) &&
               sets().running();
    }
    [[nodiscard]] QMessageBox* question() const {
        return w.window().findChild<QMessageBox*>(QStringLiteral("fileWorkQuestion"));
    }
    void openWindow() {
        w.open();
        QVERIFY(w.waitForModel());
        QVERIFY(waitUntil([this] { return sets().blocked().isEmpty(); }));
    }
    WindowFixture w;
};

void TestWindowSet::initTestCase() {
    Theme::instance().install(*qApp);
    openWindow();
}

void TestWindowSet::cleanup() {
    if (sets().running()) sets().stop();
    QVERIFY(waitForSet());
    w.parts().banners->clear(QStringLiteral("set"));
}

void TestWindowSet::whatIsMissingIsSaid() {
    QVERIFY(sets().runAction()->isEnabled() && setButton()->isEnabled());
    QCOMPARE(setButton()->text(), QStringLiteral("Run all 20"));  // the examples that come with the program
    QVERIFY(!sets().stopAction()->isEnabled());
    const auto says = [&](const char* reason) {
        const QString said = QString::fromLatin1(reason);
        return !sets().runAction()->isEnabled() && sets().runAction()->toolTip().contains(said) &&
               !setButton()->isEnabled() && setButton()->toolTip().contains(said);
    };
    QVERIFY2(w.runLong(), "no seed gives a long run");
    w.askForLongRun();
    w.parts().runs->setPace(50);
    w.parts().runs->actions()->run()->trigger();
    QVERIFY(w.waitForTokens(2));
    QVERIFY(says("A run is going on"));
    w.parts().runs->stop();
    QVERIFY(w.waitForEnd());
    w.parts().runs->setPace(0);
    emit w.parts().model_bar->quantChosen(parseMethodChoice("rtn:bits=3,group=64").value());
    QVERIFY(says("The model is being loaded"));
    QVERIFY(w.waitForModel());
    QVERIFY(waitUntil([&] { return sets().runAction()->isEnabled(); }));
    w.parts().setup->setProblems({});
    sets().update();
    QVERIFY(says("There is no problem set"));
    w.window().findChild<QAction*>(QStringLiteral("setSummary"))->trigger();
    QVERIFY2(w.banners().contains(QStringLiteral("No set has been run yet")), qPrintable(w.banners()));
    w.parts().setup->showDefaults();
}

void TestWindowSet::eachRunIsThatOfRunAlone() {
    useSet(problemLines(kFew), "few");
    const RunRequest setting = w.parts().setup->request();
    QStringList figures, tips;
    const auto watch = connect(w.parts().work, &FileWork::changed, this, [&] {
        figures << w.parts().work->doing() + QLatin1Char('|') + w.parts().work->figures();
        tips << w.parts().work->tip();
    });
    sets().runAction()->trigger();
    QVERIFY(sets().running());
    QCOMPARE(setButton()->text(), QStringLiteral("Stop set"));
    QVERIFY(!sets().runAction()->isEnabled() && sets().stopAction()->isEnabled());
    // Rows come while the set goes on.
    QVERIFY(waitUntil([&] {
        const SessionId session = sessionOf("few").id;
        return session != kNoSession && !w.parts().browser->model()->runsFrom(session, kNoRun).empty();
    }));
    QVERIFY(waitForSet());
    disconnect(watch);
    QVERIFY2(figures.join(QLatin1Char('\n')).contains(QStringLiteral("Running few|5 of 5, ")),
             qPrintable(figures.join(QLatin1Char('\n'))));
    // How many at once was chosen by memory.
    QVERIFY2(tips.join(QLatin1Char('\n')).contains(QStringLiteral("At once: 5, which take up to ")),
             qPrintable(tips.join(QLatin1Char('\n'))));
    QVERIFY2(w.banners().contains(QStringLiteral(" of 5 right: ")), qPrintable(w.banners()));

    const SessionSummary session = sessionOf("few");
    QVERIFY2(session.name.starts_with("few · quibble-nano · RTN 3"), session.name.c_str());
    const auto runs = runsOf("few");
    QCOMPARE(runs.size(), std::size_t(kFew));
    QCOMPARE(w.parts().browser->model()->runsFrom(session.id, kNoRun).size(), std::size_t(kFew));
    std::set<std::string> problems;
    for (const RunSummary& summary : runs) {
        QCOMPARE(summary.status, RunStatus::Finished);
        const auto kept = w.parts().sessions->store()->loadRun(summary.id);
        QVERIFY2(kept, kept ? "" : kept.error().line().c_str());
        RunRequest alone = setting;
        alone.prompt = kept->request().prompt;
        alone.problem_id = kept->request().problem_id;
        alone.known_answer = kept->request().known_answer;
        alone.seed = kept->request().seed;
        problems.insert(alone.problem_id);
        QCOMPARE(alone.problem_id, "heldout-00" + std::to_string(alone.seed - setting.seed + 1));
        w.parts().setup->show(alone);
        QVERIFY(w.runToEnd());
        QVERIFY(w.saved());
        const auto single = w.parts().sessions->store()->loadRun(w.document().run());
        QVERIFY2(single, single ? "" : single.error().line().c_str());
        QCOMPARE(kept->points().size(), single->points().size());
        QVERIFY(!kept->points().empty());
        for (std::size_t i = 0; i < kept->points().size(); ++i) {
            const TracePoint &a = kept->points()[i], &b = single->points()[i];
            QCOMPARE(a.token.id, b.token.id);
            QCOMPARE(std::bit_cast<std::uint32_t>(a.token.entropy), std::bit_cast<std::uint32_t>(b.token.entropy));
            QVERIFY(a.hasReference() && b.hasReference());
            QCOMPARE(std::bit_cast<std::uint32_t>(a.reference.kl), std::bit_cast<std::uint32_t>(b.reference.kl));
        }
    }
    QCOMPARE(problems.size(), std::size_t(kFew));
    w.parts().setup->show(setting);
}

void TestWindowSet::aSetIsOpenedFromAFile() {
    const QString path = w.file(QStringLiteral("own.jsonl"));
    std::ofstream(path.toStdString()) << problemLines(3);
    w.window().openFile(path);
    QVERIFY(w.waitForFiles());
    QVERIFY2(w.banners().isEmpty(), qPrintable(w.banners()));
    QCOMPARE(setButton()->text(), QStringLiteral("Run all 3"));
    QVERIFY(setButton()->toolTip().contains(QStringLiteral(" of own ")));
    QCOMPARE(w.parts().setup->request().problem_id, std::string("heldout-001"));
    // What cannot be read leaves the set as it is and says why.
    const auto refuses = [&](const char* name, const std::string& content, const char* reason) {
        const QString bad = w.file(QString::fromLatin1(name));
        std::ofstream(bad.toStdString()) << content;
        w.window().openFile(bad);
        const bool told = w.waitForFiles() && w.banners().contains(QString::fromLatin1(reason));
        if (!told) qWarning("%s", qPrintable(w.banners()));
        w.parts().banners->clear(QStringLiteral("problems"));
        return told && setButton()->text() == QStringLiteral("Run all 3");
    };
    QVERIFY(refuses("empty.jsonl", "", "holds no problem"));
    QVERIFY(refuses("bad.jsonl", "no problem\n", "line 1"));
    openWindow();  // the next start has it again
    QVERIFY(w.waitForFiles());
    QCOMPARE(setButton()->text(), QStringLiteral("Run all 3"));
    w.parts().setup->showDefaults();
}

void TestWindowSet::theFiguresAreThoseOfEval() {
    useSet(problemLines(kFew), "figures");
    RunRequest setting = w.parts().setup->request();
    setting.seed = 11;
    w.parts().setup->show(setting);
    QVERIFY(runSet());
    w.window().findChild<QAction*>(QStringLiteral("setSummary"))->trigger();
    auto* dialog = w.window().findChild<SetSummaryDialog*>();
    QVERIFY(dialog != nullptr && dialog->isVisible());
    QVERIFY(dialog->height() <= w.window().height());
    dialog->copyButton()->click();
    QCOMPARE(QGuiApplication::clipboard()->text(), dialog->text());
    const QString report = sets().summary()->report;
    QVERIFY(dialog->text().endsWith(report));
    dialog->close();

    const QString file = w.file(QStringLiteral("figures.jsonl"));
    std::ofstream(file.toStdString()) << problemLines(kFew);
    const auto number = [](double value) { return QString::number(value, 'g', 17); };
    const auto cli = testing::runCli(
        {QStringLiteral("eval"), toQString(w.parts().runs->model()->path), QStringLiteral("--problems"), file,
         QStringLiteral("--quant"), QStringLiteral("rtn:bits=3,group=64"), QStringLiteral("--reference"),
         QStringLiteral("self"), QStringLiteral("--seed"), QStringLiteral("11"), QStringLiteral("--temperature"),
         number(setting.sampler.temperature), QStringLiteral("--top-p"), number(setting.sampler.top_p),
         QStringLiteral("--max-tokens"), QString::number(setting.max_tokens)});
    QVERIFY2(cli.status == 0, cli.err.constData());
    QCOMPARE(withoutWork(report), withoutWork(QString::fromUtf8(cli.out)));
    QVERIFY2(report.contains(QStringLiteral("accuracy_95: [")) && report.contains(QStringLiteral("mean_kl_nats: ")),
             qPrintable(report));
}

void TestWindowSet::aStopKeepsWhatIsDone() {
    useSet(problemLines(kMany), "many");
    sets().runAction()->trigger();
    QVERIFY(waitForDone(3));
    setButton()->click();  // which offers to stop now
    QVERIFY(waitForSet());
    QVERIFY(sets().summary().has_value());
    const QString partly = sets().summary()->state;
    QVERIFY2(partly.startsWith(QStringLiteral("Stopped: the figures are of ")), qPrintable(partly));
    QVERIFY2(w.banners().contains(partly), qPrintable(w.banners()));
    const auto done = [&] {
        std::vector<RunSummary> ended = runsOf("many");
        std::erase_if(ended, [](const RunSummary& run) {
            return run.status != RunStatus::Finished || run.finish_reason == FinishReason::Stopped;
        });
        return ended;
    };
    const auto before = done();
    QVERIFY(before.size() >= 3 && before.size() < kMany);

    QVERIFY(runSet());
    QCOMPARE(done().size(), std::size_t(kMany));
    QVERIFY2(sets().summary()->state.startsWith(QStringLiteral("%1 results").arg(before.size())),
             qPrintable(sets().summary()->state));
    const QString whole = sets().summary()->report;
    QVERIFY2(whole.contains(QStringLiteral("problems: 40\n")), qPrintable(whole));

    // Whoever looks at a run of the set goes on with the same set, although that run has a seed of its own.
    const RunSummary looked_at = before.back();
    QVERIFY(looked_at.seed != w.parts().setup->request().seed);
    w.parts().sessions->openRun(looked_at.id);
    QVERIFY(waitUntil([&] { return w.document().run() == looked_at.id; }));
    QVERIFY(waitUntil([this] { return sets().blocked().isEmpty(); }));
    QCOMPARE(w.parts().setup->request().seed, static_cast<std::uint64_t>(looked_at.seed));
    QVERIFY(runSet());
    QCOMPARE(done().size(), std::size_t(kMany));
    QCOMPARE(withoutWork(sets().summary()->report), withoutWork(whole));
    QVERIFY(sets().summary()->state.startsWith(QStringLiteral("40 results")));
    w.parts().setup->showDefaults();
    QVERIFY(waitUntil([this] { return sets().blocked().isEmpty(); }));
}

void TestWindowSet::aProblemThatFailsIsCounted() {
    std::string endless;
    for (int i = 0; i < 3000; ++i) endless += "1 + ";
    useSet(problemLines(2) + R"({"id":"endless","text":"What is )" + endless + R"(1?","answer":"3001"})" + "\n",
           "failing");
    QVERIFY(runSet());
    const SetSummary& summary = *sets().summary();
    QCOMPARE(summary.failed.size(), std::size_t(1));
    QCOMPARE(summary.failed.front().first, QStringLiteral("endless"));
    QVERIFY2(summary.failed.front().second.contains(QStringLiteral("context")),
             qPrintable(summary.failed.front().second));
    QVERIFY(summary.report.contains(QStringLiteral("not run, endless: ") + summary.failed.front().second));
    QVERIFY2(summary.headline.contains(QStringLiteral(" of 2 right: ")), qPrintable(summary.headline));
    QVERIFY2(w.banners().contains(QStringLiteral("endless could not be run: ")), qPrintable(w.banners()));
    QCOMPARE(runsOf("failing").size(), std::size_t(2));
    // The list of failures and the buttons stand below the figures and hide none of them.
    w.window().findChild<QAction*>(QStringLiteral("setSummary"))->trigger();
    auto* dialog = w.window().findChild<SetSummaryDialog*>();
    QVERIFY(dialog != nullptr && QTest::qWaitForWindowExposed(dialog));
    const auto* list = dialog->findChild<QPlainTextEdit*>();
    QVERIFY(list != nullptr && list->toPlainText().startsWith(QStringLiteral("endless: ")));
    const auto bottom = [&](const QWidget* part) { return part->mapTo(dialog, QPoint(0, part->height())).y(); };
    const auto top = [&](const QWidget* part) { return part->mapTo(dialog, QPoint()).y(); };
    QVERIFY(top(list) >= bottom(dialog->findChild<QScrollArea*>()));
    QVERIFY(top(dialog->copyButton()) >= bottom(list));
    dialog->close();
}

void TestWindowSet::theUserCanRunMeanwhile() {
    useSet(problemLines(2), "alone");
    const RunRequest setting = w.parts().setup->request();
    QVERIFY(w.runToEnd());
    const std::vector<TokenId> alone = tokenIds(w.trace());
    useSet(problemLines(kEndless), "beside");
    sets().runAction()->trigger();
    QVERIFY(waitForDone(1));
    QVERIFY(w.parts().runs->actions()->run()->isEnabled());
    w.parts().setup->show(setting);
    QVERIFY(w.runToEnd());
    QCOMPARE(tokenIds(w.trace()), alone);
    // A run of the set is shown as it stands, and as it is when it has ended.
    QVERIFY(waitForDone(2));
    const auto before = w.parts().sessions->store()->path();
    w.window().useDatabase(toPath(w.file(QStringLiteral("other.db"))));
    QCOMPARE(w.parts().sessions->store()->path(), before);
    QVERIFY2(w.banners().contains(QStringLiteral("A problem set is being run")), qPrintable(w.banners()));
    w.parts().banners->clear(QStringLiteral("database"));
    RunId going = kNoRun;
    for (const RunSummary& run : runsOf("beside")) {
        if (run.status == RunStatus::Running) going = run.id;
    }
    QVERIFY(going != kNoRun);
    w.parts().sessions->openRun(going);
    sets().stop();
    QVERIFY(waitForSet());
    QTRY_VERIFY_WITH_TIMEOUT(w.document().run() == going && w.trace().finished(), kPatience);
    const auto kept = w.parts().sessions->store()->loadRun(going);
    QVERIFY(kept.has_value());
    QCOMPARE(tokenIds(w.trace()), tokenIds(*kept));
    w.parts().setup->show(setting);
    QVERIFY(waitUntil([this] { return sets().blocked().isEmpty(); }));
}

void TestWindowSet::closingAsks() {
    useSet(problemLines(kEndless), "closing");
    sets().runAction()->trigger();
    QVERIFY(waitForDone(1));
    QVERIFY(!w.window().close());
    QTRY_VERIFY(question() != nullptr);
    QVERIFY2(question()->text().contains(QStringLiteral("Running closing")), qPrintable(question()->text()));
    QVERIFY2(question()->informativeText().contains(QStringLiteral("what is done is kept")),
             qPrintable(question()->informativeText()));
    question()->findChild<QPushButton*>(QStringLiteral("cancelWork"))->click();
    QTRY_VERIFY_WITH_TIMEOUT(!w.window().isVisible(), kPatience);
    openWindow();
    QVERIFY2(w.banners().isEmpty(), qPrintable(w.banners()));  // nothing was interrupted by a kill
    const auto runs = runsOf("closing");
    QVERIFY(!runs.empty());
    for (const RunSummary& run : runs) QCOMPARE(run.status, RunStatus::Finished);
}

void TestWindowSet::aWindowThatGoesKeepsWhatIsDone() {
    useSet(problemLines(kEndless), "going");
    sets().runAction()->trigger();
    QVERIFY(waitForDone(2));
    openWindow();  // the one so far goes without being asked
    int done = 0;
    for (const RunSummary& run : runsOf("going")) {
        QCOMPARE(run.status, RunStatus::Finished);
        done += run.finish_reason != FinishReason::Stopped;
    }
    QVERIFY(done >= 2);
}

QTEST_MAIN(TestWindowSet)
#include "tst_window_set.moc"
