// MainWindow: what the menus hold.
#include <QAction>
#include <QActionGroup>
#include <QDockWidget>
#include <QMenu>
#include <QMenuBar>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QToolButton>

#include "app/file_work.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "app/set_controller.h"
#include "app/setup_controller.h"
#include "app/window_actions.h"
#include "views/command_palette.h"
#include "views/experts/experts_view.h"
#include "views/inspector/token_inspector.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/rules_panel.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/shortcut_sheet.h"
#include "views/speculation/speculation_view.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

namespace {

QList<QKeySequence> keys(const char* sequence) { return {QKeySequence(QString::fromLatin1(sequence))}; }

}  // namespace

void MainWindow::makeMenus() {
    makeFileMenu();
    makeRunMenu();
    makeModelMenu();
    makeViewMenu();
    makeHelpMenu();
}

void MainWindow::makeFileMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    addMenuActions(
        this, menu,
        {
            {"newSession",
             tr("&New Session"),
             {QKeySequence::New},
             [this] {
                 parts_.sessions->newSession();
                 parts_.runs->showPreview();
             },
             {}},
            {"importSession", tr("&Import Session…"), keys("Ctrl+Shift+O"), [this] { chooseSessionToImport(); }, {}},
        });
    menu->addMenu(export_menu_);
    addMenuActions(
        this, export_menu_,
        {
            {"exportFigure", tr("&Figure as PNG, SVG or PDF…"), keys("Ctrl+E"), [this] { exportFigure(); }, {}},
            {"exportData", tr("&Data as CSV or JSON Lines…"), keys("Ctrl+Shift+E"), [this] { exportData(); }, {}},
            {"exportSession",
             tr("&Session as One File…"),
             keys("Ctrl+S"),
             [this] { exportSession(parts_.sessions->currentSession()); },
             {}},
        });
    menu->addAction(parts_.work->cancelAction());
    addAction(parts_.work->cancelAction());
    menu->addSeparator();
    menu->addAction(parts_.sessions->undoAction());
    menu->addSeparator();
    addMenuActions(
        this, menu,
        {
            {"database", tr("Data&base…"), {}, [this] { chooseDatabase(); }, tr("Keep sessions in another file")},
            {"", {}, {}, {}, {}},
            {"quit", tr("&Quit"), {QKeySequence(Qt::CTRL | Qt::Key_Q)}, [this] { close(); }, {}},
        });
}

void MainWindow::makeRunMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Run"));
    const RunActions* actions = parts_.runs->actions();
    for (QAction* action : {actions->run(), actions->pause(), actions->step(), actions->stop()})
        menu->addAction(action);
    menu->addSeparator();
    for (QAction* action : {parts_.sets->runAction(), parts_.sets->stopAction()}) {
        menu->addAction(action);
        addAction(action);
    }
    addMenuActions(this, menu,
                   {
                       {"setSummary",
                        tr("Fi&gures of the Set…"),
                        {},
                        [this] { showSetSummary(); },
                        tr("What the set that was run last came to")},
                       {"", {}, {}, {}, {}},
                   });
    const auto pace_choice = [this](const char* name, const QString& text, double pace, const char* sequence) {
        return ChoiceSpec{name, text, [this, pace] { return settings_.pace() == pace; },
                          [this, pace] { setPace(pace); }, QKeySequence(QString::fromLatin1(sequence))};
    };
    pace_button_->setMenu(addMenuChoices(this, menu, tr("&Pace"),
                                         {
                                             pace_choice("paceFree", tr("As &Fast As It Goes"), 0, "Ctrl+Alt+0"),
                                             pace_choice("pace100", tr("&100 Tokens a Second"), 100, "Ctrl+Alt+1"),
                                             pace_choice("pace30", tr("&30 Tokens a Second"), 30, "Ctrl+Alt+2"),
                                             pace_choice("pace10", tr("1&0 Tokens a Second"), 10, "Ctrl+Alt+3"),
                                             pace_choice("pace3", tr("3 &Tokens a Second"), 3, "Ctrl+Alt+4"),
                                         }));
    setPace(settings_.pace());
    menu->addSeparator();
    addMenuActions(
        this, menu,
        {
            {"problemSet",
             tr("Pro&blem Set…"),
             {},
             [this] { chooseProblems(); },
             tr("Draw problems from another file, and run all of it")},
            {"newProblem", tr("&New Problem"), keys("Ctrl+Shift+N"), [this] { parts_.setup->newProblem(); }, {}},
            {"editPrompt", tr("&Edit Prompt"), keys("Ctrl+P"), [this] { focusOn(parts_.prompt); }, {}},
            {"sampler", tr("S&ampling…"), keys("Ctrl+Shift+S"), [this] { openSampler(); }, {}},
            {"decoding", tr("Dra&fts and Experts"), keys("Ctrl+Shift+D"), [this] { focusOn(parts_.decoding); }, {}},
            {"rules", tr("R&ules"), keys("Ctrl+Shift+R"), [this] { focusOn(parts_.rules); }, {}},
            {"rollSeed", tr("New See&d"), keys("Ctrl+D"), [this] { parts_.sampler->rollSeed(); }, {}},
            {"", {}, {}, {}, {}},
            {"branch",
             tr("&Branch from the Chosen Alternative"),
             keys("Ctrl+B"),
             [this] { parts_.inspector->branchButton()->click(); },
             {}},
            {"runDetails", tr("Run Detai&ls…"), keys("Ctrl+Shift+I"), [this] { showRunDetails(); },
             tr("What made the numbers of the shown run")},
        });
}

