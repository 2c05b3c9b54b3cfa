// "Run the whole set": all problems of the window's set under the settings that the panels show, many at a time, on a
// thread and with a device of their own. The models are those of the window, loaded once. Runs go into a session that
// carries the names of set and model, beside whatever the user does meanwhile; a second start with the same settings
// takes what that session holds and runs the rest. Everything public is for the UI thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QObject>

#include "app/set_facts.h"
#include "app/worker.h"
#include "engine/values/result.h"
#include "views/qt_ids.h"

class QAction;

namespace quibble {

class FileWork;
class ModelCache;
class RunController;
class SessionController;
class SetupController;
class Store;

class SetController : public QObject {
    Q_OBJECT
public:
    struct Sources {
        RunController* runs = nullptr;          // the settings and the models
        SetupController* setup = nullptr;       // the problem set
        SessionController* sessions = nullptr;  // where the runs are kept and listed
        FileWork* work = nullptr;               // says in the status bar how far they are
    };
    explicit SetController(const Sources& sources, QObject* parent = nullptr);
    ~SetController() override;

    [[nodiscard]] QAction* runAction() const { return run_; }
    [[nodiscard]] QAction* stopAction() const { return stop_; }
    [[nodiscard]] bool running() const { return task_ != 0; }
    /// Why the set cannot be run now; empty: it can.
    [[nodiscard]] QString blocked() const;
    /// What the set that was run last came to; empty: none has ended yet.
    [[nodiscard]] const std::optional<SetSummary>& summary() const { return summary_; }

public slots:
    void start();
    /// Ends the runs that go on; those that are done are kept. ended() follows.
    void stop();
    /// Settings, model, database or set have changed: the actions follow.
    void update();

signals:
    void changed();                                  // the actions
    void ended(const quibble::SetSummary& summary);  // also when it was stopped
    void failed(const quibble::Error& error);
    void storeTrouble(const QString& message);  // empty: it works again

private:
    struct Task;
    class Teller;
    [[nodiscard]] RunRequest setting(const QString& session) const;
    [[nodiscard]] QString sessionName() const;
    [[nodiscard]] Worker::Answer evaluate(Task& task, const std::stop_token& stop);
    void showRuns(SessionId session, const std::vector<RunId>& runs);
    void end();

    Sources sources_;
    QAction* run_;
    QAction* stop_;
    int task_ = 0;  // of FileWork; 0: none
    std::optional<SetSummary> summary_;
    Worker worker_;  // last: it ends before what it uses
};

}  // namespace quibble
