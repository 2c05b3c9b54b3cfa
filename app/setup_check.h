// Whether the next run could start with its drafts and experts, asked before anybody presses Run: the engine makes the
// run ready, without a step, on a thread of its own. So the reasons are the engine's, and the models are open when the
// run begins. The last request wins.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include <QObject>

#include "app/worker.h"
#include "engine/model/model_cache.h"
#include "engine/run/run_models.h"
#include "engine/values/run_request.h"

namespace quibble {

class SetupCheck : public QObject {
    Q_OBJECT
public:
    explicit SetupCheck(std::shared_ptr<ModelCache> cache, QObject* parent = nullptr);

    /// A request without drafts and budgets has nothing to be asked about, and is answered at once.
    void check(RunRequest request);
    [[nodiscard]] bool busy() const { return busy_; }
    /// Why the request that was asked about last cannot run; empty: it can, or that is not known yet. While it is being
    /// found out (busy), what was found about the request before.
    [[nodiscard]] QString reason() const { return reason_; }
    /// The reason is one that the user may overrule: memory seems too small.
    [[nodiscard]] bool insistable() const { return insistable_; }

signals:
    void changed();  // busy or reason

private:
    [[nodiscard]] Result<void> answer(const RunRequest& request, const std::stop_token& stop);
    void finish(const Result<void>& answer);
    void setState(bool busy, const QString& reason, bool insistable = false);

    std::shared_ptr<ModelCache> cache_;
    bool busy_ = false;  // window's thread, as all up to kept_
    QString reason_;
    bool insistable_ = false;
    std::optional<RunRequest> asked_;
    RunModels kept_;  // worker's thread: those of the last question stay open
    Worker worker_;   // last: it ends before what it uses
};

}  // namespace quibble
