/** VitePress' own look, with the colours and the first page of this site. */
import type {Theme} from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import './style.css';

const theme: Theme = DefaultTheme;

export default theme;
