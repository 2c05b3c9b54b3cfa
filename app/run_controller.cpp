#include "app/run_controller.h"

#include <algorithm>
#include <chrono>

#include <QAction>
#include <QFileInfo>
#include <QLocale>

#include "app/app_paths.h"
#include "app/engine_values.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/experts/expert_method.h"
#include "engine/metrics/summary.h"
#include "engine/run/branch.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

constexpr int kFrameMs = 16;
// What one frame applies at most; the rest waits for the next, so that a burst does not freeze the window.
constexpr std::size_t kMostEventsPerFrame = 4096;
// Bytes of a prompt that is read at once where somebody waits for its tokens.
constexpr std::size_t kReadAtOnce = 64 << 10;
// A run slower than this share of the pace is not held back by it. Drafts arrive several at a time, so that a second
// may hold fewer.
constexpr double kHeldBack = 0.5;
constexpr auto kFiguresInterval = std::chrono::milliseconds(250);

}  // namespace

RunController::RunController(QObject* parent)
    : QObject(parent),
      document_(new RunDocument(this)),
      actions_(new RunActions(this)),
      models_(std::make_shared<ModelCache>()),
      inspector_(new ModelInspector(models_, this)),
      check_(new SetupCheck(models_, this)),
      reader_(new PromptReader(this)),
      reference_(new ReferenceGuard(this)),
      stages_(new StagesReader(models_, this)),
      store_blocked_(tr("No database is open")) {
    runner_ = std::make_unique<Runner>(models_, [this](EventBatchPtr batch) {
        if (writer_ != nullptr) writer_->push(batch);
        queue_.push(std::move(batch));
    });
    runner_->onRejectedControl([this](const Error& error) {
        QMetaObject::invokeMethod(
            this, [this, error] { emit failed(error); }, Qt::QueuedConnection);
    });
    frame_timer_.setTimerType(Qt::PreciseTimer);
    frame_timer_.setInterval(kFrameMs);
    connect(&frame_timer_, &QTimer::timeout, this, &RunController::drain);
    connect(&second_timer_, &QTimer::timeout, this, &RunController::updateStatus);
    second_timer_.start(1000);
    preview_timer_.setSingleShot(true);
    preview_timer_.setInterval(100);
    connect(&preview_timer_, &QTimer::timeout, this, [this] {
        if (model_ && sources_.request)
            reader_->ask(sources_.request(), model_->model);
        else if (!live() && document_->run() == kNoRun)
            showPreview();
    });
    connect(reader_, &PromptReader::read, this, &RunController::onPromptRead);
    connect(inspector_, &ModelInspector::progress, this, &RunController::modelProgress);
    connect(inspector_, &ModelInspector::opened, this, [this](const OpenedModel& opened) {
        model_ = opened;
        emit modelOpened();
        setupChanged();
    });
    connect(inspector_, &ModelInspector::failed, this, [this](const WantedModel& wanted, const Error& error) {
        if (error.code != ErrorCode::Cancelled) emit modelFailed(wanted, error);
        setupChanged();
    });
    connect(check_, &SetupCheck::changed, this, &RunController::updateActions);
    connect(reference_, &ReferenceGuard::changed, this, &RunController::updateActions);
    connect(document_, &RunDocument::reset, this, &RunController::updateActions);
    connect(actions_->run(), &QAction::triggered, this, &RunController::run);
    connect(actions_->pause(), &QAction::triggered, this, &RunController::pause);
    connect(actions_->step(), &QAction::triggered, this, &RunController::step);
    connect(actions_->stop(), &QAction::triggered, this, &RunController::stop);
}

RunController::~RunController() {
    runner_.reset();  // its last batch goes to the writer
    if (writer_ != nullptr) (void)writer_->close();
}

void RunController::setSources(Sources sources) { sources_ = std::move(sources); }

void RunController::setStore(const Store* store, const QString& blocked) {
    QUIBBLE_CHECK(!live(), "the database is changed only between runs");
    writer_.reset();
    store_blocked_ = blocked;
    stages_->setDatabase(store != nullptr ? store->path() : std::filesystem::path());
    if (store != nullptr && !store->readOnly()) {
        auto writer = StoreWriter::open(
            *store,
            [this](const std::optional<Error>& error) {
                const QString message = error ? QString::fromStdString(error->line()) : QString();
                QMetaObject::invokeMethod(
                    this, [this, message] { emit storeTrouble(message); }, Qt::QueuedConnection);
            },
            [this](RunId run) {
                QMetaObject::invokeMethod(
                    this,
                    [this, run] {
                        emit runSaved(run);
                        updateStatus();
                    },
                    Qt::QueuedConnection);
            },
            [this](RunId run) {
                QMetaObject::invokeMethod(
                    this, [this, run] { emit runRegraded(run); }, Qt::QueuedConnection);
            });
        if (writer)
            writer_ = std::move(*writer);
        else
            emit failed(writer.error());
    }
    if (writer_ == nullptr && store_blocked_.isEmpty()) store_blocked_ = tr("No database is open for writing");
    updateActions();
}

