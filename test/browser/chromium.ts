/** The browser of the tests: Chromium, headless, with WebGL and WebGPU on SwiftShader. */
import type {LaunchOptions} from 'playwright';

// SwiftShader computes on the processor: slow, but in float32, and there on every machine.
const software = ['--enable-unsafe-swiftshader', '--use-angle=swiftshader', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
// Chromium refuses to run as root with its sandbox, and containers usually run as root.
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** How it is started; the variable CHROMIUM names another program. */
export const chromium: LaunchOptions = {
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [...sandbox, ...quiet, ...software],
};

/** What a page needs to be isolated from other origins, without which WebAssembly has no threads. */
export const isolation = {'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp'};
