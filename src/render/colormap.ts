/**
 * Named colour scales as tables of 256 colours, from d3-scale-chromatic. `'turbo'` (Mikhailov 2019)
 * shows the most detail; `'viridis'`, `'inferno'`, `'magma'`, `'plasma'` and `'cividis'` grow evenly
 * in lightness, so they survive a grey print; `'greys'` runs from black to white.
 */
import {rgb} from 'd3-color';
import {
  interpolateCividis,
  interpolateGreys,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateTurbo,
  interpolateViridis,
} from 'd3-scale-chromatic';

/** The colour scales that can be asked for. */
export type ColormapName = 'cividis' | 'greys' | 'inferno' | 'magma' | 'plasma' | 'turbo' | 'viridis';

const scales: Readonly<Record<ColormapName, (position: number) => string>> = {
  cividis: interpolateCividis,
  // d3's runs from white to black; here more is always brighter.
  greys: (position) => interpolateGreys(1 - position),
  inferno: interpolateInferno,
  magma: interpolateMagma,
  plasma: interpolatePlasma,
  turbo: interpolateTurbo,
  viridis: interpolateViridis,
};

/** Every name, in alphabetical order. */
export const colormapNames: readonly ColormapName[] = Object.keys(scales) as ColormapName[];

const tables = new Map<ColormapName, Uint8Array>();

/**
 * Returns a colour scale as 256 · 3 values in 0–255: entry `i` is the colour at `i / 255`. The table
 * is shared; do not write to it.
 */
export function colorTable(name: ColormapName): Uint8Array {
  let table = tables.get(name);
  if (table === undefined) {
    table = new Uint8Array(256 * 3);
    for (let entry = 0; entry < 256; entry++) {
      const {r, g, b} = rgb(scales[name](entry / 255));
      table.set([Math.round(r), Math.round(g), Math.round(b)], entry * 3);
    }
    tables.set(name, table);
  }
  return table;
}
