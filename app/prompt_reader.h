// What template and tokenizer make of the next prompt, found out on a thread of its own: a prompt may be a book, and the window must not wait for
// it. The last question wins.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include <QObject>

#include "app/cache_cost_reader.h"
#include "engine/model/model.h"
#include "engine/run/prompt.h"
#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

struct PromptReading {
    RunRequest request;
    std::shared_ptr<const Model> model;
    Result<PromptTokens> prompt;
    EventBatch preview;                 // what a run would begin with
    CacheCostReader::Answer cost;
    QString prompt_blocked;             // why the model cannot be asked this; empty: it can, or nothing was asked yet
    QString prefill_blocked;            // why the prompt cannot be computed in the way that is chosen; empty: it can
};

class PromptReader : public QObject {
    Q_OBJECT
public:
    explicit PromptReader(QObject* parent = nullptr);
    ~PromptReader() override;

    void ask(RunRequest request, std::shared_ptr<const Model> model);
    /// What was asked and is not answered yet is not wanted any more: its answer would be about a request that nobody has in mind.
    void forget();
    /// The last answer, for whatever request.
    [[nodiscard]] const std::optional<PromptReading>& reading() const { return reading_; }
    /// The last answer, if it is the one for this request and model; else nullptr.
    [[nodiscard]] const PromptReading* readingOf(const RunRequest& request, const std::shared_ptr<const Model>& model) const;

signals:
    void read();  // a new answer

private:
    struct Question {
        RunRequest request;
        std::shared_ptr<const Model> model;
        int number = 0;
    };
    void loop(const std::stop_token& quit);
    [[nodiscard]] PromptReading answer(Question question);
    void finish(int number, PromptReading reading);

    std::optional<PromptReading> reading_;  // UI thread
    int last_number_ = 0;                   // UI thread
    CacheCostReader costs_;                 // worker
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Question> next_;
    std::jthread thread_;  // last: starts when everything else is there
};

}  // namespace quibble
