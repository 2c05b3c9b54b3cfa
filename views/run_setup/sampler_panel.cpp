#include "views/run_setup/sampler_panel.h"

#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QRandomGenerator>
#include <QShowEvent>
#include <QTimer>
#include <QToolButton>

#include "views/measure.h"
#include "views/number_field.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kFileKind = 2;

NumberField* makeNumber(QWidget* parent, double low, double high, double step, const QString& name) {
    auto* field = new NumberField(name, parent);
    field->setRange(low, high);
    field->setStep(step);
    return field;
}

NumberField* makeInteger(QWidget* parent, int low, int high, const QString& name) {
    auto* field = new NumberField(name, parent);
    field->setRange(low, high);
    field->setGrid(1);
    return field;
}

}  // namespace

SamplerPanel::SamplerPanel(QWidget* parent) : View(tr("Sampler"), parent) {
    const Theme& theme = Theme::instance();
    auto* form = new QFormLayout(this);
    form->setContentsMargins(theme.em(0.6), theme.em(0.5), theme.em(0.6), theme.em(0.6));
    form->setVerticalSpacing(theme.em(0.35));
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    buildSampling(form);
    buildRun(form);
    form->addRow(makeFaultNote(this));
    for (const CheckedField* field : findChildren<CheckedField*>()) {
        connect(field, &CheckedField::faultChanged, this, [this] {
            updateWarning();
            growPopup();
            emit faultChanged();
        });
    }
    setRequest(RunRequest{});
}

void SamplerPanel::buildSampling(QFormLayout* form) {
    temperature_ = makeNumber(this, 0, 5, 0.05, tr("Temperature"));
    temperature_->setLowestText(tr("0 (greedy)"));
    top_p_ = makeNumber(this, 0.01, 1, 0.01, tr("Top-p"));
    min_p_ = makeNumber(this, 0, 1, 0.01, tr("Min-p"));
    min_p_->setLowestText(tr("off"));
    top_k_ = makeInteger(this, 0, 1000000, tr("Top-k"));
    top_k_->setLowestText(tr("off"));
    form->addRow(tr("Temperature"), temperature_);
    form->addRow(tr("Top-k"), top_k_);
    form->addRow(tr("Top-p"), top_p_);
    form->addRow(tr("Min-p"), min_p_);
    connect(temperature_, &NumberField::valueChanged, this,
            [this](double value) { emitLive(QStringLiteral("temperature"), value); });
    connect(top_k_, &NumberField::valueChanged, this,
            [this](double value) { emitLive(QStringLiteral("top_k"), value); });
    connect(top_p_, &NumberField::valueChanged, this,
            [this](double value) { emitLive(QStringLiteral("top_p"), value); });
    connect(min_p_, &NumberField::valueChanged, this,
            [this](double value) { emitLive(QStringLiteral("min_p"), value); });
}

void SamplerPanel::buildRun(QFormLayout* form) {
    const auto tell = [this] {
        if (!silent_) emit changed();
    };
    auto* seed_row = new QWidget(this);
    auto* row = new QHBoxLayout(seed_row);
    row->setContentsMargins(0, 0, 0, 0);
    seed_ = new SeedField(tr("Seed"), seed_row);
    seed_->setToolTip(
        tr("The same seed repeats the run; branches keep it, so that they differ only where the distribution does"));
    auto* dice = makeFlatButton(QStringLiteral("dice"), tr("Draw another seed"), seed_row);
    row->addWidget(seed_, 1);
    row->addWidget(dice);
    limit_ = makeInteger(this, 1, 1000000, tr("Limit of generated tokens"));
    limit_->setUnit(tr("tokens"));
    limit_->setStep(64);
    reference_kind_ = new QComboBox(this);
    reference_kind_->addItems({tr("none"), tr("stored weights"), tr("another file…")});
    reference_kind_->setAccessibleName(tr("Reference"));
    block_ = makeInteger(this, 1, 64, tr("Tokens the reference scores in one pass"));
    block_->setToolTip(tr("The KL curve trails the text by at most this many tokens; larger blocks are faster"));
    block_->setUnit(tr("tokens"));
    threads_ = makeInteger(this, 0, 1024, tr("Threads"));
    threads_->setLowestText(tr("all cores"));
    form->addRow(tr("Seed"), seed_row);
    form->addRow(tr("Limit"), limit_);
    buildCache(form);
    form->addRow(tr("Reference"), reference_kind_);
    reference_note_ = makeCaption({}, this);
    reference_note_->hide();
    form->addRow(QString(), reference_note_);
    form->addRow(tr("Reference block"), block_);
    buildArithmetic(form);
    form->addRow(tr("Threads"), threads_);
    connect(seed_, &SeedField::valueChanged, this, [this, tell] {
        setFigures(summary());
        tell();
    });
    connect(dice, &QToolButton::clicked, this, &SamplerPanel::rollSeed);
    connect(limit_, &NumberField::valueChanged, this,
            [this](double value) { emitLive(QStringLiteral("max_tokens"), value); });
    connect(block_, &NumberField::valueChanged, this, tell);
    connect(threads_, &NumberField::valueChanged, this, tell);
    connect(reference_kind_, &QComboBox::activated, this, [this, tell](int kind) {
        block_->setEnabled(kind != 0);
        if (kind == kFileKind) emit chooseReferenceFileRequested();
        tell();
    });
}

