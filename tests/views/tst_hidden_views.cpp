// A view that was hidden while the document changed looks, once it is shown, as one that was shown all the time: pixel
// for pixel, behind the tab of another dock, hidden as a dock, and shown for the first time.
#include <QDir>
#include <QDockWidget>
#include <QMainWindow>

#include <functional>

#include "tests/support/lens_events.h"
#include "tests/views/view_test.h"
#include "views/card.h"
#include "views/experts/experts_view.h"
#include "views/inspector/token_inspector.h"
#include "views/markers/markers_panel.h"
#include "views/plots/scatter_view.h"
#include "views/plots/traces_view.h"
#include "views/run_setup/decoding_panel.h"
#include "views/speculation/speculation_view.h"
#include "views/tables/token_table.h"
#include "views/token_stream/token_stream_panel.h"

using namespace quibble;
using quibble::testing::RunSettings;

namespace {

constexpr int kSettleMs = 650;  // longer than any timer that gathers changes

enum class Hiding { Tab, Dock, Never };  // Never: shown only at the end

struct Kind {
    const char* name;
    std::function<View*(RunDocument*)> make;
};

template <typename Deck>
View* deckWith(RunDocument* document, int figure, bool table) {
    auto* deck = new Deck(document);
    deck->showFigure(figure);
    deck->showTable(table);
    return deck;
}

const Kind kKinds[] = {
    {"traces", [](RunDocument* d) -> View* { return new TracesView(d); }},
    {"traces table",
     [](RunDocument* d) -> View* {
         auto* view = new TracesView(d);
         view->showTable(true);
         return view;
     }},
    {"scatter", [](RunDocument* d) -> View* { return new ScatterView(d); }},
    {"table", [](RunDocument* d) -> View* { return new TokenTable(d); }},
    {"stream", [](RunDocument* d) -> View* { return new TokenStreamPanel(d); }},
    {"inspector", [](RunDocument* d) -> View* { return new TokenInspector(d); }},
    {"markers", [](RunDocument* d) -> View* { return new MarkersPanel(d); }},
    {"decoding", [](RunDocument* d) -> View* { return new DecodingPanel(d); }},
    {"speculation", [](RunDocument* d) { return deckWith<SpeculationView>(d, -1, false); }},
    {"acceptance", [](RunDocument* d) { return deckWith<SpeculationView>(d, 1, false); }},
    {"acceptance table", [](RunDocument* d) { return deckWith<SpeculationView>(d, 1, true); }},
    {"draft tree table", [](RunDocument* d) { return deckWith<SpeculationView>(d, 0, true); }},
    {"experts", [](RunDocument* d) { return deckWith<ExpertsView>(d, -1, false); }},
    {"dropped mass", [](RunDocument* d) { return deckWith<ExpertsView>(d, 3, false); }},
    {"experts table", [](RunDocument* d) { return deckWith<ExpertsView>(d, 0, true); }},
};

// A window with one view in a dock, and another dock whose tab can be put in front of it.
class Stage : public QMainWindow {
public:
    Stage(const Kind& kind, RunDocument* document) : view_(kind.make(document)) {
        setAnimated(false);
        resize(900, 560);
        dock_ = new CardDock(QStringLiteral("shown"), view_, this);
        other_ = new QDockWidget(QStringLiteral("other"), this);
        other_->setWidget(new QWidget(other_));
        addDockWidget(Qt::BottomDockWidgetArea, dock_);
        addDockWidget(Qt::BottomDockWidgetArea, other_);
        tabifyDockWidget(dock_, other_);
    }
    void bring() {
        dock_->show();
        dock_->raise();
    }
    void hideBy(Hiding hiding) {
        if (hiding == Hiding::Tab)
            other_->raise();
        else
            dock_->hide();
    }
    [[nodiscard]] QImage picture() { return dock_->grab().toImage(); }

private:
    View* view_;
    CardDock* dock_;
    QDockWidget* other_;
};

struct Step {
    const char* name;
    std::function<void(RunDocument&)> change;
};

RunTrace drafted(const RunSettings& settings, int budget) {
    const testing::DraftShape tree{.widths = {3, 2, 1}};
    const testing::ExpertShape experts{.layers = 4, .experts = 8, .per_token = 2, .budget = budget};
    return testing::withLenses(testing::makeTrace(settings), &tree, &experts);
}

void runLive(RunDocument& document, const RunSettings& settings) {
    document.start(testing::makeRequest(settings), RunId{9});
    for (const EventBatch& batch : testing::makeBatches(settings, 60)) document.apply(batch);
}

const Step kSteps[] = {
    {"another run", [](RunDocument& d) { d.setTrace(testing::makeTrace({.tokens = 260, .seed = 21}), RunId{2}); }},
    {"a run without a reference",
     [](RunDocument& d) { d.setTrace(testing::makeTrace({.tokens = 150, .seed = 4, .reference = false}), RunId{3}); }},
    {"a token chosen", [](RunDocument& d) { d.selectToken(77); }},
    {"a run with drafts and experts",
     [](RunDocument& d) { d.setTrace(drafted({.tokens = 200, .seed = 6}, 5), RunId{4}); }},
    {"another with drafts and experts",
     [](RunDocument& d) { d.setTrace(drafted({.tokens = 140, .seed = 8}, 3), RunId{5}); }},
    {"a range chosen",
     [](RunDocument& d) {
         d.setSelection({20, 60}, 40);
     }},
    {"live tokens", [](RunDocument& d) { runLive(d, {.tokens = 300, .seed = 12, .penalty = 2, .penalty_from = 50}); }},
    {"a branch of it",
     [](RunDocument& d) {
         RunTrace branch(d.trace().request());
         branch.inherit(d.trace(), d.positionOf(40));
         d.setTrace(std::move(branch), RunId{10});
     }},
    {"bits", [](RunDocument& d) { d.setUnit(Unit::Bit); }},
    {"another colour", [](RunDocument& d) { d.setMeasure(Measure::Rank); }},
    {"dark", [](RunDocument&) { Theme::instance().setMode(ThemeMode::Dark); }},
    {"larger text", [](RunDocument&) { Theme::instance().setFontScale(1.25); }},
    {"light", [](RunDocument&) { Theme::instance().setMode(ThemeMode::Light); }},
    {"normal text", [](RunDocument&) { Theme::instance().setFontScale(1); }},
    {"a run again", [](RunDocument& d) { d.setTrace(testing::makeTrace({.tokens = 90, .seed = 31}), RunId{6}); }},
};

}  // namespace

