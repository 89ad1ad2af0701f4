"""Reads the data sets of test/fixtures/data-sets with scipy, PIL and pandas-free Python, and prints what it finds as JSON.

    python read_fixtures.py FOLDER > expected.json

Written for itself, from the sets' own descriptions, so that it and the readers in src/node/data-sets can disagree. For
each split: the files in order, labels from 0, boxes as fractions of the picture, sizes, and the names of the classes.
"""
import csv
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

from PIL import Image
from scipy.io import loadmat

FOLDER = sys.argv[1]


def at(*parts):
    return os.path.join(FOLDER, *parts)


def size(file, banner=0):
    with Image.open(file) as image:
        return image.width, image.height - banner


def fractions(file, corners, banner=0):
    """Corners in pixels from 0, the lower right ones behind the last pixel."""
    width, height = size(file, banner)
    x0, y0, x1, y1 = corners
    clip = lambda value: min(1.0, max(0.0, value))
    return [[clip(x0 / width), clip(y0 / height), clip(x1 / width), clip(y1 / height)]]


def described(folder, files, labels, boxes, names, banner=0):
    return {
        'files': files,
        'labels': labels,
        'boxes': boxes,
        'sizes': [list(size(os.path.join(folder, file), banner)) for file in files],
        'classNames': names,
    }


def imagenet():
    data = 'imagenet/ILSVRC2012_devkit_t12/data'
    synsets = loadmat(at(data, 'meta.mat'), squeeze_me=True)['synsets']
    leaves = {int(row['ILSVRC2012_ID']): (str(row['WNID']), str(row['words'])) for row in synsets if row['num_children'] == 0}
    words = dict(leaves.values())
    wnids = sorted(words)
    names = [words[wnid] for wnid in wnids]
    train = []
    for wnid in sorted(os.listdir(at('imagenet/train'))):
        train += [(f'train/{wnid}/{name}', wnids.index(wnid)) for name in sorted(os.listdir(at('imagenet/train', wnid)))]
    with open(at(data, 'ILSVRC2012_validation_ground_truth.txt')) as lines:
        truth = [wnids.index(leaves[int(line)][0]) for line in lines]
    flat = sorted(os.listdir(at('imagenet/val')))
    nested = sorted((name, wnid) for wnid in os.listdir(at('imagenet-by-wnid/val')) for name in os.listdir(at('imagenet-by-wnid/val', wnid)))
    with open(at('imagenet-left-out.txt')) as lines:
        left = {int(line) for line in lines}
    kept = [index for index in range(len(flat)) if index + 1 not in left]
    tree = ElementTree.parse(at('imagenet-boxes/val/ILSVRC2012_val_00000001.xml'))
    width, height = (int(tree.find(f'size/{side}').text) for side in ('width', 'height'))
    boxes = [
        [int(box.find(name).text) / side for name, side in [('xmin', width), ('ymin', height), ('xmax', width), ('ymax', height)]]
        for box in tree.iter('bndbox')
    ]
    return {
        'imagenet train': described(at('imagenet'), [file for file, _ in train], [label for _, label in train], None, names),
        'imagenet val': described(at('imagenet'), [f'val/{name}' for name in flat], truth, [boxes] + [[]] * (len(flat) - 1), names),
        'imagenet val left out': described(at('imagenet'), [f'val/{flat[i]}' for i in kept], [truth[i] for i in kept], None, names),
        'imagenet val by wnid': described(
            at('imagenet-by-wnid'), [f'val/{wnid}/{name}' for name, wnid in nested], [wnids.index(wnid) for _, wnid in nested], None, names),
    }


