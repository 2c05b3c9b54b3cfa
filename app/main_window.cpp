#include "app/main_window.h"

#include <algorithm>

#include <QFrame>
#include <QLayout>
#include <QMenu>
#include <QResizeEvent>
#include <QToolButton>
#include <QVBoxLayout>

#include "app/banner.h"
#include "app/c_locale.h"
#include "app/file_work.h"
#include "app/run_bar.h"
#include "app/run_controller.h"
#include "app/session_controller.h"
#include "app/set_controller.h"
#include "app/setup_controller.h"
#include "views/card.h"
#include "views/experts/experts_view.h"
#include "views/inspector/token_inspector.h"
#include "views/markers/markers_panel.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/run_setup/model_bar.h"
#include "views/run_setup/rules_panel.h"
#include "views/run_setup/run_setup_panel.h"
#include "views/run_setup/sampler_panel.h"
#include "views/sessions/session_browser.h"
#include "views/speculation/speculation_view.h"
#include "views/status/run_status_bar.h"
#include "views/tables/token_table.h"
#include "views/token_stream/colour_bar.h"
#include "views/token_stream/token_stream_panel.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

namespace {

constexpr double kLeastHeight = 12, kLeastTextHeight = 5;  // em

// The text and the messages above it. A window that becomes smaller takes the height from the plots first; a message
// takes it from the text, as long as some of that is left.
class Centre : public QWidget {
public:
    Centre(QWidget* messages, QWidget* parent) : QWidget(parent), messages_(messages) {
        connect(&Theme::instance(), &Theme::changed, this, [this] { updateGeometry(); });
    }
    [[nodiscard]] QSize minimumSizeHint() const override {
        const Theme& theme = Theme::instance();
        const int messages =
            messages_->isHidden() ? 0 : messages_->heightForWidth(width()) + std::max(0, layout()->spacing());
        const int text = std::max(theme.em(kLeastTextHeight), text_ != nullptr ? text_->minimumSizeHint().height() : 0);
        return {QWidget::minimumSizeHint().width(), std::max(theme.em(kLeastHeight), messages + text)};
    }
    void setText(QWidget* text) { text_ = text; }

protected:
    void resizeEvent(QResizeEvent* event) override {
        QWidget::resizeEvent(event);
        if (event->size().width() != event->oldSize().width() && !messages_->isHidden())
            updateGeometry();  // the messages wrap otherwise
    }

private:
    QWidget* messages_;
    QWidget* text_ = nullptr;
};

}  // namespace

MainWindow::MainWindow(const AppPaths& paths, QWidget* parent)
    : QMainWindow(parent),
      paths_(paths),
      settings_(paths.settings_file),
      recent_(settings_, paths.shippedModels()),
      marker_lists_(paths.marker_dir) {
    keepCLocale();
    setObjectName(QStringLiteral("mainWindow"));
    setWindowTitle(tr("Quibble"));
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    setAnimated(false);
    makeParts();
    placeParts();
    makeToolBar();
    makeMenus();
    wire();
    restoreLook();
}

MainWindow::~MainWindow() {
    // The threads of the engine end before the views that show their last events.
    delete parts_.sets;
    delete parts_.runs;
}

void MainWindow::makeParts() {
    parts_.work = new FileWork(this);
    parts_.runs = new RunController(this);
    RunDocument* document = parts_.runs->document();
    document->setUnit(settings_.unit());
    document->setMeasure(settings_.measure());
    parts_.stream = new TokenStreamPanel(document, this);
    parts_.traces = new TracesView(document, this);
    parts_.scatter = new ScatterView(document, this);
    parts_.speculation = new SpeculationView(document, this);
    parts_.experts = new ExpertsView(document, this);
    parts_.inspector = new TokenInspector(document, this);
    parts_.markers = new MarkersPanel(document, this);
    parts_.decoding = new DecodingPanel(document, this);
    parts_.rules = new RulesPanel(document, this);
    parts_.table = new TokenTable(document, this);
    parts_.browser = new SessionBrowser(this);
    parts_.prompt = new RunSetupPanel(this);
    parts_.model_bar = new ModelBar(this);
    parts_.colours = new ColourBar(document, this);
    parts_.status = new RunStatusBar(document, this);
    parts_.banners = new BannerArea(this);
    sampler_popup_ = new QFrame(this, Qt::Popup);
    sampler_popup_->setObjectName(QStringLiteral("popup"));
    parts_.sampler = new SamplerPanel(sampler_popup_);
    (new QVBoxLayout(sampler_popup_))->addWidget(parts_.sampler);
    parts_.sessions = new SessionController(parts_.browser, parts_.work, this);
    parts_.setup = new SetupController(
        {parts_.prompt, parts_.sampler, parts_.markers, parts_.decoding, parts_.rules, parts_.model_bar}, this);
    parts_.sets = new SetController(
        {.runs = parts_.runs, .setup = parts_.setup, .sessions = parts_.sessions, .work = parts_.work}, this);
}

