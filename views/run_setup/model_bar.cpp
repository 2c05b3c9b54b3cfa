#include "views/run_setup/model_bar.h"

#include <cmath>

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/number_field.h"
#include "views/run_setup/param_form.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

QToolButton* makeBarButton(QWidget* parent, const QString& name) {
    auto* button = new QToolButton(parent);
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
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(7);
    for (QToolButton* button : {model_button_, reference_button_, sampler_button_}) row->addWidget(button);
    model_button_->setToolTip(tr("Choose a model and how its weights are quantized"));
    reference_button_->setToolTip(tr("What KL is measured against"));
    reference_button_->setPopupMode(QToolButton::InstantPopup);
    reference_button_->setMenu(reference_menu_);
    connect(model_button_, &QToolButton::clicked, this, &ModelBar::openModelPopup);
    connect(sampler_button_, &QToolButton::clicked, this, &ModelBar::samplerRequested);
    connect(reference_menu_, &QMenu::aboutToShow, this, &ModelBar::rebuildReferenceMenu);
    connect(&Theme::instance(), &Theme::changed, this, [this] { setSamplerWarning(sampler_warning_); });
    setSamplerWarning({});
    updateButtons();
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
    sampler_button_->setText(summary + kArrow);
}

void ModelBar::setSamplerWarning(const QString& warning) {
    sampler_warning_ = warning;
    const Theme& theme = Theme::instance();
    sampler_button_->setIcon(warning.isEmpty() ? QIcon() : theme.icon(QStringLiteral("warning"), theme.colors().bad));
    sampler_button_->setToolButtonStyle(warning.isEmpty() ? Qt::ToolButtonTextOnly : Qt::ToolButtonTextBesideIcon);
    sampler_button_->setToolTip(warning.isEmpty() ? tr("Sampling, seed and limits") : warning);
    sampler_button_->setAccessibleDescription(warning);
}

QString ModelBar::quantLabel(const MethodChoice& choice) const {
    if (choice.id == "none") return stored_format_.isEmpty() ? tr("as stored") : stored_format_;
    QString label = QString::fromStdString(choice.id).toUpper();
    for (const QuantMethod& method : methods_) {
        if (method.id != choice.id) continue;
        for (const ParamSpec& spec : method.params) {
            const double value = choice.value(spec);
            const QString number = QLocale::c().toString(value, 'g', 6);
            if (spec.key == "bits") label += tr(" %1 bit").arg(number);
            else if (spec.key == "group") label += QStringLiteral(" g") + number;
            else if (spec.key == "symmetric") label += value != 0 ? QString() : tr(" asym");
            else if (value != spec.fallback) label += QStringLiteral(" %1 %2").arg(QString::fromUtf8(spec.key.data(), static_cast<qsizetype>(spec.key.size())), number);
        }
    }
    return label;
}

void ModelBar::updateButtons() {
    const QString model = !loading_name_.isEmpty() ? tr("loading %1 · %2 %").arg(loading_name_).arg(static_cast<int>(100 * loading_progress_))
                          : model_name_.isEmpty()  ? tr("no model")
                                                   : model_name_ + QStringLiteral(" · ") + quantLabel(quant_);
    model_button_->setText(model + kArrow);
    const QString file = QString::fromStdString(reference_.path).section(QLatin1Char('/'), -1);
    const QString what = reference_.kind == ReferenceKind::None          ? tr("no reference")
                         : reference_.kind == ReferenceKind::Unquantized ? (stored_format_.isEmpty() ? tr("reference: stored weights") : tr("reference: %1 weights").arg(stored_format_))
                                                                         : tr("reference: %1").arg(file);
    reference_button_->setText(what + kArrow);
    if (sampler_button_->text().isEmpty()) sampler_button_->setText(tr("sampler") + kArrow);
}

void ModelBar::openReferenceMenu() {
    const bool seen = reference_button_->isVisible() && !reference_button_->visibleRegion().isEmpty();
    reference_menu_->popup(seen ? reference_button_->mapToGlobal(QPoint(0, reference_button_->height())) : QCursor::pos());
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
    add(stored_format_.isEmpty() ? tr("The weights as stored in the file") : tr("The weights as stored in the file (%1)").arg(stored_format_), ReferenceKind::Unquantized);
    add(tr("None: no KL, twice as fast"), ReferenceKind::None);
    QAction* file = reference_menu_->addAction(tr("Another file with the same tokenizer…"), this, &ModelBar::referenceFileRequested);
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
    method_box->addItem(stored_format_.isEmpty() ? tr("As stored in the file") : tr("As stored in the file (%1)").arg(stored_format_));
    pages->addWidget(new QWidget(pages));
    std::vector<ParamForm*> forms{nullptr};
    for (const QuantMethod& method : methods_) {
        method_box->addItem(method.label);
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
    const auto show = [this, note, apply, pages, forms](int index) {
        pages->setCurrentIndex(index);
        const QString blocked = index > 0 ? methods_[static_cast<std::size_t>(index) - 1].blocked : QString();
        note->setText(!blocked.isEmpty() ? blocked : index > 0 ? tr("Quantized in memory at load; the file stays as it is.") : tr("The weights are used as they are."));
        apply->setEnabled(blocked.isEmpty() && (index == 0 || firstFault(forms[static_cast<std::size_t>(index)]).isEmpty()));
    };
    show(method_box->currentIndex());
    for (std::size_t i = 1; i < forms.size(); ++i) connect(forms[i], &ParamForm::faultChanged, page, [show, i] { show(static_cast<int>(i)); });
    connect(method_box, &QComboBox::currentIndexChanged, page, show);
    connect(apply, &QPushButton::clicked, this, [this, popup, method_box, forms] {
        MethodChoice choice;
        if (const int index = method_box->currentIndex(); index > 0) {
            choice.id = methods_[static_cast<std::size_t>(index) - 1].id;
            forms[static_cast<std::size_t>(index)]->fill(choice);
        }
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
