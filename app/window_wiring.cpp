// MainWindow: who hears whom. The controllers decide; here their signals meet the views' intents.
#include <algorithm>

#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileInfo>
#include <QMimeData>
#include <QUrl>

#include "app/banner.h"
#include "app/engine_values.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "app/set_controller.h"
#include "app/setup_controller.h"
#include "data/file_kind.h"
#include "data/models/model_catalogue.h"
#include "engine/file/model_title.h"
#include "views/card.h"
#include "views/experts/experts_view.h"
#include "views/inspector/token_inspector.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/rules_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/sessions/session_browser.h"
#include "views/speculation/speculation_view.h"
#include "views/tables/token_table.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

namespace {

constexpr const char* kFirstQuant = "rtn:bits=3,group=64";
// A stored run brings its quantization back into the model chooser when that takes no time.
constexpr qint64 kFollowModelBytes = 256LL << 20;

// What else can be done about memory, and what insisting may cost.
QString insistHint(const QString& hint) {
    const QString risk =
        MainWindow::tr("Going on all the same may slow the whole machine down, and the system may end Quibble.");
    return hint.isEmpty() ? risk : hint + QStringLiteral(". ") + risk;
}

}  // namespace

void MainWindow::wire() {
    wireRuns();
    wireSessions();
    wireModels();
    wireViews();
    wireSets();
    wireStages();
}

void MainWindow::wireRuns() {
    RunController* runs = parts_.runs;
    BannerArea* banners = parts_.banners;
    runs->setSources({
        .request = [this] { return parts_.setup->request(); },
        .fault = [this] { return parts_.setup->fault(); },
        .session = [this](const RunRequest& request) { return parts_.sessions->sessionFor(request); },
        .name_run = [this](RunId run, const QString& title) { parts_.sessions->nameRun(run, title); },
        .not_begun = [this](SessionId session) { parts_.sessions->dropSession(session); },
    });
    connect(runs, &RunController::failed, this,
            [banners](const Error& error) { banners->showError(QStringLiteral("run"), error); });
    connect(runs, &RunController::runDoesNotFit, this, [this, banners](const Error& error) {
        banners->showMessage({.kind = BannerMessage::Kind::Problem,
                              .key = QStringLiteral("run"),
                              .cause = QString::fromStdString(error.what),
                              .hint = insistHint(QString::fromStdString(error.hint)),
                              .action = tr("Run anyway"),
                              .on_action = [this] { parts_.runs->runAnyway(); }});
    });
    connect(runs, &RunController::runStarted, this, [this, banners](RunId run) {
        banners->clear(QStringLiteral("run"));
        parts_.sessions->setShownRun(run);
        parts_.sessions->setLiveRun(run);
    });
    connect(runs, &RunController::runFinished, this, [this] { parts_.sessions->setLiveRun(kNoRun); });
    connect(runs, &RunController::runSaved, parts_.sessions, &SessionController::runChanged);
    connect(runs, &RunController::runRegraded, parts_.sessions, &SessionController::runRegraded);
    connect(runs, &RunController::storeTrouble, this,
            [this](const QString& message) { showStoreTrouble(QStringLiteral("store"), message); });
    connect(runs, &RunController::statusChanged, parts_.status, &RunStatusBar::setStatus);
    connect(parts_.status, &RunStatusBar::detailsRequested, this, &MainWindow::showRunDetails);
    connect(runs, &RunController::actionsChanged, this, [this] {
        parts_.inspector->setBranchBlocked(parts_.runs->branchBlocked());
        parts_.prompt->setBlocked(parts_.runs->promptBlocked());
        parts_.sampler->setPrefillBlocked(parts_.runs->prefillBlocked());
        parts_.decoding->setBlocked(parts_.runs->decodingBlocked());
        parts_.decoding->setExpertsNote(parts_.runs->expertsNote());
        const QString refusal = parts_.runs->referenceRefusal(),
                      note = refusal.isEmpty() ? parts_.runs->referenceNote() : refusal;
        parts_.model_bar->setReferenceNote(note, !refusal.isEmpty());
        parts_.sampler->setReferenceNote(note);
        if (refusal.isEmpty())
            parts_.banners->clear(QStringLiteral("reference"));
        else if (refusal != shown_refusal_)
            parts_.banners->showMessage({.kind = BannerMessage::Kind::Problem,
                                         .key = QStringLiteral("reference"),
                                         .cause = refusal,
                                         .hint = {},
                                         .action = tr("Another file…"),
                                         .on_action = [this] { chooseReference(); }});
        shown_refusal_ = refusal;
    });
    connect(parts_.setup, &SetupController::changed, this, [this] {
        parts_.speculation->setDraftChosen(parts_.setup->request().draft.method.id != MethodChoice{}.id);
    });
    connect(runs->document(), &RunDocument::reset, this,
            [this] { parts_.sessions->setShownRun(parts_.runs->document()->run()); });
    connect(parts_.setup, &SetupController::changed, runs, &RunController::setupChanged);
    connect(parts_.setup, &SetupController::faultChanged, runs, &RunController::setupChanged);
    connect(runs, &RunController::cacheCostChanged, parts_.sampler, &SamplerPanel::setCacheCost);
    connect(parts_.setup, &SetupController::controlChanged, runs, &RunController::setControl);
    connect(parts_.inspector, &TokenInspector::branchRequested, runs, &RunController::branch);
    connect(parts_.prompt, &RunSetupPanel::runRequested, runs->actions()->run(), &QAction::trigger);
    connect(parts_.prompt, &RunSetupPanel::promptTokensRequested, this, [this] { showPromptTokens(); });
    connect(runs, &RunController::promptRead, this, [this] {
        if (parts_.prompt->tokensShown()) showPromptTokens();
    });
}

