// Opens models on a thread of its own, so that the window never waits: the last request wins, an older one is
// cancelled.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include <QObject>

#include "engine/model/model_cache.h"

namespace quibble {

struct OpenedModel {
    std::filesystem::path path;
    MethodChoice weight_quant;
    std::shared_ptr<const Model> model;
};

/// A model that somebody asked for.
struct WantedModel {
    std::filesystem::path path;
    MethodChoice weight_quant;
    bool insisted = false;  // whether or not it seems to fit in memory
};

class ModelInspector : public QObject {
    Q_OBJECT
public:
    explicit ModelInspector(std::shared_ptr<ModelCache> cache, QObject* parent = nullptr);
    ~ModelInspector() override;

    void open(const WantedModel& wanted);
    void cancel();
    [[nodiscard]] bool busy() const { return busy_; }

signals:  // on the UI thread
    void progress(qint64 done, qint64 total);
    void opened(const quibble::OpenedModel& model);
    void failed(const quibble::WantedModel& wanted, const quibble::Error& error);

private:
    struct Request {
        WantedModel wanted;
        std::stop_source stop;
        int number = 0;
    };
    void loop(const std::stop_token& quit);
    [[nodiscard]] Result<std::shared_ptr<const Model>> load(const Request& request);
    void finish(const Request& request, Result<std::shared_ptr<const Model>> model);

    std::shared_ptr<ModelCache> cache_;
    bool busy_ = false;    // UI thread
    int last_number_ = 0;  // UI thread
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Request> next_;
    std::stop_source current_stop_;
    std::jthread thread_;  // last: starts when everything else is there
};

}  // namespace quibble
