#include "views/run_setup/decoding_panel.h"

#include <algorithm>
#include <utility>

#include <QComboBox>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSlider>
#include <QVBoxLayout>

#include "views/number_field.h"
#include "views/run_document.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr const char* kBudgetKey = "budget";

const ParamSpec* budgetSpec(const MethodInfo* method) {
    if (method == nullptr) return nullptr;
    const auto found = std::find_if(method->params.begin(), method->params.end(),
                                    [](const ParamSpec& spec) { return spec.key == kBudgetKey; });
    return found == method->params.end() ? nullptr : &*found;
}

}  // namespace

DecodingPanel::DecodingPanel(RunDocument* document, QWidget* parent) : View(tr("Drafts"), parent), document_(document) {
    const Theme& theme = Theme::instance();
    auto* column = makeScrolledColumn(this, 0.4, 0.3);
    QWidget* body = column->parentWidget();
    const auto section = [&](const QString& title) {
        auto* label = new QLabel(title, body);
        useFont(label, FontRole::Title);
        column->addWidget(label);
    };
    blocked_ = makeCaption({}, body);
    useTextColour(blocked_, TextRole::Bad);
    blocked_->hide();
    column->addWidget(blocked_);
    section(tr("Draft"));
    draft_ = new MethodChooser(tr("Who drafts"), body);
    column->addWidget(draft_);
    for (int which = 0; which < 2; ++which) {
        files_[which] = new QPushButton(body);
        column->addWidget(files_[which]);
        auto* menu = new QMenu(files_[which]);
        files_[which]->setMenu(menu);
        connect(menu, &QMenu::aboutToShow, this, [this, which] { fillFileMenu(which); });
    }
    verify_box_ = new QWidget(body);
    auto* verify_column = new QVBoxLayout(verify_box_);
    verify_column->setContentsMargins(0, 0, 0, 0);
    verify_column->addWidget(makeCaption(tr("A drafted token is accepted by"), verify_box_));
    verify_ = new MethodChooser(tr("Rule of acceptance"), verify_box_);
    verify_column->addWidget(verify_);
    column->addWidget(verify_box_);
    column->addSpacing(theme.em(0.5));

    section(tr("Experts"));
    dense_note_ = makeCaption({}, body);
    column->addWidget(dense_note_);
    experts_box_ = new QWidget(body);
    auto* experts_column = new QVBoxLayout(experts_box_);
    experts_column->setContentsMargins(0, 0, 0, 0);
    experts_ = new MethodChooser(tr("Which experts a pass may use"), experts_box_);
    experts_column->addWidget(experts_);
    experts_note_ = makeCaption({}, experts_box_);
    useTextColour(experts_note_, TextRole::Marker);
    experts_note_->hide();
    experts_column->addWidget(experts_note_);
    budget_box_ = new QWidget(experts_box_);
    auto* budget_column = new QVBoxLayout(budget_box_);
    budget_column->setContentsMargins(0, 0, 0, 0);
    budget_label_ = makeCaption({}, budget_box_);
    budget_ = new QSlider(Qt::Horizontal, budget_box_);
    setLeastLines(budget_, 1.4);
    budget_->setAccessibleName(tr("Expert budget"));
    wheelOnlyWithFocus(budget_);
    budget_->setToolTip(tr("Experts a layer that one pass may use; takes effect at the next pass of a run"));
    budget_column->addWidget(budget_label_);
    budget_column->addWidget(budget_);
    experts_column->addWidget(budget_box_);
    column->addWidget(experts_box_);
    column->addStretch(1);

    for (MethodChooser* chooser : {draft_, verify_, experts_}) {
        connect(chooser, &MethodChooser::changed, this, &DecodingPanel::onChanged);
        connect(chooser, &MethodChooser::faultChanged, this, &DecodingPanel::faultChanged);
    }
    connect(budget_, &QSlider::valueChanged, this, &DecodingPanel::moveBudget);
    connect(document_, &RunDocument::stateChanged, this, &DecodingPanel::refresh);
    setDraftMethods({});
    setExperts(0, 0);
}

