"""Datasets as tensors in memory.

    images = load("cats-dogs", "train")        # 10,000 images, labels 0 and 1

Six rooms: `cnnref.data.images` holds what a set of images is, `cnnref.data.batches` cuts it into
mini-batches, `cnnref.data.augmentation` changes them at random, `cnnref.data.files` reads them from
disk and fetches them; `cnnref.data.kats_cat` and `cnnref.data.far_pairs` make images for one
question each. Which network sees them, and how it is trained, is never said here.
"""

from cnnref.data.augmentation import AUGMENTATIONS
from cnnref.data.batches import Batches
from cnnref.data.far_pairs import far_pairs
from cnnref.data.files import (
    DATASETS,
    HELD_OUT,
    SPLITS,
    DamagedDataError,
    DatasetInfo,
    MissingDataError,
    UnknownDatasetError,
    data_folder,
    fetch,
    load,
)
from cnnref.data.images import ImageDataset, ImageSet, Normalization, class_extract, synthetic
from cnnref.data.kats_cat import kats_images

__all__ = [
    "AUGMENTATIONS",
    "DATASETS",
    "HELD_OUT",
    "SPLITS",
    "Batches",
    "DamagedDataError",
    "DatasetInfo",
    "ImageDataset",
    "ImageSet",
    "MissingDataError",
    "Normalization",
    "UnknownDatasetError",
    "class_extract",
    "data_folder",
    "far_pairs",
    "fetch",
    "kats_images",
    "load",
    "synthetic",
]
