// Comfort only: everything works without it.
'use strict';

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not copied';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}

for (const form of document.querySelectorAll('[data-try]')) {
  form.hidden = false;
  const shown = form.querySelector('pre');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { method, path, token } = form.elements;
    const show = (text) => { shown.hidden = false; shown.textContent = text; };
    if (!path.value.startsWith('/') || path.value.startsWith('//')) return show('The path must begin with one /.');
    if (token && !token.value.trim()) return show('Paste an access token first: generate one with your application’s keys.');
    const headers = token ? { Authorization: 'Bearer ' + token.value.trim() } : {};
    show('Sending …');
    try {
      const answer = await fetch(path.value, { method: method.value, headers, credentials: 'omit', redirect: 'manual', cache: 'no-store' });
      const body = (await answer.text()).slice(0, 20000);
      const type = answer.headers.get('content-type') || '';
      show(`${answer.status} ${answer.statusText}\ncontent-type: ${type}\n\n${body}`);
    } catch (error) {
      show('The request could not be sent: ' + error.message);
    }
  });
}

// The charts go on, but not while somebody reads the numbers behind them.
if (document.querySelector('[data-live]')) {
  setInterval(() => {
    if (!document.hidden && !document.querySelector('details[open]')) location.reload();
  }, 30000);
}