void MainWindow::showPromptTokens() {
    const auto prompt = parts_.runs->exactPrompt();
    const auto& open = parts_.runs->model();
    if (prompt && open) {
        parts_.banners->clear(QStringLiteral("prompt"));
        return parts_.prompt->setPromptTokens(
            promptTokens(*prompt, *open->model->tokenizer(), RunSetupPanel::kTokensShown), prompt->ids.size());
    }
    parts_.prompt->setPromptTokens({});
    if (prompt.error().code != ErrorCode::Busy) parts_.banners->showError(QStringLiteral("prompt"), prompt.error());
}

void MainWindow::wireSessions() {
    SessionController* sessions = parts_.sessions;
    addAction(sessions->undoAction());
    connect(sessions, &SessionController::failed, this,
            [this](const Error& error) { showFileTrouble(QStringLiteral("session"), error); });
    connect(
        sessions, &SessionController::runLoaded, this, [this](const std::shared_ptr<const RunTrace>& trace, RunId run) {
            const RunRequest& request = trace->request();
            parts_.runs->showStored(trace, run);
            parts_.setup->show(request);
            const auto& open = parts_.runs->model();
            const QFileInfo file(QString::fromStdString(request.model_path));
            const bool same = open && open->path == request.model_path && open->weight_quant == request.weight_quant;
            if (open && !same && !parts_.runs->live() && file.isFile() && file.size() <= kFollowModelBytes) {
                parts_.runs->openModel(
                    {.path = request.model_path, .weight_quant = request.weight_quant, .insisted = false});
            }
        });
    connect(sessions, &SessionController::runReloaded, parts_.runs,
            [this](const std::shared_ptr<const RunTrace>& trace, RunId run) { parts_.runs->showStored(trace, run); });
    connect(sessions, &SessionController::liveRunWanted, parts_.runs, &RunController::showLive);
    connect(sessions, &SessionController::shownRunDeleted, parts_.runs, &RunController::showPreview);
    connect(sessions, &SessionController::exportWanted, this, &MainWindow::exportSession);
    connect(sessions, &SessionController::importWanted, this, &MainWindow::chooseSessionToImport);
    connect(sessions, &SessionController::imported, this, [this](const QString& name) {
        parts_.banners->clear(QStringLiteral("session"));
        statusBar()->showMessage(tr("Imported “%1”").arg(name), 6000);
    });
    connect(sessions, &SessionController::exported, this, &MainWindow::showSaved);
    connect(sessions, &SessionController::exportFailed, this,
            [this](const Error& error) { showFileTrouble(QStringLiteral("export"), error); });
    wireDatabase();
    wireFileWork();
}

