#include "views/run_setup/rules_panel.h"

#include <algorithm>
#include <utility>

#include <QCheckBox>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/eliding_check_box.h"
#include "views/number_field.h"
#include "views/run_document.h"
#include "views/run_setup/param_form.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

RulesPanel::RulesPanel(RunDocument* document, QWidget* parent) : View(tr("Rules"), parent), document_(document) {
    column_ = makeScrolledColumn(this, 0.4, 0.4);
    QWidget* body = column_->parentWidget();
    const auto section = [body](const QString& title) {
        auto* label = new QLabel(title, body);
        useFont(label, FontRole::Title);
        label->setWordWrap(true);
        return label;
    };
    empty_ = makeCaption(tr("Nothing but the marker penalty changes what the model says. Rules act from top to bottom, "
                            "behind the penalty."),
                         body);
    logits_title_ = section(tr("Logits, before each token"));
    control_title_ = section(tr("Control, at each token"));
    add_ = new QPushButton(tr("Add a rule ▾"), body);
    add_->setMenu(new QMenu(add_));
    add_->menu()->setToolTipsVisible(true);
    placeRows();
    connect(document_, &RunDocument::reset, this, &RulesPanel::refreshDeeds);
    connect(document_, &RunDocument::applied, this, &RulesPanel::refreshDeeds);
    connect(document_, &RunDocument::provenanceChanged, this, &RulesPanel::refreshDeeds);
}

void RulesPanel::setMethods(std::vector<MethodInfo> logits, std::vector<MethodInfo> control) {
    logits_ = std::move(logits);
    control_ = std::move(control);
    QMenu* menu = add_->menu();
    menu->clear();
    for (const bool slot_control : {false, true}) {
        if (slot_control) menu->addSeparator();
        menu->addAction(slot_control ? tr("Control, at each token") : tr("Logits, before each token"))
            ->setEnabled(false);
        for (const MethodInfo& method : slot_control ? control_ : logits_) {
            QAction* action = menu->addAction(method.label, this, [this, slot_control, id = method.id] {
                addRule(slot_control, QString::fromStdString(id));
            });
            action->setObjectName(QString::fromStdString(method.id));
            action->setEnabled(method.blocked.isEmpty());
            action->setToolTip(method.blocked.isEmpty() ? method.help + QLatin1Char('\n') + method.source
                                                        : method.blocked);
        }
    }
}

QString RulesPanel::fault() const {
    if (QString fault = firstFault(this); !fault.isEmpty()) return fault;
    for (const Row& row : rows_) {
        const QString missing = row.on->isChecked() ? row.form->missing() : QString();
        if (!missing.isEmpty()) return tr("%1: \"%2\" is empty").arg(row.on->text(), missing);
    }
    return {};
}

const MethodInfo* RulesPanel::methodOf(bool control, const std::string& id) const {
    const std::vector<MethodInfo>& methods = control ? control_ : logits_;
    const auto found =
        std::find_if(methods.begin(), methods.end(), [&](const MethodInfo& method) { return method.id == id; });
    return found == methods.end() ? nullptr : &*found;
}

RulesPanel::Row RulesPanel::makeRow(bool control, const MethodInfo& method) {
    const Theme& theme = Theme::instance();
    Row row;
    row.control = control;
    row.id = method.id;
    row.box = new QWidget(column_->parentWidget());
    auto* lines = new QVBoxLayout(row.box);
    lines->setContentsMargins(0, 0, 0, theme.em(0.3));
    lines->setSpacing(theme.em(0.2));
    auto* head = new QHBoxLayout;
    row.on = new ElidingCheckBox(method.label, row.box);
    row.on->setChecked(true);
    row.on->setToolTip(method.label + QLatin1Char('\n') + method.help + QLatin1Char('\n') + method.source);
    head->addWidget(row.on, 1);
    row.deeds = new QLabel(row.box);
    useFont(row.deeds, FontRole::Small);
    useTextColour(row.deeds, TextRole::Muted);
    QWidget* box = row.box;
    const auto at = [this, box] {
        const auto found = std::find_if(rows_.begin(), rows_.end(), [box](const Row& one) { return one.box == box; });
        return static_cast<int>(found - rows_.begin());
    };
    QToolButton* up = makeFlatButton(QStringLiteral("up"), tr("Let %1 act earlier").arg(method.label), row.box);
    connect(up, &QToolButton::clicked, this, [this, at] { moveUp(at()); });
    head->addWidget(up);
    QToolButton* remove = makeFlatButton(QStringLiteral("close"), tr("Remove %1").arg(method.label), row.box);
    connect(remove, &QToolButton::clicked, this, [this, at] { removeRule(at()); });
    head->addWidget(remove);
    lines->addLayout(head);
    lines->addWidget(row.deeds);  // beside the buttons there is no room in a narrow panel
    row.form = new ParamForm(method.params, row.box);
    lines->addWidget(row.form);
    connect(row.on, &QCheckBox::toggled, this, [this, form = row.form](bool on) {
        form->setEnabled(on);
        onChanged();
    });
    connect(row.form, &ParamForm::changed, this, &RulesPanel::onChanged);
    connect(row.form, &ParamForm::faultChanged, this, &RulesPanel::faultChanged);
    return row;
}

