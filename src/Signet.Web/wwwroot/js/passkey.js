// Passkeys: the form's button asks the browser, the answer goes with the form. Everything else works without.
(() => {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const says = form.querySelector('[data-passkey-says]');
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
    form.addEventListener('submit', async event => {
      const field = form.elements.credential;
      if (field.value) return;
      event.preventDefault();
      says.textContent = '';
      try {
        const options = JSON.parse(form.dataset.options);
        const credential = form.dataset.passkey === 'create'
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
        field.value = JSON.stringify(credential.toJSON());
        form.requestSubmit();
      } catch {
        says.textContent = form.dataset.failed;
      }
    });
    // Only now: pressed earlier, the form would go without its answer and count as a failed attempt.
    form.hidden = false;
  }
})();
