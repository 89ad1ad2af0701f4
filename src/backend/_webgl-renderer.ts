/** What WebGL would compute on, asked of a context of its own, since that of tfjs is its backend's affair. */

/** The name of the renderer, or undefined where there is no context, or only one that the browser itself calls slow. */
export function webglRenderer(): string | undefined {
  const canvas = typeof OffscreenCanvas === 'undefined' ? document.createElement('canvas') : new OffscreenCanvas(1, 1);
  // As tfjs asks for it.
  const attributes: WebGLContextAttributes = {failIfMajorPerformanceCaveat: true};
  const context = (canvas.getContext('webgl2', attributes) ?? canvas.getContext('webgl', attributes)) as WebGLRenderingContext | null;
  if (context === null) return undefined;
  const unmasked = context.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = context.getParameter(unmasked === null ? context.RENDERER : unmasked.UNMASKED_RENDERER_WEBGL);
  // A page has room for few of them.
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return String(name);
}