void MainWindow::wireDatabase() {
    SessionController* sessions = parts_.sessions;
    connect(sessions, &SessionController::opened, this, [this] {
        parts_.runs->setStore(parts_.sessions->store(), parts_.sessions->blocked());
        showDatabaseState();
    });
    connect(sessions, &SessionController::displacedChanged, this, [this] {
        if (parts_.runs->storeOpen()) parts_.runs->blockStore(parts_.sessions->blocked());
        showDatabaseState();
    });
    connect(sessions, &SessionController::recovered, this, &MainWindow::showRecovered);
    connect(sessions, &SessionController::copySaved, this, [this](const QString& path) {
        parts_.banners->clear(QStringLiteral("export"));
        changeDatabase(toPath(path));
    });
}

void MainWindow::showDatabaseState() {
    const SessionController* sessions = parts_.sessions;
    if (sessions->blocked().isEmpty()) return parts_.banners->clear(QStringLiteral("database"));
    BannerMessage message{.kind = BannerMessage::Kind::Problem,
                          .key = QStringLiteral("database"),
                          .cause = sessions->blocked(),
                          .hint = sessions->blockedHint(),
                          .action = tr("Another database…"),
                          .on_action = [this] { chooseDatabase(); }};
    if (sessions->displaced()) {
        message.action = tr("Save a copy…");
        message.on_action = [this] { chooseCopy(); };
    }
    parts_.banners->showMessage(message);
}

void MainWindow::showRecovered(const std::vector<RecoveredRun>& runs) {
    const RecoveredRun& last = runs.back();
    const QString title = QString::fromStdString(last.title);
    const QString cause = runs.size() == 1 ? tr("Quibble was ended while it made “%1”").arg(title)
                                           : tr("Quibble was ended while it made %n runs, the last of them “%1”",
                                                nullptr, static_cast<int>(runs.size()))
                                                 .arg(title);
    std::int64_t tokens = 0;
    for (const RecoveredRun& run : runs) tokens += run.tokens;
    parts_.banners->showMessage({.kind = BannerMessage::Kind::News,
                                 .key = QStringLiteral("recovery"),
                                 .cause = cause,
                                 .hint = tr("%n tokens were on disk and are kept. The run is listed as interrupted.",
                                            nullptr, static_cast<int>(tokens)),
                                 .action = {},
                                 .on_action = {}});
}

void MainWindow::wireModels() {
    RunController* runs = parts_.runs;
    connect(runs, &RunController::modelOpened, this, &MainWindow::onModelOpened);
    connect(runs, &RunController::modelFailed, this, &MainWindow::onModelFailed);
    ModelBar* bar = parts_.model_bar;
    connect(runs, &RunController::modelLoading, bar,
            [bar](const QString& path) { bar->setLoading(toQString(modelTitle(toPath(path)))); });
    connect(runs, &RunController::modelProgress, bar, [bar](qint64 done, qint64 total) {
        bar->setLoadingProgress(static_cast<double>(done) / static_cast<double>(std::max<qint64>(1, total)));
    });
    connect(runs, &RunController::modelLoadingStopped, this, &MainWindow::showOpenModel);
    connect(bar, &ModelBar::stopLoadingRequested, runs, &RunController::stopLoading);
    connect(bar, &ModelBar::openModelRequested, this, &MainWindow::chooseModel);
    connect(bar, &ModelBar::recentModelChosen, this, [this](const QString& path) { openModel(toPath(path)); });
    connect(bar, &ModelBar::quantChosen, this, &MainWindow::setWeightQuant);
    connect(bar, &ModelBar::referenceFileRequested, this, &MainWindow::chooseReference);
    connect(bar, &ModelBar::samplerRequested, this, &MainWindow::openSampler);
    connect(parts_.sampler, &SamplerPanel::warningChanged, bar, &ModelBar::setSamplerWarning);
    connect(parts_.sampler, &SamplerPanel::chooseReferenceFileRequested, this, &MainWindow::chooseReference);
    connect(parts_.markers, &MarkersPanel::editSetRequested, this, &MainWindow::editMarkerList);
}

