"""Makes the small data sets of test/fixtures/data-sets, each in the layout in which its authors publish it.

    python make_fixtures.py OUT

Names and counts are the sets' own where a trap lies in them; pictures are patches of colour, a few pixels large.
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

OUT = Path(sys.argv[1])


def picture(file, colour, size=(24, 16), mode='RGB', kind='JPEG', banner=0, **more):
    """A patch of one colour, its right half darker, so that a mirrored one differs; below it a white banner."""
    width, height = size
    image = Image.new('RGB', size, colour)
    image.paste(tuple(each // 2 for each in colour), (width // 2, 0, width, height))
    if banner:
        image.paste((255, 255, 255), (0, height - banner, width, height))
    file.parent.mkdir(parents=True, exist_ok=True)
    image.convert(mode).save(file, kind, **({'quality': 95} if kind == 'JPEG' else {}), **more)


def text(file, *lines):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(''.join(f'{line}\n' for line in lines))


def mat(file, variables):
    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, variables, do_compression=True, oned_as='row')
    data = file.read_bytes()
    file.write_bytes(b'MATLAB 5.0 MAT-file, written by scipy'.ljust(124) + data[124:])


def structs(names, rows, shape):
    array = np.zeros(len(rows), [(name, object) for name in names])
    for index, row in enumerate(rows):
        for name, value in zip(names, row):
            array[index][name] = value if isinstance(value, str) else np.array([[value]], 'float64')
    return array.reshape(shape)


def cells(values):
    array = np.empty((1, len(values)), object)
    array[0, :] = values
    return array


def imagenet():
    root = OUT / 'imagenet'
    # The numbers of the devkit are not the places of the sorted WNIDs: those are tench 0, setter 1, sheepdog 2, fox 3.
    synsets = [
        (1, 'n02119789', 'kit fox, Vulpes macrotis', 'small grey fox', 0, 3),
        (2, 'n02100735', 'English setter', 'an English breed', 0, 1),
        (3, 'n01440764', 'tench, Tinca tinca', 'freshwater dace-like game fish', 0, 2),
        (4, 'n02105855', 'Shetland sheepdog, Shetland sheep dog, Shetland', 'a small sheepdog', 0, 1),
        (5, 'n00001740', 'entity', 'that which exists', 2, 0),
        (6, 'n02083346', 'canine, canid', 'any of various fissiped mammals', 3, 0),
    ]
    fields = ['ILSVRC2012_ID', 'WNID', 'words', 'gloss', 'num_children', 'num_train_images']
    mat(root / 'ILSVRC2012_devkit_t12/data/meta.mat', {'synsets': structs(fields, synsets, (6, 1))})
    answers = [3, 1, 1, 4, 2, 3]
    text(root / 'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt', *answers)
    picture(root / 'train/n01440764/n01440764_10026.JPEG', (200, 40, 40))
    picture(root / 'train/n01440764/n01440764_18.JPEG', (90, 90, 90), mode='L')
    picture(root / 'train/n02100735/n02100735_7.JPEG', (40, 200, 40), mode='CMYK')
    picture(root / 'train/n02105855/n02105855_2933.JPEG', (40, 40, 200), kind='PNG')
    for number in (3, 20, 100):
        exif = Image.Exif()
        exif[0x0112] = 6  # Lies on its side, says the camera; boxes and published results do not know.
        picture(root / f'train/n02119789/n02119789_{number}.JPEG', (number, 120, 40), **({'exif': exif} if number == 20 else {}))
    for number, answer in enumerate(answers, 1):
        picture(root / f'val/ILSVRC2012_val_{number:08}.JPEG', (30 * number, 60, 250 - 30 * number), size=(20 + number, 16))
        wnid = synsets[answer - 1][1]
        picture(OUT / f'imagenet-by-wnid/val/{wnid}/ILSVRC2012_val_{number:08}.JPEG', (30 * number, 60, 90), size=(20 + number, 16))
    text(OUT / 'imagenet-left-out.txt', 2, 5)
    boxes = ''.join(
        f'<object><name>n01440764</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>\n'
        for x0, y0, x1, y1 in [(0, 4, 21, 32), (10, 8, 42, 16)]
    )
    # The size is not that of the picture, which is 21×16.
    size = '<size><width>42</width><height>32</height><depth>3</depth></size>'
    text(OUT / 'imagenet-boxes/val/ILSVRC2012_val_00000001.xml', '<annotation>', size, boxes + '</annotation>')


def cub():
    root = OUT / 'CUB_200_2011'
    names = ['001.Black_footed_Albatross', '002.Laysan_Albatross', '003.Sooty_Albatross']
    text(root / 'classes.txt', *(f'{index} {name}' for index, name in enumerate(names, 1)))
    rows = [(1, 0, 1), (2, 0, 0), (3, 1, 1), (7, 2, 1), (8, 2, 0)]
    files = {number: f'{names[label]}/{names[label][4:]}_{number:04}_{number * 37}.jpg' for number, label, _ in rows}
    text(root / 'images.txt', *(f'{number} {files[number]}' for number, _, _ in rows))
    # In another order than images.txt: the numbers connect them.
    text(root / 'image_class_labels.txt', *(f'{number} {label + 1}' for number, label, _ in reversed(rows)))
    text(root / 'train_test_split.txt', *(f'{number} {training}' for number, _, training in rows))
    text(root / 'bounding_boxes.txt', *(f'{number} {number}.0 {2.5} {10.0 + number} {9.0}' for number, _, _ in rows))
    for number, label, _ in rows:
        picture(root / 'images' / files[number], (60 * label + 50, 20 * number, 90), mode='L' if number == 3 else 'RGB')


CAR_NAMES = ['AM General Hummer SUV 2000', 'Acura Integra Type R 2001', 'Ram C/V Cargo Van Minivan 2012']
CAR_FIELDS = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2', 'class']
TRAIN_CARS = [(1, 1, 24, 16, 3, '00001.jpg'), (3, 2, 12, 9, 1, '00002.jpg'), (5, 5, 6, 16, 2, '00003.jpg')]
TEST_CARS = [(2, 3, 20, 14, 2, '00001.jpg'), (1, 4, 24, 8, 3, '00002.jpg')]


def cars():
    root = OUT / 'stanford_cars'
    mat(root / 'devkit/cars_meta.mat', {'class_names': cells(CAR_NAMES)})
    mat(root / 'devkit/cars_train_annos.mat', {'annotations': structs([*CAR_FIELDS, 'fname'], TRAIN_CARS, (1, -1))})
    mat(root / 'devkit/cars_test_annos.mat', {'annotations': structs([*CAR_FIELDS[:4], 'fname'], [(*row[:4], row[5]) for row in TEST_CARS], (1, -1))})
    mat(root / 'cars_test_annos_withlabels.mat', {'annotations': structs([*CAR_FIELDS, 'fname'], TEST_CARS, (1, -1))})
    for row in TRAIN_CARS:  # One folder deeper, as copies have it.
        picture(root / 'cars_train/cars_train' / row[5], (200, 50 * row[4], 30))
    for row in TEST_CARS:
        picture(root / 'cars_test' / row[5], (30, 50 * row[4], 200))
    both = [(f'car_ims/{index:06}.jpg', *row[:5], test) for index, (row, test) in enumerate(
        [(row, 0) for row in TRAIN_CARS] + [(row, 1) for row in TEST_CARS], 1)]
    fields = ['relative_im_path', *CAR_FIELDS, 'test']
    mat(OUT / 'cars-in-one/cars_annos.mat', {'annotations': structs(fields, both, (1, -1)), 'class_names': cells(CAR_NAMES)})
    for row in both:
        picture(OUT / 'cars-in-one' / row[0], (40 * row[5], 120, 60))
    copy = OUT / 'cars-as-tables'
    text(copy / 'names.csv', *CAR_NAMES)
    text(copy / 'cardatasettrain.csv', 'id,x1,y1,x2,y2,Class,image', *(f'{index},{",".join(map(str, row[:5]))},{row[5]}' for index, row in enumerate(TRAIN_CARS)))
    # Without a head, and with the names of the classes.
    text(copy / 'anno_test.csv', *(f'"{row[5]}",{",".join(map(str, row[:4]))},"{CAR_NAMES[row[4] - 1]}"' for row in TEST_CARS))
    for split, rows in [('train', TRAIN_CARS), ('test', TEST_CARS)]:
        for row in rows:
            picture(copy / split / row[5], (90, 50 * row[4], 90))


def aircraft():
    data = OUT / 'fgvc-aircraft-2013b/data'
    planes = [
        ('1025794', '707-320', 'Boeing 707', 'Boeing', 'train'),
        ('0056978', 'F-16A/B', 'F-16', 'Lockheed Corporation', 'train'),
        ('1340192', 'Eurofighter Typhoon', 'Eurofighter Typhoon', 'Eurofighter', 'val'),
        ('0450014', 'F-16A/B', 'F-16', 'Lockheed Corporation', 'val'),
        ('1514522', '707-320', 'Boeing 707', 'Boeing', 'test'),
        ('0747566', 'Eurofighter Typhoon', 'Eurofighter Typhoon', 'Eurofighter', 'test'),
    ]
    text(data / 'variants.txt', '707-320', 'Eurofighter Typhoon', 'F-16A/B')
    text(data / 'families.txt', 'Boeing 707', 'Eurofighter Typhoon', 'F-16')
    text(data / 'manufacturers.txt', 'Boeing', 'Eurofighter', 'Lockheed Corporation')
    for level, column in [('variant', 1), ('family', 2), ('manufacturer', 3)]:
        for split in ('train', 'val', 'trainval', 'test'):
            chosen = [plane for plane in planes if plane[4] in split]
            text(data / f'images_{level}_{split}.txt', *(f'{plane[0]} {plane[column]}' for plane in chosen))
    # The last reaches into the banner.
    boxes = [(1, 1, 32, 20), (3, 4, 30, 18), (2, 2, 20, 20), (5, 1, 9, 12), (1, 7, 16, 19), (10, 10, 31, 25)]
    text(data / 'images_box.txt', *(f'{plane[0]} {" ".join(map(str, box))}' for plane, box in zip(planes, boxes)))
    for index, plane in enumerate(planes):
        picture(data / f'images/{plane[0]}.jpg', (40 * index, 100, 160), size=(32, 40), banner=20)


for make in (imagenet, cub, cars, aircraft):
    make()
