// The tool bar, with a plan for narrow windows: first go words that an icon or a list says as well, then the legend,
// then texts of model, reference and sampler are shortened, and at last goes what the menus hold too. Nothing waits
// behind an overflow button, and Export is always there.
#pragma once

#include <vector>

#include <QToolBar>

class QMenu;
class QToolButton;

namespace quibble {

class ColourBar;
class ModelBar;
class RunActions;

class RunBar : public QToolBar {
    Q_OBJECT
public:
    struct Parts {
        const RunActions* actions = nullptr;
        ModelBar* model_bar = nullptr;
        ColourBar* colours = nullptr;
        QMenu* export_menu = nullptr;
    };
    RunBar(const Parts& parts, QWidget* parent);
    /// Its text and menu are the window's.
    [[nodiscard]] QToolButton* paceButton() const { return pace_; }
    [[nodiscard]] QToolButton* exportButton() const { return export_; }

    /// What has been left out for want of room, each level on top of those before.
    enum class Plan { Everything, NoCaption, IconsOnly, NoLegend, NoColours, NoPace };
    [[nodiscard]] Plan plan() const { return plan_; }

protected:
    bool event(QEvent* event) override;

private:
    void fit();
    void apply(Plan plan);
    [[nodiscard]] int neededWidth(Plan plan) const;

    Parts parts_;
    std::vector<QToolButton*> named_;  // whose icon alone is understood
    QToolButton* run_ = nullptr;
    QToolButton* pace_ = nullptr;
    QToolButton* export_ = nullptr;
    QAction* pace_action_ = nullptr;
    QAction* colours_action_ = nullptr;
    Plan plan_ = Plan::Everything;
};

}  // namespace quibble
