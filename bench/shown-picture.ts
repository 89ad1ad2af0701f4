/** Pictures as they are put beside maps. */
import {toNetworkInput, type DecodedImage} from '../src/index.js';

/** The picture as a network of this size sees it. */
export async function shownAs(image: DecodedImage, height: number, width: number): Promise<DecodedImage> {
  const input = toNetworkInput(image, {inputShape: [height, width, 3], preprocessing: 'none'});
  const data = Uint8ClampedArray.from(await input.data());
  input.dispose();
  return {data, height, width, channels: 3};
}