void MainWindow::makeModelMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Model"));
    addMenuActions(this, menu,
                   {
                       {"openModel", tr("&Open Model…"), {QKeySequence::Open}, [this] { chooseModel(); }, {}},
                   });
    QMenu* recent = menu->addMenu(tr("&Recent Models"));
    connect(recent, &QMenu::aboutToShow, this, [this, recent] {
        recent->clear();
        for (const KnownModel& model : recent_.list()) {
            QAction* action = recent->addAction(model.missing ? tr("%1 (missing)").arg(model.label) : model.label, this,
                                                [this, path = model.path] { openModel(toPath(path)); });
            action->setToolTip(model.path);
            action->setEnabled(!model.missing);
        }
        recent->setToolTipsVisible(true);
    });
    addMenuActions(this, menu,
                   {
                       {"weights",
                        tr("&Weights and Quantization…"),
                        keys("Ctrl+M"),
                        [this] { parts_.model_bar->modelButton()->click(); },
                        {}},
                   });
    const auto reference_is = [this](ReferenceKind kind) {
        return [this, kind] { return parts_.sampler->reference().kind == kind; };
    };
    const auto set_reference = [this](ReferenceKind kind) {
        return [this, kind] { parts_.setup->setReference({.kind = kind, .path = {}}); };
    };
    addMenuChoices(
        this, menu, tr("Re&ference"),
        {
            {"referenceNone", tr("&None"), reference_is(ReferenceKind::None), set_reference(ReferenceKind::None), {}},
            {"referenceUnquantized",
             tr("Stored &Weights of the Same File"),
             reference_is(ReferenceKind::Unquantized),
             set_reference(ReferenceKind::Unquantized),
             {}},
            {"referenceFile",
             tr("Another &File…"),
             reference_is(ReferenceKind::File),
             [this] { chooseReference(); },
             {}},
        });
    addMenuActions(this, menu,
                   {
                       {"", {}, {}, {}, {}},
                       {"markerList",
                        tr("Edit Marker &List…"),
                        {},
                        [this] { editMarkerList(QString::fromStdString(parts_.setup->request().penalty.set_name)); },
                        {}},
                       {"modelDetails", tr("Model &Details…"), keys("Ctrl+I"), [this] { showModelDetails(); }, {}},
                   });
}

void MainWindow::setPace(double tokens_per_second) {
    settings_.setPace(tokens_per_second);
    parts_.runs->setPace(tokens_per_second);
    pace_button_->setText(tokens_per_second > 0 ? tr("pace %L1/s ▾").arg(tokens_per_second) : tr("full pace ▾"));
}

