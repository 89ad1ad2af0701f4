/** What each number tells, and what it does not, in a sentence or two. */
import type {ComparisonRow} from '../metrics/compare/options.js';

/** The words of one metric. */
export interface MetricWords {
  /** Whether more is better; `undefined` where neither is. */
  readonly better: 'higher' | 'lower' | undefined;
  readonly tells: string;
  readonly not: string;
}

const words: Readonly<Record<string, MetricWords>> = {
  insertion: {
    better: 'higher',
    tells:
      'The pixels return in the order of the map, most salient first: how soon does the class come back? The number is the area under that curve.',
    not: 'It reads the order of the pixels alone, not their values, and depends on what stands where pixels are hidden. A network may react to the half-hidden picture in ways it never would to a photo.',
  },
  deletion: {
    better: 'lower',
    tells:
      'The pixels go in the order of the map, most salient first: how soon does the class go? The number is the area under that curve.',
    not: 'Alone it can be fooled: a few scattered pixels may break a decision without being its reason. Read it together with insertion.',
  },
  srg: {
    better: 'higher',
    tells:
      'The gap between removing the least salient pixels first and the most salient first. An order by lot gives 0, so the level of the model cancels.',
    not: 'Like insertion and deletion it reads the order alone and shows the network pictures that it was not made for.',
  },
  pointing: {
    better: 'higher',
    tells: 'How often the highest point of the map lies on the object.',
    not: 'It looks at one point, and at where people see the object. The network may have decided by something else, and a map that says so is right and scores badly.',
  },
  energy: {
    better: 'higher',
    tells: 'The share of the map that lies on the object.',
    not: 'It favours small maps, and asks where people see the object, not what the network used.',
  },
  drop: {
    better: 'lower',
    tells: 'How much of the score is lost when the picture is multiplied by its map, as a share of the score.',
    not: 'A map that keeps everything loses nothing, so it says little without the size of the maps.',
  },
  increase: {
    better: 'higher',
    tells: 'The share of images whose score rises when the picture is multiplied by its map.',
    not: 'A yes or no per image: it needs many images, and darkened pictures are not photos.',
  },
  gain: {
    better: 'higher',
    tells: 'How much of the score that was missing is won when the picture is multiplied by its map.',
    not: 'Hardly anything can be won where the network was sure from the start.',
  },
  gini: {
    better: undefined,
    tells: 'How concentrated the map is: 0 where all pixels count alike, near 1 where few have everything.',
    not: 'Concentrated is not right: a single wrong pixel is as concentrated as can be.',
  },
  entropy: {
    better: undefined,
    tells: 'How spread out the map is: low where few pixels have everything.',
    not: 'It says nothing about whether the pixels are the right ones.',
  },
  intensity: {
    better: undefined,
    tells: 'The mean of the map: how much of the picture it calls important.',
    not: 'It depends on how a method scales its values, and says nothing about whether they are right.',
  },
  'mu-fidelity': {
    better: 'higher',
    tells: 'Whether the map adds up: the correlation between what hidden parts are said to matter and what hiding them costs.',
    not: 'It is drawn by lot over a coarse grid, so small differences are noise.',
  },
  sensitivity: {
    better: 'lower',
    tells: 'How far the map moves, at most, when the picture is changed by a little noise.',
    not: 'A map that never changes, whatever the picture, is perfectly stable and useless.',
  },
  seconds: {
    better: 'lower',
    tells: 'How long one map took, on this machine, one image at a time.',
    not: 'It is true for this machine, backend and size alone, and leaves out what a method needs once, such as training.',
  },
};

const unknown: MetricWords = {
  better: undefined,
  tells: 'A metric of the program that made this report, which knows nothing more about it.',
  not: 'What a number does not say is for whoever defined it to state.',
};

/** The words of a metric: of insertion, deletion or srg under another name those of its kind. */
export function metricWords(name: string, rows: readonly ComparisonRow[]): MetricWords {
  const curve = rows.flatMap(({perImage}) => perImage).find(({curves}) => curves !== undefined && Object.hasOwn(curves, name))?.curves?.[
    name
  ];
  const kind = curve?.metric ?? name;
  return Object.hasOwn(words, kind) ? (words[kind] as MetricWords) : unknown;
}
