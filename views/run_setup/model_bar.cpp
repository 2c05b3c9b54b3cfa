#include "views/run_setup/model_bar.h"

#include <algorithm>
#include <numeric>

#include <QComboBox>
#include <QEvent>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QStackedWidget>
#include <QTimer>
#include <QVBoxLayout>

#include "views/eliding_button.h"
#include "views/number_field.h"
#include "views/run_setup/param_form.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kGap = 7;

ElidingButton* makeBarButton(QWidget* parent, const QString& name) {
    auto* button = new ElidingButton(parent);
    button->setObjectName(QStringLiteral("barButton"));
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    button->setAccessibleName(name);
    button->setFocusPolicy(Qt::StrongFocus);
    return button;
}

const QString kArrow = QStringLiteral(" ▾");

}  // namespace

ModelBar::ModelBar(QWidget* parent)
    : QWidget(parent),
      model_button_(makeBarButton(this, tr("Model and weight format"))),
      reference_button_(makeBarButton(this, tr("Reference"))),
      sampler_button_(makeBarButton(this, tr("Sampler"))),
      reference_menu_(new QMenu(this)) {
    model_button_->setHelp(tr("Choose a model and how its weights are quantized"));
    reference_button_->setPopupMode(QToolButton::InstantPopup);
    reference_button_->setMenu(reference_menu_);
    connect(model_button_, &QToolButton::clicked, this, &ModelBar::openModelPopup);
    connect(sampler_button_, &QToolButton::clicked, this, &ModelBar::samplerRequested);
    connect(reference_menu_, &QMenu::aboutToShow, this, &ModelBar::rebuildReferenceMenu);
    connect(&Theme::instance(), &Theme::changed, this, &ModelBar::showSigns);
    showSigns();
    updateButtons();
}

QToolButton* ModelBar::samplerButton() const { return sampler_button_; }
QToolButton* ModelBar::modelButton() const { return model_button_; }
QToolButton* ModelBar::referenceButton() const { return reference_button_; }

QSize ModelBar::sizeHint() const {
    QSize size(-kGap, 0);
    for (const ElidingButton* button : buttons())
        size = {size.width() + kGap + button->sizeHint().width(), std::max(size.height(), button->sizeHint().height())};
    return size;
}

QSize ModelBar::minimumSizeHint() const {
    QSize size(-kGap, 0);
    for (const ElidingButton* button : buttons())
        size = {size.width() + kGap + button->minimumSizeHint().width(),
                std::max(size.height(), button->sizeHint().height())};
    return size;
}

bool ModelBar::event(QEvent* event) {
    const bool done = QWidget::event(event);
    if (event->type() == QEvent::LayoutRequest) updateGeometry();  // a button wants another size
    if (event->type() == QEvent::LayoutRequest || event->type() == QEvent::Resize) shareRoom();
    return done;
}

// All buttons are whole, or those that are not are equally wide.
void ModelBar::shareRoom() {
    std::array<ElidingButton*, 3> by_width = buttons();
    std::sort(by_width.begin(), by_width.end(), [](const ElidingButton* a, const ElidingButton* b) {
        return a->sizeHint().width() < b->sizeHint().width();
    });
    int left = std::max(width(), minimumSizeHint().width()) - 2 * kGap, sharers = static_cast<int>(by_width.size());
    for (ElidingButton* button : by_width) {
        const int share = std::min(button->sizeHint().width(), left / sharers);
        button->resize(share, height());
        left -= share;
        --sharers;
    }
    int x = 0;
    for (ElidingButton* button : buttons()) {
        button->move(x, 0);
        x += button->width() + kGap;
    }
}

void ModelBar::setModel(const QString& name, const QString& stored_format) {
    model_name_ = name;
    stored_format_ = stored_format;
    updateButtons();
}

void ModelBar::setLoading(const QString& name) {
    loading_name_ = name;
    loading_progress_ = 0;
    updateButtons();
}

void ModelBar::setLoadingProgress(double fraction) {
    loading_progress_ = fraction;
    updateButtons();
}

void ModelBar::setRecentModels(std::vector<KnownModel> models) { recent_ = std::move(models); }

void ModelBar::setQuantMethods(std::vector<QuantMethod> methods) {
    methods_ = std::move(methods);
    updateButtons();
}

void ModelBar::setQuant(const MethodChoice& choice) {
    quant_ = choice;
    updateButtons();
}

void ModelBar::setReference(const ReferenceSettings& reference) {
    reference_ = reference;
    updateButtons();
}

void ModelBar::setSamplerSummary(const QString& summary) {
    sampler_button_->setFullText(summary + kArrow);
    updateGeometry();
    shareRoom();
}

