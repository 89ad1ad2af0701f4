/** Aligned text tables: the library's own. */
export {formatTable, type Cell, type TableOptions} from '../src/core/format-table.js';
