/** Reads a data set from a number on: from where it was left if that is the number, otherwise from its begin. */
import type {DecodedImage} from '../src/index.js';
import type {DataSet} from '../src/node/index.js';
import type {Labelled} from './paper-data.js';

/** Returns the pictures `first` … `end − 1` in the order of epoch 0. The set has batches of one picture. */
export function pictureCursor(set: DataSet): (first: number, end: number) => Promise<Labelled> {
  let [place, pictures] = [0, set(0)];
  return async (first, end) => {
    if (first < place) {
      await pictures.return();
      [place, pictures] = [0, set(0)];
    }
    const images: DecodedImage[] = [];
    const labels: number[] = [];
    while (place < end) {
      const {value, done} = await pictures.next();
      if (done === true) break;
      if (place++ < first) continue;
      images.push(...(value.images as DecodedImage[]));
      labels.push(...Array.from(value.labels));
    }
    return {images, labels};
  };
}
