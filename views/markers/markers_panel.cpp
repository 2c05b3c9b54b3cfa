#include "views/markers/markers_panel.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QSignalBlocker>
#include <QSlider>
#include <QStyle>
#include <QTableView>
#include <QTimer>
#include <QVBoxLayout>

#include "engine/metrics/divergence.h"
#include "engine/metrics/summary.h"
#include "views/markers/marker_model.h"
#include "views/markers/penalty_slider.h"
#include "views/number_field.h"
#include "views/run_document.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kStepsPerUnit = 10;
constexpr double kLowest = -2, kHighest = 8;
constexpr int kChips = 8;  // as many as fit in two or three rows; all words are in the table

}  // namespace

MarkersPanel::MarkersPanel(RunDocument* document, QWidget* parent)
    : View(tr("Markers"), parent),
      document_(document),
      model_(new MarkerModel(this)),
      refresh_timer_(new QTimer(this)) {
    column_ = makeScrolledColumn(this, 0.5, 0.4);
    buildControls();
    buildWords();
    column_->addStretch(1);

    refresh_timer_->setSingleShot(true);
    connect(refresh_timer_, &QTimer::timeout, this, &MarkersPanel::refresh);
    connect(document_, &RunDocument::applied, this, &MarkersPanel::scheduleRefresh);
    connect(document_, &RunDocument::referenceAdvanced, this, &MarkersPanel::scheduleRefresh);
    for (const auto signal : {&RunDocument::reset, &RunDocument::provenanceChanged, &RunDocument::finished}) {
        connect(document_, signal, this, &MarkersPanel::refresh);
    }
    connect(document_, &RunDocument::stateChanged, this, &MarkersPanel::updateEffectNote);
    connect(model_, &MarkerModel::wordToggled, this, &MarkersPanel::onWordToggled);
    refresh();
}

void MarkersPanel::buildControls() {
    auto* caption_row = new QHBoxLayout;
    auto* label = makeCaption(tr("Penalty λ"), this);
    label->setWordWrap(false);
    spin_ = new NumberField(tr("Penalty strength, logits"), this);
    spin_->setRange(kLowest, kHighest);
    spin_->setStep(1.0 / kStepsPerUnit);
    spin_->setValue(0);
    label->setBuddy(spin_);
    effect_note_ = makeCaption({}, this);
    caption_row->addWidget(label);
    caption_row->addWidget(spin_);
    caption_row->addWidget(effect_note_, 1);
    column_->addLayout(caption_row);

    slider_ = new PenaltySlider(0, this);
    slider_->setRange(static_cast<int>(kLowest * kStepsPerUnit), static_cast<int>(kHighest * kStepsPerUnit));
    slider_->setSingleStep(1);
    slider_->setPageStep(kStepsPerUnit / 2);
    slider_->setValue(0);
    setLeastLines(slider_, 1.4);
    slider_->setAccessibleName(tr("Penalty strength"));
    slider_->setToolTip(
        tr("λ is subtracted from the logit of every marker that is switched on; below 0 it encourages them."));
    column_->addWidget(slider_);
    column_->addWidget(makeFaultNote(this));

    auto* set_row = new QHBoxLayout;
    set_box_ = new QComboBox(this);
    set_box_->setAccessibleName(tr("Marker list"));
    set_box_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    set_box_->setMinimumContentsLength(8);
    edit_button_ = makeFlatButton(QStringLiteral("edit"), tr("Edit this list…"), this);
    only_thinking_ = new QCheckBox(tr("only in thinking"), this);
    only_thinking_->setToolTip(
        tr("Outside the reasoning span nothing is penalized. The published method penalizes everywhere."));
    set_row->addWidget(set_box_, 1);
    set_row->addWidget(edit_button_);
    set_row->addWidget(only_thinking_);
    column_->addLayout(set_row);

    connect(slider_, &QSlider::valueChanged, this,
            [this](int value) { setStrength(static_cast<double>(value) / kStepsPerUnit, true); });
    connect(spin_, &NumberField::valueChanged, this, [this](double value) { setStrength(value, true); });
    connect(spin_, &NumberField::faultChanged, this, &MarkersPanel::faultChanged);
    connect(only_thinking_, &QCheckBox::toggled, this,
            [this](bool on) { emit controlChanged(QStringLiteral("penalty.only_thinking"), on ? 1 : 0); });
    connect(set_box_, &QComboBox::activated, this, [this](int index) {
        showSet(index, {});
        emit setChosen(set_box_->itemText(index));
    });
    connect(edit_button_, &QToolButton::clicked, this, [this] { emit editSetRequested(set_box_->currentText()); });
}