void RunController::blockStore(const QString& blocked) {
    store_blocked_ = writer_ == nullptr && blocked.isEmpty() ? tr("No database is open for writing") : blocked;
    updateActions();
}

Result<void> RunController::settle() {
    if (live()) {
        pending_branch_.reset();
        runner_->stop();
        runner_->wait();
    }
    return writer_ == nullptr ? Result<void>{} : writer_->flush();
}

std::optional<Error> RunController::unsaved() const {
    return writer_ != nullptr && writer_->pending() > 0 ? writer_->lastError() : std::nullopt;
}

void RunController::openModel(const WantedModel& wanted) {
    inspector_->open(wanted);
    emit modelLoading(toQString(wanted.path));
    updateActions();
}

void RunController::stopLoading() {
    if (!loadingModel()) return;
    inspector_->cancel();
    emit modelLoadingStopped();
    setupChanged();
}

Result<PromptTokens> RunController::exactPrompt() const {
    if (!model_)
        return fail(ErrorCode::NotFound, tr("No model is open").toStdString(),
                    tr("Open one with Ctrl+O").toStdString());
    const RunRequest request = sources_.request();
    if (const PromptReading* reading = reader_->readingOf(request, model_->model)) return reading->prompt;
    if (request.prompt.size() > kReadAtOnce) return fail(ErrorCode::Busy, tr("The prompt is being read").toStdString());
    return buildPrompt(request, *model_->model->tokenizer(), localPromptClock());
}

const RunTrace& RunController::liveTrace() const { return detached_ ? *detached_ : document_->trace(); }

RunState RunController::liveState() const { return live() ? liveTrace().state() : RunState::Idle; }

void RunController::showStored(std::shared_ptr<const RunTrace> trace, RunId run) {
    hideInLog(trace->request().prompt);  // an error about it may hold its title
    if (live() && run == live_run_) return showLive();
    if (live() && !detached_) detached_ = document_->take();
    document_->setTrace(std::move(trace), run);
}

void RunController::showLive() {
    if (!detached_) return;
    RunTrace trace = std::move(*detached_);
    detached_.reset();
    document_->setTrace(std::move(trace), live_run_);
}

void RunController::showPreview() {
    const RunRequest request = sources_.request ? sources_.request() : RunRequest{};
    RunTrace trace(request);
    if (model_) {
        const PromptReading* reading = reader_->readingOf(request, model_->model);
        if (reading == nullptr)
            reader_->ask(request, model_->model);
        else
            for (const RunEvent& event : reading->preview.events) trace.apply(event);
    }
    showStored(std::move(trace), kNoRun);
}

QString RunController::modelPathFor(const RunTrace& trace) const {
    const QString path = QString::fromStdString(trace.request().model_path);
    if (QFileInfo::exists(path)) return path;
    // An imported run: its file may stand elsewhere on this machine.
    if (model_ && model_->model->hash() == trace.provenance().model_hash) return toQString(model_->path);
    return {};
}

QString RunController::branchBlocked() const {
    if (document_->run() == kNoRun || document_->size() == 0) return tr("There is no run to branch from");
    if (!store_blocked_.isEmpty()) return store_blocked_;
    if (loadingModel()) return tr("The model is being loaded");
    if (modelPathFor(document_->trace()).isEmpty()) {
        return tr("The model of this run is not here: %1")
            .arg(QString::fromStdString(document_->trace().request().model_path));
    }
    const ReferenceSettings& reference = document_->trace().request().reference;
    if (reference.kind == ReferenceKind::File && !QFileInfo::exists(QString::fromStdString(reference.path))) {
        return tr("The reference of this run is not here: %1").arg(QString::fromStdString(reference.path));
    }
    return {};
}

void RunController::run() {
    if (!live()) return start(false);
    runner_->resume();
}

void RunController::pause() {
    if (live()) runner_->pause();
}

void RunController::step() {
    if (live()) return runner_->step();
    start(true);
    if (live()) runner_->step();
}

void RunController::stop() {
    pending_branch_.reset();
    if (live()) runner_->stop();
}

void RunController::setControl(const QString& key, const ParamValue& value) {
    if (live()) runner_->setControl(key.toStdString(), value);
}

void RunController::setPace(double tokens_per_second) {
    pace_ = tokens_per_second;
    runner_->setPace(tokens_per_second);
}

