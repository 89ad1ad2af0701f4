/** What is dropped or chosen: files, also those inside of folders. */

/** All files of a drop; folders are opened. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  // Entries have to be asked for before anything is awaited: then the list is empty.
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry());
  const plain = Array.from(transfer.files);
  if (entries.every((entry) => entry === null)) return plain;
  const lists = await Promise.all(entries.map((entry) => (entry === null ? [] : filesBelow(entry))));
  return lists.flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A folder is read in parts, the last of which is empty.
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) break;
    found.push(...part);
  }
  return (await Promise.all(found.map(filesBelow))).flat();
}

const pictureName = /\.(png|jpe?g|webp|gif|avif|bmp|svg)$/i;

/** Whether files are those of a network; otherwise they count as pictures. */
export function isNetwork(files: readonly File[]): boolean {
  return files.some(({name}) => /\.(json|onnx|bin)$/i.test(name)) && !files.every(isPicture);
}

export function isPicture({name, type}: File): boolean {
  return type.startsWith('image/') || pictureName.test(name);
}
