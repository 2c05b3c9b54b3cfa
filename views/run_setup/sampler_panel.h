// Sampling, seed, limits and reference of a run. Temperature, top-k, top-p, min-p and the limit are live.
#pragma once

#include "engine/values/run_request.h"
#include "views/view.h"

class QComboBox;
class QFormLayout;
class QLabel;

namespace quibble {

class NumberField;
class SeedField;

class SamplerPanel : public View {
    Q_OBJECT
public:
    explicit SamplerPanel(QWidget* parent = nullptr);

    /// Shows the settings of a request without emitting anything.
    void setRequest(const RunRequest& request);
    /// Writes sampler, seed, max_tokens, context, kv_type, threads, arithmetic, prefill and reference.
    void fill(RunRequest& request) const;
    /// "T 0.6 · top-p 0.95 · seed 7"
    [[nodiscard]] QString summary() const;
    void setReference(const ReferenceSettings& reference);
    /// What the KV cache of these settings costs, or why it cannot be had; empty: nothing is known yet.
    void setCacheCost(const QString& text, bool refused);
    /// Why the chosen way of prefill cannot be had; empty: it can.
    void setPrefillBlocked(const QString& reason);
    /// What is to be known about the chosen reference: why it cannot be used, or what it will not show. Empty: nothing.
    void setReferenceNote(const QString& note);
    [[nodiscard]] QString prefillBlocked() const;
    [[nodiscard]] ReferenceSettings reference() const;
    /// What is wrong with a number that was typed; empty: nothing.
    [[nodiscard]] QString fault() const;
    [[nodiscard]] NumberField* temperatureBox() const { return temperature_; }
    [[nodiscard]] SeedField* seedField() const { return seed_; }

public slots:
    void rollSeed();

signals:
    void changed();
    /// Live controls with the keys of ControlChange: "temperature", "top_k", "top_p", "min_p", "max_tokens".
    void controlChanged(const QString& key, double value);
    void chooseReferenceFileRequested();
    void faultChanged();
    /// Why a run of these settings would be refused; empty: it would not.
    void warningChanged(const QString& warning);

protected:
    void showEvent(QShowEvent* event) override;

private:
    void buildSampling(QFormLayout* form);
    void buildRun(QFormLayout* form);
    void buildCache(QFormLayout* form);
    void buildArithmetic(QFormLayout* form);
    void growPopup();
    void updateWarning();
    void emitLive(const QString& key, double value);

    NumberField* temperature_ = nullptr;
    NumberField* top_k_ = nullptr;
    NumberField* top_p_ = nullptr;
    NumberField* min_p_ = nullptr;
    SeedField* seed_ = nullptr;
    NumberField* limit_ = nullptr;
    NumberField* context_ = nullptr;
    QComboBox* kv_type_ = nullptr;
    QLabel* cache_cost_ = nullptr;
    QComboBox* reference_kind_ = nullptr;
    NumberField* block_ = nullptr;
    QComboBox* arithmetic_ = nullptr;
    QComboBox* prefill_ = nullptr;
    QLabel* prefill_blocked_ = nullptr;
    QLabel* reference_note_ = nullptr;
    NumberField* threads_ = nullptr;
    std::string reference_path_;
    bool cache_refused_ = false;
    QString warning_;
    bool silent_ = false;
};

}  // namespace quibble
