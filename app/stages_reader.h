// Finds out how a token was chosen, when the window asks: the engine computes the position again on a thread of its
// own, with what earlier questions have computed of the same text. The last question wins.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <QObject>

#include "app/worker.h"
#include "engine/cache/prefix_cache.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/model/model_cache.h"
#include "engine/run/token_stages.h"

namespace quibble {

class StagesReader : public QObject {
    Q_OBJECT
public:
    explicit StagesReader(std::shared_ptr<ModelCache> models, QObject* parent = nullptr);

    /// Where the runs are that branches left; empty: nowhere.
    void setDatabase(std::filesystem::path path) { database_ = std::move(path); }
    /// The stages of the token at `pos` of a run, stored or going on, with so many rows: found() or refused() follows,
    /// unless another question comes first. `model`: where the run's model lies now. with_reference: the alternatives
    /// of the reference too.
    void ask(const RunTrace& run, Position pos, int rows, bool with_reference, const std::filesystem::path& model);
    /// Nobody wants an answer any more.
    void drop() { worker_.dropAll(); }
    /// Gives the memory back that earlier questions left.
    void makeRoom();

signals:
    void found(const std::shared_ptr<const quibble::StageTable>& table);
    void refused(quibble::Position pos, const QString& why);

private:
    /// The question for a token that the run `parent` chose, or one that it left. Worker's thread.
    [[nodiscard]] static Result<StagesQuestion> questionToParent(const std::filesystem::path& database, RunId parent,
                                                                 Position pos, int rows, bool with_reference);
    void askOnWorker(std::function<Result<StagesQuestion>()> question, Position pos, std::filesystem::path model);
    [[nodiscard]] Result<StageTable> answer(StagesQuestion question, const std::filesystem::path& model,
                                            const std::stop_token& stop);

    std::shared_ptr<ModelCache> models_;
    std::filesystem::path database_;     // window's thread
    std::unique_ptr<CpuDevice> device_;  // worker's thread, as all that follows
    int device_threads_ = 0;             // as asked for
    PrefixCache prefixes_;
    Worker worker_;  // last: it ends before what it uses
};

}  // namespace quibble
