/** A small canvas of fractional pixels on which figures are drawn with smooth edges. */
import type {Rgb} from '../src/render/index.js';
import type {Distance} from './signs.js';

/** Edge of every picture in pixels. */
export const SIZE = 64;

/** `SIZE · SIZE · 3` values, nominally 0–255. */
export type Canvas = Float32Array;

/** Where a figure of radius 1 goes. */
export interface Placement {
  /** Centre in pixels. */
  readonly x: number;
  readonly y: number;
  /** Radius in pixels. */
  readonly radius: number;
  /** Turn in radians, clockwise on the screen. */
  readonly angle: number;
}

/**
 * Calls `visit` for every pixel that a figure touches, with the share of the pixel that it covers.
 * The share is read off the distance of the pixel's centre to the border.
 */
export function cover(shape: Distance, at: Placement, visit: (pixel: number, share: number) => void): void {
  const reach = at.radius * 1.15 + 1;
  const cos = Math.cos(at.angle) / at.radius;
  const sin = Math.sin(at.angle) / at.radius;
  const low = (centre: number): number => Math.max(0, Math.floor(centre - reach));
  const high = (centre: number): number => Math.min(SIZE - 1, Math.ceil(centre + reach));
  for (let row = low(at.y); row <= high(at.y); row++) {
    for (let column = low(at.x); column <= high(at.x); column++) {
      const dx = column + 0.5 - at.x;
      const dy = row + 0.5 - at.y;
      const share = 0.5 - at.radius * shape(cos * dx + sin * dy, cos * dy - sin * dx);
      if (share > 0) visit(row * SIZE + column, Math.min(1, share));
    }
  }
}

/** Draws a figure in one colour. */
export function drawFigure(canvas: Canvas, shape: Distance, at: Placement, color: Rgb): void {
  cover(shape, at, (pixel, share) => {
    for (let channel = 0; channel < 3; channel++) {
      const index = pixel * 3 + channel;
      canvas[index] = (1 - share) * (canvas[index] as number) + share * (color[channel] as number);
    }
  });
}
