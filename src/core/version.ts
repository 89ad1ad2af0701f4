/** The library's version, written into saved files. A test compares it with package.json. */
export const VERSION = '0.1.0';