void SamplerPanel::buildCache(QFormLayout* form) {
    const auto tell = [this] {
        if (!silent_) emit changed();
    };
    context_ = makeInteger(this, 0, 16'777'216, tr("Context"));
    context_->setLowestText(tr("as needed"));
    context_->setUnit(tr("positions"));
    context_->setStep(1024);
    context_->setToolTip(
        tr("Positions that the KV cache has room for: the prompt and all that follows. Memory is occupied only as they "
           "are written"));
    kv_type_ = new QComboBox(this);
    kv_type_->addItems({tr("f32 (exact)"), tr("f16 (half the memory)"), tr("bf16 (half the memory)"),
                        tr("q8_0 (a quarter of the memory)")});
    kv_type_->setAccessibleName(tr("Type of the KV cache"));
    kv_type_->setToolTip(
        tr("How keys and values of earlier positions are stored. The reference keeps f32, so that the KL shows what a "
           "smaller type does"));
    cache_cost_ = makeCaption({}, this);
    cache_cost_->setWordWrap(true);
    cache_cost_->setAccessibleName(tr("Cost of the KV cache"));
    cache_cost_->hide();
    form->addRow(tr("Context"), context_);
    form->addRow(tr("KV cache"), kv_type_);
    form->addRow(QString(), cache_cost_);
    connect(context_, &NumberField::valueChanged, this, tell);
    connect(kv_type_, &QComboBox::activated, this, tell);
}

void SamplerPanel::buildArithmetic(QFormLayout* form) {
    const auto tell = [this] {
        if (!silent_) emit changed();
    };
    arithmetic_ = new QComboBox(this);
    arithmetic_->addItems({tr("native (fast)"), tr("f32 (isolates the weights)")});
    arithmetic_->setAccessibleName(tr("Arithmetic"));
    arithmetic_->setToolTip(
        tr("Native kernels round activations to 8-bit blocks; f32 shows what the weights alone did"));
    prefill_ = new QComboBox(this);
    prefill_->addItems({tr("exact"), tr("throughput (BF16 weights)")});
    prefill_->setAccessibleName(tr("Prefill"));
    prefill_->setToolTip(
        tr("How the prompt is computed. Exact: as everything else. Throughput: BF16 weights take it with activations "
           "rounded to BF16, which is faster; "
           "the run still repeats bit for bit, but its KL holds what the rounding did, also against the same weights"));
    form->addRow(tr("Arithmetic"), arithmetic_);
    form->addRow(tr("Prefill"), prefill_);
    prefill_blocked_ = makeCaption({}, this);
    useTextColour(prefill_blocked_, TextRole::Bad);
    prefill_blocked_->hide();
    form->addRow(QString(), prefill_blocked_);
    connect(arithmetic_, &QComboBox::activated, this, tell);
    connect(prefill_, &QComboBox::activated, this, tell);
}

void SamplerPanel::setCacheCost(const QString& text, bool refused) {
    cache_cost_->setVisible(!text.isEmpty());
    cache_cost_->setText(refused ? tr("Does not fit: %1").arg(text) : text);
    cache_refused_ = refused;
    updateWarning();
    growPopup();
}

void SamplerPanel::updateWarning() {
    const QString warning = !fault().isEmpty()            ? fault()
                            : !prefillBlocked().isEmpty() ? prefillBlocked()
                            : cache_refused_              ? cache_cost_->text()
                                                          : QString();
    if (warning == warning_) return;
    warning_ = warning;
    emit warningChanged(warning);
}

void SamplerPanel::showEvent(QShowEvent* event) {
    View::showEvent(event);
    QTimer::singleShot(0, this,
                       &SamplerPanel::growPopup);  // what was said while it was closed has not been laid out yet
}

