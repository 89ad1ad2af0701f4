/** Dark or light: what the system says, until the visitor says otherwise; that is remembered. */
import {byId} from '../app/dom.js';

const KEY = 'theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

export function setUpTheme(): void {
  const button = byId<HTMLButtonElement>('theme');
  const isDark = (): boolean => (document.documentElement.dataset['theme'] ?? (dark.matches ? 'dark' : 'light')) === 'dark';
  const show = (): void => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to ${isDark() ? 'light' : 'dark'} colours`);
  };
  const kept = localStorage.getItem(KEY);
  if (kept !== null) document.documentElement.dataset['theme'] = kept;
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(KEY, theme);
    show();
  });
  dark.addEventListener('change', show);
  show();
}
