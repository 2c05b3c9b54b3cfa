// The marker penalty: how strong, where, on which words; and what the words did in this run.
#pragma once

#include <string>
#include <vector>

#include "engine/values/run_request.h"
#include "views/view.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QSlider;
class QTimer;
class QToolButton;
class QVBoxLayout;

namespace quibble {

class FlowLayout;
class MarkerModel;
class NumberField;
class RunDocument;

/// A named list the user can choose.
struct MarkerListInfo {
    QString name;                    // "published-50": the id that is stored
    QString note;                    // where it comes from
    std::vector<std::string> words;  // as written in the list, leading spaces included
    bool editable = false;
};

class MarkersPanel : public View {
    Q_OBJECT
public:
    explicit MarkersPanel(RunDocument* document, QWidget* parent = nullptr);

    void setSets(std::vector<MarkerListInfo> sets);
    /// Shows these settings without emitting anything.
    void setPenalty(const PenaltySettings& penalty);
    /// What the next run should use.
    [[nodiscard]] PenaltySettings penalty() const;

    [[nodiscard]] QSlider* slider() const { return slider_; }
    [[nodiscard]] NumberField* spinBox() const { return spin_; }
    [[nodiscard]] MarkerModel* model() const { return model_; }

signals:
    /// Live control with the keys of ControlChange: "penalty", "penalty.only_thinking", "word:<entry>".
    void controlChanged(const QString& key, double value);
    /// Another list was chosen; it holds for the next run.
    void setChosen(const QString& name);
    void editSetRequested(const QString& name);
    void faultChanged();  // of the strength that was typed

private:
    void setStrength(double strength, bool tell);
    void onWordToggled(const QString& word, bool on);
    void scheduleRefresh();
    void refresh();
    void rebuildChips();
    void showSet(int index, const std::vector<std::string>& disabled);
    void updateEffectNote();
    void updateAllWordsButton();
    void buildControls();
    void buildWords();

    RunDocument* document_;
    MarkerModel* model_;
    std::vector<MarkerListInfo> sets_;
    QSlider* slider_ = nullptr;
    NumberField* spin_ = nullptr;
    QLabel* effect_note_ = nullptr;
    QCheckBox* only_thinking_ = nullptr;
    QComboBox* set_box_ = nullptr;
    QToolButton* edit_button_ = nullptr;
    QWidget* chips_ = nullptr;
    FlowLayout* chips_layout_ = nullptr;
    QToolButton* all_words_ = nullptr;
    QWidget* table_box_ = nullptr;
    QLabel* dropped_ = nullptr;
    QLabel* summary_ = nullptr;
    QTimer* refresh_timer_;
    QVBoxLayout* column_ = nullptr;
    std::vector<QToolButton*> chip_buttons_;
    double told_strength_ = 0;
};

}  // namespace quibble