class TestHiddenViews : public QObject {
    Q_OBJECT

    static void settle() {
        QTest::qWait(kSettleMs);
        QApplication::sendPostedEvents();
    }

    // Says where two pictures differ; with QUIBBLE_TEST_PICTURES both are kept in that folder.
    static QString difference(const QImage& always, const QImage& hidden, const QString& name) {
        if (always == hidden) return {};
        if (const QString folder = qEnvironmentVariable("QUIBBLE_TEST_PICTURES"); !folder.isEmpty()) {
            QDir().mkpath(folder);
            always.save(QDir(folder).filePath(name + QStringLiteral("-always.png")));
            hidden.save(QDir(folder).filePath(name + QStringLiteral("-hidden.png")));
        }
        int count = 0;
        QRect where;
        for (int y = 0; y < std::min(always.height(), hidden.height()); ++y) {
            for (int x = 0; x < std::min(always.width(), hidden.width()); ++x) {
                if (always.pixel(x, y) == hidden.pixel(x, y)) continue;
                ++count;
                where |= QRect(x, y, 1, 1);
            }
        }
        return QStringLiteral("%1: %2 pixels differ, in %3 x %4 at %5, %6 (of %7 x %8 and %9 x %10)\n")
            .arg(name)
            .arg(count)
            .arg(where.width())
            .arg(where.height())
            .arg(where.x())
            .arg(where.y())
            .arg(always.width())
            .arg(always.height())
            .arg(hidden.width())
            .arg(hidden.height());
    }

private slots:
    void cleanup() {
        Theme::instance().setMode(ThemeMode::Light);
        Theme::instance().setFontScale(1);
    }

    void looksAsIfItHadBeenShown_data() {
        QTest::addColumn<int>("hiding");
        QTest::newRow("behind a tab") << static_cast<int>(Hiding::Tab);
        QTest::newRow("a hidden dock") << static_cast<int>(Hiding::Dock);
        QTest::newRow("never shown") << static_cast<int>(Hiding::Never);
    }
    void looksAsIfItHadBeenShown() {
        QFETCH(int, hiding);
        const auto how = static_cast<Hiding>(hiding);
        RunDocument document;
        std::vector<std::unique_ptr<Stage>> always, hidden;
        for (const Kind& kind : kKinds) {
            for (auto* stages : {&always, &hidden}) {
                stages->push_back(std::make_unique<Stage>(kind, &document));
                stages->back()->show();
                stages->back()->bring();
            }
            if (how == Hiding::Never) hidden.back()->hideBy(how);
        }
        document.setTrace(drafted({.tokens = 180, .seed = 2}, 4), RunId{1});
        settle();
        QString differences;
        for (const Step& step : kSteps) {
            const bool last = &step == &kSteps[std::size(kSteps) - 1];
            for (auto& stage : hidden) stage->hideBy(how);
            QApplication::processEvents();
            step.change(document);
            settle();
            if (how == Hiding::Never && !last) continue;
            for (std::size_t i = 0; i < hidden.size(); ++i) {
                hidden[i]->bring();
                QApplication::processEvents();
                differences +=
                    difference(always[i]->picture(), hidden[i]->picture(),
                               QStringLiteral("%1, %2").arg(QLatin1String(kKinds[i].name), QLatin1String(step.name)));
            }
        }
        QVERIFY2(differences.isEmpty(), qPrintable(differences));
    }

    // What is exported is up to date too, though nobody has seen it.
    void aHiddenFigureIsExportedAsItIs() {
        RunDocument document;
        SpeculationView seen(&document), hidden(&document);
        seen.resize(900, 500);
        hidden.resize(900, 500);
        seen.show();
        document.setTrace(drafted({.tokens = 180, .seed = 2}, 4), RunId{1});
        settle();
        for (std::size_t i = 0; i < seen.deckFigures().size(); ++i) {
            FigureView* figure = hidden.deckFigures()[i];
            figure->bringUpToDate();
            QCOMPARE(figure->figures(), seen.deckFigures()[i]->figures());
            QCOMPARE(figure->table()->rowCount(), seen.deckFigures()[i]->table()->rowCount());
        }
    }
};

QUIBBLE_VIEW_TEST_MAIN(TestHiddenViews)
#include "tst_hidden_views.moc"
