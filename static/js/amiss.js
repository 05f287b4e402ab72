/* What a browser finds missing or wrong in a form is said in the language of the page; the browser's own words are in its own. */
(() => {
  'use strict';
  const words = document.currentScript.dataset, told = new Set();

  function wordsFor(field) {
    const {valueMissing, typeMismatch, patternMismatch} = field.validity;
    if (valueMissing) return field.matches('[data-day]') ? words.day : field.matches('select, [type=radio]') ? words.choice : words.missing;
    return typeMismatch ? words.email : patternMismatch ? words.digits : '';
  }

  // beside the field, or above all of those of which one is to be chosen
  const placeFor = (field) => (field.closest('fieldset:has(> [data-said])') || field.closest('label'))?.querySelector('[data-said]');

  // what was said once would hold the form back for good: it is found again, or not, when the form is sent again
  function forget() {
    for (const field of told) field.setCustomValidity('');
    told.clear();
  }
  for (const kind of ['click', 'keydown', 'input', 'change']) addEventListener(kind, forget, true);

  addEventListener('invalid', (event) => {
    const field = event.target, wrong = wordsFor(field), said = placeFor(field);
    if (!wrong) return;
    field.setCustomValidity(wrong);
    if (field.matches('select')) field.setAttribute('aria-invalid', 'true');
    if (said) {  // there is a place for it beside the field
      event.preventDefault();
      said.textContent = wrong;
      field.setAttribute('aria-invalid', 'true');
      if (!told.size) field.focus();
    }
    told.add(field);
  }, true);
  addEventListener('change', ({target}) => {
    // of a choice that nobody has made yet a browser says that it is wrong, unless it is told
    if (target.matches('select[required]')) target.setAttribute('aria-invalid', 'false');
    const said = target.type === 'radio' && placeFor(target);
    if (!said) return;
    said.textContent = '';
    for (const one of said.parentElement.querySelectorAll('[aria-invalid]')) one.removeAttribute('aria-invalid');
  }, true);
})();
