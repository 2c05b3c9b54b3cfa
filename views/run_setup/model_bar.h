// Three buttons of the tool bar: model and its weight format, reference, sampler. Each opens a small chooser. They
// share what room there is: the longest text gives way first.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include <QWidget>

#include "engine/values/param_spec.h"
#include "engine/values/run_request.h"
#include "views/run_setup/known_model.h"

class QMenu;
class QToolButton;

namespace quibble {

class ElidingButton;

/// A way to quantize the weights at load, as its registry describes it.
struct QuantMethod {
    std::string id;  // "rtn"
    QString label;   // "Round to nearest"
    std::vector<ParamSpec> params;
    QString blocked;  // why it cannot run on this model; empty: it can
    std::function<QString(const MethodChoice&)> name =
        {};  // "RTN 3 bit g64 of Q4_K_M": what the weights will be called
    std::function<QString(const MethodChoice&)> cost = {};  // what loading them takes, in words
    QString about{};                                        // what it does and where it comes from
};

class ModelBar : public QWidget {
    Q_OBJECT
public:
    explicit ModelBar(QWidget* parent = nullptr);

    void setModel(const QString& name, const QString& stored_format);  // "quibble-nano", "F16"
    /// Another model is on its way; the one that is open stays until it is there. An empty name: nothing is being
    /// loaded.
    void setLoading(const QString& name);
    void setLoadingProgress(double fraction);  // 0 to 1
    void setRecentModels(std::vector<KnownModel> models);
    void setQuantMethods(std::vector<QuantMethod> methods);  // without "none", which is always there
    void setQuant(const MethodChoice& choice);
    [[nodiscard]] MethodChoice quant() const { return quant_; }
    void setReference(const ReferenceSettings& reference);
    [[nodiscard]] ReferenceSettings reference() const { return reference_; }
    /// What is to be known about the chosen reference, shown as a sign on its button; empty: no sign. A refused one
    /// keeps the next run from starting.
    void setReferenceNote(const QString& note, bool refused);
    void setSamplerSummary(const QString& summary);
    /// Why a run with the sampler's settings would be refused, shown as a sign on its button; empty: no sign.
    void setSamplerWarning(const QString& warning);
    [[nodiscard]] QToolButton* samplerButton() const;
    [[nodiscard]] QToolButton* modelButton() const;
    [[nodiscard]] QToolButton* referenceButton() const;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

    /// "RTN 3 bit g64": the short form of a choice.
    [[nodiscard]] QString quantLabel(const MethodChoice& choice) const;

    /// The choices of the reference, at the mouse where the button is out of sight.
    void openReferenceMenu();
    /// The chooser behind the first button, closed; its parent owns it.
    [[nodiscard]] QWidget* makeModelPopup();

signals:
    void openModelRequested();
    void stopLoadingRequested();
    void recentModelChosen(const QString& path);
    void quantChosen(const quibble::MethodChoice& choice);
    void referenceChosen(const quibble::ReferenceSettings& reference);  // None or Unquantized
    void referenceFileRequested();
    void samplerRequested();

protected:
    bool event(QEvent* event) override;

private:
    void openModelPopup();
    void shareRoom();
    void showSigns();
    [[nodiscard]] std::array<ElidingButton*, 3> buttons() const {
        return {model_button_, reference_button_, sampler_button_};
    }
    QWidget* makeQuantPage(QWidget* popup);
    void rebuildReferenceMenu();
    void updateButtons();

    ElidingButton* model_button_;
    ElidingButton* reference_button_;
    ElidingButton* sampler_button_;
    QMenu* reference_menu_;
    QString model_name_, stored_format_, loading_name_;
    double loading_progress_ = 0;
    QString sampler_warning_, reference_note_;
    bool reference_refused_ = false;
    std::vector<KnownModel> recent_;
    std::vector<QuantMethod> methods_;
    MethodChoice quant_;
    ReferenceSettings reference_;
};

}  // namespace quibble