void ModelBar::setSamplerWarning(const QString& warning) {
    sampler_warning_ = warning;
    showSigns();
}

void ModelBar::setReferenceNote(const QString& note, bool refused) {
    reference_note_ = note;
    reference_refused_ = refused;
    showSigns();
}

void ModelBar::showSigns() {
    const Theme& theme = Theme::instance();
    const auto show = [&theme](ElidingButton* button, const QString& sign, const QColor& colour, const QString& help) {
        button->setIcon(sign.isEmpty() ? QIcon() : theme.icon(QStringLiteral("warning"), colour));
        button->setToolButtonStyle(sign.isEmpty() ? Qt::ToolButtonTextOnly : Qt::ToolButtonTextBesideIcon);
        button->setHelp(help);
        button->setWarning(sign);
        button->setAccessibleDescription(sign);
    };
    show(sampler_button_, sampler_warning_, theme.colors().bad, tr("Sampling, seed and limits"));
    show(reference_button_, reference_note_, reference_refused_ ? theme.colors().bad : theme.colors().marker,
         tr("What KL is measured against"));
    updateGeometry();
    shareRoom();
}

QString ModelBar::quantLabel(const MethodChoice& choice) const {
    if (choice.id == "none") return stored_format_.isEmpty() ? tr("as stored") : stored_format_;
    const auto method =
        std::find_if(methods_.begin(), methods_.end(), [&](const QuantMethod& known) { return known.id == choice.id; });
    return method != methods_.end() && method->name ? method->name(choice) : QString::fromStdString(choice.id);
}

void ModelBar::updateButtons() {
    const QString model =
        !loading_name_.isEmpty()
            ? tr("loading %1 · %2 %").arg(loading_name_).arg(static_cast<int>(100 * loading_progress_))
        : model_name_.isEmpty() ? tr("no model")
                                : model_name_ + QStringLiteral(" · ") + quantLabel(quant_);
    model_button_->setFullText(model + kArrow);
    const QString file = QString::fromStdString(reference_.path).section(QLatin1Char('/'), -1);
    const QString what =
        reference_.kind == ReferenceKind::None ? tr("no reference")
        : reference_.kind == ReferenceKind::Unquantized
            ? (stored_format_.isEmpty() ? tr("reference: as stored") : tr("reference: stored %1").arg(stored_format_))
            : tr("reference: %1").arg(file);
    reference_button_->setFullText(what + kArrow);
    if (sampler_button_->text().isEmpty()) sampler_button_->setFullText(tr("sampler") + kArrow);
    updateGeometry();
    shareRoom();
}

void ModelBar::openReferenceMenu() {
    const bool seen = reference_button_->isVisible() && !reference_button_->visibleRegion().isEmpty();
    reference_menu_->popup(seen ? reference_button_->mapToGlobal(QPoint(0, reference_button_->height()))
                                : QCursor::pos());
}

void ModelBar::rebuildReferenceMenu() {
    reference_menu_->clear();
    const auto add = [this](const QString& text, ReferenceKind kind) {
        QAction* action = reference_menu_->addAction(text, this, [this, kind] {
            ReferenceSettings chosen = reference_;
            chosen.kind = kind;
            chosen.path.clear();
            setReference(chosen);
            emit referenceChosen(chosen);
        });
        action->setCheckable(true);
        action->setChecked(reference_.kind == kind);
    };
    const QString stored = stored_format_.isEmpty() ? tr("The weights as stored in the file")
                                                    : tr("The weights as stored in the file (%1)").arg(stored_format_);
    add(quant_ == MethodChoice{} ? tr("%1: the model itself").arg(stored) : stored, ReferenceKind::Unquantized);
    add(tr("None: no KL, twice as fast"), ReferenceKind::None);
    QAction* file = reference_menu_->addAction(tr("Another file with the same tokenizer…"), this,
                                               &ModelBar::referenceFileRequested);
    file->setCheckable(true);
    file->setChecked(reference_.kind == ReferenceKind::File);
}

