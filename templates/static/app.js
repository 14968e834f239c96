// Small comforts. Every page works without this file.
'use strict';

// The error summary takes the focus, so that a screen reader starts there.
document.querySelector('[data-focus]')?.focus();

// Copy buttons show themselves only where copying works.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const words = button.textContent;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copiedText;
    setTimeout(() => { button.textContent = words; }, 3000);
  });
}

for (const button of document.querySelectorAll('[data-reveal]')) {
  button.hidden = false;
  const input = document.getElementById(button.dataset.reveal);
  const show = button.textContent;
  button.addEventListener('click', () => {
    const open = input.type === 'password';
    input.type = open ? 'text' : 'password';
    button.textContent = open ? button.dataset.hideText : show;
  });
  // A browser would remember what stands in a plain text field.
  input.form?.addEventListener('submit', () => { input.type = 'password'; });
}

// Counts are taken from the server's number of seconds, never from this machine's clock.
const opened = performance.now();
const since = () => (performance.now() - opened) / 1000;
for (const span of document.querySelectorAll('[data-countdown]')) {
  const total = Number(span.dataset.countdown);
  const words = span.textContent;
  const tick = setInterval(() => {
    const left = Math.max(0, Math.round(total - since()));
    span.textContent = words.replace(/[\d.,]+/, String(left));
    if (left === 0) clearInterval(tick);
  }, 1000);
}

// What was typed survives a change of language; passwords, codes and files are left out.
const keep = 'typed:' + location.pathname;
const typed = () => [...document.querySelectorAll('main input[name], main textarea[name], main select[name]')]
  .filter((x) => !['password', 'file', 'hidden'].includes(x.type) && x.autocomplete !== 'one-time-code');
const stored = sessionStorage.getItem(keep);
if (stored) {
  sessionStorage.removeItem(keep);
  const values = JSON.parse(stored);
  typed().forEach((x, i) => {
    const v = values[i];
    if (!v || v.name !== x.name) return;
    if (x.type === 'radio' || x.type === 'checkbox') x.checked = v.on;
    else x.value = v.value;
  });
}
for (const link of document.querySelectorAll('[data-language]')) {
  link.addEventListener('click', () => {
    const values = typed().map((x) => ({ name: x.name, value: x.value, on: x.checked }));
    if (values.length) sessionStorage.setItem(keep, JSON.stringify(values));
  });
}

// Two minutes before the session ends there is a warning, and one click prolongs it.
const page = document.querySelector('[data-session-left]');
if (page) {
  const { sessionExtend, sessionText, sessionStay, sessionOver } = page.dataset;
  let ends = Number(page.dataset.sessionLeft);
  const box = document.createElement('div');
  box.className = 'session-warning';
  box.setAttribute('role', 'alert');
  const text = document.createElement('p');
  const button = document.createElement('button');
  button.className = 'button';
  button.textContent = sessionStay;
  box.append(text);
  if (sessionExtend) box.append(button);
  button.addEventListener('click', async () => {
    const answer = await fetch(sessionExtend, { credentials: 'same-origin', redirect: 'error' }).catch(() => null);
    if (!answer || !answer.ok) return;
    ends = since() + Number(page.dataset.sessionLeft);
    box.remove();
  });
  setInterval(() => {
    const left = ends - since();
    if (left > 120) return;
    const words = left > 0 ? sessionText : sessionOver;
    if (text.textContent !== words) text.textContent = words;
    if (left <= 0) button.remove();
    if (!box.isConnected) document.body.append(box);
  }, 1000);
}
