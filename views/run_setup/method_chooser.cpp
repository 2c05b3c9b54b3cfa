#include "views/run_setup/method_chooser.h"

#include <algorithm>

#include <QComboBox>
#include <QLabel>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "views/run_setup/param_form.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

static QString utf8(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

MethodInfo methodInfo(const MethodHead& head) {
    MethodInfo info;
    info.id = std::string(head.id);
    info.label = utf8(head.label);
    info.help = utf8(head.help);
    info.params.assign(head.params.begin(), head.params.end());
    info.lossless = head.lossless;
    info.model_files = head.draftModels();
    info.source = utf8(head.source);
    return info;
}

QString aboutMethod(const MethodInfo& method) {
    QString text = method.label;
    for (const QString& more : {method.help, method.source}) {
        if (!more.isEmpty()) text += QLatin1Char('\n') + more;
    }
    return text;
}

MethodChooser::MethodChooser(const QString& name, QWidget* parent)
    : QWidget(parent), box_(new QComboBox(this)), pages_(new QStackedWidget(this)), note_(makeCaption({}, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(Theme::instance().em(0.3));
    box_->setAccessibleName(name);
    wheelOnlyWithFocus(box_);
    box_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box_->setMinimumContentsLength(10);
    column->addWidget(box_);
    column->addWidget(note_);
    column->addWidget(pages_);
    connect(box_, &QComboBox::currentIndexChanged, this, [this](int index) {
        showMethod(index);
        if (!silent_) emit changed();
    });
}

void MethodChooser::setMethods(std::vector<MethodInfo> methods) {
    const MethodChoice before = choice();
    silent_ = true;
    methods_ = std::move(methods);
    box_->clear();
    for (ParamForm* form : forms_) delete form;
    forms_.clear();
    for (const MethodInfo& method : methods_) {
        auto* form = new ParamForm(method.params, pages_);
        connect(form, &ParamForm::changed, this, [this] {
            if (!silent_) emit changed();
        });
        connect(form, &ParamForm::faultChanged, this, [this, form] {
            pages_->setMaximumHeight(std::max(0, form->sizeHint().height()));  // what is wrong stands below the fields
            emit faultChanged();
        });
        pages_->addWidget(form);
        forms_.push_back(form);
        box_->addItem(method.label);
        box_->setItemData(box_->count() - 1, aboutMethod(method), Qt::ToolTipRole);
    }
    silent_ = false;
    setChoice(before);
}

void MethodChooser::setChoice(const MethodChoice& choice) {
    if (methods_.empty()) return;
    silent_ = true;
    const auto found = std::find_if(methods_.begin(), methods_.end(),
                                    [&](const MethodInfo& method) { return method.id == choice.id; });
    const auto index = found == methods_.end() ? 0 : found - methods_.begin();
    if (found != methods_.end()) forms_[static_cast<std::size_t>(index)]->setValues(choice);
    box_->setCurrentIndex(static_cast<int>(index));
    showMethod(static_cast<int>(index));
    silent_ = false;
}

MethodChoice MethodChooser::choice() const {
    MethodChoice choice;
    if (const MethodInfo* chosen = method()) {
        choice.id = chosen->id;
        forms_[static_cast<std::size_t>(box_->currentIndex())]->fill(choice);
    }
    return choice;
}

const MethodInfo* MethodChooser::method() const {
    const int index = box_->currentIndex();
    return index < 0 || index >= static_cast<int>(methods_.size()) ? nullptr
                                                                   : &methods_[static_cast<std::size_t>(index)];
}

QString MethodChooser::note() const { return note_->text(); }

void MethodChooser::showMethod(int index) {
    if (index < 0 || index >= static_cast<int>(forms_.size())) return;
    const MethodInfo& method = methods_[static_cast<std::size_t>(index)];
    // As high as the form that is shown, not as the largest one.
    for (ParamForm* form : forms_) form->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Ignored);
    forms_[static_cast<std::size_t>(index)]->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    pages_->setCurrentIndex(index);
    pages_->setVisible(!method.params.empty());
    pages_->setMaximumHeight(std::max(0, forms_[static_cast<std::size_t>(index)]->sizeHint().height()));
    note_->setText(method.lossless         ? method.help
                   : method.help.isEmpty() ? tr("Lossy.")
                                           : tr("Lossy. %1").arg(method.help));
    note_->setVisible(!note_->text().isEmpty());
    note_->setToolTip(aboutMethod(method));
    box_->setToolTip(aboutMethod(method));
}

}  // namespace quibble
