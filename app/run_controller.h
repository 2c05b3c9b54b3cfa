// The only class that talks to both the engine and the views. Owns the models, the engine thread, the store's writer
// thread and the document that the views read. Events: engine thread -> {store writer, queue}; a timer takes the queue
// into the document once a frame. Requests and live controls go the other way. Everything public is for the UI thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <QObject>
#include <QTimer>

#include "app/event_queue.h"
#include "app/model_inspector.h"
#include "app/prompt_reader.h"
#include "app/reference_guard.h"
#include "app/run_actions.h"
#include "app/run_meter.h"
#include "app/setup_check.h"
#include "app/stages_reader.h"
#include "data/store/store_writer.h"
#include "engine/run/runner.h"
#include "views/qt_ids.h"
#include "views/run_document.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/status/run_status_bar.h"

namespace quibble {

class RunController : public QObject {
    Q_OBJECT
public:
    /// Where the controller asks what to run and where it is kept.
    struct Sources {
        std::function<RunRequest()> request;  // of the next run; the model is filled in by the controller
        std::function<QString()> fault;       // what is wrong with a number that the user typed; empty: nothing
        std::function<Result<SessionId>(const RunRequest& request)> session;
        std::function<void(RunId run, const QString& title)> name_run;
        std::function<void(SessionId session)> not_begun;  // the run for which `session` was asked could not begin
    };

    explicit RunController(QObject* parent = nullptr);
    ~RunController() override;

    void setSources(Sources sources);
    [[nodiscard]] RunDocument* document() const { return document_; }
    [[nodiscard]] RunActions* actions() const { return actions_; }
    [[nodiscard]] StagesReader* stages() const { return stages_; }

    /// From now on runs are written to the file of `store`, which must outlive its use here. nullptr or read only:
    /// nothing can be run, and `blocked` says why. Precondition: no run is going on.
    void setStore(const Store* store, const QString& blocked);

    [[nodiscard]] bool storeOpen() const { return writer_ != nullptr; }
    /// New runs are refused for that reason, or allowed again; one that is going on is written to its end.
    void blockStore(const QString& blocked);
    /// Ends the run that is going on and waits until everything is on disk. The error says why something is not; it is
    /// kept and tried again.
    [[nodiscard]] Result<void> settle();
    /// Why something that was measured is not on disk; empty: nothing is wrong.
    [[nodiscard]] std::optional<Error> unsaved() const;

    /// Opens a model in the background: modelOpened or modelFailed follows. The model so far stays until then.
    void openModel(const WantedModel& wanted);
    /// Gives up a model that is being loaded; the one so far stays.
    void stopLoading();
    [[nodiscard]] const std::optional<OpenedModel>& model() const { return model_; }
    [[nodiscard]] bool loadingModel() const { return inspector_->busy(); }
    /// What the prompt of the next run is for the model. Errors: NotFound without a model, Busy while a long prompt is
    /// being read (promptRead follows), those of buildPrompt.
    [[nodiscard]] Result<PromptTokens> exactPrompt() const;

