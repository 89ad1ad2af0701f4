/** What the test runner's bundler adds to modules. */
declare module '*?url' {
  const url: string;
  export default url;
}

interface ImportMeta {
  readonly env: Readonly<Record<string, string | undefined>>;
}