void MainWindow::wireViews() {
    RunDocument* document = parts_.runs->document();
    connect(document, &RunDocument::unitChanged, this, [this, document] { settings_.setUnit(document->unit()); });
    connect(document, &RunDocument::measureChanged, this,
            [this, document] { settings_.setMeasure(document->measure()); });
    TokenStreamView* stream = parts_.stream->stream();
    connect(stream, &TokenStreamView::invisiblesChanged, this, [this](bool on) { settings_.setInvisibles(on); });
    connect(stream, &TokenStreamView::originsChanged, this, [this](bool on) { settings_.setOrigins(on); });
    connect(stream, &TokenStreamView::inspectRequested, this, [this] { focusOn(parts_.inspector); });
    connect(stream, &TokenStreamView::branchHereRequested, this, [this, document](Position pos) {
        if (document->size() > 0) document->selectToken(pos - document->trace().points().front().token.pos);
        focusOn(parts_.inspector);
    });
    for (FigureView* figure : {static_cast<FigureView*>(parts_.traces), static_cast<FigureView*>(parts_.scatter)}) {
        connect(figure, &FigureView::exportRequested, this, [this, figure] { exportFigure(figure); });
    }
    for (FigureDeck* deck : {static_cast<FigureDeck*>(parts_.speculation), static_cast<FigureDeck*>(parts_.experts)}) {
        connect(deck, &FigureDeck::figureExportRequested, this, &MainWindow::exportFigure);
    }
    connect(parts_.speculation, &FigureDeck::emptyActionRequested, this, [this] { focusOn(parts_.decoding); });
    connect(parts_.decoding, &DecodingPanel::draftFileRequested, this, &MainWindow::chooseDraft);
    connect(parts_.experts, &FigureDeck::emptyActionRequested, this, [this] {
        if (const auto mixture = paths_.shippedMixture(); !mixture.empty())
            openModel(mixture);
        else
            chooseModel();
    });
    connect(parts_.traces, &TracesView::referenceRequested, parts_.model_bar, &ModelBar::openReferenceMenu);
    connect(parts_.scatter, &FigureView::tableRequested, this, [this] { focusOn(parts_.table); });
}

void MainWindow::begin(const std::filesystem::path& model) {
    updateMarkerLists();
    parts_.decoding->setDraftMethods(methodInfos("draft.method"));
    parts_.decoding->setVerifyMethods(methodInfos("draft.verify"));
    parts_.decoding->setExpertMethods(methodInfos("experts"));
    parts_.rules->setMethods(methodInfos("logits"), methodInfos("control"));
    parts_.experts->setOfferedModel(toQString(paths_.shippedMixture().stem()));
    if (const auto problems = paths_.shippedProblems(); !problems.empty()) {
        auto set = ProblemSet::load(problems);
        if (set)
            parts_.setup->setProblems(std::move(*set));
        else
            parts_.banners->showError(QStringLiteral("problems"), set.error());
    }
    bringProblemsBack();
    useDatabase(paths_.database);
    const std::optional<RunRequest> last = parts_.sessions->openLast();
    if (!last) parts_.setup->showDefaults();

    std::filesystem::path path = model.empty() ? paths_.shippedModel() : std::filesystem::absolute(model);
    MethodChoice quant;
    if (model.empty() && last && QFileInfo::exists(QString::fromStdString(last->model_path))) {
        path = last->model_path;
        quant = last->weight_quant;
    } else if (path == paths_.shippedModel()) {
        quant = parseMethodChoice(kFirstQuant).value();
    }
    showKnownModels();
    parts_.model_bar->setQuantMethods(quantMethods(nullptr));
    if (!path.empty()) return parts_.runs->openModel({.path = path, .weight_quant = quant, .insisted = false});
    parts_.banners->showMessage(
        {.kind = BannerMessage::Kind::News,
         .key = QStringLiteral("model"),
         .cause = tr("No model is open"),
         .hint = tr("Open a GGUF file or a folder with safetensors files, or drop it on this window."),
         .action = tr("Open model…"),
         .on_action = [this] { chooseModel(); }});
}

