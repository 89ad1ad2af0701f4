/** HTML and SVG as template literals in which every value is escaped, unless it is markup itself. */

/** Text that is HTML or SVG already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template; `false` and `undefined` leave nothing, a list is joined. */
export type Piece = Markup | string | number | false | undefined | readonly Piece[];

/** Makes markup of a template: ``markup`<b>${name}</b>` ``. */
export function markup(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(parts.map((part, index) => (index === 0 ? part : textOf(pieces[index - 1]) + part)).join(''));
}

/** Text that can stand in HTML, between tags and in quoted attributes. */
export function escaped(text: string): string {
  // Without the characters that no XML may hold, since drawings are read as XML, too.
  // eslint-disable-next-line no-control-regex
  const legal = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

function textOf(piece: Piece): string {
  if (piece instanceof Markup) return piece.text;
  if (piece === false || piece === undefined) return '';
  if (typeof piece === 'object') return piece.map(textOf).join('');
  return escaped(String(piece));
}
