// What template and tokenizer make of the next prompt, found out on a thread of its own: a prompt may be a book, and
// the window must not wait for it. The last question wins.
#pragma once

#include <memory>
#include <optional>

#include <QObject>

#include "app/cache_cost_reader.h"
#include "app/worker.h"
#include "engine/model/model.h"
#include "engine/run/prompt.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

struct PromptReading {
    RunRequest request;
    std::shared_ptr<const Model> model;
    Result<PromptTokens> prompt;
    EventBatch preview;  // what a run would begin with
    CacheCostReader::Answer cost;
    QString prompt_blocked;   // why the model cannot be asked this; empty: it can, or nothing was asked yet
    QString prefill_blocked;  // why the prompt cannot be computed in the way that is chosen; empty: it can
};

class PromptReader : public QObject {
    Q_OBJECT
public:
    explicit PromptReader(QObject* parent = nullptr);

    void ask(RunRequest request, const std::shared_ptr<const Model>& model);
    /// What was asked and is not answered yet is not wanted any more: its answer would be about a request that nobody
    /// has in mind.
    void forget();
    /// The last answer, for whatever request.
    [[nodiscard]] const std::optional<PromptReading>& reading() const { return reading_; }
    /// The last answer, if it is the one for this request and model; else nullptr.
    [[nodiscard]] const PromptReading* readingOf(const RunRequest& request,
                                                 const std::shared_ptr<const Model>& model) const;

signals:
    void read();  // a new answer

private:
    [[nodiscard]] PromptReading answer(const RunRequest& request, const std::shared_ptr<const Model>& model);
    void keep(PromptReading reading);

    std::optional<PromptReading> reading_;  // window's thread
    CacheCostReader costs_;                 // worker's thread
    Worker worker_;                         // last: it ends before what it uses
};

}  // namespace quibble
