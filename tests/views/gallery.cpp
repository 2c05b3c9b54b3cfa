// Shows every view with data in a window-like layout and saves pictures of it: for looking at, not for asserting.
// quibble_gallery FOLDER [--scale 1.0]   (QT_QPA_PLATFORM=offscreen)
#include <QAction>
#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QMainWindow>
#include <QMenuBar>
#include <QSlider>
#include <QToolBar>
#include <QToolButton>
#include <QTreeView>

#include "tests/support/lens_events.h"
#include "tests/support/run_builder.h"
#include "views/card.h"
#include "views/command_palette.h"
#include "views/experts/expert_map.h"
#include "views/experts/experts_view.h"
#include "views/inspector/token_inspector.h"
#include "views/markers/markers_panel.h"
#include "views/plots/export_dialog.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_document.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/sessions/session_browser.h"
#include "views/shortcut_sheet.h"
#include "views/speculation/draft_tree_view.h"
#include "views/speculation/speculation_view.h"
#include "views/status/run_status_bar.h"
#include "views/theme.h"
#include "views/token_stream/colour_bar.h"
#include "views/token_stream/token_navigation.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

using namespace quibble;

namespace {

const ParamSpec kRtn[] = {{"bits", "Bits per weight", "bit", 2, 8, 1, 3, "How many bits a weight gets"},
                          {"group", "Group size", "", 32, 256, 32, 64, "Weights that share a scale"},
                          {"symmetric", "Symmetric", "", 0, 1, 1, 1, "No zero point"}};

std::vector<MarkerListInfo> lists() {
    const std::vector<std::string> published{
        " perhaps", " maybe", " wait", " Wait",   " actually", " hold",  " Hmm",     " hmm",     " Alternatively",
        " However", " But",   " but",  " rather", " Or",       " might", " recheck", " mistake", " nonetheless"};
    return {{"published-50", "arXiv 2606.00206, table 8", published, false},
            {"my list", "yours", {" Wait", "Wait"}, true}};
}

class Gallery : public QMainWindow {
public:
    Gallery() {
        resize(1600, 1000);
        for (const char* name : {"File", "Run", "Model", "View", "Lessons", "Help"}) {
            QMenu* menu = menuBar()->addMenu(QString::fromLatin1(name));
            menu->addAction(QStringLiteral("%1 command").arg(QLatin1String(name)),
                            QKeySequence(QStringLiteral("Ctrl+%1").arg(QLatin1Char(name[0]))), this, [] {});
        }
        buildToolBar();
        setCentralWidget(buildCentre());
        addDockWidget(Qt::LeftDockWidgetArea, new CardDock(QStringLiteral("sessions"), sessions_));
        addDockWidget(Qt::LeftDockWidgetArea, setup_dock_ = new CardDock(QStringLiteral("setup"), setup_));
        addDockWidget(Qt::RightDockWidgetArea, new CardDock(QStringLiteral("inspector"), inspector_));
        addDockWidget(Qt::RightDockWidgetArea, new CardDock(QStringLiteral("markers"), markers_));
        addDockWidget(Qt::RightDockWidgetArea, new CardDock(QStringLiteral("scatter"), scatter_));
        auto* traces_dock = new CardDock(QStringLiteral("traces"), traces_);
        addDockWidget(Qt::BottomDockWidgetArea, traces_dock);
        setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
        setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
        QList<QDockWidget*> docks = findChildren<QDockWidget*>();
        resizeDocks({docks[0], docks[2]}, {230, 340}, Qt::Horizontal);
        resizeDocks({docks[0], docks[1]}, {700, 190}, Qt::Vertical);
        resizeDocks({docks[2], docks[3], docks[4]}, {380, 230, 300}, Qt::Vertical);
        resizeDocks({traces_dock}, {430}, Qt::Vertical);
        status_ = new RunStatusBar(&document, this);
        setStatusBar(status_);
        markers_->setSets(lists());
        setup_->showProblem(
            QStringLiteral("nano-0001"),
            QStringLiteral(
                "Tom has 57 coins. Then gets 68 more. Then loses 19. Then has 3 times as many. How many coins now?"),
            QStringLiteral("318"));
        sessions_->setItems(
            {{SessionId{1}, kNoRun, kNoRun, "Apples and coins", "today, 14 runs", "", false},
             {SessionId{1}, RunId{1}, kNoRun, "RTN 3 bit, λ 0", "318 ✓ · 62 tok · 4 markers", "", false},
             {SessionId{1}, RunId{2}, RunId{1}, "branch at 31 “ Then”", "318 ✓ · 37 tok", "", false},
             {SessionId{1}, RunId{3}, kNoRun, "RTN 3 bit, λ 2", "318 ✓ · 41 tok", "", true},
             {SessionId{1}, RunId{4}, kNoRun, "F16", "318 ✓ · 48 tok", "", false},
             {SessionId{1}, RunId{5}, kNoRun, "NVFP4, λ 0", "320 × overthinking", "", false},
             {SessionId{2}, kNoRun, kNoRun, "Yesterday's class", "yesterday, 3 runs", "", false},
             {SessionId{2}, RunId{9}, kNoRun, "RTN 4 bit, λ 1", "72 ✓ · 118 tok", "", false}});
        sessions_->setCurrentRun(RunId{1});
        StatusFigures status;
        status.tokens_per_second = 1840;
        status.with_reference = true;
        status.saved_seconds_ago = 0.2;
        status.model = QStringLiteral("quibble-nano 3.3 M");
        status_->setStatus(status);
    }