    /// The run that is going on, also when the window shows another one.
    [[nodiscard]] RunId liveRun() const { return live_run_; }
    [[nodiscard]] bool live() const { return live_run_ != kNoRun; }
    [[nodiscard]] RunState liveState() const;
    /// Shows a stored run; a run that is going on continues unseen and comes back with showLive().
    void showStored(std::shared_ptr<const RunTrace> trace, RunId run);
    void showStored(RunTrace trace, RunId run) { showStored(std::make_shared<const RunTrace>(std::move(trace)), run); }
    void showLive();
    /// Nothing but what the next run would begin with.
    void showPreview();
    /// Where the model of a run lies now; empty: it is not here.
    [[nodiscard]] QString modelPathFor(const RunTrace& trace) const;
    /// Why a branch from the shown run is impossible; empty: it is possible.
    [[nodiscard]] QString branchBlocked() const;
    // Reasons of these three kinds stay until the next answer, so that captions do not flicker under a typing hand. Run
    // is held back only by those that are about the settings as they are.
    /// Why the next run has no prompt for the open model; empty: it has one, or there is neither prompt nor model.
    [[nodiscard]] QString promptBlocked() const {
        return reader_->reading() ? reader_->reading()->prompt_blocked : QString();
    }
    /// Why the prompt of the next run cannot be computed in the way that is chosen; empty: it can.
    [[nodiscard]] QString prefillBlocked() const {
        return reader_->reading() ? reader_->reading()->prefill_blocked : QString();
    }
    /// Why drafts and experts of the next run cannot work; empty: they can, or nothing is known yet.
    [[nodiscard]] QString decodingBlocked() const { return check_->reason(); }
    /// Why the chosen budget of experts would change nothing in the next run; empty: it would, or none is chosen.
    [[nodiscard]] QString expertsNote() const;
    /// Why the chosen reference cannot measure the open model; empty: it can.
    [[nodiscard]] QString referenceRefusal() const { return reference_->refusal(); }
    /// What the chosen reference will not show ("KL is 0 at every token"); empty: nothing to say.
    [[nodiscard]] QString referenceNote() const { return reference_->note(); }
    /// Why no run of the settings as they stand can be made, whatever it is asked; empty: it can.
    [[nodiscard]] QString settingBlocked() const {
        const QString why = startBlocked();
        return why.isEmpty() ? methodsBlocked() : why;
    }
    /// What the next run is made of. Precondition: a model is open.
    [[nodiscard]] RunRequest nextRequest() const;
    /// Shared with whoever runs beside this: models are loaded once. Thread-safe.
    [[nodiscard]] const std::shared_ptr<ModelCache>& models() const { return models_; }
    /// It is still being found out.
    [[nodiscard]] bool checkingDecoding() const { return check_->busy(); }

public slots:
    void run();
    void pause();
    void step();
    void stop();
    /// Replaces the token at `pos` of the shown run by `token` and goes on from there as a new run. A run that is going
    /// on is stopped first.
    void branch(quibble::Position pos, quibble::TokenId token);
    /// Starts the run that did not fit in memory once more, without asking about memory. Nothing happens once another
    /// run has begun.
    void runAnyway();
    /// Takes effect at the next token of the run that is going on; nothing happens when there is none.
    void setControl(const QString& key, const quibble::ParamValue& value);
    /// Holds tokens back so that people can watch: at most this many a second, 0 as fast as it goes. Holds at once and
    /// for later runs.
    void setPace(double tokens_per_second);
    /// The settings of the next run changed: actions and preview follow.
    void setupChanged();

signals:
    void modelLoading(const QString& path);
    void modelProgress(qint64 done, qint64 total);
    void modelOpened();
    void modelFailed(const quibble::WantedModel& wanted, const quibble::Error& error);
    void modelLoadingStopped();
    void runStarted(quibble::RunId run);
    void runFinished(quibble::RunId run);
    void runSaved(quibble::RunId run);     // its end is on disk
    void runRegraded(quibble::RunId run);  // today's rules give it another grade than the version that recorded it
    void failed(const quibble::Error& error);
    void runDoesNotFit(const quibble::Error& error);  // and ended before its first token; runAnyway() insists
    void storeTrouble(const QString& message);        // empty: it works again
    void statusChanged(const quibble::StatusFigures& status);
    void actionsChanged();
    void cacheCostChanged(const QString& text, bool refused);  // of the next run
    void promptRead();  // exactPrompt() knows the prompt that was asked about last

private:
    void start(bool paused);
    void startBranch(Position pos, TokenId token);
    struct Launch {
        RunRequest request;
        RunTrace shown;  // what is there before the run begins
        bool paused = false;
        QString title;
        bool insisted = false;  // whether or not it seems to fit in memory
    };
    void begin(Launch launch);
    void drain();
    void applyLive(const EventBatch& batch);
    void finishLive(const RunFinished& closing);
    void onPromptRead();
    [[nodiscard]] std::optional<double> secondsSinceSaved() const;
    void updateActions();
    void updateStatus();
    [[nodiscard]] QString blocked() const;
    [[nodiscard]] QString startBlocked() const;
    [[nodiscard]] QString methodsBlocked() const;
    [[nodiscard]] const RunTrace& liveTrace() const;

    RunDocument* document_;
    RunActions* actions_;
    std::shared_ptr<ModelCache> models_;
    ModelInspector* inspector_;
    SetupCheck* check_;
    PromptReader* reader_;
    ReferenceGuard* reference_;
    StagesReader* stages_;
    std::optional<OpenedModel> model_;
    Sources sources_;
    QString store_blocked_;

    EventQueue queue_;
    QTimer frame_timer_;  // while events may come
    QTimer second_timer_;
    QTimer preview_timer_;  // the settings are read when the user pauses
    RunMeter meter_;
    double pace_ = 0;  // tokens a second; 0: as fast as it goes
    RunMeter::Clock::time_point last_figures_{};
    RunId live_run_ = kNoRun;
    std::optional<RunTrace> detached_;  // the live run while the window shows another one
    std::optional<std::pair<Position, TokenId>> pending_branch_;
    std::optional<Launch> refused_;  // ended because it did not fit in memory
    QString live_title_;
    bool live_paused_ = false;    // it began with Step
    std::string expected_model_;  // hash that a branch's model must have; empty: any

    std::unique_ptr<StoreWriter> writer_;  // before runner_: the engine's last batch must find it
    std::unique_ptr<Runner> runner_;
};

}  // namespace quibble