void SamplerPanel::setReferenceNote(const QString& note) {
    if (note == reference_note_->text()) return;
    reference_note_->setText(note);
    reference_note_->setVisible(!note.isEmpty());
    growPopup();
}

void SamplerPanel::setPrefillBlocked(const QString& reason) {
    prefill_blocked_->setText(reason);
    prefill_blocked_->setVisible(!reason.isEmpty());
    updateWarning();
    growPopup();
}

// A pop-up keeps the size it opened with; text that appears later would be cut off.
void SamplerPanel::growPopup() {
    if (isVisible() && window()->windowType() == Qt::Popup) fitContent(window());
}

QString SamplerPanel::fault() const { return firstFault(this); }

QString SamplerPanel::prefillBlocked() const { return prefill_blocked_->text(); }

void SamplerPanel::emitLive(const QString& key, double value) {
    setFigures(summary());
    if (silent_) return;
    emit controlChanged(key, value);
    emit changed();
}

void SamplerPanel::rollSeed() {
    // Small enough to read aloud and to type again.
    seed_->setValue(static_cast<std::uint64_t>(QRandomGenerator::system()->bounded(1, 1000000)));
}

void SamplerPanel::setRequest(const RunRequest& request) {
    silent_ = true;
    temperature_->setValue(request.sampler.temperature);
    top_k_->setValue(request.sampler.top_k);
    top_p_->setValue(request.sampler.top_p);
    min_p_->setValue(request.sampler.min_p);
    seed_->setValue(request.seed);
    limit_->setValue(request.max_tokens);
    context_->setValue(request.context);
    kv_type_->setCurrentIndex(static_cast<int>(request.kv_type));
    arithmetic_->setCurrentIndex(request.arithmetic == Arithmetic::F32 ? 1 : 0);
    prefill_->setCurrentIndex(request.prefill == PrefillMode::Throughput ? 1 : 0);
    threads_->setValue(request.threads);
    setReference(request.reference);
    silent_ = false;
    setFigures(summary());
}

void SamplerPanel::setReference(const ReferenceSettings& reference) {
    const bool was_silent = silent_;
    silent_ = true;
    reference_path_ = reference.path;
    reference_kind_->setCurrentIndex(reference.kind == ReferenceKind::None          ? 0
                                     : reference.kind == ReferenceKind::Unquantized ? 1
                                                                                    : kFileKind);
    const QString file = QString::fromStdString(reference.path).section(QLatin1Char('/'), -1);
    reference_kind_->setItemText(kFileKind, file.isEmpty() ? tr("another file…") : file);
    block_->setValue(reference.block);
    block_->setEnabled(reference.kind != ReferenceKind::None);
    silent_ = was_silent;
}

ReferenceSettings SamplerPanel::reference() const {
    ReferenceSettings reference;
    const int kind = reference_kind_->currentIndex();
    reference.kind = kind == 0           ? ReferenceKind::None
                     : kind == kFileKind ? ReferenceKind::File
                                         : ReferenceKind::Unquantized;
    reference.path = kind == kFileKind ? reference_path_ : std::string();
    reference.block = block_->whole();
    return reference;
}

void SamplerPanel::fill(RunRequest& request) const {
    request.sampler.temperature = temperature_->value();
    request.sampler.top_k = top_k_->whole();
    request.sampler.top_p = top_p_->value();
    request.sampler.min_p = min_p_->value();
    request.seed = seed_->value();
    request.max_tokens = limit_->whole();
    request.context = context_->whole();
    request.kv_type = kKvTypes[static_cast<std::size_t>(kv_type_->currentIndex())];
    request.arithmetic = arithmetic_->currentIndex() == 1 ? Arithmetic::F32 : Arithmetic::Native;
    request.prefill = prefill_->currentIndex() == 1 ? PrefillMode::Throughput : PrefillMode::Exact;
    request.threads = threads_->whole();
    request.reference = reference();
}

QString SamplerPanel::summary() const {
    const QLocale locale;
    QStringList parts{temperature_->value() == 0 ? tr("greedy")
                                                 : tr("T %1").arg(locale.toString(temperature_->value(), 'g', 4))};
    if (top_k_->value() > 0) parts << tr("top-k %1").arg(top_k_->whole());
    if (top_p_->value() < 1) parts << tr("top-p %1").arg(locale.toString(top_p_->value(), 'g', 4));
    if (min_p_->value() > 0) parts << tr("min-p %1").arg(locale.toString(min_p_->value(), 'g', 4));
    parts << tr("seed %1").arg(seed_->value());
    return parts.join(QStringLiteral(" · "));
}

}  // namespace quibble