    RunDocument document;
    TokenStreamPanel* stream_ = new TokenStreamPanel(&document);
    TracesView* traces_ = new TracesView(&document);
    ScatterView* scatter_ = new ScatterView(&document);
    TokenInspector* inspector_ = new TokenInspector(&document);
    MarkersPanel* markers_ = new MarkersPanel(&document);
    SessionBrowser* sessions_ = new SessionBrowser;
    RunSetupPanel* setup_ = new RunSetupPanel;
    SamplerPanel* sampler_ = new SamplerPanel;
    CardDock* setup_dock_ = nullptr;
    ModelBar* bar_ = new ModelBar;
    RunStatusBar* status_ = nullptr;

private:
    QWidget* buildCentre() {
        auto* card = new Card(stream_, false);
        return card;
    }
    void buildToolBar() {
        QToolBar* bar = addToolBar(QStringLiteral("run"));
        bar->setMovable(false);
        bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        const Theme& theme = Theme::instance();
        bar->setIconSize(QSize(theme.em(0.85), theme.em(0.85)));
        QAction* run =
            bar->addAction(theme.icon(QStringLiteral("run"), theme.colors().accent_text), QStringLiteral("Run"));
        bar->widgetForAction(run)->setProperty("primary", true);
        bar->addAction(theme.icon(QStringLiteral("pause")), QStringLiteral("Pause"));
        bar->addAction(theme.icon(QStringLiteral("step")), QStringLiteral("Step"));
        bar->addAction(theme.icon(QStringLiteral("stop")), QStringLiteral("Stop"))->setEnabled(false);
        bar_->setModel(QStringLiteral("quibble-nano"), QStringLiteral("F16"));
        bar_->setQuantMethods({{"rtn", QStringLiteral("Round to nearest"), {kRtn[0], kRtn[1], kRtn[2]}, {}}});
        bar_->setQuant({"rtn", {{"bits", 3}, {"group", 64}}});
        bar_->setReference({});
        bar_->setSamplerSummary(sampler_->summary());
        bar_->setRecentModels(
            {{"data/models/quibble-nano.gguf", "quibble-nano  (shipped)", false},
             {"x/DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf", "DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M", true}});
        bar->addWidget(bar_);
        auto* spacer = new QWidget;
        spacer->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
        bar->addWidget(spacer);
        bar->addWidget(new ColourBar(&document));
        bar->addAction(theme.icon(QStringLiteral("export")), QStringLiteral("Export…"));
    }
};

void settle(int ms) {
    QElapsedTimer timer;
    timer.start();
    while (timer.elapsed() < ms) QApplication::processEvents(QEventLoop::AllEvents, 20);
}

void save(QWidget& widget, const QString& folder, const QString& name) {
    settle(120);
    widget.grab().save(QDir(folder).filePath(name + QStringLiteral(".png")));
}

void scenes(Gallery& window, const QString& folder, const QString& theme) {
    window.document.start(testing::makeRequest({}));
    save(window, folder, theme + QStringLiteral("-empty"));

    testing::RunSettings busy{.tokens = 150,
                              .seed = 11,
                              .unscored = 16,
                              .penalty = 2,
                              .penalty_from = 70,
                              .finished = false,
                              .injected_at = 20};
    window.document.start(testing::makeRequest(busy), RunId{1});
    for (const EventBatch& batch : testing::makeBatches(busy, 50)) window.document.apply(batch);
    window.document.selectToken(nextMarker(window.document.trace(), 40, false));
    window.inspector_->choose(
        window.document.trace().points()[static_cast<std::size_t>(window.document.current())].token.top[0].id);
    window.markers_->slider()->setValue(20);
    window.stream_->stream()->setFocus();
    settle(500);
    save(window, folder, theme + QStringLiteral("-busy"));
    window.document.setMeasure(Measure::Kl);
    window.document.setSelection({60, 95}, 80);
    window.stream_->openFind();
    window.stream_->stream()->setFindText(QStringLiteral("let me"));
    window.stream_->stream()->setShowInvisibles(true);
    window.sessions_->offerUndo(QStringLiteral("Pears"));
    settle(300);
    save(window, folder, theme + QStringLiteral("-kl-find"));
    window.stream_->closeFind();
    window.stream_->stream()->setShowInvisibles(false);
    window.document.setMeasure(Measure::Entropy);
    window.sessions_->dismissUndo();

    const testing::RunSettings large{.tokens = 100000, .seed = 3};
    window.document.setTrace(testing::makeTrace(large), RunId{1});
    window.document.selectToken(50000);
    settle(2600);
    save(window, folder, theme + QStringLiteral("-100k"));
    window.traces_->showTable(true);
    save(window, folder, theme + QStringLiteral("-table"));
    window.traces_->showTable(false);
}

// Lines from right to left, signs that some fonts join, and what cannot be seen.
RunTrace worldText() {
    const char* const tokens[] = {
        "<think>",  "36",      " x",    " 5",     " ->",       " 180",    " != ",   "<|end|>", "\n",   "שלום",
        " עולם",    ", זה",    " הוא",  " 36",    " x",        " 5",      " =",     " 180",    ".",    " Wait",
        ",",        " כן",     "\n",    "ال",     "سلا",       "م",       " عليكم", " (",      "abc",  ")",
        " ١٢٣",     "\n",      "say",   " “",     "שלום",      "”",       " to",    " الجميع", " now", "\n",
        "a\u00A0b", "\u2028",  "c",     "\u200B", "d",         "\u202E",  "efg",    "\u2067",  "h",    "\uFEFF",
        "i",        "e\u0301", " 日本", " हिन्दी", " 👩\u200D💻", "</think>"};
    RunTrace trace(testing::makeRequest({}));
    TokenId id = 0;
    for (const char* bytes : tokens) {
        ++id;
        trace.apply(TokenText{id, bytes});
        TokenRecord token;
        token.pos = id;
        token.id = token.without_penalty_id = id;
        token.rank = 1;
        token.entropy = static_cast<float>(id % 7) * 0.2F;
        token.logprob = -0.1F;
        token.thinking = true;
        token.marker = std::string_view(bytes) == " Wait" || std::string_view(bytes) == " כן";
        token.top = {{id, -0.1F}, {1, -2.5F}, {8, -4.0F}};
        trace.apply(token);
    }
    trace.apply(StateChanged{RunState::Finished});
    return trace;
}

void textScenes(Gallery& window, const QString& folder, const QString& theme) {
    window.document.setTrace(worldText(), RunId{1});
    window.document.selectToken(11);
    window.stream_->stream()->setFindText(QStringLiteral("לום"));
    save(window, folder, theme + QStringLiteral("-text"));
    window.document.setSelection({9, 14}, 12);
    window.stream_->stream()->setFindText({});
    window.stream_->stream()->setShowInvisibles(true);
    save(window, folder, theme + QStringLiteral("-text-blanks"));
    window.stream_->stream()->setShowInvisibles(false);
    window.document.setTrace(testing::makeTrace({.tokens = 200, .reference = false}), RunId{1});
    save(window, folder, theme + QStringLiteral("-no-reference"));
}

// The lenses by themselves, at the sizes that docks have.
void lensScenes(const QString& folder, const QString& theme) {
    RunDocument document;
    SpeculationView speculation(&document);
    ExpertsView experts(&document);
    const auto show = [&](FigureDeck& deck, const QSize& size, const QString& name) {
        deck.setAttribute(Qt::WA_DontShowOnScreen);
        deck.resize(size);
        deck.show();
        settle(60);
        save(deck, folder, theme + QLatin1Char('-') + name);
    };
    show(speculation, {640, 200}, QStringLiteral("speculation-empty"));
    const RunTrace plain = testing::makeTrace({.tokens = 400});
    const testing::DraftShape chain{.widths = std::vector<int>(16, 1)}, tree{.widths = {4, 3, 2, 2}};
    const testing::ExpertShape small{.layers = 4, .experts = 8, .per_token = 2, .budget = 5},
        large{.layers = 48, .experts = 128, .per_token = 8, .budget = 32};
    document.setTrace(testing::withLenses(plain, &chain, &small), RunId{1});
    document.selectToken(120);
    show(speculation, {1050, 400}, QStringLiteral("speculation-chain"));
    show(experts, {1050, 400}, QStringLiteral("experts-4x8"));
    document.setTrace(testing::withLenses(plain, &tree, &large), RunId{1});
    document.selectToken(120);
    show(speculation, {1050, 400}, QStringLiteral("speculation-tree"));
    show(speculation, {1400, 900}, QStringLiteral("speculation-large"));
    show(speculation, {420, 640}, QStringLiteral("speculation-narrow"));
    show(experts, {1400, 900}, QStringLiteral("experts-48x128"));
    experts.map()->setCell(20, 14);
    show(experts, {1050, 400}, QStringLiteral("experts-dock"));
}

}  // namespace

