// Passkeys: what the gateway asks for goes to the browser, and its answer into a form.
'use strict';

function bytesOf(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function textOf(buffer) {
  let binary = '';
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function withBytes(options) {
  const known = (one) => ({ ...one, id: bytesOf(one.id) });
  const read = { ...options, challenge: bytesOf(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytesOf(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = options.excludeCredentials.map(known);
  if (options.allowCredentials) read.allowCredentials = options.allowCredentials.map(known);
  return read;
}

function answerOf(credential) {
  const response = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = textOf(credential.response[name]);
  }
  response.transports = credential.response.getTransports?.() || [];
  return JSON.stringify({
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: {},
    response,
  });
}

// The page has the words, in its language.
function whyNot(error, words) {
  if (error.name === 'InvalidStateError') return words.known;
  return error.name === 'NotAllowedError' ? words.cancelled : words.failed;
}

for (const form of document.querySelectorAll('[data-passkey]')) {
  const place = form.querySelector('[data-said]');
  if (!window.PublicKeyCredential) {
    place.textContent = form.dataset.none;
    place.hidden = false;
    continue;
  }
  const button = form.querySelector('button');
  button.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    place.hidden = true;
    try {
      const { passkey, options, optionsUrl } = form.dataset;
      let asked = options;
      if (optionsUrl) {
        const headers = { 'X-Portal-Proof': form.elements.proof.value };
        const answer = await fetch(optionsUrl, { headers, cache: 'no-store' });
        if (!answer.ok) throw new Error(answer.statusText);
        asked = await answer.text();
      }
      const publicKey = withBytes(JSON.parse(asked));
      const credential = await navigator.credentials[passkey]({ publicKey });
      form.elements.answer.value = answerOf(credential);
      form.submit();
    } catch (error) {
      place.textContent = whyNot(error, form.dataset);
      place.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