// Titles stand above the rows of their slot, and where a slot has none, nothing does.
void RulesPanel::placeRows() {
    while (QLayoutItem* item = column_->takeAt(0)) delete item;  // widgets stay
    const auto any = [this](bool control) {
        return std::any_of(rows_.begin(), rows_.end(), [control](const Row& row) { return row.control == control; });
    };
    empty_->setVisible(rows_.empty());
    column_->addWidget(empty_);
    for (const bool control : {false, true}) {
        QLabel* title = control ? control_title_ : logits_title_;
        title->setVisible(any(control));
        column_->addWidget(title);
        for (const Row& row : rows_) {
            if (row.control == control) column_->addWidget(row.box);
        }
    }
    column_->addWidget(add_);
    column_->addStretch(1);
    QWidget* before = nullptr;
    for (const Row& row : rows_) {
        for (QWidget* widget : {static_cast<QWidget*>(row.on), static_cast<QWidget*>(row.form)}) {
            if (before != nullptr) setTabOrder(before, widget);
            before = widget;
        }
    }
    if (before != nullptr) setTabOrder(before, add_);
}

void RulesPanel::addRule(bool control, const QString& id) {
    const MethodInfo* method = methodOf(control, id.toStdString());
    if (method == nullptr) return;
    Row row = makeRow(control, *method);
    const auto end =
        control ? rows_.end() : std::find_if(rows_.begin(), rows_.end(), [](const Row& one) { return one.control; });
    rows_.insert(end, std::move(row));
    placeRows();
    onChanged();
}

void RulesPanel::removeRule(int row) {
    if (row < 0 || row >= count()) return;
    const auto at = rows_.begin() + row;
    at->box->hide();
    at->box->deleteLater();  // its own button may have asked
    rows_.erase(at);
    placeRows();
    onChanged();
}

void RulesPanel::moveUp(int row) {
    const auto at = static_cast<std::size_t>(row);
    if (row <= 0 || row >= count() || rows_[at].control != rows_[at - 1].control) return;
    std::swap(rows_[at], rows_[at - 1]);
    placeRows();
    onChanged();
}

MethodChoice RulesPanel::choiceOf(const Row& row) const {
    MethodChoice choice{row.id, {}};
    row.form->fill(choice);
    return choice;
}

void RulesPanel::setRequest(const RunRequest& request) {
    silent_ = true;
    for (const Row& row : rows_) {
        row.box->hide();
        row.box->deleteLater();
    }
    rows_.clear();
    for (const bool control : {false, true}) {
        for (const MethodChoice& choice : control ? request.control : request.logits) {
            const MethodInfo* method = methodOf(control, choice.id);
            if (method == nullptr) continue;
            rows_.push_back(makeRow(control, *method));
            rows_.back().form->setValues(choice);
            rows_.back().told = choiceOf(rows_.back());
        }
    }
    placeRows();
    silent_ = false;
    refreshDeeds();
}

void RulesPanel::fill(RunRequest& request) const {
    request.logits.clear();
    request.control.clear();
    for (const Row& row : rows_) {
        if (row.on->isChecked()) (row.control ? request.control : request.logits).push_back(choiceOf(row));
    }
}

void RulesPanel::onChanged() {
    if (silent_) return;
    tellRun();
    refreshDeeds();
    emit changed();
    emit faultChanged();  // a text may be missing
}

int RulesPanel::indexInRun(std::size_t row) const {
    const RunTrace& trace = document_->trace();
    if (!rows_[row].on->isChecked()) return -1;
    std::vector<std::string> mine, theirs;
    int index = -1;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (!rows_[i].on->isChecked()) continue;
        if (i == row) index = static_cast<int>(mine.size());
        mine.push_back(rows_[i].id);
    }
    for (const auto* methods : {&trace.request().logits, &trace.request().control}) {
        for (const MethodChoice& choice : *methods) theirs.push_back(choice.id);
    }
    // The penalty stands in front of them.
    return mine == theirs ? index + 1 : -1;
}

void RulesPanel::tellRun() {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        MethodChoice now = choiceOf(rows_[i]);
        // Of a text that is being typed the run is told when it is whole.
        for (std::size_t p = 0; p < now.params.size() && p < rows_[i].told.params.size(); ++p) {
            if (rows_[i].form->isTyped(now.params[p].first)) now.params[p] = rows_[i].told.params[p];
        }
        const MethodChoice before = std::exchange(rows_[i].told, now);
        const int index = document_->live() ? indexInRun(i) : -1;
        if (index < 0 || before.params.size() != now.params.size()) continue;
        for (std::size_t p = 0; p < now.params.size(); ++p) {
            if (now.params[p] == before.params[p]) continue;
            emit controlChanged(
                QStringLiteral("rule:%1:%2").arg(index).arg(QString::fromStdString(now.params[p].first)),
                now.params[p].second);
        }
    }
}

QString RulesPanel::deeds(int row) const { return rows_[static_cast<std::size_t>(row)].deeds->text(); }

void RulesPanel::refreshDeeds() {
    const auto& acts = document_->trace().ruleActs();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const int index = indexInRun(i);
        int turned = 0, injected = 0, trials = 0;
        bool ended = false;
        for (const RuleAct& act : acts) {
            if (act.rule != index) continue;
            turned += act.kind == RuleAct::Kind::Turned ? 1 : 0;
            injected += act.kind == RuleAct::Kind::Injected ? act.tokens : 0;
            trials += act.kind == RuleAct::Kind::Looked ? 1 : 0;
            ended = ended || act.kind == RuleAct::Kind::Ended;
        }
        QStringList words;
        if (trials > 0) words << (trials == 1 ? tr("1 trial") : tr("%1 trials").arg(trials));
        if (turned > 0) words << tr("%1 turned").arg(turned);
        if (injected > 0) words << tr("%1 injected").arg(injected);
        if (ended) words << tr("ended the run");
        rows_[i].deeds->setText(index < 0 ? QString() : words.join(QStringLiteral(", ")));
    }
}

}  // namespace quibble
