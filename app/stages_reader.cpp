#include "app/stages_reader.h"

#include <utility>

#include "app/engine_values.h"
#include "data/store/store.h"

namespace quibble {

StagesReader::StagesReader(std::shared_ptr<ModelCache> models, QObject* parent)
    : QObject(parent), models_(std::move(models)) {}

void StagesReader::ask(const RunTrace& run, Position pos, int rows, bool with_reference,
                       const std::filesystem::path& model) {
    if (chosenByParent(run, pos)) {
        const RunId parent = run.request().branch.parent;
        return askOnWorker([database = database_, parent, pos, rows,
                            with_reference] { return questionToParent(database, parent, pos, rows, with_reference); },
                           pos, model);
    }
    auto question = askForStages(run, pos, rows);
    if (!question) {
        worker_.dropAll();
        return emit refused(pos, reasonText(question.error()));
    }
    if (with_reference) askForReference(*question, run);
    const auto shared = std::make_shared<StagesQuestion>(std::move(*question));  // a job can be copied
    askOnWorker([shared] { return Result<StagesQuestion>(*shared); }, pos, model);
}

Result<StagesQuestion> StagesReader::questionToParent(const std::filesystem::path& database, RunId parent, Position pos,
                                                      int rows, bool with_reference) {
    if (database.empty()) return fail(ErrorCode::NotFound, "the run that this branch left is not here");
    auto store = Store::open(database, OpenMode::ReadOnly);
    if (!store) return tl::unexpected(store.error());
    auto run = (*store)->loadRun(parent);
    while (run && chosenByParent(*run, pos)) run = (*store)->loadRun(run->request().branch.parent);
    if (!run) return tl::unexpected(run.error());
    auto question = askForStages(*run, pos, rows);
    if (question && with_reference) askForReference(*question, *run);
    return question;
}

void StagesReader::askOnWorker(std::function<Result<StagesQuestion>()> question, Position pos,
                               std::filesystem::path model) {
    const auto refuse = [this, pos](const Error& error) { emit refused(pos, reasonText(error)); };
    worker_.askOnly(
        [this, question = std::move(question), model = std::move(model),
         refuse](const std::stop_token& stop) -> Worker::Answer {
            auto asked = question();
            auto table = asked ? answer(std::move(*asked), model, stop) : tl::unexpected(asked.error());
            if (!table) return [refuse, error = table.error()] { refuse(error); };
            return [this, shared = std::make_shared<const StageTable>(std::move(*table))] { emit found(shared); };
        },
        refuse);
}

Result<StageTable> StagesReader::answer(StagesQuestion question, const std::filesystem::path& model,
                                        const std::stop_token& stop) {
    const std::string recorded = std::exchange(question.request.model_path, model.string());
    if (question.reference && question.reference->model_path == recorded)
        question.reference->model_path = model.string();
    const int threads = question.request.threads;
    if (device_ == nullptr || device_threads_ != threads) {
        device_ = std::make_unique<CpuDevice>(threads);
        device_threads_ = threads;
    }
    auto found = findStages(question, *models_, *device_, prefixes_, stop);
    if (!found) return tl::unexpected(found.error());
    return std::move(found->table);
}

void StagesReader::makeRoom() {
    worker_.ask(
        [this](const std::stop_token&) -> Worker::Answer {
            prefixes_.shrinkTo(0);
            return [] {};
        },
        {});
}

}  // namespace quibble
