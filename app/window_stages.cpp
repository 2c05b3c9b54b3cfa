// How the window asks for the stages of a token.
#include "app/engine_values.h"
#include "app/main_window.h"
#include "app/run_controller.h"
#include "app/stages_reader.h"
#include "views/inspector/token_inspector.h"

namespace quibble {

void MainWindow::wireStages() {
    RunController* runs = parts_.runs;
    StagesReader* reader = runs->stages();
    TokenInspector* inspector = parts_.inspector;
    connect(inspector, &TokenInspector::stagesWanted, this,
            [runs, reader, inspector](Position pos, int rows, bool reference) {
                const RunTrace& run = runs->document()->trace();
                const QString model = runs->modelPathFor(run);
                if (!model.isEmpty()) return reader->ask(run, pos, rows, reference, model.toStdString());
                reader->drop();
                inspector->refuseStages(
                    pos,
                    tr("The model of this run is not here: %1").arg(QString::fromStdString(run.request().model_path)));
            });
    connect(reader, &StagesReader::found, inspector, &TokenInspector::setStages);
    connect(reader, &StagesReader::refused, inspector, &TokenInspector::refuseStages);
    connect(runs->document(), &RunDocument::reset, reader, &StagesReader::drop);
    using Page = TokenInspector::Page;
    inspector->setPage(settings_.stagesShown() ? Page::Stages : Page::Alternatives);
    connect(inspector, &TokenInspector::pageChanged, this,
            [this, inspector] { settings_.setStagesShown(inspector->page() == Page::Stages); });
}

}  // namespace quibble