void MarkersPanel::buildWords() {
    chips_ = new QWidget(this);
    chips_layout_ = new FlowLayout(chips_, 5);
    column_->addWidget(chips_);
    all_words_ = new QToolButton(this);
    all_words_->setProperty("flat", true);
    all_words_->setCheckable(true);
    all_words_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    all_words_->setFocusPolicy(Qt::StrongFocus);
    useFont(all_words_, FontRole::Small);
    column_->addWidget(all_words_, 0, Qt::AlignLeft);
    auto* table = new QTableView(this);
    table_box_ = table;
    table->setModel(model_);
    table->setAccessibleName(tr("Marker words"));
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(Theme::instance().em(1.5));
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    table->horizontalHeader()->setSectionResizeMode(MarkerModel::Word, QHeaderView::Stretch);
    table->horizontalHeader()->setDefaultSectionSize(Theme::instance().em(3.6));
    table->horizontalHeader()->setMinimumSectionSize(Theme::instance().em(2.5));
    table->setShowGrid(false);
    table->setTabKeyNavigation(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    setLeastLines(table, 11);
    useFont(table, FontRole::Small);
    table->setVisible(false);
    column_->addWidget(table);
    dropped_ = makeCaption({}, this);
    column_->addWidget(dropped_);
    summary_ = makeCaption({}, this);
    column_->addWidget(summary_);
    connect(all_words_, &QToolButton::toggled, this, [this](bool on) {
        table_box_->setVisible(on);
        chips_->setVisible(!on);
        updateAllWordsButton();
    });
}

void MarkersPanel::setSets(std::vector<MarkerListInfo> sets) {
    const QString current = set_box_->currentText();
    const std::vector<std::string> disabled = model_->disabledWords();
    sets_ = std::move(sets);
    const QSignalBlocker block(set_box_);
    set_box_->clear();
    for (const MarkerListInfo& set : sets_) {
        set_box_->addItem(set.name);
        set_box_->setItemData(set_box_->count() - 1, set.note, Qt::ToolTipRole);
    }
    showSet(std::max(0, set_box_->findText(current)), disabled);
}

void MarkersPanel::showSet(int index, const std::vector<std::string>& disabled) {
    if (index < 0 || index >= static_cast<int>(sets_.size())) return;
    const QSignalBlocker block(set_box_);
    set_box_->setCurrentIndex(index);
    const MarkerListInfo& set = sets_[static_cast<std::size_t>(index)];
    set_box_->setToolTip(set.note);
    edit_button_->setToolTip(set.editable ? tr("Edit this list…") : tr("Make an editable copy of this list…"));
    model_->setWords(set.words, disabled);
    refresh();
}

void MarkersPanel::setPenalty(const PenaltySettings& penalty) {
    const QSignalBlocker block_thinking(only_thinking_);
    only_thinking_->setChecked(penalty.only_thinking);
    setStrength(penalty.strength, false);
    const QString name = QString::fromStdString(penalty.set_name);
    int index = set_box_->findText(name);
    if (index < 0 && !penalty.words.empty()) {  // a stored run may use a list that is not there any more
        std::vector<MarkerListInfo> sets = sets_;
        sets.push_back({name, tr("The list of this run"), penalty.words, false});
        setSets(std::move(sets));
        index = set_box_->findText(name);
    }
    showSet(index, penalty.disabled_words);
}

PenaltySettings MarkersPanel::penalty() const {
    PenaltySettings penalty;
    penalty.strength = spin_->value();
    penalty.only_thinking = only_thinking_->isChecked();
    if (const int index = set_box_->currentIndex(); index >= 0) {
        penalty.set_name = set_box_->currentText().toStdString();
        penalty.words = sets_[static_cast<std::size_t>(index)].words;
        penalty.disabled_words = model_->disabledWords();
    }
    return penalty;
}

void MarkersPanel::setStrength(double strength, bool tell) {
    strength = std::clamp(strength, kLowest, kHighest);
    const QSignalBlocker block_slider(slider_), block_spin(spin_);
    slider_->setValue(static_cast<int>(std::lround(strength * kStepsPerUnit)));
    spin_->setValue(strength);
    model_->setStrength(strength);
    updateEffectNote();
    if (tell && strength != told_strength_) emit controlChanged(QStringLiteral("penalty"), strength);
    told_strength_ = strength;
}

void MarkersPanel::updateEffectNote() {
    effect_note_->setText(document_->live() ? tr("takes effect at the next token") : tr("for the next run"));
}

void MarkersPanel::onWordToggled(const QString& word, bool on) {
    emit controlChanged(QStringLiteral("word:") + word, on ? 1 : 0);
    rebuildChips();
}

void MarkersPanel::scheduleRefresh() {
    if (!refresh_timer_->isActive()) refresh_timer_->start(document_->size() > 20000 ? 2000 : 300);
}

void MarkersPanel::refresh() {
    const RunTrace& trace = document_->trace();
    const RunProvenance& provenance = trace.provenance();
    const bool known = !provenance.model_name.empty();
    model_->setCounts(countMarkers(trace), known);
    updateEffectNote();
    rebuildChips();
    const int words = model_->rowCount();
    setFigures(known ? tr("%n words, %1 of one token", nullptr, words).arg(provenance.markers.size())
                     : tr("%n words", nullptr, words));

    QStringList dropped;
    for (const std::string& reason : provenance.dropped_markers) dropped << QString::fromStdString(reason).trimmed();
    dropped_->setVisible(!dropped.isEmpty());
    const QString joined = dropped.join(QStringLiteral("; "));
    dropped_->setText(tr("dropped: %1")
                          .arg(dropped.size() <= 3
                                   ? joined
                                   : dropped.mid(0, 3).join(QStringLiteral("; ")) +
                                         tr("; and %n more", nullptr, static_cast<int>(dropped.size()) - 3)));
    dropped_->setToolTip(dropped.size() > 3 ? dropped.join(QLatin1Char('\n')) : QString());

    const RunSummaryNumbers numbers = summarize(trace);
    QStringList parts;
    if (numbers.mean_marker_mass)
        parts << tr("mass spent on markers: %1").arg(formatPercent(*numbers.mean_marker_mass));
    if (const TopKlMarkers top = topKlMarkers(trace, 0.05); top.positions > 0) {
        parts << tr("in the top 5 % of KL: %1").arg(formatPercent(top.share));
    }
    if (numbers.interventions > 0) parts << tr("%n interventions", nullptr, static_cast<int>(numbers.interventions));
    summary_->setText(parts.join(QStringLiteral(" · ")));
    summary_->setVisible(!parts.isEmpty());
}

void MarkersPanel::updateAllWordsButton() {
    const bool open = all_words_->isChecked();
    const Theme& theme = Theme::instance();
    all_words_->setIcon(theme.icon(open ? QStringLiteral("up") : QStringLiteral("down"), theme.colors().muted));
    all_words_->setText(open ? tr("fewer") : tr("all %n words", nullptr, model_->rowCount()));
}

// The words that matter first: counted ones, then those with the most probability, then the order of the list.
void MarkersPanel::rebuildChips() {
    const auto& rows = model_->rows();
    std::vector<int> order(rows.size());
    std::iota(order.begin(), order.end(), 0);
    const auto key = [&rows](int i) {
        const MarkerModel::Row& row = rows[static_cast<std::size_t>(i)];
        return std::tuple(row.on || row.count > 0 ? 1 : 0, row.count, row.mass);
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key(a) > key(b); });
    if (static_cast<int>(order.size()) > kChips) order.resize(kChips);
    updateAllWordsButton();
    if (static_cast<int>(chip_buttons_.size()) != static_cast<int>(order.size())) {
        for (QToolButton* chip : chip_buttons_) chip->deleteLater();
        chip_buttons_.clear();
        for (std::size_t i = 0; i < order.size(); ++i) {
            auto* chip = new QToolButton(chips_);
            chip->setObjectName(QStringLiteral("chip"));
            chip->setCheckable(true);
            chip->setFocusPolicy(Qt::StrongFocus);
            chips_layout_->addWidget(chip);
            chip_buttons_.push_back(chip);
            connect(chip, &QToolButton::clicked, this,
                    [this, chip](bool on) { model_->setOn(chip->property("row").toInt(), on); });
        }
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        const MarkerModel::Row& row = rows[static_cast<std::size_t>(order[i])];
        QToolButton* chip = chip_buttons_[i];
        const QString text = QStringLiteral("%1 %2").arg(row.shown).arg(row.count);
        const bool used = row.count > 0;
        if (chip->text() == text && chip->isChecked() == row.on && chip->property("row").toInt() == order[i]) continue;
        chip->setText(text);
        chip->setChecked(row.on);
        chip->setProperty("row", order[i]);
        chip->setAccessibleName(tr("%1, %n times, penalty %2", nullptr, static_cast<int>(row.count))
                                    .arg(row.shown, row.on ? tr("on") : tr("off")));
        chip->setToolTip(tr("Mass %1, avoided %n times. Click to switch the penalty for this word.", nullptr,
                            static_cast<int>(row.avoided))
                             .arg(formatSignificant(row.mass, 2)));
        if (chip->property("used").toBool() != used) {
            chip->setProperty("used", used);
            chip->style()->unpolish(chip);
            chip->style()->polish(chip);
        }
    }
    chips_->updateGeometry();
}

}  // namespace quibble
