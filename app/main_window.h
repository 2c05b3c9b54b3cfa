// The window: makes the parts and puts them in their places. What they do is in the controllers (run, session, setup),
// how they are connected in window_wiring.cpp, what the menus hold in window_menus.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <QMainWindow>

#include "app/app_paths.h"
#include "app/data_export.h"
#include "app/marker_lists.h"
#include "app/recent_models.h"
#include "app/settings.h"
#include "engine/values/ids.h"
#include "engine/values/param_spec.h"

class QDockWidget;
class QFrame;
class QMenu;
class QToolButton;

namespace quibble {

class BannerArea;
class ColourBar;
class DecodingPanel;
class ExpertsView;
class FigureView;
class FileWork;
class LogWindow;
class MarkersPanel;
class ModelBar;
class ProblemSet;
class RulesPanel;
class RunController;
class RunSetupPanel;
class RunStatusBar;
class SamplerPanel;
class ScatterView;
class SessionBrowser;
class SessionController;
class SetController;
class SetupController;
class SpeculationView;
class TokenInspector;
class TokenStreamPanel;
class TokenTable;
class TracesView;
class View;
struct Error;
struct RecoveredRun;
struct SetSummary;
struct WantedModel;

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(const AppPaths& paths, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Opens the database and the last session or the shipped problem, and the first model (`model` empty: that of the
    /// last run, else the shipped one). Call once.
    void begin(const std::filesystem::path& model);
    /// A model, a session file or a problem set; anything else is refused with the reason on a banner.
    void openFile(const QString& path) { openFiles({path}); }
    /// Takes back what was said about files before.
    void openFiles(const QStringList& paths);
    /// An error that nothing else shows: a broken contract of ours.
    void showInternalError(const QString& what);

    struct Parts {
        FileWork* work = nullptr;
        RunController* runs = nullptr;
        SessionController* sessions = nullptr;
        SetupController* setup = nullptr;
        SetController* sets = nullptr;
        TokenStreamPanel* stream = nullptr;
        TracesView* traces = nullptr;
        ScatterView* scatter = nullptr;
        SpeculationView* speculation = nullptr;
        ExpertsView* experts = nullptr;
        TokenInspector* inspector = nullptr;
        MarkersPanel* markers = nullptr;
        TokenTable* table = nullptr;
        SessionBrowser* browser = nullptr;
        RunSetupPanel* prompt = nullptr;
        SamplerPanel* sampler = nullptr;
        DecodingPanel* decoding = nullptr;
        RulesPanel* rules = nullptr;
        ModelBar* model_bar = nullptr;
        ColourBar* colours = nullptr;
        RunStatusBar* status = nullptr;
        BannerArea* banners = nullptr;
    };
    [[nodiscard]] const Parts& parts() const { return parts_; }
    [[nodiscard]] MarkerLists& markerLists() { return marker_lists_; }

    // What menus and buttons call; the paths of dialogs can be given to their second halves.
    void openModel(const std::filesystem::path& path);
    /// Read beside the window; from then on problems are drawn from that set, in later starts too.
    void openProblems(const std::filesystem::path& path);
    void setWeightQuant(const MethodChoice& choice);
    void setReferenceFile(const QString& path);
    void exportSessionTo(SessionId session, const QString& path);
    void exportDataTo(const QString& path, DataFormat format, const ExportRange& range = {});
    void useDatabase(const std::filesystem::path& path);
    void setPresentation(bool on);
    void resetLayout();
    void setFontScale(double scale);
    static constexpr double kFontStep = 1.1;  // of Larger and Smaller Text

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    // main_window.cpp
    void makeParts();
    void placeParts();
    void makeToolBar();
    void arrangeDocks();
    // window_placement.cpp
    void restoreLook();
    void focusOn(QWidget* target);
    void fitToScreen();
    [[nodiscard]] bool fitsTheScreen() const;
    [[nodiscard]] QRect room() const;
    // window_closing.cpp
    void askAboutLosses(const Error& error);
    // window_files.cpp
    void wireFileWork();
    void showSaved(const QString& path);
    void showFileTrouble(const QString& key, const Error& error);
    void showStoreTrouble(const QString& key, const QString& message);
    void closeAfterFileWork();
    // window_sets.cpp
    void wireSets();
    void readProblems(const std::filesystem::path& path, const std::function<void(const ProblemSet& set)>& use);
    void bringProblemsBack();
    void showSetOffer();
    void showSetEnd(const SetSummary& summary);
    void showSetSummary();
    // window_wiring.cpp
    void wire();
    void wireRuns();
    void wireSessions();
    void wireDatabase();
    void showDatabaseState();
    void showRecovered(const std::vector<RecoveredRun>& runs);
    void wireModels();
    void wireViews();
    void wireStages();
    void startModel(const std::filesystem::path& path);
    void openOne(const QString& path);
    void onModelOpened();
    void showPromptTokens();
    void showKnownModels();
    void showOpenModel();
    void onModelFailed(const WantedModel& wanted, const Error& error);
    void updateMarkerLists(const QString& chosen = {});
    // window_menus.cpp
    void makeMenus();
    void makeFileMenu();
    void makeRunMenu();
    void makeModelMenu();
    void makeViewMenu();
    void makeHelpMenu();
    void setPace(double tokens_per_second);
    // window_dialogs.cpp
    void chooseModel();
    void chooseReference();
    void chooseDraft(int which);
    void chooseSessionToImport();
    void chooseProblems();
    void chooseDatabase();
    void changeDatabase(const std::filesystem::path& path);
    void chooseCopy();
    void exportSession(SessionId session);
    void exportData();
    void exportFigure(FigureView* asked = nullptr);
    /// Of `figures`, the one with the focus, else the first that can be seen.
    [[nodiscard]] static FigureView* figureInView(const std::vector<FigureView*>& figures);
    void editMarkerList(const QString& name);
    void openSampler();
    void showModelDetails();
    void showRunDetails();
    // window_help.cpp
    void showLog();
    void showAbout();

    AppPaths paths_;
    Settings settings_;
    RecentModels recent_;
    MarkerLists marker_lists_;
    Parts parts_;
    QFrame* sampler_popup_ = nullptr;
    QMenu* export_menu_ = nullptr;
    QToolButton* pace_button_ = nullptr;
    std::vector<QDockWidget*> docks_;
    QByteArray first_layout_;
    QByteArray layout_before_presentation_;
    Qt::WindowStates state_before_presentation_;
    double scale_before_presentation_ = 1;
    QString shown_refusal_;  // of the reference: said once on a banner, then on its button
    bool presenting_ = false;
    bool shown_ = false;
    QSize wanted_size_, fitted_size_;  // what the user gave the window, and what it was given for it
    std::filesystem::path database_;
    LogWindow* log_window_ = nullptr;        // once it was asked for
    bool closing_with_losses_ = false;       // the user was asked
    static constexpr int kMessageMs = 6000;  // that the status bar shows news
    bool closing_after_work_ = false;        // as soon as nothing is exported or imported any more
};

/// Usual endings of the files that the window takes; what a file is decides its content.
inline constexpr const char* kModelEndings[] = {"gguf", "safetensors", "index.json"};
inline constexpr const char* kSessionEnding = "session";
inline constexpr const char* kSetEnding = "jsonl";  // of a problem set
/// Whether such a file is opened as a model: by its content, and where that says nothing by its ending.
[[nodiscard]] bool opensAsModel(const QString& path);

}  // namespace quibble