void MainWindow::makeViewMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&View"));
    QMenu* panels = menu->addMenu(tr("&Panels"));
    for (QDockWidget* dock : docks_) {
        panels->addAction(dock->toggleViewAction());
        addAction(dock->toggleViewAction());
        dock->toggleViewAction()->setProperty("choice_of", tr("Panel"));
    }
    RunDocument* document = parts_.runs->document();
    std::vector<ChoiceSpec> measures;
    measures.reserve(kMeasures.size());
    for (const Measure measure : kMeasures) {
        measures.push_back({"colourBy",
                            measureLabel(measure),
                            [document, measure] { return document->measure() == measure; },
                            [document, measure] { document->setMeasure(measure); },
                            {}});
    }
    addMenuChoices(this, menu, tr("&Colour By"), measures);
    addMenuChoices(this, menu, tr("&Units"),
                   {
                       {"unitNat",
                        tr("&Nats"),
                        [document] { return document->unit() == Unit::Nat; },
                        [document] { document->setUnit(Unit::Nat); },
                        {}},
                       {"unitBit",
                        tr("&Bits"),
                        [document] { return document->unit() == Unit::Bit; },
                        [document] { document->setUnit(Unit::Bit); },
                        {}},
                   });
    const auto theme_choice = [this](const char* name, const QString& text, ThemeMode mode) {
        return ChoiceSpec{name,
                          text,
                          [mode] { return Theme::instance().mode() == mode; },
                          [this, mode] {
                              Theme::instance().setMode(mode);
                              settings_.setTheme(mode);
                          },
                          {}};
    };
    addMenuChoices(this, menu, tr("&Theme"),
                   {theme_choice("themeSystem", tr("As the &System"), ThemeMode::System),
                    theme_choice("themeLight", tr("&Light"), ThemeMode::Light),
                    theme_choice("themeDark", tr("&Dark"), ThemeMode::Dark)});
    TokenStreamView* stream = parts_.stream->stream();
    addMenuActions(
        this, menu,
        {
            {"", {}, {}, {}, {}},
            {"find",
             tr("&Find in the Text…"),
             {QKeySequence::Find},
             [this] {
                 focusOn(parts_.stream);
                 parts_.stream->openFind();
             },
             {}},
            {"invisibles",
             tr("Show Blanks and Line &Ends"),
             keys("Ctrl+Shift+B"),
             [stream] { stream->setShowInvisibles(!stream->showsInvisibles()); },
             {}},
            {"origins", tr("Mark Drafted To&kens"), keys("Ctrl+Shift+K"),
             [stream] { stream->setShowOrigins(!stream->showsOrigins()); },
             tr("Accepted, corrected and bonus tokens of speculative decoding")},
            {"jumpToLive",
             tr("&Jump to Live"),
             keys("Ctrl+J"),
             [this, stream] {
                 stream->setFollowTail(true);
                 parts_.traces->jumpToLive();
             },
             {}},
            {"showTraces", tr("Go to &Traces"), keys("Ctrl+1"), [this] { focusOn(parts_.traces); }, {}},
            {"showSpeculation", tr("Go to &Speculation"), keys("Ctrl+2"), [this] { focusOn(parts_.speculation); }, {}},
            {"showExperts", tr("Go to E&xperts"), keys("Ctrl+3"), [this] { focusOn(parts_.experts); }, {}},
            {"fitTraces", tr("Fit Tr&aces"), keys("Ctrl+Shift+F"), [this] { parts_.traces->fitAll(); }, {}},
            {"", {}, {}, {}, {}},
            {"larger",
             tr("&Larger Text"),
             {QKeySequence(Qt::CTRL | Qt::Key_Equal), QKeySequence::ZoomIn},
             [this] { setFontScale(Theme::instance().fontScale() * kFontStep); },
             {}},
            {"smaller",
             tr("S&maller Text"),
             {QKeySequence(Qt::CTRL | Qt::Key_Minus)},
             [this] { setFontScale(Theme::instance().fontScale() / kFontStep); },
             {}},
            {"normalText", tr("&Normal Text Size"), keys("Ctrl+0"), [this] { setFontScale(1); }, {}},
            {"", {}, {}, {}, {}},
            {"presentation",
             tr("P&resentation"),
             {QKeySequence(Qt::Key_F11)},
             [this] { setPresentation(!presenting_); },
             tr("Full screen with larger text")},
            {"resetLayout", tr("Reset La&yout"), {}, [this] { resetLayout(); }, {}},
        });
}

void MainWindow::makeHelpMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Help"));
    addMenuActions(this, menu,
                   {
                       {"palette",
                        tr("&Command Palette…"),
                        keys("Ctrl+Shift+P"),
                        [this] {
                            auto* palette = new CommandPalette(this);
                            palette->setAttribute(Qt::WA_DeleteOnClose);
                            palette->open();
                        },
                        {}},
                       {"shortcuts",
                        tr("&Keyboard and Gestures"),
                        {QKeySequence(Qt::Key_F1)},
                        [this] {
                            auto* sheet = new ShortcutSheet(this);
                            sheet->setAttribute(Qt::WA_DeleteOnClose);
                            sheet->open();
                        },
                        {}},
                       {"", {}, {}, {}, {}},
                       {"log", tr("&Log…"), keys("Ctrl+Shift+L"), [this] { showLog(); },
                        tr("What the program did: models, runs, errors")},
                       {"about",
                        tr("&About and Diagnostics…"),
                        {},
                        [this] { showAbout(); },
                        tr("Versions, processor, memory, paths, and a self-test")},
                   });
}

}  // namespace quibble
