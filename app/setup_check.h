// Whether the next run could start with its drafts and experts, asked before anybody presses Run: the engine makes the run ready, without
// a step, on a thread of its own. So the reasons are the engine's, and the models are open when the run begins. The last request wins.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include <QObject>

#include "engine/model/model_cache.h"
#include "engine/run/run_models.h"
#include "engine/values/run_request.h"

namespace quibble {

class SetupCheck : public QObject {
    Q_OBJECT
public:
    explicit SetupCheck(std::shared_ptr<ModelCache> cache, QObject* parent = nullptr);
    ~SetupCheck() override;

    /// A request without drafts and budgets has nothing to be asked about, and is answered at once.
    void check(RunRequest request);
    [[nodiscard]] bool busy() const { return busy_; }
    /// Why the request that was asked about last cannot run; empty: it can, or that is not known yet. While it is being found out (busy), what was found
    /// about the request before.
    [[nodiscard]] QString reason() const { return reason_; }
    /// The reason is one that the user may overrule: memory seems too small.
    [[nodiscard]] bool insistable() const { return insistable_; }

signals:
    void changed();  // busy or reason

private:
    struct Question {
        RunRequest request;
        std::stop_source stop;
        int number = 0;
    };
    void loop(const std::stop_token& quit);
    [[nodiscard]] Result<void> answer(const Question& question);
    void finish(int number, const Result<void>& answer);
    void setState(bool busy, const QString& reason, bool insistable = false);

    std::shared_ptr<ModelCache> cache_;
    bool busy_ = false;      // UI thread
    QString reason_;         // UI thread
    bool insistable_ = false;  // UI thread
    int last_number_ = 0;    // UI thread
    std::optional<RunRequest> asked_;
    RunModels kept_;         // worker: those of the last question stay open
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Question> next_;
    std::stop_source current_stop_;
    std::jthread thread_;    // last: starts when everything else is there
};

}  // namespace quibble