void RunController::start(bool paused) {
    if (live() || !blocked().isEmpty()) return;
    RunRequest request = nextRequest();
    expected_model_.clear();
    RunTrace trace(request);
    const QString title = runTitle(request, *model_->model);
    begin({.request = std::move(request),
           .shown = std::move(trace),
           .paused = paused,
           .title = title,
           .insisted = false});
}

void RunController::branch(Position pos, TokenId token) {
    if (!branchBlocked().isEmpty()) return;
    if (live() && document_->run() == live_run_) {
        runner_->stop();
        pending_branch_.emplace(pos, token);  // begins when the end of the parent has arrived
        return;
    }
    if (live()) {
        emit failed({ErrorCode::Busy, tr("Another run is going on").toStdString(),
                     tr("Stop it before you branch").toStdString()});
        return;
    }
    startBranch(pos, token);
}

void RunController::startBranch(Position pos, TokenId token) {
    const RunTrace& parent = document_->trace();
    const RunRequest now = sources_.request();
    RunRequest request = branchRequest(parent, document_->run(), pos, token);
    request.model_path = modelPathFor(parent).toStdString();
    request.sampler = now.sampler;  // what the user can move live is as it stands now
    request.penalty = now.penalty;
    request.max_tokens = now.max_tokens;
    const auto number = request.branch.prefix.size() - 1;
    RunTrace shown(request);
    shown.inherit(parent, pos);
    expected_model_ = parent.provenance().model_hash;
    const QString title = tr("branch at %1 “%2”").arg(QString::number(number), document_->tokenLabel(token));
    begin(
        {.request = std::move(request), .shown = std::move(shown), .paused = false, .title = title, .insisted = false});
}

void RunController::runAnyway() {
    if (live() || !refused_ || !store_blocked_.isEmpty()) return;
    Launch launch = std::move(*refused_);
    launch.insisted = true;
    const bool paused = launch.paused;
    begin(std::move(launch));
    if (paused && live()) runner_->step();
}

void RunController::begin(Launch launch) {
    refused_.reset();
    const auto session = sources_.session(launch.request);
    if (!session) {
        if (session.error().code != ErrorCode::Cancelled) emit failed(session.error());
        return;
    }
    const auto run = writer_->beginRun(*session, launch.request);
    if (!run) {
        if (sources_.not_begun) sources_.not_begun(*session);
        return emit failed(run.error());
    }
    if (sources_.name_run) sources_.name_run(*run, launch.title);
    live_run_ = *run;
    live_title_ = launch.title;
    live_paused_ = launch.paused;
    detached_.reset();
    stages_->makeRoom();
    meter_.restart();
    launch.shown.apply(StateChanged{RunState::Loading});
    document_->setTrace(std::move(launch.shown), live_run_);
    RunStart start{.run = live_run_, .request = std::move(launch.request), .paused = launch.paused, .replayed = {}};
    if (launch.insisted) start.free_memory = [] { return std::nullopt; };
    const bool started = runner_->start(std::move(start));
    QUIBBLE_CHECK(started, "the engine is free when the last run's end has arrived");
    frame_timer_.start();
    emit runStarted(live_run_);
    updateActions();
    updateStatus();
}

void RunController::drain() {
    auto batches = queue_.take(kMostEventsPerFrame);
    if (batches.empty()) {
        if (!live()) frame_timer_.stop();
        return;
    }
    applyLive(*mergeBatches(std::move(batches)));
}

void RunController::applyLive(const EventBatch& batch) {
    const RunState before = liveState();
    if (detached_) {
        for (const RunEvent& event : batch.events) detached_->apply(event);
    } else {
        document_->apply(batch);
    }
    int tokens = 0;
    const RunFinished* closing = nullptr;
    for (const RunEvent& event : batch.events) {
        if (std::holds_alternative<TokenRecord>(event)) ++tokens;
        if (const auto* end = std::get_if<RunFinished>(&event)) closing = end;
        const auto* provenance = std::get_if<RunProvenance>(&event);
        if (provenance != nullptr && !expected_model_.empty() && provenance->model_hash != expected_model_) {
            emit failed({ErrorCode::InvalidArgument,
                         tr("The model file has changed since the parent run was made").toStdString(),
                         tr("This branch continues with other weights than its beginning").toStdString()});
        }
    }
    if (tokens > 0) meter_.addTokens(tokens);
    if (closing != nullptr) return finishLive(*closing);
    if (liveState() != before) updateActions();
    if (const auto now = RunMeter::Clock::now(); now - last_figures_ >= kFiguresInterval) {
        last_figures_ = now;
        updateStatus();
    }
}