void MainWindow::showKnownModels() {
    const std::vector<KnownModel> known = recent_.list();
    parts_.model_bar->setRecentModels(known);
    parts_.decoding->setKnownModels(known);
    // Between a large target and the smallest draft stands the model in the middle.
    const auto& open = parts_.runs->model();
    const std::filesystem::path middle = paths_.shippedModel();
    parts_.decoding->setProposedDrafts(toQString(paths_.shippedDraft()),
                                       open && open->path == middle ? QString() : toQString(middle));
}

void MainWindow::openModel(const std::filesystem::path& path) {
    parts_.banners->clear(QStringLiteral("file"));
    startModel(path);
}

void MainWindow::startModel(const std::filesystem::path& path) {
    const bool shipped = !paths_.shippedModel().empty() && path == paths_.shippedModel();
    parts_.runs->openModel({.path = std::filesystem::absolute(path),
                            .weight_quant = shipped ? parseMethodChoice(kFirstQuant).value() : MethodChoice{},
                            .insisted = false});
}

void MainWindow::setWeightQuant(const MethodChoice& choice) {
    const auto& open = parts_.runs->model();
    if (!open || open->weight_quant == choice) return;
    parts_.runs->openModel({.path = open->path, .weight_quant = choice, .insisted = false});
}

void MainWindow::onModelOpened() {
    const OpenedModel& opened = *parts_.runs->model();
    const Model& model = *opened.model;
    parts_.banners->clear(QStringLiteral("model"));
    parts_.model_bar->setModel(QString::fromStdString(model.config().name),
                               QString::fromStdString(model.storedFormat()));
    parts_.model_bar->setQuantMethods(quantMethods(opened.model));
    showOpenModel();
    parts_.decoding->setExperts(model.config().experts.count, model.config().experts.used);
    parts_.rules->setMethods(methodInfos("logits", &model), methodInfos("control", &model));
    recent_.add(opened.path);
    showKnownModels();
    parts_.setup->adaptReference(opened.weight_quant.id != MethodChoice{}.id);
    parts_.prompt->setSpeciality(QString::fromStdString(specialityOf(model.hash())));
    setWindowTitle(tr("%1 – Quibble").arg(QString::fromStdString(model.config().name)));
}

// Where another one was asked for and did not come, the open one still is.
void MainWindow::showOpenModel() {
    parts_.model_bar->setLoading({});
    if (const auto& open = parts_.runs->model()) parts_.model_bar->setQuant(open->weight_quant);
}

void MainWindow::onModelFailed(const WantedModel& wanted, const Error& error) {
    BannerMessage message{.kind = BannerMessage::Kind::Problem,
                          .key = QStringLiteral("model"),
                          .cause = QString::fromStdString(error.what),
                          .hint = QString::fromStdString(error.hint),
                          .action = tr("Open model…"),
                          .on_action = [this] { chooseModel(); }};
    if (error.code == ErrorCode::DoesNotFit) {
        message.hint = insistHint(message.hint);
        message.action = tr("Load anyway");
        message.on_action = [this, insisted = WantedModel{wanted.path, wanted.weight_quant, true}] {
            parts_.runs->openModel(insisted);
        };
    }
    parts_.banners->showMessage(message);
    showOpenModel();
}