QWidget* ModelBar::makeQuantPage(QWidget* popup) {
    const Theme& theme = Theme::instance();
    auto* page = new QWidget(popup);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(theme.em(0.4));
    auto* method_box = new QComboBox(page);
    method_box->setAccessibleName(tr("Weight format"));
    auto* pages = new QStackedWidget(page);
    method_box->addItem(stored_format_.isEmpty() ? tr("As stored in the file")
                                                 : tr("As stored in the file (%1)").arg(stored_format_));
    pages->addWidget(new QWidget(pages));
    std::vector<ParamForm*> forms{nullptr};
    for (const QuantMethod& method : methods_) {
        method_box->addItem(method.label);
        method_box->setItemData(method_box->count() - 1, method.about, Qt::ToolTipRole);
        auto* form = new ParamForm(method.params, pages);
        if (method.id == quant_.id) form->setValues(quant_);
        if (!method.blocked.isEmpty()) {
            form->setEnabled(false);
            form->setToolTip(method.blocked);
        }
        forms.push_back(form);
        pages->addWidget(form);
        if (method.id == quant_.id) method_box->setCurrentIndex(method_box->count() - 1);
    }
    pages->setCurrentIndex(method_box->currentIndex());
    auto* note = makeCaption({}, page);
    auto* apply = new QPushButton(tr("Load with this format"), page);
    makePrimary(apply);
    apply->setDefault(true);
    const auto chosen = [this, method_box, forms] {
        MethodChoice choice;
        if (const int index = method_box->currentIndex(); index > 0) {
            choice.id = methods_[static_cast<std::size_t>(index) - 1].id;
            forms[static_cast<std::size_t>(index)]->fill(choice);
        }
        return choice;
    };
    const auto show = [this, popup, note, apply, pages, forms, chosen](int index) {
        pages->setCurrentIndex(index);
        const QuantMethod* method = index > 0 ? &methods_[static_cast<std::size_t>(index) - 1] : nullptr;
        const QString blocked = method != nullptr ? method->blocked : QString();
        QString text = method != nullptr ? tr("Quantized in memory at load; the file stays as it is.")
                                         : tr("The weights are used as they are.");
        if (method != nullptr && method->cost) text += QLatin1Char(' ') + method->cost(chosen());
        note->setText(blocked.isEmpty() ? text : blocked);
        apply->setEnabled(blocked.isEmpty() &&
                          (index == 0 || firstFault(forms[static_cast<std::size_t>(index)]).isEmpty()));
        if (popup->isVisible()) QTimer::singleShot(0, popup, &QWidget::adjustSize);  // it keeps the size it opened with
    };
    show(method_box->currentIndex());
    connect(method_box, &QComboBox::currentIndexChanged, page, show);
    for (ParamForm* form : forms) {
        if (form == nullptr) continue;
        for (const auto signal : {&ParamForm::changed, &ParamForm::faultChanged})
            connect(form, signal, page, [method_box, show] { show(method_box->currentIndex()); });
    }
    connect(apply, &QPushButton::clicked, this, [this, popup, chosen] {
        const MethodChoice choice = chosen();
        popup->close();
        setQuant(choice);
        emit quantChosen(choice);
    });
    column->addWidget(makeCaption(tr("Weight format"), page));
    column->addWidget(method_box);
    column->addWidget(pages);
    column->addWidget(note);
    column->addWidget(apply);
    return page;
}

QWidget* ModelBar::makeModelPopup() {
    const Theme& theme = Theme::instance();
    auto* popup = new QFrame(this, Qt::Popup);
    popup->setAttribute(Qt::WA_DeleteOnClose);
    popup->setObjectName(QStringLiteral("popup"));
    auto* column = new QVBoxLayout(popup);
    column->setContentsMargins(theme.em(0.7), theme.em(0.6), theme.em(0.7), theme.em(0.7));
    column->setSpacing(theme.em(0.35));
    if (!loading_name_.isEmpty()) {
        auto* stop = new QPushButton(tr("Stop loading %1").arg(loading_name_), popup);
        column->addWidget(stop);
        connect(stop, &QPushButton::clicked, this, [this, popup] {
            popup->close();
            emit stopLoadingRequested();
        });
    }
    column->addWidget(makeCaption(tr("Model"), popup));
    for (const KnownModel& model : recent_) {
        auto* button = new QPushButton(model.label, popup);
        button->setToolTip(model.missing ? tr("%1 is not there any more").arg(model.path) : model.path);
        button->setEnabled(!model.missing);
        column->addWidget(button);
        connect(button, &QPushButton::clicked, this, [this, popup, path = model.path] {
            popup->close();
            emit recentModelChosen(path);
        });
    }
    auto* open = new QPushButton(tr("Open a model…"), popup);
    open->setIcon(theme.icon(QStringLiteral("open")));
    column->addWidget(open);
    connect(open, &QPushButton::clicked, this, [this, popup] {
        popup->close();
        emit openModelRequested();
    });
    column->addSpacing(theme.em(0.4));
    column->addWidget(makeQuantPage(popup));
    popup->setMinimumWidth(theme.em(17));
    return popup;
}

void ModelBar::openModelPopup() {
    QWidget* popup = makeModelPopup();
    fitContent(popup);
    popUpAt(popup, model_button_);
}

}  // namespace quibble
