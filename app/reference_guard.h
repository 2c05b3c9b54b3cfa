// Whether the chosen reference can measure the open model, asked when it is chosen and not when a run starts. A file is
// looked at on a thread of its own, since a large vocabulary takes a while to read; its weights are not loaded. The
// last question wins.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <QObject>

#include "engine/model/model.h"
#include "engine/values/run_request.h"

namespace quibble {

class ReferenceGuard : public QObject {
    Q_OBJECT
public:
    explicit ReferenceGuard(QObject* parent = nullptr);
    ~ReferenceGuard() override;

    void look(const RunRequest& request, std::shared_ptr<const Model> model);
    [[nodiscard]] bool busy() const { return busy_; }
    /// Why the reference cannot be used; empty: it can, or that is not known yet.
    [[nodiscard]] QString refusal() const { return refusal_; }
    /// What the reference will not show; empty: there is nothing to say.
    [[nodiscard]] QString note() const { return note_; }

signals:
    void changed();

private:
    struct Question {
        RunRequest request;
        std::shared_ptr<const Model> model;
        int number = 0;
    };
    void loop(const std::stop_token& quit);
    void finish(int number, const Result<std::string>& answer);
    void setState(bool busy, const QString& refusal, const QString& note);

    bool busy_ = false;  // UI thread, as all up to the mutex
    QString refusal_, note_;
    int last_number_ = 0;
    std::optional<Question> asked_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::optional<Question> next_;
    std::jthread thread_;  // last: starts when everything else is there
};

}  // namespace quibble
