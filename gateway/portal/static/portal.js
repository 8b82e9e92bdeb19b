// Comfort only: everything works without it.
'use strict';

// The words of this file in the page's language; without them they are English.
const WORDS = JSON.parse(document.currentScript.dataset.words || '{}');

// The path that a proxy in front of the gateway adds; mostly empty.
const BASE = new URL(document.currentScript.src).pathname.split('/portal/static/')[0];

function word(text, values = {}) {
  return (WORDS[text] || text).replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

// Times are written in UTC; here they become the reader's own.
for (const time of document.querySelectorAll('time')) {
  const parts = { year: 'numeric', month: 'short', day: 'numeric' };
  if (!('day' in time.dataset)) Object.assign(parts, { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
  if ('seconds' in time.dataset) parts.second = '2-digit';
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, parts);
}

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = word('Copied');
    } catch {
      button.textContent = word('Not copied');
    }
    setTimeout(() => { button.textContent = word('Copy'); }, 2000);
  });
}

// A second click, while the first one's answer is on its way, would cancel that answer, and a new secret with it.
const PATIENCE = 10000;
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = '1';
  // Who has stopped the browser may send it again.
  setTimeout(() => delete form.dataset.sent, PATIENCE);
});
// So may who comes back to a page that the browser has kept.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('[data-sent]')) delete form.dataset.sent;
});

// Requests go to this gateway's own paths, without the portal's cookies, and their answers are shown as text.
const LONGEST = 100000;

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function block(text, label, className) {
  const made = element('pre', text, className);
  made.tabIndex = 0;
  made.setAttribute('role', 'group');
  made.setAttribute('aria-label', label);
  return made;
}

function say(place, text, kind) {
  place.hidden = false;
  place.className = 'answer' + (kind ? ' ' + kind : '');
  place.replaceChildren(element('p', text));
}

function readable(text, type) {
  if (!type.includes('json') || text.length > LONGEST) return text;
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

async function send(place, method, path, headers, body) {
  if (!path.startsWith('/') || path.startsWith('//') || path.startsWith('/\\')) {
    return say(place, word('The path must begin with one /.'), 'bad');
  }
  say(place, word('Sending …'));
  const begun = performance.now();
  let answer, text;
  try {
    answer = await fetch(BASE + path, { method, headers, body, credentials: 'omit', redirect: 'manual', cache: 'no-store' });
    text = await answer.text();
  } catch (error) {
    return say(place, word('The request could not be sent: %(why)s', { why: error.message }), 'bad');
  }
  const took = Math.round(performance.now() - begun);
  if (answer.type === 'opaqueredirect') return say(place, word('The API answered with a redirect, after %(time)s ms.', { time: took }));
  const type = answer.headers.get('content-type') || '';
  say(place, word('%(status)s after %(time)s ms', { status: `${answer.status} ${answer.statusText}`, time: took }), answer.ok ? 'good' : 'bad');
  let id = answer.headers.get('x-request-id') || '';
  if (type.startsWith('application/problem+json')) {
    try { id = JSON.parse(text).request_id || id; } catch { /* not the gateway's own */ }
  }
  if (id) {
    const line = element('p', word('Request id: '));
    line.append(element('code', id, 'break'));
    if (answer.status >= 400) {
      const why = element('a', word('Why was it refused?'));
      why.href = BASE + '/portal/refusals?request=' + encodeURIComponent(id);
      line.append(' ', why);
    }
    place.append(line);
  }
  const seen = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  const details = element('details', '');
  details.append(element('summary', word('Response headers')), block(seen, word('Response headers'), 'code'));
  place.append(details);
  if (text) place.append(block(readable(text.slice(0, LONGEST), type), word('Response body'), 'code'));
}

function busy(form, work) {
  const place = form.querySelector('.answer');
  const button = form.querySelector('button');
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    try { await work(place); } finally { button.disabled = false; button.focus(); }
  });
}

for (const form of document.querySelectorAll('[data-try]')) {
  busy(form, (place) => {
    const { method, path, token } = form.elements;
    if (token && !token.value.trim()) {
      return say(place, word('Paste an access token first: generate one with your application’s keys.'), 'bad');
    }
    const headers = token ? { Authorization: 'Bearer ' + token.value.trim() } : {};
    return send(place, method.value, path.value, headers);
  });
}