def cub():
    def table(name):
        with open(at('CUB_200_2011', name)) as lines:
            return dict(line.split() [:1] + [line.split()[1:]] for line in lines)

    images, labels, split, boxes, classes = (
        table(name) for name in ('images.txt', 'image_class_labels.txt', 'train_test_split.txt', 'bounding_boxes.txt', 'classes.txt'))
    found = {}
    for name, flag in [('train', '1'), ('test', '0')]:
        ids = [number for number in images if split[number] == [flag]]
        files = [images[number][0] for number in ids]
        rows = []
        for number, file in zip(ids, files):
            x, y, width, height = map(float, boxes[number])
            rows.append(fractions(at('CUB_200_2011/images', file), (x, y, x + width, y + height)))
        found[f'cub {name}'] = described(
            at('CUB_200_2011/images'), files, [int(labels[number][0]) - 1 for number in ids], rows,
            [classes[number][0] for number in sorted(classes, key=int)])
    return found


def car_rows(folder, rows, names):
    """Rows of x1, y1, x2, y2, class (from 1) and file."""
    files = [row[5] for row in rows]
    boxes = [fractions(os.path.join(folder, row[5]), (row[0] - 1, row[1] - 1, row[2], row[3])) for row in rows]
    return described(folder, files, [row[4] - 1 for row in rows], boxes, names)


def cars():
    fields = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2', 'class']
    load = lambda *file: loadmat(at(*file), squeeze_me=True)
    rows = lambda annotations, name: [tuple(int(each[field]) for field in fields) + (str(each[name]),) for each in annotations]
    names = [str(name) for name in load('stanford_cars/devkit/cars_meta.mat')['class_names']]
    both = load('cars-in-one/cars_annos.mat')
    own = [str(name) for name in both['class_names']]
    with open(at('cars-as-tables/names.csv')) as lines:
        listed = [line.rstrip('\n') for line in lines]
    with open(at('cars-as-tables/cardatasettrain.csv'), newline='') as lines:
        train = [tuple(int(row[key]) for key in ('x1', 'y1', 'x2', 'y2', 'Class')) + (row['image'],) for row in csv.DictReader(lines)]
    with open(at('cars-as-tables/anno_test.csv'), newline='') as lines:
        test = [tuple(map(int, row[1:5])) + (listed.index(row[5]) + 1, row[0]) for row in csv.reader(lines)]
    in_one = {test: [each for each in both['annotations'] if each['test'] == test] for test in (0, 1)}
    return {
        'cars train': car_rows(at('stanford_cars/cars_train/cars_train'), rows(load('stanford_cars/devkit/cars_train_annos.mat')['annotations'], 'fname'), names),
        'cars test': car_rows(at('stanford_cars/cars_test'), rows(load('stanford_cars/cars_test_annos_withlabels.mat')['annotations'], 'fname'), names),
        'cars in one train': car_rows(at('cars-in-one'), rows(in_one[0], 'relative_im_path'), own),
        'cars in one test': car_rows(at('cars-in-one'), rows(in_one[1], 'relative_im_path'), own),
        'cars as tables train': car_rows(at('cars-as-tables/train'), train, listed),
        'cars as tables test': car_rows(at('cars-as-tables/test'), test, listed),
    }


def aircraft():
    data = 'fgvc-aircraft-2013b/data'
    lines = lambda name: open(at(data, name)).read().splitlines()
    boxes = {parts[0]: [int(each) for each in parts[1:]] for parts in (line.split() for line in lines('images_box.txt'))}
    found = {}
    for level, plural in [('variant', 'variants'), ('family', 'families'), ('manufacturer', 'manufacturers')]:
        names = lines(f'{plural}.txt')
        for split in ('train', 'val', 'trainval', 'test'):
            rows = [re.match(r'(\d{7}) (.+)', line).groups() for line in lines(f'images_{level}_{split}.txt')]
            files = [f'{number}.jpg' for number, _ in rows]
            corners = [(boxes[number][0] - 1, boxes[number][1] - 1, boxes[number][2], boxes[number][3]) for number, _ in rows]
            folder = at(data, 'images')
            found[f'aircraft {level} {split}'] = described(
                folder, files, [names.index(name) for _, name in rows],
                [fractions(os.path.join(folder, file), box, banner=20) for file, box in zip(files, corners)], names, banner=20)
    return found


print(json.dumps({**imagenet(), **cub(), **cars(), **aircraft()}, indent=1))