void DecodingPanel::setDraftMethods(std::vector<MethodInfo> methods) {
    methods.insert(methods.begin(), MethodInfo{MethodChoice{}.id, tr("None: one token a step"), {}, {}, true, 0});
    draft_->setMethods(std::move(methods));
    refresh();
}

void DecodingPanel::setVerifyMethods(std::vector<MethodInfo> methods) {
    verify_->setMethods(std::move(methods));
    verify_->setChoice(DraftSettings{}.verify);
}

void DecodingPanel::setExpertMethods(std::vector<MethodInfo> methods) {
    experts_->setMethods(std::move(methods));
    experts_->setChoice(RunRequest{}.experts);
    refresh();
}

void DecodingPanel::setProposedDrafts(const QString& smallest, const QString& middle) {
    smallest_ = smallest;
    middle_ = middle;
    refresh();
}

void DecodingPanel::setKnownModels(std::vector<KnownModel> models) {
    known_ = std::move(models);
    refresh();
}

void DecodingPanel::setBlocked(const QString& reason) {
    blocked_->setText(reason);
    blocked_->setVisible(!reason.isEmpty());
    refresh();
}

QString DecodingPanel::blocked() const { return blocked_->text(); }
QString DecodingPanel::fault() const { return firstFault(this); }

void DecodingPanel::setExpertsNote(const QString& note) {
    experts_note_->setText(note);
    experts_note_->setVisible(!note.isEmpty());
}

void DecodingPanel::setExperts(int count, int used) {
    expert_count_ = count;
    experts_used_ = used;
    refresh();
}

void DecodingPanel::setRequest(const RunRequest& request) {
    silent_ = true;
    draft_->setChoice(request.draft.method);
    verify_->setChoice(request.draft.verify);
    experts_->setChoice(request.experts);
    // A path that is proposed anyway is no choice of the user: with another model another one is proposed.
    const std::string* const paths[] = {&request.draft.path, &request.draft.second_path};
    for (int which = 0; which < 2; ++which) {
        paths_[which].clear();
        const QString path = QString::fromStdString(*paths[which]);
        if (path != draftPath(which, draft_->method() == nullptr ? 0 : draft_->method()->model_files))
            paths_[which] = path;
    }
    silent_ = false;
    told_draft_ = draft_->choice();
    told_experts_ = experts_->choice();
    refresh();
}

void DecodingPanel::fill(RunRequest& request) const {
    request.draft = {};
    request.draft.method = draft_->choice();
    if (const MethodInfo* rule = verify_->method(); rule != nullptr && request.draft.method.id != MethodChoice{}.id)
        request.draft.verify = verify_->choice();
    const MethodInfo* method = draft_->method();
    const int files = method == nullptr ? 0 : method->model_files;
    if (files > 0) request.draft.path = draftPath(0, files).toStdString();
    if (files > 1) request.draft.second_path = draftPath(1, files).toStdString();
    if (expert_count_ > 0 && experts_->method() != nullptr) request.experts = experts_->choice();
}

void DecodingPanel::setDraftFile(int which, const QString& path) {
    paths_[which] = path;
    onChanged();
}

// Of three models the first draft stands between the target and the smallest.
QString DecodingPanel::draftPath(int which, int files) const {
    if (!paths_[which].isEmpty()) return paths_[which];
    return which == 0 && files > 1 && !middle_.isEmpty() ? middle_ : smallest_;
}

QString DecodingPanel::nameOf(const QString& path) const {
    const auto known =
        std::find_if(known_.begin(), known_.end(), [&](const KnownModel& model) { return model.path == path; });
    return known != known_.end() ? known->label : path.section(QLatin1Char('/'), -1);
}

void DecodingPanel::fillFileMenu(int which) {
    QMenu* menu = files_[which]->menu();
    menu->clear();
    const QString chosen = draftPath(which, draft_->method() == nullptr ? 0 : draft_->method()->model_files);
    for (const KnownModel& model : known_) {
        QAction* action = menu->addAction(model.missing ? tr("%1 (missing)").arg(model.label) : model.label, this,
                                          [this, which, path = model.path] { setDraftFile(which, path); });
        action->setToolTip(model.path);
        action->setCheckable(true);
        action->setChecked(model.path == chosen);
        action->setEnabled(!model.missing);
    }
    menu->setToolTipsVisible(true);
    menu->addSeparator();
    menu->addAction(tr("Another file…"), this, [this, which] { emit draftFileRequested(which); });
}