// A call of an operation: to the path of its route, with what was filled in.
function pathOf(template, inputs) {
  let path = template;
  const query = new URLSearchParams();
  for (const input of inputs) {
    const { parameter, place } = input.dataset;
    if (place === 'path') {
      // As a whole segment these would lead to another path.
      if (/^\.{0,2}$/.test(input.value)) throw new Error(word('%(parameter)s can’t be “%(value)s”.', { parameter, value: input.value }));
      path = path.replaceAll(`{${parameter}}`, encodeURIComponent(input.value));
    } else if (place === 'query' && input.value) {
      query.append(parameter, input.value);
    }
  }
  return path + (query.size ? `?${query}` : '');
}

function headersOf(form, inputs) {
  const headers = new Headers();
  for (const input of inputs) {
    if (input.dataset.place === 'header' && input.value) headers.set(input.dataset.parameter, input.value);
  }
  for (const line of (form.querySelector('#further')?.value || '').split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) headers.append(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const token = form.querySelector('#access-token')?.value.trim();
  if (token) headers.set('Authorization', `Bearer ${token}`);
  return headers;
}

for (const form of document.querySelectorAll('[data-operation]')) {
  const { method, path } = form.dataset;
  const types = form.querySelector('#media-type');
  let example = types?.selectedOptions[0].dataset.example;
  types?.addEventListener('change', () => {
    const written = form.querySelector('#body');
    // What somebody has written stays.
    const next = types.selectedOptions[0].dataset.example;
    if (written.value === example) written.value = next;
    example = next;
  });
  busy(form, (place) => {
    const inputs = [...form.querySelectorAll('[data-parameter]')];
    const typed = form.querySelector('#body')?.value;
    try {
      const headers = headersOf(form, inputs);
      const body = typed && method !== 'GET' && method !== 'HEAD' ? typed : undefined;
      if (body !== undefined) headers.set('Content-Type', form.querySelector('#media-type').value);
      return send(place, method, pathOf(path, inputs), headers, body);
    } catch (error) {
      return say(place, error.message, 'bad');
    }
  });
}

// The program of the quick start, in this browser: a token from the token endpoint, then the call.
for (const form of document.querySelectorAll('[data-run]')) {
  const { tokenUrl, key, inForm, scope, method, path } = form.dataset;
  busy(form, async (place) => {
    const secret = document.getElementById('consumer-secret');
    let token = document.getElementById('access-token')?.textContent;
    if (secret) {
      say(place, word('Getting a token …'));
      const asked = new URLSearchParams({ grant_type: 'client_credentials' });
      if (scope) asked.set('scope', scope);
      const headers = {};
      if (inForm) {
        asked.set('client_id', key);
        asked.set('client_secret', secret.textContent);
      } else {
        headers.Authorization = 'Basic ' + btoa(`${key}:${secret.textContent}`);
      }
      try {
        const answer = await fetch(BASE + tokenUrl, { method: 'POST', body: asked, headers, credentials: 'omit' });
        const said = await answer.json();
        if (!answer.ok) return say(place, word('No token: %(why)s', { why: said.error_description || said.error }), 'bad');
        token = said.access_token;
      } catch (error) {
        return say(place, word('The token endpoint could not be asked: %(why)s', { why: error.message }), 'bad');
      }
    }
    await send(place, method, path, { Authorization: 'Bearer ' + token });
  });
}

// What the gateway has seen, until it has seen all of it.
for (const card of document.querySelectorAll('[data-progress]')) {
  const { progress, proof } = card.dataset;
  const items = [...card.querySelectorAll('[data-seen]')];
  const left = () => items.some((item) => !item.classList.contains('done'));
  const look = async () => {
    if (!left()) return;
    try {
      const answer = document.hidden ? null : await fetch(progress, { headers: { 'X-Portal-Proof': proof }, cache: 'no-store' });
      if (answer && !answer.ok) return;
      const seen = answer ? await answer.json() : {};
      for (const item of items) {
        if (!seen[item.dataset.seen]) continue;
        item.classList.add('done');
        item.querySelector('.hidden').textContent = word('(done)');
      }
      if (answer) card.querySelector('[data-refused]').hidden = seen.call || !seen.refused;
    } catch { /* asked again */ }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}

// The charts go on, but not while somebody reads the numbers behind them.
if (document.querySelector('[data-live]')) {
  setInterval(() => {
    if (!document.hidden && !document.querySelector('details[open]')) location.reload();
  }, 30000);
}
