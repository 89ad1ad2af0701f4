/** A GPU in software, for tests of WebGPU where there is no other. */

/** Where Debian's package chromium has the description of SwiftShader's Vulkan driver. */
export const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
