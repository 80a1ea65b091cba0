"""Datasets as tensors in memory.

    images = load("cats-dogs", "train")        # 10,000 images, labels 0 and 1

`cnnref.data.images` holds what a set of images is, `cnnref.data.examples` what any inputs and
targets are; `cnnref.data.collecting` brings data of one's own into memory, `cnnref.data.batches`
cuts it into mini-batches, `cnnref.data.augmentation` changes them at random. `cnnref.data.datasets`
has all that go by a name; `cnnref.data.files` reads and fetches those that are files,
`cnnref.data.kats_cat` and `cnnref.data.far_pairs` make images for one question each. Which network
sees them, and how it is trained, is never said here.
"""

from cnnref.data.augmentation import AUGMENTATIONS
from cnnref.data.batches import Batches, LoadedBatches
from cnnref.data.collecting import are_bytes, collected, paired
from cnnref.data.datasets import (
    DATASETS,
    HELD_OUT,
    SPLITS,
    DatasetInfo,
    UnknownDatasetError,
    fetch,
    files_of,
    load,
    normalization_of,
)
from cnnref.data.examples import Examples
from cnnref.data.far_pairs import far_pairs
from cnnref.data.files import DamagedDataError, MissingDataError, data_folder
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
    "Examples",
    "ImageDataset",
    "ImageSet",
    "LoadedBatches",
    "MissingDataError",
    "Normalization",
    "UnknownDatasetError",
    "are_bytes",
    "class_extract",
    "collected",
    "data_folder",
    "far_pairs",
    "fetch",
    "files_of",
    "kats_images",
    "load",
    "normalization_of",
    "paired",
    "synthetic",
]
