/**
 * The eight signs that decide a picture's class, as signed distances: negative inside, in units of
 * the sign's radius. Each fits the unit circle and none is a part of another.
 */

/** Signed distance to the border of a figure at a point; negative inside. */
export type Distance = (x: number, y: number) => number;

/** A sign: what is drawn, and its silhouette with holes filled. */
export interface Sign {
  readonly name: string;
  readonly shape: Distance;
  readonly silhouette: Distance;
}

const disc =
  (radius: number, centre: number = 0): Distance =>
  (x, y) =>
    Math.sqrt((x - centre) ** 2 + y * y) - radius;

const minus =
  (whole: Distance, hole: Distance): Distance =>
  (x, y) =>
    Math.max(whole(x, y), -hole(x, y));

const square = (half: number): Distance =>
  polygon([
    [-half, -half],
    [half, -half],
    [half, half],
    [-half, half],
  ]);

const starPoints = Array.from({length: 10}, (_, index): [number, number] => {
  const radius = index % 2 === 0 ? 1 : 0.42;
  const angle = (Math.PI * index) / 5;
  return [radius * Math.sin(angle), -radius * Math.cos(angle)];
});

const moon = minus(disc(0.95), disc(0.8, 0.5));

/** The horns are cut where they get thinner than a pixel. */
const crescent: Distance = (x, y) => Math.max(moon(x, y), x - 0.25);

const plain = (name: string, shape: Distance): Sign => ({name, shape, silhouette: shape});

/** In the order of the class numbers. */
export const signs: readonly Sign[] = [
  plain(
    'arrow',
    polygon([
      [-0.95, -0.24],
      [0.05, -0.24],
      [0.05, -0.8],
      [1, 0],
      [0.05, 0.8],
      [0.05, 0.24],
      [-0.95, 0.24],
    ]),
  ),
  plain('crescent', crescent),
  plain(
    'cross',
    polygon([
      [-0.28, -0.95],
      [0.28, -0.95],
      [0.28, -0.28],
      [0.95, -0.28],
      [0.95, 0.28],
      [0.28, 0.28],
      [0.28, 0.95],
      [-0.28, 0.95],
      [-0.28, 0.28],
      [-0.95, 0.28],
      [-0.95, -0.28],
      [-0.28, -0.28],
    ]),
  ),
  {name: 'frame', shape: minus(square(0.78), square(0.4)), silhouette: square(0.78)},
  plain(
    'hourglass',
    polygon([
      [-0.75, -0.9],
      [0.75, -0.9],
      [0.12, 0],
      [0.75, 0.9],
      [-0.75, 0.9],
      [-0.12, 0],
    ]),
  ),
  {name: 'ring', shape: minus(disc(0.92), disc(0.5)), silhouette: disc(0.92)},
  plain('star', polygon(starPoints)),
  plain(
    'triangle',
    polygon([
      [0, -0.95],
      [0.9, 0.65],
      [-0.9, 0.65],
    ]),
  ),
];

/** Distance to the nearest edge, with the sign of an even-odd test. */
function polygon(points: readonly (readonly [number, number])[]): Distance {
  const edges = points.map((from, index) => [...from, ...(points[(index + 1) % points.length] as readonly [number, number])] as const);
  return (x, y) => {
    let nearest = Infinity;
    let inside = false;
    for (const [ax, ay, bx, by] of edges) {
      nearest = Math.min(nearest, segmentDistance(x, y, ax, ay, bx, by));
      if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
    }
    return inside ? -nearest : nearest;
  };
}

/** Distance from a point to the line between two others. */
export function segmentDistance(x: number, y: number, ax: number, ay: number, bx: number, by: number): number {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length));
  const dx = x - ax - along * (bx - ax);
  const dy = y - ay - along * (by - ay);
  return Math.sqrt(dx * dx + dy * dy); // several times faster than Math.hypot
}
