#include "app/set_controller.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <QAction>
#include <QKeySequence>

#include "app/evaluation/set_evaluation.h"
#include "app/file_work.h"
#include "app/run_actions.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "app/setup_controller.h"

namespace quibble {

/// What a set is run with. The worker's, once it has been handed over.
struct SetController::Task {
    SetOrder order;
    QString session;  // name
    std::shared_ptr<ModelCache> models;
    std::unique_ptr<Store> store;
};

/// Tells the window what happens: at most as often as the set tells of its progress, however many runs begin and end.
class SetController::Teller final : public SetListener {
public:
    explicit Teller(SetController& controller) : controller_(controller) {}
    void keptIn(SessionId session) { session_ = session; }

    void begins(std::size_t taken, const Parallel& parallel) override {
        taken_ = taken;
        at_once_ = QString::fromStdString(parallel.why);
    }
    void runBegins(RunId run) override { changes(run); }
    void progresses(const SetProgress& progress) override {
        const QString tip =
            tr("%1 problems go on now. At once: %2.\nRuns that you start meanwhile share the machine with "
               "them.")
                .arg(QString::number(progress.running), at_once_);
        post([this_ = &controller_, figures = setProgressText(progress, taken_), tip] {
            this_->sources_.work->setFigures(this_->task_, figures, tip);
        });
        showChanges();
    }
    /// On the thread of the writer: the end of a run is on disk.
    void changes(RunId run) {
        const std::lock_guard guard(mutex_);
        changed_.push_back(run);
    }
    void showChanges() {
        std::vector<RunId> runs;
        {
            const std::lock_guard guard(mutex_);
            runs.swap(changed_);
        }
        if (runs.empty()) return;
        post([this_ = &controller_, session = session_, runs = std::move(runs)] { this_->showRuns(session, runs); });
    }
    void tellTrouble(const std::optional<Error>& error) {
        post([this_ = &controller_, message = error ? QString::fromStdString(error->line()) : QString()] {
            emit this_->storeTrouble(message);
        });
    }

private:
    template <typename Call>
    void post(Call call) {
        QMetaObject::invokeMethod(&controller_, std::move(call), Qt::QueuedConnection);
    }

    SetController& controller_;
    SessionId session_ = kNoSession;
    std::size_t taken_ = 0;
    QString at_once_;
    std::mutex mutex_;
    std::vector<RunId> changed_;
};

SetController::SetController(const Sources& sources, QObject* parent)
    : QObject(parent),
      sources_(sources),
      run_(new QAction(tr("Run the &Whole Set"), this)),
      stop_(new QAction(tr("St&op the Set"), this)) {
    run_->setObjectName(QStringLiteral("runSet"));
    run_->setShortcut(QKeySequence(QStringLiteral("Ctrl+Shift+F5")));
    stop_->setObjectName(QStringLiteral("stopSet"));
    connect(run_, &QAction::triggered, this, &SetController::start);
    connect(stop_, &QAction::triggered, this, &SetController::stop);
    connect(sources_.runs, &RunController::actionsChanged, this, &SetController::update);
    update();
}

SetController::~SetController() = default;

QString SetController::blocked() const {
    if (running()) return tr("The set is being run: stop it first");
    if (sources_.setup->problems() == nullptr) return tr("There is no problem set: open one first");
    if (sources_.runs->live()) return tr("A run is going on: stop it first");
    return sources_.runs->settingBlocked();
}

void SetController::update() {
    const ProblemSet* set = sources_.setup->problems();
    const QString what =
        set == nullptr
            ? tr("Run all problems of a set")
            : tr("Run all %n problems of %1 with the settings that are shown, many at a time, and keep each run",
                 nullptr, static_cast<int>(set->problems().size()))
                  .arg(QString::fromStdString(set->name()));
    explainAction(run_, what, blocked());
    explainAction(stop_, tr("End the runs of the set; what is done is kept"),
                  running() ? QString() : tr("No set is being run"));
    emit changed();
}

QString SetController::sessionName() const {
    const OpenedModel& open = *sources_.runs->model();
    return QStringLiteral("%1 · %2 · %3")
        .arg(QString::fromStdString(sources_.setup->problems()->name()),
             QString::fromStdString(open.model->config().name), QString::fromStdString(open.model->weightFormat()));
}

// Each problem has a seed of its own, counted from that of the first. Whoever looks at a run of the set has the seed of
// its problem in the panels, and goes on with the set and not with another one.
RunRequest SetController::setting(const QString& session) const {
    RunRequest setting = sources_.runs->nextRequest();
    const RunDocument* document = sources_.runs->document();
    const RunRequest& shown = document->trace().request();
    const auto row = sources_.sessions->store()->listedRun(document->run());
    if (!row || sources_.sessions->sessionName(row->session) != session || shown.seed != setting.seed) return setting;
    const auto& problems = sources_.setup->problems()->problems();
    const auto found = std::find_if(problems.begin(), problems.end(),
                                    [&](const Problem& problem) { return problem.id == shown.problem_id; });
    const auto index = static_cast<std::uint64_t>(found - problems.begin());
    if (found != problems.end() && setting.seed >= index) setting.seed -= index;
    return setting;
}

void SetController::start() {
    if (!blocked().isEmpty()) return;
    auto again = sources_.sessions->store()->openAgain();
    if (!again) return emit failed(again.error());
    const ProblemSet& set = *sources_.setup->problems();
    const QString session = sessionName();
    const auto task = std::make_shared<Task>(
        Task{.order = {.problems = set.problems(), .setting = setting(session), .parallel = 0, .resume = true},
             .session = session,
             .models = sources_.runs->models(),
             .store = std::move(*again)});
    task_ = sources_.work->startOn(worker_,
                                   {.doing = tr("Running %1").arg(QString::fromStdString(set.name())),
                                    .job = [this, task](const std::stop_token& stop) { return evaluate(*task, stop); },
                                    .broken =
                                        [this](const Error& error) {
                                            end();
                                            emit failed(error);
                                        },
                                    .keeps = true});
    update();
}

// On the worker's thread.
Worker::Answer SetController::evaluate(Task& task, const std::stop_token& stop) {
    const auto fails = [this](const Error& error) {
        return [this, error] {
            end();
            emit failed(error);
        };
    };
    Teller teller(*this);
    LoadOptions options;
    options.stop = stop;
    auto models = openRunModels(*task.models, task.order.setting, options);
    if (!models) return fails(models.error());
    auto store = keepRunsIn(
        std::move(task.store), task.session.toStdString(),
        [&teller](const std::optional<Error>& error) { teller.tellTrouble(error); },
        [&teller](RunId run) { teller.changes(run); });
    if (!store) return fails(store.error());
    teller.keptIn(store->session);
    auto outcome = evaluateSet(task.order, *models, *store, teller, stop);
    *store = {};  // and with it the lock, before anybody hears that it is over
    teller.showChanges();
    if (!outcome) return fails(outcome.error());
    return [this, summary = summaryOf(task.session, task.order.setting, *models, *outcome)] {
        summary_ = summary;
        end();
        emit ended(summary);
    };
}

void SetController::stop() { sources_.work->cancel(task_); }

void SetController::showRuns(SessionId session, const std::vector<RunId>& runs) {
    sources_.sessions->runsWritten(session, runs);
}

void SetController::end() {
    task_ = 0;
    update();
}

}  // namespace quibble
