// Whether the chosen reference can measure the open model, asked when it is chosen and not when a run starts. A file is
// looked at on a thread of its own, since a large vocabulary takes a while to read; its weights are not loaded. The
// last question wins.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <QObject>

#include "app/worker.h"
#include "engine/model/model.h"
#include "engine/values/run_request.h"

namespace quibble {

class ReferenceGuard : public QObject {
    Q_OBJECT
public:
    explicit ReferenceGuard(QObject* parent = nullptr);

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
    };
    void finish(const Result<std::string>& answer);
    void setState(bool busy, const QString& refusal, const QString& note);

    bool busy_ = false;
    QString refusal_, note_;
    std::optional<Question> asked_;
    Worker worker_;
};

}  // namespace quibble