void RunController::finishLive(const RunFinished& closing) {
    const RunId run = live_run_;
    const Error error{closing.code.value_or(ErrorCode::Io), closing.message, {}};
    if (error.code == ErrorCode::DoesNotFit) {
        const RunRequest& request = liveTrace().request();
        RunTrace shown(request);
        if (!request.branch.prefix.empty()) shown.inherit(liveTrace(), request.branch.pos);
        refused_ = Launch{.request = request,
                          .shown = std::move(shown),
                          .paused = live_paused_,
                          .title = live_title_,
                          .insisted = false};
    }
    live_run_ = kNoRun;
    detached_.reset();
    if (error.code == ErrorCode::DoesNotFit)
        emit runDoesNotFit(error);
    else if (closing.reason == FinishReason::Failed)
        emit failed(error);
    updateActions();
    updateStatus();
    emit runFinished(run);
    if (pending_branch_) {
        const auto [pos, token] = *pending_branch_;
        pending_branch_.reset();
        if (document_->run() == run) startBranch(pos, token);
    }
}

QString RunController::blocked() const {
    if (const QString why = startBlocked(); !why.isEmpty()) return why;
    const RunRequest request = sources_.request ? sources_.request() : RunRequest{};
    if (request.prompt.empty()) return tr("Write a prompt or choose a problem first");
    // What was found out about other settings holds nothing back: whoever is faster than the answer hears it from the
    // engine.
    if (const PromptReading* reading = reader_->readingOf(request, model_->model)) {
        if (!reading->prompt_blocked.isEmpty()) return reading->prompt_blocked;
        if (!reading->prefill_blocked.isEmpty()) return reading->prefill_blocked;
    }
    return methodsBlocked();
}

QString RunController::startBlocked() const {
    if (!store_blocked_.isEmpty()) return store_blocked_;
    if (loadingModel()) return tr("The model is being loaded");
    if (!model_) return tr("Open a model first (Ctrl+O)");
    return sources_.fault ? sources_.fault() : QString();
}

QString RunController::methodsBlocked() const {
    if (reference_->busy()) return tr("The reference is being looked at");
    if (!reference_->refusal().isEmpty()) return reference_->refusal();
    return check_->busy() || check_->insistable() ? QString() : check_->reason();
}

void RunController::onPromptRead() {
    if (!live() && document_->run() == kNoRun) showPreview();
    const PromptReading& reading = *reader_->reading();
    emit cacheCostChanged(reading.cost.text, reading.cost.refused);
    emit promptRead();
    updateActions();
}

void RunController::setupChanged() {
    reader_->forget();  // what is still being read is not the prompt of these settings
    preview_timer_.start();
    if (model_ && sources_.request) {
        const RunRequest request = nextRequest();
        check_->check(request);
        reference_->look(request, model_->model);
    }
    updateActions();
}

QString RunController::expertsNote() const {
    const std::string why = sources_.request ? whyExpertsChangeNothing(sources_.request()) : std::string();
    return QString::fromStdString(why);
}

RunRequest RunController::nextRequest() const {
    RunRequest request = sources_.request();
    request.model_path = model_->path.string();
    request.weight_quant = model_->weight_quant;
    return request;
}

void RunController::updateActions() {
    const QString why = live() ? QString() : blocked();
    actions_->update(liveState(), why);
    document_->setRunBlocked(why);
    emit actionsChanged();
}

// How old the oldest thing is that is not on disk; when all of it is, how long nothing has come.
std::optional<double> RunController::secondsSinceSaved() const {
    if (writer_ == nullptr) return std::nullopt;
    const SaveState state = writer_->saveState();
    const auto since = [](SaveState::Clock::time_point then) {
        return std::chrono::duration<double>(SaveState::Clock::now() - then).count();
    };
    if (state.waiting_since) return since(*state.waiting_since);
    if (!state.last_commit) return std::nullopt;
    return live() ? 0.0 : since(*state.last_commit);
}

void RunController::updateStatus() {
    StatusFigures status;
    const RunTrace& trace = live() ? liveTrace() : document_->trace();
    if (live()) {
        status.tokens_per_second = meter_.tokensPerSecond();
        status.paced = pace_ > 0 && status.tokens_per_second > kHeldBack * pace_;
    } else {
        status.tokens_per_second = decodingSpeed(trace, SpeedOf::DecodingAndReference).value_or(0);
    }
    status.with_reference = !trace.provenance().reference_name.empty();
    status.saved_seconds_ago = secondsSinceSaved();
    if (model_) status.model = QString::fromStdString(model_->model->config().name);
    if (inspector_->busy()) status.model = tr("loading the model…");
    emit statusChanged(status);
}

}  // namespace quibble
