/** The style sheet of a report: light and dark, wide and narrow, screen and paper. */

// Told apart by people who see fewer colours; at least 3:1 against the page on light and on dark.
const light = ['#1f5fbf', '#b3450b', '#08796b', '#8b2fa8', '#8a6100', '#b3245c', '#3d6b1f', '#5b5f6b'];
const dark = ['#7fb2ff', '#ff9a57', '#43cdb8', '#d795f0', '#e5bd4e', '#ff8db6', '#9dd06f', '#b4b9c6'];

type Theme = Readonly<Record<string, string>>;

const themeOf = (base: Theme, colors: readonly string[]): Theme => ({
  ...base,
  ...Object.fromEntries(colors.map((color, index) => [`c${index}`, color])),
});
const lightTheme = themeOf(
  {page: '#faf9f7', card: '#fff', ink: '#1c1d21', soft: '#5a5d66', rule: '#dddad3', grid: '#ebe8e2', accent: '#1f5fbf'},
  light,
);
const darkTheme = themeOf(
  {page: '#131418', card: '#1c1e24', ink: '#eceae6', soft: '#a9adb8', rule: '#363a44', grid: '#2a2d35', accent: '#7fb2ff'},
  dark,
);
const variables = (theme: Theme): string =>
  Object.entries(theme)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

/** The rules of plots; `color` gives a colour by its name. */
const plotRules = (color: (name: string) => string): string => `
.plot{display:block;overflow:visible;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;font-size:12px}
.plot text{fill:${color('soft')}}.plot .note{fill:${color('ink')};font-weight:600}
.plot .grid{stroke:${color('grid')}}.plot .axis{stroke:${color('soft')}}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.dot{stroke:none}
.band{opacity:.16}.fill{opacity:.22}.paper{fill:${color('card')}}
${light
  .map((_, index) => {
    const own = color(`c${index}`);
    return `.c${index}.line{stroke:${own}}.c${index}.band,.c${index}.fill,.c${index}.dot{fill:${own}}`;
  })
  .join('')}`;

/** The style of a plot that stands alone, light: what draws files knows no variables. */
export const plotStyle: string = plotRules((name) => lightTheme[name] ?? 'none');

/** The style of the page. */
export const pageStyle: string = `
:root{color-scheme:light dark;${variables(lightTheme)}}
@media (prefers-color-scheme:dark){:root{${variables(darkTheme)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:48px}
h1{font-size:clamp(1.7rem,5vw,2.5rem);line-height:1.15;letter-spacing:-.02em;margin:0 0 12px;text-wrap:balance}
h2{font-size:1.35rem;line-height:1.25;letter-spacing:-.01em;margin:56px 0 8px;padding-top:16px;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:0 0 8px}
p{margin:0 0 12px;max-width:70ch}
.over{font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;color:var(--soft);margin:0 0 8px}
.soft,figcaption,caption,footer{color:var(--soft)}
a{color:var(--accent)}a:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin:20px 0 0;font-size:.95rem}
nav a{padding:4px 0}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(172px,1fr));gap:12px 24px;margin:24px 0 0}
dl.facts dt{font-size:.8rem;color:var(--soft)}dl.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{position:relative;overflow-x:auto;margin:12px 0 20px;border:1px solid var(--rule);border-radius:10px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:9px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
tr:last-child>th,tr:last-child>td{border-bottom:0}
th{font-weight:600}tbody th,th:first-child,td.text,th.text{text-align:left}
thead th{color:var(--soft);font-size:.85rem;vertical-align:bottom}
td.text{white-space:normal;min-width:16ch;overflow-wrap:anywhere}
tbody th{position:sticky;left:0;background:var(--card)}
.se{color:var(--soft)}.unit{white-space:nowrap}.verdict{display:block;font-size:.8rem;color:var(--soft)}.best{font-weight:700}.best .se{font-weight:400}
.swatch{display:inline-block;margin-right:8px;vertical-align:middle;flex:none}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:20px;margin:16px 0}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px;margin:0}
.charts .plot{width:100%;height:auto;max-width:440px}
.legend{list-style:none;margin:10px 0 0;padding:0;font-size:.9rem;display:grid;gap:3px}
.legend li{display:flex;align-items:center}.legend b{margin-left:auto;padding-left:12px;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.scale{display:flex;align-items:center;gap:10px;flex-wrap:wrap;margin:12px 0 16px;font-size:.9rem;color:var(--soft)}
.scale img{width:min(240px,30vw);height:12px;border-radius:3px;display:block}
.subject{margin:0 0 20px}
.subject header{padding:0;margin:0 0 12px;display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline}
.subject h3{margin:0}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(158px,calc(50% - 8px)),1fr));gap:16px}
figure{margin:0;min-width:0}.maps figure{max-width:260px}
.maps figure{display:grid;grid-row:span 2;grid-template-rows:subgrid;row-gap:6px;align-items:start}.maps figcaption{align-self:end}
.maps img{display:block;width:100%;height:auto;border-radius:6px}
.maps .plot{width:100%;height:auto;margin-top:8px}
.maps figcaption{font-size:.85rem;line-height:1.35;color:var(--ink);font-weight:600;display:flex;align-items:center}
.maps figcaption span{font-weight:400;color:var(--soft)}
.sub{font-size:.78rem;color:var(--soft);margin:8px 0 -4px;display:flex;justify-content:space-between;gap:8px}.sub b{color:var(--ink);font-variant-numeric:tabular-nums}
dl.words{margin:12px 0}dl.words dt{font-weight:600;margin-top:18px}dl.words dd{margin:2px 0 0;max-width:75ch}
dl.words dd.not::before{content:"It does not say: ";color:var(--soft)}
footer{padding:32px 24px 48px;font-size:.9rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
${plotRules((name) => `var(--${name})`)}
@media (max-width:560px){header,main,footer{padding-left:16px;padding-right:16px}header{padding-top:28px}h2{margin-top:40px}.card{padding:12px}th,td{padding:8px 10px}.maps{gap:14px 12px}.maps figure:first-child{grid-column:1/-1}dl.facts{grid-template-columns:1fr 1fr;gap:12px 16px;font-size:.9rem}}
@media print{
:root{color-scheme:light;${variables(lightTheme)};--page:#fff}
@page{margin:14mm}
body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav{display:none}
header,main,footer{max-width:none;padding:0}
header{padding-top:0}
h2{margin-top:24pt;break-after:avoid}
.scroll{overflow:visible}table{font-size:9pt}th,td{padding:4pt 6pt;white-space:normal}tbody th{white-space:nowrap}tbody th{position:static}
.card,tr,figure,dl.words dd{break-inside:avoid}dl.words dt{break-after:avoid}
.charts{grid-template-columns:1fr 1fr}
.maps{grid-template-columns:repeat(auto-fit,minmax(90px,1fr));gap:8px}.maps .plot{margin-top:3px}.sub{margin:3px 0 0;font-size:7.5pt}.maps figcaption{font-size:8pt}.card{padding:8px}.subject{margin-bottom:8px}.subject header{margin-bottom:4px}
a{color:inherit;text-decoration:none}
}`;