void MainWindow::updateMarkerLists(const QString& chosen) {
    for (const Error& fault : marker_lists_.reload()) parts_.banners->showError(QStringLiteral("markers"), fault);
    PenaltySettings penalty = parts_.markers->penalty();
    parts_.markers->setSets(markerListInfos(marker_lists_.all(), marker_lists_.editable()));
    const MarkerSet* set = chosen.isEmpty() ? nullptr : marker_lists_.find(chosen.toStdString());
    if (set != nullptr) {
        penalty.set_name = set->name;
        penalty.words = set->words;
        penalty.disabled_words.clear();
        parts_.markers->setPenalty(penalty);
        parts_.runs->setupChanged();
    }
}

void MainWindow::useDatabase(const std::filesystem::path& path) {
    if (parts_.runs->live()) {
        parts_.banners->showError(QStringLiteral("database"),
                                  {ErrorCode::Busy, tr("A run is going on").toStdString(),
                                   tr("Stop it before you change the database").toStdString()});
        return;
    }
    if (parts_.sets->running()) {
        return parts_.banners->showError(QStringLiteral("database"),
                                         {ErrorCode::Busy, tr("A problem set is being run").toStdString(),
                                          tr("Stop it before you change the database").toStdString()});
    }
    if (parts_.sessions->importing()) {
        return parts_.banners->showError(
            QStringLiteral("database"),
            {ErrorCode::Busy, tr("A session is being imported").toStdString(),
             tr("Wait for its end, or cancel it, before you change the database").toStdString()});
    }
    parts_.runs->setStore(nullptr, tr("No database is open"));
    database_ = path;
    parts_.sessions->open(path);
}

void MainWindow::openFiles(const QStringList& paths) {
    parts_.banners->clear(QStringLiteral("file"));
    for (const QString& path : paths) openOne(path);
}

void MainWindow::openOne(const QString& path) {
    const QFileInfo file(path);
    if (opensAsModel(path)) return startModel(toPath(path));
    const FileKind kind = fileKindOf(toPath(path));
    const bool session = kind == FileKind::Session ||
                         (kind == FileKind::Unknown && file.suffix().toLower() == QLatin1String(kSessionEnding));
    if (session && !file.isDir()) return parts_.sessions->importSession(toPath(path));
    if (kind == FileKind::Unknown && file.isFile() && file.suffix().toLower() == QLatin1String(kSetEnding))
        return openProblems(toPath(path));
    const QString cause = file.isDir() ? tr("%1 is a folder").arg(file.fileName())
                          : kind == FileKind::OtherDatabase
                              ? tr("%1 is a database of another program").arg(file.fileName())
                              : tr("%1 is neither a model nor a session").arg(file.fileName());
    parts_.banners->showError(
        QStringLiteral("file"),
        {ErrorCode::Unsupported, cause.toStdString(),
         tr("Quibble opens models (.%1), sessions (.%2) and problem sets (.%3)")
             .arg(QLatin1String("gguf, .safetensors"), QLatin1String(kSessionEnding), QLatin1String(kSetEnding))
             .toStdString()});
}

void MainWindow::showInternalError(const QString& what) {
    parts_.banners->showMessage({.kind = BannerMessage::Kind::Problem,
                                 .key = QStringLiteral("internal"),
                                 .cause = tr("Internal error: %1").arg(what),
                                 .hint = tr("What was measured is kept. Please report this message."),
                                 .action = {},
                                 .on_action = {}});
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    // Any file is taken, so that a wrong one can be refused with a reason.
    if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    parts_.banners->clear(QStringLiteral("file"));
    for (const QUrl& url : event->mimeData()->urls()) {
        if (url.isLocalFile())
            openOne(url.toLocalFile());
        else
            parts_.banners->showError(
                QStringLiteral("file"),
                {ErrorCode::Unsupported, tr("%1 is not a file on this machine").arg(url.toString()).toStdString(),
                 tr("Save it first, then drop the file").toStdString()});
    }
    event->acceptProposedAction();
}

void MainWindow::changeEvent(QEvent* event) {
    // Esc or the window manager may end full screen without us.
    if (event->type() == QEvent::WindowStateChange && presenting_ && !isFullScreen() && isVisible())
        setPresentation(false);
    QMainWindow::changeEvent(event);
}

}  // namespace quibble