void DecodingPanel::onChanged() {
    refresh();
    if (silent_) return;
    tellRun(QStringLiteral("draft"), draft_->choice(), told_draft_);
    tellRun(QStringLiteral("experts"), experts_->choice(), told_experts_);
    emit changed();
}

// Parameters of the method that the run was started with can be moved while it goes on; another method waits for the
// next run.
void DecodingPanel::tellRun(const QString& slot, const MethodChoice& now, MethodChoice& told) {
    const MethodChoice before = std::exchange(told, now);
    const RunRequest& running = document_->trace().request();
    const std::string& id = &told == &told_draft_ ? running.draft.method.id : running.experts.id;
    if (!document_->live() || now.id != id || before.id != id) return;
    for (std::size_t i = 0; i < std::min(before.params.size(), now.params.size()); ++i) {
        const auto* number = std::get_if<double>(&now.params[i].second);
        if (number != nullptr && now.params[i] != before.params[i])
            emit controlChanged(slot + QLatin1Char(':') + QString::fromStdString(now.params[i].first), *number);
    }
}

// The slider and the number in the form are the same parameter.
void DecodingPanel::moveBudget(int value) {
    if (silent_) return;
    MethodChoice choice = experts_->choice();
    for (auto& [key, number] : choice.params) {
        if (key == kBudgetKey) number = static_cast<double>(value);
    }
    experts_->setChoice(choice);
    onChanged();
}

void DecodingPanel::refreshFiles(int files) {
    for (int which = 0; which < 2; ++which) {
        const QString path = draftPath(which, files), name = nameOf(path);
        files_[which]->setVisible(which < files);
        files_[which]->setText(name.isEmpty() ? tr("Choose a draft model ▾")
                               : which == 0   ? tr("Draft: %1 ▾").arg(name)
                                              : tr("Smallest: %1 ▾").arg(name));
        files_[which]->setToolTip(path.isEmpty() ? tr("A smaller model with the same tokenizer")
                                                 : tr("A smaller model with the same tokenizer: %1").arg(path));
    }
}

void DecodingPanel::refreshBudget() {
    const ParamSpec* spec = budgetSpec(experts_->method());
    budget_box_->setVisible(spec != nullptr);
    if (spec == nullptr) return;
    const bool was_silent = std::exchange(silent_, true);
    const int value = static_cast<int>(experts_->choice().value(*spec));
    budget_->setRange(std::max(1, experts_used_), std::max(1, expert_count_));
    budget_->setValue(value);
    silent_ = was_silent;
    budget_label_->setText(document_->live() ? tr("Budget %1 of %2, from the next pass").arg(value).arg(expert_count_)
                                             : tr("Budget %1 of %2, for the next run").arg(value).arg(expert_count_));
}

void DecodingPanel::refresh() {
    const MethodInfo* method = draft_->method();
    const bool drafts = method != nullptr && method->id != MethodChoice{}.id;
    refreshFiles(method == nullptr ? 0 : method->model_files);
    verify_box_->setVisible(drafts && verify_->method() != nullptr);
    experts_box_->setVisible(expert_count_ > 0 && experts_->method() != nullptr);
    dense_note_->setVisible(expert_count_ == 0);
    dense_note_->setText(tr("The open model is dense: it has no experts."));
    refreshBudget();
    if (!blocked_->text().isEmpty()) return setFigures(tr("cannot run"));
    const auto loses = [](const MethodChooser* chooser) {
        return chooser->method() != nullptr && !chooser->method()->lossless;
    };
    const bool lossy = (drafts && loses(verify_)) || (expert_count_ > 0 && loses(experts_));
    setFigures((drafts ? tr("drafts, %1") : tr("no draft, %1")).arg(lossy ? tr("lossy") : tr("lossless")));
}

}  // namespace quibble