int main(int argc, char** argv) {
    QApplication app(argc, argv);
    const QString folder = app.arguments().value(1, QStringLiteral("gallery"));
    QDir().mkpath(folder);
    Theme::instance().install(app);
    Theme::instance().setMode(ThemeMode::Light);
    {
        Gallery window;
        window.show();
        lensScenes(folder, QStringLiteral("light"));
        textScenes(window, folder, QStringLiteral("light"));
        scenes(window, folder, QStringLiteral("light"));
        Theme::instance().setMode(ThemeMode::Dark);
        lensScenes(folder, QStringLiteral("dark"));
        textScenes(window, folder, QStringLiteral("dark"));
        scenes(window, folder, QStringLiteral("dark"));
        Theme::instance().setMode(ThemeMode::Light);
        window.document.setTrace(testing::makeTrace({.tokens = 60, .seed = 5, .odd_bytes = true}), RunId{1});
        window.resize(1180, 760);
        save(window, folder, QStringLiteral("light-small"));

        QWidget* popup = window.bar_->makeModelPopup();
        popup->adjustSize();
        popup->show();
        save(*popup, folder, QStringLiteral("popup-model"));
        popup->close();
        ExportDialog dialog({window.traces_, window.scatter_},
                            QStringLiteral("Quibble 0.1.0 · quibble-nano · RTN 3 bit g64"), folder);
        dialog.show();
        save(dialog, folder, QStringLiteral("dialog-export"));
        dialog.close();
        CommandPalette palette(&window);
        palette.open();
        save(palette, folder, QStringLiteral("palette"));
        palette.close();
        ShortcutSheet sheet(&window);
        sheet.open();
        save(sheet, folder, QStringLiteral("shortcuts"));
        sheet.close();
        QWidget sampler;
        sampler.resize(300, 420);
        window.sampler_->setParent(&sampler);
        window.sampler_->resize(300, 420);
        sampler.show();
        window.sampler_->show();
        save(sampler, folder, QStringLiteral("sampler"));
        FigureOptions options;
        options.size = QSize(900, 420);
        options.title = QStringLiteral("Traces");
        options.footer = QStringLiteral("Quibble 0.1.0 · quibble-nano · RTN 3 bit g64 · seed 7");
        if (!window.traces_->exportFigure(QDir(folder).filePath(QStringLiteral("figure.png")), options)) return 1;
        options.format = FigureFormat::Pdf;
        if (!window.traces_->exportFigure(QDir(folder).filePath(QStringLiteral("figure.pdf")), options)) return 1;
        options.format = FigureFormat::Svg;
        if (!window.scatter_->exportFigure(QDir(folder).filePath(QStringLiteral("figure.svg")), options)) return 1;
    }
    return 0;
}
