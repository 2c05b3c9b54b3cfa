// MainWindow: the problem set that is run as a whole beside it.
#include <QAction>
#include <QFileInfo>
#include <QStatusBar>

#include "app/banner.h"
#include "app/file_work.h"
#include "app/main_window.h"
#include "app/set_controller.h"
#include "app/set_summary_dialog.h"
#include "app/setup_controller.h"
#include "views/run_setup/run_setup_panel.h"

namespace quibble {

namespace {

constexpr const char* kSetBanner = "set";  // of its banner

}  // namespace

void MainWindow::wireSets() {
    SetController* sets = parts_.sets;
    connect(sets, &SetController::changed, this, &MainWindow::showSetOffer);
    connect(parts_.prompt, &RunSetupPanel::setRequested, sets, [sets] {
        if (sets->running())
            sets->stop();
        else
            sets->start();
    });
    connect(sets, &SetController::ended, this, &MainWindow::showSetEnd);
    connect(sets, &SetController::failed, this,
            [this](const Error& error) { showFileTrouble(QString::fromLatin1(kSetBanner), error); });
    connect(sets, &SetController::storeTrouble, this,
            [this](const QString& message) { showStoreTrouble(QStringLiteral("set-store"), message); });
    showSetOffer();
}

void MainWindow::readProblems(const std::filesystem::path& path,
                              const std::function<void(const ProblemSet& set)>& use) {
    const QString key = QStringLiteral("problems");
    parts_.work->start({.doing = tr("Reading %1").arg(toQString(path.filename())),
                        .job = [this, key, path, use](const std::stop_token&) -> Worker::Answer {
                            auto set = ProblemSet::load(path);
                            if (set && set->problems().empty())
                                set = fail(ErrorCode::InvalidArgument, path.string() + " holds no problem");
                            return [this, key, use, set = std::move(set)] {
                                if (!set) return showFileTrouble(key, set.error());
                                parts_.banners->clear(key);
                                parts_.setup->setProblems(*set);
                                use(*set);
                                parts_.sets->update();
                            };
                        },
                        .broken = [this, key](const Error& error) { showFileTrouble(key, error); }});
}

void MainWindow::openProblems(const std::filesystem::path& path) {
    readProblems(path, [this, path](const ProblemSet& set) {
        settings_.setProblemSet(toQString(std::filesystem::absolute(path)));
        parts_.setup->firstProblem();
        statusBar()->showMessage(tr("%n problems of %1", nullptr, static_cast<int>(set.problems().size()))
                                     .arg(QString::fromStdString(set.name())),
                                 kMessageMs);
    });
}

// The set of the last start, where its file is still there; the prompt that is shown stays.
void MainWindow::bringProblemsBack() {
    const QString path = settings_.problemSet();
    if (QFileInfo::exists(path)) readProblems(toPath(path), [](const ProblemSet&) {});
}

void MainWindow::showSetOffer() {
    const SetController* sets = parts_.sets;
    const QAction* offered = sets->running() ? sets->stopAction() : sets->runAction();
    const ProblemSet* set = parts_.setup->problems();
    const QString run = set == nullptr ? tr("Run all") : tr("Run all %L1").arg(set->problems().size());
    parts_.prompt->setSetOffer(sets->running() ? tr("Stop set") : run, offered->toolTip(), offered->isEnabled());
    if (sets->running()) parts_.banners->clear(QString::fromLatin1(kSetBanner));
}

void MainWindow::showSetEnd(const SetSummary& summary) {
    QStringList hint{summary.brief};
    if (!summary.failed.empty()) {
        const auto& [problem, reason] = summary.failed.front();
        hint << (summary.failed.size() == 1 ? tr("%1 could not be run: %2.").arg(problem, reason)
                                            : tr("%n problems could not be run, the first of them %1: %2.", nullptr,
                                                 static_cast<int>(summary.failed.size()))
                                                  .arg(problem, reason));
    }
    hint << summary.state;
    hint.removeAll(QString());
    parts_.banners->showMessage(
        {.kind = summary.failed.empty() ? BannerMessage::Kind::News : BannerMessage::Kind::Problem,
         .key = QString::fromLatin1(kSetBanner),
         .cause = tr("%1 – %2").arg(summary.name, summary.headline),
         .hint = hint.join(QLatin1Char(' ')),
         .action = tr("Figures…"),
         .on_action = [this] { showSetSummary(); }});
}

void MainWindow::showSetSummary() {
    const auto& summary = parts_.sets->summary();
    if (!summary) {
        return parts_.banners->showError(QString::fromLatin1(kSetBanner),
                                         {ErrorCode::NotFound, tr("No set has been run yet").toStdString(),
                                          tr("Run the whole set first").toStdString()});
    }
    auto* dialog = new SetSummaryDialog(*summary, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

}  // namespace quibble