void MainWindow::placeParts() {
    auto* centre = new Centre(parts_.banners, this);
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(parts_.banners);
    auto* text = new Card(parts_.stream, false, centre);
    column->addWidget(text, 1);
    centre->setText(text);
    setCentralWidget(centre);
    setStatusBar(parts_.status);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);

    const struct {
        const char* name;
        View* view;
        Qt::DockWidgetArea area;
    } table[] = {
        {"sessions", parts_.browser, Qt::LeftDockWidgetArea},
        {"problem", parts_.prompt, Qt::LeftDockWidgetArea},
        {"traces", parts_.traces, Qt::BottomDockWidgetArea},
        {"tokens", parts_.table, Qt::BottomDockWidgetArea},
        {"token", parts_.inspector, Qt::RightDockWidgetArea},
        {"markers", parts_.markers, Qt::RightDockWidgetArea},
        {"scatter", parts_.scatter, Qt::RightDockWidgetArea},
        {"speculation", parts_.speculation, Qt::BottomDockWidgetArea},
        {"experts", parts_.experts, Qt::BottomDockWidgetArea},
        {"decoding", parts_.decoding, Qt::LeftDockWidgetArea},
        {"rules", parts_.rules, Qt::LeftDockWidgetArea},
    };
    for (const auto& row : table) {
        auto* dock = new CardDock(QString::fromLatin1(row.name), row.view, this);
        addDockWidget(row.area, dock);
        docks_.push_back(dock);
    }
}

void MainWindow::arrangeDocks() {
    const Theme& theme = Theme::instance();
    const auto dock = [this](const char* name) {
        return *std::find_if(docks_.begin(), docks_.end(),
                             [name](const QDockWidget* d) { return d->objectName() == QLatin1String(name); });
    };
    dock("tokens")->hide();
    // Three ways to look at the same tokens: one in front, the others a click away.
    tabifyDockWidget(dock("traces"), dock("speculation"));
    tabifyDockWidget(dock("speculation"), dock("experts"));
    dock("traces")->raise();
    tabifyDockWidget(dock("problem"), dock("rules"));
    tabifyDockWidget(dock("rules"), dock("decoding"));
    dock("problem")->raise();
    resizeDocks({dock("sessions"), dock("token")}, {theme.em(17), theme.em(22)}, Qt::Horizontal);
    resizeDocks({dock("sessions"), dock("problem")}, {theme.em(25), theme.em(25)}, Qt::Vertical);
    resizeDocks({dock("token"), dock("markers"), dock("scatter")}, {theme.em(21), theme.em(17), theme.em(13)},
                Qt::Vertical);
    resizeDocks({dock("traces")}, {height() / 2}, Qt::Vertical);
}

void MainWindow::makeToolBar() {
    for (QAction* action : {parts_.runs->actions()->run(), parts_.runs->actions()->pause(),
                            parts_.runs->actions()->step(), parts_.runs->actions()->stop()})
        addAction(action);
    export_menu_ = new QMenu(tr("&Export"), this);
    auto* bar = new RunBar({.actions = parts_.runs->actions(),
                            .model_bar = parts_.model_bar,
                            .colours = parts_.colours,
                            .export_menu = export_menu_},
                           this);
    addToolBar(bar);
    pace_button_ = bar->paceButton();
}

}  // namespace quibble
