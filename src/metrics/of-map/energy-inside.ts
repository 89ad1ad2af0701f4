/** The energy-based pointing game (Wang et al. 2020): how much of what speaks for the class lies inside. */
import {evidenceShare, type EvidenceShare} from './evidence-share.js';
import {mapValues} from './map-values.js';
import {regionMask, type PlaneMap, type Region} from './region.js';

/**
 * Computes the share of a map's positive mass inside a region: `Σ_inside max(v, 0) / Σ max(v, 0)`.
 * It is {@link evidenceShare} of the map without its negative values, for boxes as well as masks; a
 * map with values of both signs is allowed here and refused there.
 *
 * @param map A map with its size; values finite.
 * @param region Boxes as fractions, or a mask with one entry per pixel of the map.
 * @returns `share`, 0–1 (0 for a map without positive values), the region's share of the area, and
 *   their ratio.
 * @throws {TypeError | RangeError} If the region is empty or malformed, or a value is not finite.
 * @see Wang et al. 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
 *   Networks", section 4.3.
 * @example
 * const {share} = energyInside(map, [[0.25, 0.1, 0.6, 0.9]]);
 */
export function energyInside(map: PlaneMap, region: Region): EvidenceShare {
  const positive = Float64Array.from(mapValues('energyInside', map), (value) => Math.max(value, 0));
  return evidenceShare({data: positive}, regionMask('energyInside', region, map));
}
